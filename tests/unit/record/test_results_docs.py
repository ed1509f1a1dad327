"""The page about results.json names every key of the schema."""

import re
from pathlib import Path

from tunebook.record.results import schema

PAGE = Path(__file__).parents[3] / "docs" / "results-json.md"


def test_every_key_of_the_schema_is_documented():
    named = set(re.findall(r"`([a-z_0-9]+)", PAGE.read_text(encoding="utf-8")))
    properties = schema()["properties"]
    wanted = set(properties)
    for name in ("trials", "findings", "importance", "interactions", "sweet_spots"):
        wanted |= set(properties[name]["items"]["properties"])
    for name in (
        "study",
        "data",
        "reference",
        "noise",
        "best",
        "cheapest_as_good",
        "boundary",
        "learning_curve",
        "savings",
    ):
        wanted |= set(properties[name]["properties"])
    wanted -= {"candidate_configuration"}
    assert wanted - named == set()
