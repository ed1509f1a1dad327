"""docs/study-file.md and docs/data.md name every key, factor, form and metric, and their example reads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tunebook.data.formats import FORMATS as FORMS
from tunebook.data.formats import PAIRS
from tunebook.data.sources import SUFFIXES
from tunebook.plugins import METRICS
from tunebook.study_file import parse_study
from tunebook.study_file.factor_table import factor_table
from tunebook.study_file.schema import FORMATS, SECTIONS

DOCS = Path(__file__).parents[2] / "docs"


def keys() -> list[str]:
    nested = {path[0] for path in SECTIONS if path}
    return [
        ".".join((*path, name))
        for path, section in SECTIONS.items()
        for name in section.model_fields
        if path or name not in nested
    ] + ["budget", "seeds"]


@pytest.mark.parametrize("key", [key for key in keys() if not key.startswith(("budget.", "seeds."))])
def test_every_key_of_the_study_file_is_documented(key: str) -> None:
    assert f"| `{key}` |" in (DOCS / "study-file.md").read_text(encoding="utf-8")


def test_the_table_of_factors_is_the_one_of_the_code() -> None:
    assert factor_table() in (DOCS / "study-file.md").read_text(encoding="utf-8"), (
        "write what `python -m tunebook.study_file.factor_table` prints into docs/study-file.md"
    )


def test_example_of_the_study_file_reads() -> None:
    example = re.search(r"```yaml\n(.*?)```", (DOCS / "study-file.md").read_text(encoding="utf-8"), re.DOTALL)
    assert example is not None
    assert parse_study(example[1]).name == "trec"


def test_every_form_container_and_metric_is_documented() -> None:
    text = (DOCS / "data.md").read_text(encoding="utf-8")
    for word in [*FORMS, *SUFFIXES, *METRICS.names, *(key for pair in PAIRS for key in pair)]:
        assert f"`{word}`" in text, word


def test_study_file_and_readers_know_the_same_forms() -> None:
    assert set(FORMATS) == set(FORMS)
