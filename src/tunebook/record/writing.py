"""Writes all files of the record."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tunebook.record import csv, markdown, results
from tunebook.record.builder import build
from tunebook.record.files import write_atomically
from tunebook.record.view import View

__all__ = ["write"]


def write(folder: Path, view: View, language: str) -> dict[str, Path]:
    """All files of the record, numbers first."""
    folder = Path(folder)
    paths = {
        "results.json": write_atomically(folder / "results.json", results.render(view)),
        "trials.csv": write_atomically(folder / "trials.csv", csv.render(view)),
    }
    record = replace(build(view, language))
    paths["record.md"] = write_atomically(folder / "record.md", markdown.render(record))
    return paths
