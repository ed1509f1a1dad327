"""Writes a study's record from its ledger, and the paragraph shown in the terminal after each round."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tunebook.core.study import Wave
from tunebook.record import View, build, write_all
from tunebook.record.tensorboard import rebuild
from tunebook.run.reading import StudyRead
from tunebook.run.scores.other_metrics import other_metrics
from tunebook.words.marks import plain_text

__all__ = ["answer_paragraphs", "round_paragraph", "write_record", "write_tensorboard"]


def write_tensorboard(study: StudyRead, folder: Path) -> None:
    """Write TensorBoard's folder again if it is missing or empty."""
    board = folder / "tensorboard"
    if "tensorboard" in study.spec.trackers and not any(board.rglob("events*")):
        rebuild(board, study.history, study.spec)


def write_record(
    study: StudyRead,
    folder: Path,
    language: str | None = None,
    figures: bool = True,
    warn: Callable[[str], None] | None = None,
) -> dict[str, Path]:
    """Write record.md, record.html, results.json, trials.csv and the figures. Returns the paths by name.

    `warn` is called with a sentence about figures that could not be drawn; default: the log.
    """
    return write_all(folder, _view(study, others=True), language or study.spec.language, figures, warn)


def answer_paragraphs(study: StudyRead) -> tuple[str, ...]:
    """What the record says first, one paragraph each, as plain text in the study's language."""
    record = build(_view(study), study.spec.language)
    return tuple(plain_text(text) for text in (record.status, *record.answer) if text)


def round_paragraph(study: StudyRead, wave: Wave) -> str:
    """The sentences about a judged round, as in the record, one per line, in the study's language."""
    record = build(_view(study), study.spec.language)
    section = next((each for each in record.rounds if each.number == wave.round), None)
    if section is None:  # the reference has no section
        return ""
    label = record.labels

    def led(name: str, text: str) -> str:
        return f"{label[name]}{label['colon']}{label['word_gap']}{text}"

    sentences = [section.heading, *section.found]
    if section.not_shown:
        sentences.append(led("not_shown", label["list_gap"].join(section.not_shown) + label["stop"]))
    sentences += section.remarks
    sentences.append(led("cost", section.cost + label["stop"]))
    if section.following:
        sentences.append(led("next", section.following))
    return plain_text("\n".join(sentences))


def _view(study: StudyRead, others: bool = False) -> View:
    """What the record is made from; with `others`, also what the metrics say that do not decide."""
    found = other_metrics(study.spec, study.facts, study.history, study.conclusions) if others else ()
    return View(
        spec=study.spec,
        facts=study.facts,
        history=study.history,
        conclusions=study.conclusions,
        notes=tuple(study.notes),
        outlook=study.outlook,
        others=found,
    )
