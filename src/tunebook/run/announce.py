"""The paragraph in the terminal after each round: what we know, what we ask next, what it cost."""

from __future__ import annotations

from tunebook.core.study import Wave
from tunebook.record import View, build
from tunebook.run.reading import StudyRead
from tunebook.words.marks import plain_text

__all__ = ["round_paragraph"]


def round_paragraph(found: StudyRead, wave: Wave) -> str:
    """The sentences of a judged round, as the record has them, a line each, in the study's language."""
    view = View(found.spec, found.facts, found.history, found.conclusions, tuple(found.notes), found.outlook)
    record = build(view, found.spec.language)
    section = next((each for each in record.rounds if each.number == wave.round), None)
    if section is None:  # the reference has no section of its own
        return ""
    label = record.labels

    def led(name: str, text: str) -> str:
        return f"{label[name]}{label['colon']}{label['word_gap']}{text}"

    sentences = [section.heading, *section.found]
    for name, items in (("shown_equal", section.equal), ("not_shown", section.not_shown)):
        if items:
            sentences.append(led(name, label["list_gap"].join(items) + label["stop"]))
    sentences += section.remarks
    sentences.append(led("cost", section.cost + label["stop"]))
    if section.following:
        sentences.append(led("next", section.following))
    return plain_text("\n".join(sentences))
