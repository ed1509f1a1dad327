"""A text with places for the columns of a row: "{text}\\nIntent:". Names only: nothing in it is ever evaluated."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from tunebook.phrases import Phrase, as_phrase

__all__ = ["RowTemplate", "column_template", "template_problem"]

_PIECE = re.compile(r"\{\{|\}\}|\{(?P<name>[^{}]*)\}|(?P<brace>[{}])")


@dataclass(frozen=True)
class RowTemplate:
    """A template as it is written in a study file.

    A place is the name of a column in braces; dots lead into nested columns, and a number after a dot into a list.
    Doubled braces stand for one.
    """

    text: str

    @cached_property
    def pieces(self) -> tuple[tuple[str, bool], ...]:
        """(text, False) and (column, True), in order. Raises ValueError: it is not a template."""
        pieces: list[tuple[str, bool]] = []
        end = 0
        for found in _PIECE.finditer(self.text):
            if found["brace"]:
                raise ValueError(Phrase("a single {brace} at position {at}", brace=found[0], at=found.start()))
            if found["name"] is not None and not found["name"].strip():
                raise ValueError(Phrase("braces without a column at position {at}", at=found.start()))
            pieces.append((self.text[end : found.start()], False))
            pieces.append((found[0][0], False) if found["name"] is None else (found["name"], True))
            end = found.end()
        pieces.append((self.text[end:], False))
        return tuple(piece for piece in pieces if piece[0])

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it names, each once."""
        return tuple(dict.fromkeys(text for text, is_column in self.pieces if is_column))

    @property
    def alone(self) -> str | None:
        """The column that it consists of, or None."""
        return self.columns[0] if len(self.pieces) == 1 and self.pieces[0][1] else None


def template_problem(text: str) -> Phrase | None:
    """What is wrong with a template, as the end of "found ...", or None."""
    try:
        columns = RowTemplate(text).columns
    except ValueError as error:
        return as_phrase(*error.args)
    return None if columns else Phrase("no column in it")


def column_template(name: str) -> str:
    """The template of one column."""
    return f"{{{name}}}"
