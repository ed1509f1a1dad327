"""What `tunebook init` writes: the study file for a dataset, with what its first round would detect."""

from __future__ import annotations

from pathlib import Path

from tunebook.core.facts import DataFacts, History, StudyFacts
from tunebook.core.outlook import RoundOutlook
from tunebook.data import Findings, Reading, inspect_data, study_file_text
from tunebook.run.reading import planner_of
from tunebook.study_file import parse_study

__all__ = ["first_compared", "study_file_for"]


def study_file_for(
    data: str, folder: Path, file: str, *, model: str, trials: int, language: str, told: Reading | None = None
) -> tuple[str, Findings]:
    """The text of a study file, and what was seen in its data; see `data.study_file_text`.

    Args:
        file: what messages call the file.
        told: how the rows are read, where the user says it.

    Raises: UserError: the data cannot be read, or the study could not be run as it is.
    """

    def shown(text: str, n_train: int, n_validation: int, n_test: int) -> RoundOutlook | None:
        return first_compared(text, file, DataFacts(n_train=n_train, n_validation=n_validation, n_test=n_test))

    seen = inspect_data(data, folder, language, told)
    return study_file_text(seen, data, model=model, trials=trials, language=language, shown=shown), seen


def first_compared(text: str, file: str, data: DataFacts) -> RoundOutlook | None:
    """The first round of a study file that compares, with the smallest difference that it detects with data of this
    size, as `plan` says it.

    Raises: UserError: the text is no study file that could be run.
    """
    planner = planner_of(parse_study(text, file), StudyFacts(data=data), History(), None)
    return planner.outlook(History()).first_compared
