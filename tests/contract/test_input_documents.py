"""docs/study-file.md and docs/data.md name every key, factor, form and metric, and their example reads."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
from bad_studies import BAD, GOOD, changed

from tunebook.data.reading import FORMATS as FORMS
from tunebook.data.sources import SUFFIXES
from tunebook.data.usual import PAIRS
from tunebook.plugins import METRICS
from tunebook.study_file import parse_study
from tunebook.study_file.document import parse_document
from tunebook.study_file.json_schema import json_schema
from tunebook.study_file.keys import KEYS
from tunebook.study_file.tables import change_table, factor_table, key_table

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
STUDY_FILES = (ROOT / "src" / "tunebook" / "demo" / "demo.yaml",)
GOOD_TEXTS = (
    GOOD,
    changed(metric="metric: {name: contains, anything: 3}"),
    changed(
        baseline="baseline: {lr: 1e-4, target_modules: [q_proj]}", space="space: {r: {levels: [8, 16], role: nuisance}}"
    ),
    changed(data="data: {train: a.jsonl, format: null, choices: [yes, no]}", metric="metric: choice"),
    GOOD + "engine: command\ncommand: [python]\ncommand_limits: {hours: 0.5}\ndevice: cuda:1\ntrackers: []\n",
)
OF_ONE_KEY = (
    "unknown key", "unknown key in data", "unknown factor", "wrong type", "number in quotes", "range without end",
    "true where a number belongs", "empty levels", "one level", "scalar in space", "list in baseline", "negative rank",
    "range of words", "wrong word", "learning rate of 0", "dropout of 1", "half an epoch", "modules in one text",
    "language", "no time for a command", "unknown limit", "choices that are numbers", "one choice", "null",
)  # fmt: skip
"""Of the bad studies those that an editor can tell."""


def test_the_tables_of_keys_and_factors_are_those_of_the_code() -> None:
    page = (DOCS / "study-file.md").read_text(encoding="utf-8")
    for table in (key_table(), factor_table(), change_table()):
        assert table in page, "write what `python -m tunebook.study_file.tables` prints into docs/study-file.md"


def test_every_key_is_in_the_table_of_keys() -> None:
    told = {row.split("`")[1] for row in key_table().splitlines()[2:]}
    silent = {"data", "data.columns", "report", "seeds", "command_limits"}  # maps whose keys are told one by one
    assert {key.name for key in KEYS.values()} - told == silent


def test_keys_that_may_change_in_a_begun_study_say_what_that_affects() -> None:
    for key in KEYS.values():
        assert bool(key.about.later) == (key.about.may_change or key.about.may_grow), key.name


# --- the JSON schema ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def schema() -> jsonschema.Draft202012Validator:
    jsonschema.Draft202012Validator.check_schema(json_schema())
    return jsonschema.Draft202012Validator(json_schema())


def values(text: str) -> object:
    return parse_document(text, "study.yaml").values


def test_published_schema_is_the_one_of_the_code() -> None:
    published = json.loads((DOCS / "study.schema.json").read_text(encoding="utf-8"))
    assert published == json_schema(), (
        "write what `python -m tunebook.study_file.json_schema` prints into docs/study.schema.json"
    )


@pytest.mark.parametrize("file", STUDY_FILES, ids=lambda file: file.name)
def test_study_files_of_the_project_fit_the_schema(schema, file: Path) -> None:
    assert not list(schema.iter_errors(values(file.read_text(encoding="utf-8"))))


@pytest.mark.parametrize("text", GOOD_TEXTS)
def test_what_the_reader_takes_fits_the_schema(schema, text: str) -> None:
    parse_study(text)
    assert not list(schema.iter_errors(values(text)))


@pytest.mark.parametrize("name", OF_ONE_KEY)
def test_what_the_reader_refuses_of_one_key_does_not_fit_the_schema(schema, name: str) -> None:
    assert list(schema.iter_errors(values(BAD[name][0])))


def test_example_of_the_study_file_reads_and_fits_the_schema(schema) -> None:
    example = re.search(r"```yaml\n(.*?)```", (DOCS / "study-file.md").read_text(encoding="utf-8"), re.DOTALL)
    assert example is not None
    assert parse_study(example[1]).name == "trec"
    assert not list(schema.iter_errors(values(example[1])))


def test_every_form_container_and_metric_is_documented() -> None:
    text = (DOCS / "data.md").read_text(encoding="utf-8")
    for word in [*FORMS, *SUFFIXES, *METRICS.names, *("/".join(pair) for pair in PAIRS)]:
        assert f"`{word}`" in text, word


def test_study_file_and_readers_know_the_same_forms() -> None:
    assert set(KEYS["data", "format"].about.choices) == set(FORMS)
