"""What the built-in metrics give: against their libraries, and on answers as models write them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tunebook.core.facts import ExampleText
from tunebook.errors import StudyFileError
from tunebook.evaluation import load_metric, standard_scores, statistic
from tunebook.evaluation.libraries import library

GOLDS = ["a", "a", "a", "a", "b", "b", "c"]
ANSWERS = ["a", "A ", "b", "other", "b", "", "c"]


def rows(golds: list[str]) -> list[ExampleText]:
    return [ExampleText(i, f"q{i}", gold) for i, gold in enumerate(golds)]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("macro_f1", (2 / 3 + 0.5 + 1) / 3),  # a: 2 of 4 found, nothing else; b: 1 of 2, one wrong; c: all
        ("balanced_accuracy", (0.5 + 0.5 + 1) / 3),
        ("weighted_f1", (4 * 2 / 3 + 2 * 0.5 + 1) / 7),
    ],
)
def test_labels_are_compared_as_exact_match_does_and_other_answers_are_wrong(name: str, wanted: float) -> None:
    assert statistic(load_metric(name), ANSWERS, rows(GOLDS)) == pytest.approx(wanted)


def test_matthews_is_zero_for_a_constant_answer() -> None:
    metric = load_metric("matthews")
    assert statistic(metric, ["a"] * 7, rows(GOLDS)) == 0
    assert statistic(metric, GOLDS, rows(GOLDS)) == pytest.approx(1)
    assert standard_scores(metric, ["a"] * 7, rows(GOLDS)).mean() == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("name", "answer", "gold", "wanted"),
    [
        ("token_f1", "The Eiffel-Tower!", "eiffeltower", 1.0),
        ("token_f1", "in Paris, France", "Paris", 2 / 4),
        ("token_f1", "北京市", "北京", 4 / 5),
        ("token_f1", "", "x", 0.0),
        ("squad_exact", "the  Paris.", "Paris", 1.0),
        ("squad_exact", "Paris, France", "Paris", 0.0),
        ("rouge_l", "the cat sat", "the cat sat on", 6 / 7),
        ("rouge_l", "猫坐", "猫坐着", 4 / 5),
        ("edit_similarity", "kitten ", "sitting", 1 - 3 / 7),
        ("json_valid", '{"a": 1}', "{}", 1.0),
        ("json_valid", "a: 1", "{}", 0.0),
        ("json_fields", '```json\n{"a": 1, "b": {"c": 2}}\n```', '{"b": {"c": 2}, "a": 1}', 1.0),
        ("json_fields", '{"a": 1, "b": 3}', '{"a": 1, "b": 2}', 0.5),
        ("json_fields", '{"a": "1"}', '{"a": 1}', 0.0),
        ("json_fields", "no", "{}", 0.0),
        ("json_fields", "{}", "{}", 1.0),
    ],
)
def test_scores_of_an_answer(name: str, answer: str, gold: str, wanted: float) -> None:
    assert load_metric(name).score(answer, gold) == pytest.approx(wanted)


def test_answers_must_fit_a_schema() -> None:
    schema = {"type": "object", "required": ["desk"], "properties": {"desk": {"enum": ["hw", "sw"]}}}
    metric = load_metric("json_valid", options={"schema": schema})
    assert [metric.score(text, "{}") for text in ('{"desk": "hw"}', '{"desk": "x"}', "{}")] == [1, 0, 0]
    assert load_metric("json_fields", options={"schema": schema}).score('{"desk": "x"}', '{"desk": "hw"}') == 0
    with pytest.raises(StudyFileError, match="it must be names with their values, in the study file"):
        load_metric("json_valid", options={"schema": "schema.json"})
    with pytest.raises(StudyFileError, match="json_valid does not take these options"):
        load_metric("json_valid", options={"schema": {"type": 3}})


def test_numbers_of_answers() -> None:
    error = load_metric("mae", options={"span": 4})
    assert [error.score(text, "rated 3") for text in ("3.5", "about 1", "none", "1e9")] == [0.5, 2, 4, 4]
    with pytest.raises(StudyFileError, match=r"mae needs the option span"):
        load_metric("mae")
    rank = load_metric("spearman")
    assert statistic(rank, ["10", "20", "40"], rows(["1", "2", "3"])) == pytest.approx(1)
    assert statistic(rank, ["3", "2", "1"], rows(["1", "2", "3"])) == pytest.approx(-1)
    assert statistic(rank, ["?", "?", "?"], rows(["1", "2", "3"])) == 0
    assert math.isfinite(statistic(rank, ["1", "none", "3"], rows(["1", "2", "3"])))


def test_the_result_is_what_the_library_gives() -> None:
    from sklearn.metrics import f1_score

    chance = np.random.default_rng(0)
    golds = list(chance.choice(["a", "b", "c"], 60, p=[0.7, 0.2, 0.1]))
    answers = [gold if chance.random() < 0.6 else str(chance.choice(["a", "b", "c"])) for gold in golds]
    scores = standard_scores(load_metric("macro_f1"), answers, rows(golds))
    assert scores.mean() == pytest.approx(f1_score(golds, answers, average="macro"))


def test_a_library_that_is_not_installed_is_named_with_the_way_to_it() -> None:
    with pytest.raises(StudyFileError, match=r"computed by no-such, .*pip install 'tunebook\[metrics\]'"):
        library("odd", "no_such_module", "no-such")
