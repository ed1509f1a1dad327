"""Writes the record of a study from what its ledger says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tunebook.record import write_all
from tunebook.record.tensorboard import rebuild
from tunebook.run.reading import StudyRead

__all__ = ["write_record", "write_tensorboard"]


def write_tensorboard(found: StudyRead, folder: Path) -> None:
    """Write TensorBoard's folder again where it is missing or empty."""
    board = folder / "tensorboard"
    if not any(board.rglob("events*")):
        rebuild(board, found.history, found.spec)


def write_record(
    found: StudyRead,
    folder: Path,
    language: str | None = None,
    figures: bool = True,
    warn: Callable[[str], None] | None = None,
) -> dict[str, Path]:
    """Write record.md, record.html, results.json, trials.csv and the figures; gives the paths by name.

    `warn` is told of figures that could not be drawn; default: the log.
    """
    return write_all(
        folder,
        found.spec,
        found.facts,
        found.history,
        found.conclusions,
        found.notes,
        found.outlook,
        language or found.spec.language,
        figures,
        warn,
    )
