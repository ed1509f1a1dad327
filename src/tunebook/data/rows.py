"""Values of a row as texts: found by the name of a column, written as JSON writes them, or refused with their place."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from tunebook.core.row_template import RowTemplate
from tunebook.data.examples import Message, quoted
from tunebook.errors import DataError
from tunebook.phrases import Phrase, as_phrase

__all__ = [
    "Parts",
    "Where",
    "answers_at",
    "clean",
    "filled",
    "has_column",
    "has_no_answer",
    "keys_of",
    "optional_text",
    "text_at",
    "value_at",
    "with_lines",
]

_ABSENT = object()
SEVERAL = ("text", "spans")
"""Keys under which an object holds the answers in a list: {"text": [...]} in SQuAD, {"spans": [...]} in DROP."""


@dataclass(frozen=True)
class Parts:
    """A row in parts.

    Attributes:
        messages: the turns before the answer.
        completion: the answer.
        tools: JSON text of the tools that the chat may call; empty: none.
        references: other answers that are as right.
    """

    messages: tuple[Message, ...]
    completion: str
    tools: str = ""
    references: tuple[str, ...] = ()


@dataclass(frozen=True)
class Where:
    """A row's place, for messages."""

    text: str

    def error(self, key: str, found: str, expected: str, step: str) -> DataError:
        return DataError(
            "{text}: {key}: found {found}; {expected}. {step}",
            text=self.text,
            key=key,
            found=as_phrase(found),
            expected=as_phrase(expected),
            step=as_phrase(step),
        )

    def absent(self, path: str, values: dict[str, Any], expected: str, step: str = "") -> DataError:
        """A key that a row or a turn has not, with those that it has; one that is called otherwise is renamed."""
        key = path.rpartition(".")[2]
        step = step or Phrase("Rename one of them to {key}, or add it.", key=key)
        return self.error(path, Phrase("no such key, but {keys}", keys=keys_of(values)), expected, step)


def keys_of(values: dict[str, Any]) -> Phrase:
    """The keys of a row, for messages."""
    if not values:
        return Phrase("no keys")
    return Phrase("the keys {keys}", keys=", ".join(quoted(key) for key in list(values)[:12]))


def _value_at(value: Any, name: str) -> Any:
    """The value of a column; dots lead into objects and lists where no column has the whole name."""
    here = _inner(value, name)
    if here is not _ABSENT:
        return here
    for at in (i for i, c in enumerate(name) if c == "."):
        inner = _inner(value, name[:at])
        found = _ABSENT if inner is _ABSENT else _value_at(inner, name[at + 1 :])
        if found is not _ABSENT:
            return found
    return _ABSENT


def _inner(value: Any, key: str) -> Any:
    if isinstance(value, dict):
        return value.get(key, _ABSENT)
    is_place = isinstance(value, list) and key.isdecimal() and len(key) < 10
    return value[int(key)] if is_place and int(key) < len(value) else _ABSENT


def has_column(row: dict[str, Any], name: str) -> bool:
    """Whether a row has a column of that name, nested or not."""
    return _value_at(row, name) is not _ABSENT


def value_at(row: dict[str, Any], name: str) -> Any:
    """What stands in a column, nested or not; None where there is none."""
    value = _value_at(row, name)
    return None if value is _ABSENT else value


def text_at(row: dict[str, Any], name: str, where: Where) -> str:
    """A column as text: a text as it is, a number or a truth value as JSON writes it.

    Raises:
        DataError: there is no such column, or it holds nothing, a list or an object.
    """
    return _as_text(_present(row, name, where), name, where)


def optional_text(row: dict[str, Any], name: str, where: Where) -> str:
    """The same; empty where the row has no such column, or null in it."""
    return "" if row.get(name) is None else text_at(row, name, where)


def answers_at(row: dict[str, Any], name: str, where: Where) -> list[str]:
    """All answers in a column: a text, a list of texts (with their places), or an object that holds them. Any other
    object, and a list of objects, is one answer: its JSON, the keys in their order.

    Raises:
        DataError: as `text_at`, or there is none.
    """
    value = _present(row, name, where)
    if isinstance(value, dict):
        value = _held(value)
    elif isinstance(value, list) and value and all(map(_is_span, value)):
        value = [span["text"] for span in value]
    if not isinstance(value, list) or (value and all(isinstance(each, dict | list) for each in value)):
        return [_as_answer(value, name, where)]
    if not value:
        raise where.error(name, "an empty list", "every row has an answer", "Write the answer, or remove the row.")
    return list(dict.fromkeys(_as_text(each, name, where) for each in value))


def _is_span(value: Any) -> bool:
    """Whether a value is a text with its place, as SQuAD's answers are: {"text": ..., "answer_start": 3}."""
    return (
        isinstance(value, dict)
        and isinstance(value.get("text"), str)
        and len(value) > 1
        and all(isinstance(each, int) for key, each in value.items() if key != "text")
    )


def has_no_answer(value: Any) -> bool:
    """Whether a list of answers, or an object that holds one, is empty, as SQuAD 2.0 writes it where there is none."""
    return bool((_held(value) if isinstance(value, dict) else value) == [])


def _held(value: dict[str, Any]) -> Any:
    """The answers that an object holds in a list, and those of TriviaQA ({"value": ..., "aliases": [...]}); any other
    object is an answer itself."""
    inner = next((key for key in SEVERAL if isinstance(value.get(key), list)), None)
    if inner is not None:
        return value[inner]
    return [value["value"], *value["aliases"]] if "value" in value and isinstance(value.get("aliases"), list) else value


def filled(template: RowTemplate, row: dict[str, Any], where: Where, is_answer: bool = False) -> str:
    """A template with a row's values in its places; errors as `text_at`.

    Args:
        is_answer: objects and lists are written as JSON; elsewhere a list of texts is written as lines.
    """
    write = _as_answer if is_answer else _as_lines
    return "".join(
        write(_present(row, piece, where), piece, where) if is_column else piece for piece, is_column in template.pieces
    )


def _present(row: dict[str, Any], name: str, where: Where) -> Any:
    value = _value_at(row, name)
    if value is _ABSENT:
        raise where.absent(name, row, Phrase("every row has {name}", name=name))
    return value


def _as_text(value: Any, name: str, where: Where) -> str:
    if isinstance(value, str):
        return clean(value, name, where)
    if isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return json.dumps(value)
    raise where.error(name, quoted(value), "must be a text or a number", "Write a text, or remove the row.")


def _as_lines(value: Any, name: str, where: Where) -> str:
    """The same, also of a list of texts."""
    if isinstance(value, list) and value and all(isinstance(line, str) for line in value):
        value = "\n".join(value)
    return _as_text(value, name, where)


def _as_answer(value: Any, name: str, where: Where) -> str:
    """A value of an answer as text; an object or a list as JSON."""
    if not isinstance(value, dict | list):
        return _as_text(value, name, where)
    try:
        return clean(json.dumps(value, ensure_ascii=False, allow_nan=False), name, where)
    except (TypeError, ValueError, RecursionError):
        raise where.error(
            name, quoted(value), "must be a text or what JSON can hold", "Write a text, or remove the row."
        ) from None


def clean(value: str, key: str, where: Where) -> str:
    """The text itself; half a surrogate pair cannot be written in UTF-8 and no tokenizer takes it."""
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise where.error(
            key,
            Phrase("half a character (U+{code:04X}) at position {at}", code=ord(value[error.start]), at=error.start),
            "texts are whole Unicode characters",
            "Write the character whole, or remove it.",
        ) from None
    return value


def with_lines(row: dict[str, Any]) -> dict[str, Any]:
    """A row whose lists of texts are written as lines."""
    return {
        key: "\n".join(value) if isinstance(value, list) and all(isinstance(line, str) for line in value) else value
        for key, value in row.items()
    }
