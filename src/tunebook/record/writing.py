"""Writes all files of the record."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tunebook.core.notice import Notice
from tunebook.files import write_atomically
from tunebook.phrases import Phrase
from tunebook.record import csv, html, markdown, results
from tunebook.record.builder import build
from tunebook.record.details import details
from tunebook.record.model import Figure
from tunebook.record.plots import Drawing, draw_all
from tunebook.record.plots.style import chinese_font
from tunebook.record.tensorboard import rebuild
from tunebook.record.view import View
from tunebook.words import words_for

__all__ = ["write"]

_log = logging.getLogger(__name__)

SAFE = Phrase("The numbers are safe in the ledger; `tunebook report` writes the record again.")


def write(
    folder: Path, view: View, language: str, figures: bool = True, warn: Callable[[str], None] | None = None
) -> dict[str, Path]:
    """Write all files of the record, numbers first. `warn` is called with a sentence about missing figures (default:
    the log)."""
    folder = Path(folder)
    paths = {
        "results.json": write_atomically(folder / "results.json", results.render(view), SAFE),
        "trials.csv": write_atomically(folder / "trials.csv", csv.render(view), SAFE),
    }
    drawings = _drawn(view, language, warn or _log.warning) if figures else ()
    for drawing in drawings:
        for suffix, content in (("svg", drawing.svg), ("png", drawing.png)):
            name = f"figures/{drawing.name}.{suffix}"
            paths[name] = write_atomically(folder / name, content, SAFE)
    shown = tuple(Figure(d.name, d.title, d.says) for d in drawings)
    record = replace(build(view, language), figures=shown, figures_lead=_about_letters(language) if shown else "")
    paths["record.md"] = write_atomically(folder / "record.md", markdown.render(record), SAFE)
    page = html.render(record, drawings, details(view, words_for(language, view.scale)))
    paths["record.html"] = write_atomically(folder / "record.html", page, SAFE)
    _restore_board(folder / "tensorboard", view)
    return paths


def _drawn(view: View, language: str, warn: Callable[[str], None]) -> tuple[Drawing, ...]:
    """The figures that can be drawn; `warn` is called with a sentence about the others."""
    failed: dict[str, Exception] = {}
    drawings: tuple[Drawing, ...] = ()
    try:
        drawings = draw_all(view, language, on_failure=failed.__setitem__)
    except Exception as error:  # matplotlib cannot be loaded or set up: the record is written without figures
        failed["all"] = error
    if failed:
        first = next(iter(failed.values()))
        values = {"figures": list(failed), "reason": f"{type(first).__name__}: {first}"}
        warn(words_for(language).notice(Notice("no_figures", values)))
    return drawings


def _about_letters(language: str) -> str:
    """The sentence that the figures' labels are in English because no font has Chinese characters, or nothing."""
    return words_for(language).english_figures() if language == "zh" and chinese_font() is None else ""


def _restore_board(board: Path, view: View) -> None:
    """Write TensorBoard's curves from the ledger if their folder was deleted or could not be written."""
    if "tensorboard" in view.spec.trackers and not board.exists() and any(fact.curve.steps for fact in view.final):
        rebuild(board, view.history, view.spec)
