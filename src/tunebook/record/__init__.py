"""The record: the files in which people read a study's results.

The runner calls only `write_all`. builder.py turns the ledger's facts into a pure value, `Record` (model.py), with
every sentence in place; markdown.py and html.py only lay it out.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tunebook.record.model import Record
from tunebook.record.view import OtherMetric, View

__all__ = ["OtherMetric", "Record", "View", "build", "write_all"]


def build(view: View, language: str = "en") -> Record:
    """The record as data. Pure."""
    from tunebook.record.builder import build as make

    return make(view, language)


def write_all(
    folder: Path,
    view: View,
    language: str = "en",
    figures: bool = True,
    warn: Callable[[str], None] | None = None,
) -> dict[str, Path]:
    """Write record.md, record.html, results.json, trials.csv and figures/ into a study's folder.

    May be called at any time during a study. Each file is replaced as a whole or not at all. The numbers are written
    before the figures, so that a figure that cannot be drawn affects no number.

    Args:
        figures: whether figures are drawn; they take most of the time, so a running study draws them only at its end.
        warn: called with a sentence about figures that could not be drawn; default: the log.

    Returns: path by file name; figures as "figures/<name>.svg" and "figures/<name>.png".
    Raises: DiskFull, UnwritableFolder.
    """
    from tunebook.record.writing import write

    return write(folder, view, language, figures, warn)
