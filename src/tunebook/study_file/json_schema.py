"""The study file as a JSON schema, from which editors complete and check YAML.

`python -m tunebook.study_file.json_schema` prints it, as docs/study.schema.json holds it.
"""

from __future__ import annotations

import json
from typing import Any

from tunebook.core.configuration import ALL_LINEAR
from tunebook.core.factor import ALIASES, FACTOR_KINDS, FactorKind, Scale
from tunebook.json_values import flat_schema
from tunebook.study_file.keys import KEYS
from tunebook.study_file.schema import StudySection, bounds

__all__ = ["json_schema"]


def json_schema() -> dict[str, Any]:
    """The JSON schema of a study file (draft 2020-12). What keys must say about each other, it does not hold."""
    schema = flat_schema(StudySection.model_json_schema())
    properties = schema["properties"]
    for path, key in KEYS.items():
        if key.about.pattern and r"\w" not in key.about.pattern:  # which is ASCII alone in editors
            for texts in _texts(properties[path[0]]):
                texts["pattern"] = f"^({key.about.pattern})$"
    properties["metric"] = {
        "description": properties["metric"].pop("description"),
        "anyOf": [{"type": "string", "minLength": 1}, properties["metric"]],
    }
    for name, of_factor in (("baseline", _one_value), ("space", _varied)):
        by_name = {factor: of_factor(kind) for factor, kind in FACTOR_KINDS.items()}
        by_name |= {alias: {"$ref": f"#/properties/{name}/properties/{full}"} for alias, full in ALIASES.items()}
        properties[name] |= {"properties": by_name, "additionalProperties": False}
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "A study of tunebook"}
    return head | schema


def _texts(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """The texts that a key may be or hold."""
    options = [schema, *schema.get("anyOf", ())]
    options += [option["items"] for option in options if "items" in option]
    return [option for option in options if option.get("type") == "string"]


def _one_value(kind: FactorKind) -> dict[str, Any]:
    null = [{"type": "null"}] if kind.null else []
    options = [*_values(kind), *null]
    return {"description": kind.description, **(options[0] if len(options) == 1 else {"anyOf": options})}


def _values(kind: FactorKind) -> list[dict[str, Any]]:
    if kind.is_list:
        modules = {"type": "array", "items": {"type": "string", "pattern": r"^[\w.-]+$"}}
        return [{"const": ALL_LINEAR}, {"type": "string", "pattern": r"^[\w.-]+$"}, modules]
    if kind.choices:
        pattern = [{"type": "string", "pattern": f"^({kind.pattern[0]})$"}] if kind.pattern else []
        return [{"enum": list(kind.choices)}, *pattern]
    if kind.value_type is bool:
        return [{"type": "boolean"}]
    names = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
    ends = {names[name]: end for name, end in bounds(kind).items()}
    return [{"type": "integer" if kind.value_type is int else "number", **ends}]


def _varied(kind: FactorKind) -> dict[str, Any]:
    value = {name: each for name, each in _one_value(kind).items() if name != "description"}
    role = {"role": {"enum": ["scientific", "nuisance"]}}
    levels = {"type": "array", "items": value, "minItems": 2}
    options: list[dict[str, Any]] = [levels, _map({"levels": levels}, role)]
    if kind.scale in (Scale.LOG, Scale.LINEAR):
        options.append(_map({"low": value, "high": value}, role))
    return {"description": kind.description, "anyOf": options}


def _map(required: dict[str, Any], optional: dict[str, Any]) -> dict[str, Any]:
    properties = required | optional
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


if __name__ == "__main__":
    print(json.dumps(json_schema(), indent=1, ensure_ascii=False))
