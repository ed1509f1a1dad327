"""Metrics of answers that are JSON: whether they are valid, and how many fields are right."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from tunebook.core.facts import ExampleText
from tunebook.core.metric import ExampleMetric
from tunebook.core.score import ScoreKind, ScoreScale
from tunebook.evaluation.libraries import library

__all__ = ["JsonFields", "JsonValid", "read_answer"]

_FENCED = re.compile(r"\A```(?:json)?\s*\n(.*?)\n?```\Z", re.DOTALL)
_NOTHING = object()


def read_answer(text: str) -> Any:
    """The JSON value of an answer, also one in a fenced block.

    Raises:
        ValueError: it is none.
    """
    stripped = text.strip()
    fenced = _FENCED.match(stripped)
    try:
        return json.loads(fenced[1] if fenced else stripped)
    except RecursionError:
        raise ValueError("nested too deep") from None


class JsonMetric(ExampleMetric):
    """What metrics of JSON have in common.

    Args:
        schema: a JSON schema that answers must fit; none: any JSON.
    """

    gold_rule = "JSON that fits the schema"

    def __init__(self, schema: Mapping[str, Any] | None = None) -> None:
        self._validator: Any = None
        if schema is not None:
            jsonschema = library(self.name, "jsonschema", "jsonschema")
            kind = jsonschema.validators.validator_for(dict(schema))
            try:
                kind.check_schema(dict(schema))
            except jsonschema.SchemaError as error:
                raise ValueError(f"schema: {error.message}") from error
            self._validator = kind(dict(schema))

    def parsable(self, answer: str) -> bool:
        """Whether it is JSON that fits the schema."""
        return self._value(answer) is not _NOTHING

    def _value(self, answer: str) -> Any:
        try:
            value = read_answer(answer)
        except ValueError:
            return _NOTHING
        return value if self._validator is None or self._validator.is_valid(value) else _NOTHING


class JsonValid(JsonMetric):
    """1 when the answer is JSON (that fits the schema), whatever it says."""

    name = "json_valid"

    def score(self, answer: str, gold: str, example: ExampleText | None = None) -> float:
        """1.0 or 0.0."""
        return float(self.parsable(answer))


class JsonFields(JsonMetric):
    """F1 of the fields of answer and gold JSON: a field is a path with its value; order in objects does not count."""

    name = "json_fields"
    scale = ScoreScale(kind=ScoreKind.MEAN, noun="field F1")

    def score(self, answer: str, gold: str, example: ExampleText | None = None) -> float:
        """Of one answer; 0 when it is no JSON, or does not fit the schema."""
        given, wanted = self._value(answer), self._value(gold)
        if given is _NOTHING or wanted is _NOTHING:
            return 0.0
        mine, theirs = Counter(_fields(given)), Counter(_fields(wanted))
        return 2 * sum((mine & theirs).values()) / (sum(mine.values()) + sum(theirs.values()))


def _fields(value: Any, path: str = "$") -> Iterator[tuple[str, str]]:
    """Every leaf as (path, its JSON); empty objects and lists are leaves too."""
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _fields(inner, f"{path}.{json.dumps(name)}")
    elif isinstance(value, list) and value:
        for i, inner in enumerate(value):
            yield from _fields(inner, f"{path}[{i}]")
    else:
        yield path, json.dumps(value)
