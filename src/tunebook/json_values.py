"""Values of the project as JSON knows them, and JSON schemas as programs like to read them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

import numpy as np

__all__ = ["flat_schema", "to_json"]


def to_json(value: Any, text: Callable[[str], str] = str) -> Any:
    """A value in JSON's own types; NaN and infinities become null.

    Args:
        value: numbers, text, enums, dataclasses, numpy's arrays and scalars, mappings and sequences of such;
            anything else (a path) becomes its text.
        text: applied to every text and key, `escaping.clean` for example.
    """
    if isinstance(value, Enum):
        return to_json(value.value, text)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, np.ndarray | np.generic):
        return to_json(value.tolist(), text)
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_json(getattr(value, field.name), text) for field in fields(value)}
    if isinstance(value, Mapping):
        return {text(str(key)): to_json(each, text) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_json(each, text) for each in value]
    return text(str(value))


def flat_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema as pydantic makes it, with every reference replaced by what it refers to and without titles.

    No type of a schema may contain itself.
    """
    definitions = schema.get("$defs", {})

    def flat(node: Any) -> Any:
        if isinstance(node, list):
            return [flat(each) for each in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            node = definitions[node["$ref"].rpartition("/")[2]] | {k: v for k, v in node.items() if k != "$ref"}
        kept = {name: flat(each) for name, each in node.items() if name not in ("title", "$defs")}
        if "properties" in node:  # a property may well be called title
            kept["properties"] = {name: flat(each) for name, each in node["properties"].items()}
        return _without_lone_types(kept)

    found: dict[str, Any] = flat(schema)
    return found


def _without_lone_types(node: dict[str, Any]) -> dict[str, Any]:
    """A choice between one type and null as one type list: {"type": ["number", "null"]}."""
    options = node.get("anyOf", [])
    if len(options) != 2 or options[1] != {"type": "null"} or not isinstance(options[0].get("type"), str):
        return node
    words = {"enum": [*options[0]["enum"], None]} if "enum" in options[0] else {}
    rest = {name: each for name, each in node.items() if name != "anyOf"}
    kept: dict[str, Any] = options[0] | {"type": [options[0]["type"], "null"]} | words | rest
    return kept
