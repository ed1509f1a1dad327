"""Rows inside one JSON object: a list under a key, rows by their ids, columns of values, and SQuAD's nesting.

A file of rows is a list; but data sets are also kept as {"version": ..., "data": [...]}, {"q1": {...}, "q2": {...}}, or
as a table is written by columns ({"text": {"0": ...}, "label": {"0": ...}}). Where more than one list of rows stands in
an object nothing says which is meant.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tunebook.data.guess import is_asked

__all__ = ["lists_of_rows", "rows_within"]

FEWEST = 2
"""An object with fewer rows than this is no data set."""
OF_TURNS = ("role", "from", "speaker")
"""Objects with such a key are the turns of a chat, and the object that holds them is one row."""


def lists_of_rows(value: Any) -> list[str]:
    """The keys of an object under which lists stand."""
    return [key for key, held in value.items() if isinstance(held, list) and held] if isinstance(value, dict) else []


def rows_within(value: Any) -> list[dict[str, Any]] | None:
    """The rows of an object, or None where they are not plain."""
    if not isinstance(value, dict) or not value:
        return None
    if len(value) == 1 and isinstance((alone := next(iter(value.values()))), dict):
        return rows_within(alone)
    lists = [held for held in value.values() if _are_rows(held)]
    if len(lists) == 1 and not any(isinstance(held, dict) or (held and held not in lists) for held in _grouped(value)):
        return _unnested(lists[0])
    held = [*value.values()]
    if len(held) < FEWEST:
        return None
    if all(isinstance(each, dict) and each for each in held):
        return _of_objects(value)
    if all(map(_is_column, held)) and len({*map(len, held)}) == 1:
        return [dict(zip(value, values, strict=True)) for values in zip(*held, strict=True)]
    return None


def _grouped(value: dict[str, Any]) -> list[Any]:
    """What an object holds besides plain values."""
    return [held for held in value.values() if isinstance(held, dict | list)]


def _are_rows(value: Any) -> bool:
    """Whether a value is a list of objects that are no turns of a chat."""
    is_list = isinstance(value, list) and len(value) > 0 and all(isinstance(each, dict) for each in value)
    return is_list and not any(key in value[0] for key in OF_TURNS)


def _is_column(value: Any) -> bool:
    return isinstance(value, list) and len(value) >= FEWEST and not any(isinstance(each, dict | list) for each in value)


def _of_objects(value: dict[str, dict[str, Any]]) -> list[dict[str, Any]] | None:
    """Rows by their ids, or columns by theirs: where all objects have the same keys, the keys that are numbers say
    which way round the table is."""
    keys = [each.keys() for each in value.values()]
    is_by_columns = all(each == keys[0] for each in keys) and all(str(key).isdecimal() for key in keys[0])
    if is_by_columns and not all(str(key).isdecimal() for key in value):
        return [{column: each[at] for column, each in value.items()} for at in keys[0]]
    first = next(iter(value.values()))
    if all({*first} <= {*each} for each in value.values()) and not any(_are_rows(each) for each in first.values()):
        return [*value.values()]
    return None


def _unnested(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows, or what is nested in them down to where something is asked: articles, their paragraphs, the
    questions on each. A nested row has the plain values of what it stands in."""
    found = [*rows]
    while not any(map(is_asked, found[0])):
        nested = [key for key, held in found[0].items() if _are_rows(held)]
        if len(nested) != 1 or not all(isinstance(row.get(nested[0]), list) for row in found):
            return [*rows]
        key = nested[0]
        found = [
            {name: each for name, each in row.items() if not isinstance(each, dict | list)} | inner
            for row in found
            for inner in row[key]
            if isinstance(inner, dict)
        ]
        if not found:
            return [*rows]
    return found
