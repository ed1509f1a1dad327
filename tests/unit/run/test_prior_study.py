"""`prior: FOLDER`: a study begins with what an earlier one found."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_whole_simulated_study import study_file

from tunebook import Study
from tunebook.core.study import RoundKind
from tunebook.errors import StudyFileError
from tunebook.run.reading import read_study

__all__ = ["study_file"]

pytestmark = pytest.mark.usefixtures("few_pictures")


def second(study_file: Path, prior: str) -> Study:
    text = study_file.read_text(encoding="utf-8").replace("study: small", "study: second")
    file = study_file.with_name("second.yaml")
    text = text.replace("one_factor", "model")
    file.write_text(f"{text}prior: {prior}\n", encoding="utf-8")
    return Study.load(file)


def test_the_second_study_pilots_near_what_the_first_found(study_file: Path) -> None:
    Study.load(study_file).run()
    study = second(study_file, "runs/small")
    study.run()
    found = read_study(study.paths)
    assert found.facts.data.prior
    pilots = [f for f in found.history.trials.values() if f.trial.kind is RoundKind.PILOT]
    assert 3 <= len(pilots) < 9
    again = second(study_file, "runs/small")
    assert again.status().finished


def test_a_study_that_is_not_there_is_told(study_file: Path) -> None:
    with pytest.raises(StudyFileError, match="elsewhere"):
        second(study_file, "runs/elsewhere").run()
