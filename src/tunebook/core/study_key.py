"""What a key of the study file is, beside its type and its default: one row for each field of `core.study_spec`.

Reading, messages, writing, what may change in a begun study, the table in docs/study-file.md and the JSON schema
follow from these rows.
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field
from typing import Any

__all__ = ["StudyKey", "key"]


@dataclass(frozen=True, kw_only=True)
class StudyKey:
    """One key of the study file.

    Attributes:
        what: completes "must be ..." in messages; gives the unit.
        example: a value as it is written in YAML.
        meaning: its cell in the documents, in Markdown; empty: a map whose keys have rows of their own.
        default: how the documents name the default; empty: as the value itself.
        path: where it stands, "report.language"; empty: the field's own name.
        section: the map that it stands in, where no field of the specification is that map.
        choices: the words that it may be; empty: any.
        pattern: a regular expression that a text fits in whole.
        free_text: a text that may be empty, have blanks at its ends and hold several lines.
        minimum, maximum: bounds of a number, part of the allowed values unless open.
        min_items: fewest elements of a list.
        always_written: written to a study file even where it has its default.
        may_change: a begun study accepts another value, which changes nothing that was measured or judged before.
        may_grow: a begun study accepts a larger value, or none.
        later: what such a change affects, in Markdown; each key that may change or grow has this.
    """

    what: str
    example: str
    meaning: str = ""
    default: str = ""
    path: str = ""
    section: StudyKey | None = None
    choices: tuple[str, ...] = ()
    pattern: str | None = None
    free_text: bool = False
    minimum: float | None = None
    minimum_open: bool = False
    maximum: float | None = None
    maximum_open: bool = False
    min_items: int = 0
    always_written: bool = False
    may_change: bool = False
    may_grow: bool = False
    later: str = ""


def key(value: Any, what: str, meaning: str = "", *, example: str, **about: Any) -> Any:
    """A dataclass field with its `StudyKey`. `value` is the default; `...`: the key is required."""
    row = StudyKey(what=what, meaning=meaning, example=example, **about)
    return field(default=MISSING if value is ... else value, metadata={"key": row})
