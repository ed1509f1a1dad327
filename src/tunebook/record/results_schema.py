"""The JSON schema of results.json, made from its types.

`python -m tunebook.record.results_schema` prints it, as record/assets/results.schema.json holds it.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from tunebook.json_values import flat_schema
from tunebook.record.results import SCHEMA_VERSION
from tunebook.record.results_types import Results

__all__ = ["results_schema"]


class _Generator(GenerateJsonSchema):
    def float_schema(self, schema: Any) -> JsonSchemaValue:
        return {"type": ["number", "null"]}  # NaN and infinity are null

    def dataclass_schema(self, schema: Any) -> JsonSchemaValue:
        """Every key is there, and no other."""
        made = super().dataclass_schema(schema)
        return made | {"required": list(made["properties"]), "additionalProperties": False}


def results_schema() -> dict[str, Any]:
    """The JSON schema of results.json (draft 2020-12)."""
    schema = flat_schema(TypeAdapter(Results).json_schema(mode="serialization", schema_generator=_Generator))
    schema["properties"]["schema_version"] = {"const": SCHEMA_VERSION}
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:tunebook:results:{SCHEMA_VERSION}",
        "title": "results.json",
    }
    return head | schema


if __name__ == "__main__":
    print(json.dumps(results_schema(), indent=1, ensure_ascii=False))
