"""The record: what people read of a study, and the files that they take away.

`write_all` is all that the runner calls. Between the ledger's facts and the writers stands a pure value, `Record`
(model.py), made by builder.py with every sentence in place; markdown.py and html.py only lay it out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tunebook.core.facts import History, StudyFacts
from tunebook.core.findings import StudyFindings
from tunebook.core.outlook import Outlook
from tunebook.core.study import StudySpec
from tunebook.record.model import Record
from tunebook.record.view import View

__all__ = ["Record", "View", "build", "write_all"]


def build(view: View, language: str = "en") -> Record:
    """The record as data; pure."""
    from tunebook.record.builder import build as make

    return make(view, language)


def write_all(
    folder: Path,
    spec: StudySpec,
    facts: StudyFacts,
    history: History,
    conclusions: StudyFindings,
    notes: Sequence[tuple[str, Mapping[str, Any]]] = (),
    outlook: Outlook | None = None,
    language: str = "en",
    figures: bool = True,
    warn: Callable[[str], None] | None = None,
) -> dict[str, Path]:
    """Write record.md, record.html, results.json, trials.csv and figures/ into a study's folder.

    May be called at any time of a study's life. Each file is replaced whole or not at all; the numbers are written
    before the pictures, so that a picture that cannot be drawn costs no number.

    Args:
        figures: whether pictures are drawn; they take most of the time, so a running study leaves them to its end.
        warn: told in a sentence of pictures that could not be drawn; default: the log.

    Returns: path by file name; figures as "figures/<name>.svg" and "figures/<name>.png".
    Raises: DiskFull, UnwritableFolder.
    """
    from tunebook.record.writing import write

    return write(folder, View(spec, facts, history, conclusions, tuple(notes), outlook), language, figures, warn)
