"""The paragraph in the terminal after each round: what we know, what we ask next, what it cost."""

from __future__ import annotations

from tunebook.core.study import Wave
from tunebook.record import View, build
from tunebook.record.text import plain_text
from tunebook.run.reading import StudyRead

__all__ = ["round_paragraph"]


def round_paragraph(found: StudyRead, wave: Wave) -> str:
    """The sentences of a judged round, as the record has them, as one paragraph in the study's language."""
    view = View(found.spec, found.facts, found.history, found.conclusions, tuple(found.notes), found.outlook)
    record = build(view, found.spec.language)
    section = next((each for each in record.rounds if each.number == wave.round), None)
    if section is None:  # the reference has no section of its own
        return ""
    sentences = [*section.found, *section.equal, *section.not_shown, *section.remarks, section.following, section.cost]
    gap = "" if found.spec.language == "zh" else " "
    return plain_text(f"{section.heading}: " + gap.join(each for each in sentences if each))
