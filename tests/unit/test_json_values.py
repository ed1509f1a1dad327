"""Values as JSON: what becomes of every kind of value, and what a flat schema keeps."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

import numpy as np
import pytest

from tunebook.json_values import flat_schema, to_json


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Point:
    x: float
    tags: tuple[str, ...] = ()


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (float("nan"), None),
        (float("-inf"), None),
        (np.float64("nan"), None),
        (np.float32(0.5), 0.5),
        (np.bool_(True), True),
        (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (np.array([1.0, np.inf]), [1.0, None]),
        (True, True),
        (2**60, 2**60),
        (Colour.RED, "red"),
        (PurePosixPath("a/b"), "a/b"),
        (Point(float("nan"), ("a",)), {"x": None, "tags": ["a"]}),
        ({1: {Colour.RED: (1, None)}}, {"1": {"red": [1, None]}}),
        (frozenset({3}), [3]),
    ],
)
def test_a_value_becomes_json(value: object, wanted: object) -> None:
    found = to_json(value)
    assert found == wanted
    assert type(found) is type(wanted)
    assert json.loads(json.dumps(found, allow_nan=False)) == wanted


def test_text_is_treated_everywhere_it_stands() -> None:
    assert to_json({"a": ["b", Colour.RED]}, str.upper) == {"A": ["B", "RED"]}


def test_flat_schema_has_no_references_or_titles_but_keeps_a_property_of_that_name() -> None:
    schema = {
        "title": "Whole",
        "properties": {
            "title": {"title": "Title", "type": "string"},
            "part": {"$ref": "#/$defs/Part", "default": None},
        },
        "$defs": {"Part": {"title": "Part", "anyOf": [{"enum": ["a"], "type": "string"}, {"type": "null"}]}},
    }
    assert flat_schema(schema) == {
        "properties": {
            "title": {"type": "string"},
            "part": {"type": ["string", "null"], "enum": ["a", None], "default": None},
        }
    }
