"""The record of a simulated study says whose its model and its times are."""

from dataclasses import replace

import pytest

from tunebook.record import View, opening
from tunebook.record.facts import _spent
from tunebook.words import words_for


@pytest.mark.parametrize(
    ("language", "model", "time"),
    [
        ("en", "of the simulated model, by", "of device time in the simulated world"),
        ("zh", "在模拟模型上", "模拟世界中"),
    ],
)
def test_model_and_time_are_those_of_the_simulated_world(view: View, language: str, model: str, time: str) -> None:
    words, facts = words_for(language), replace(view.facts, model={})
    simulated = replace(view, spec=replace(view.spec, engine="simulated", model="none"), facts=facts)
    assert model in opening.aim(simulated, words)
    assert time in words.cost_fact(_spent(simulated))
    trained = replace(view, spec=replace(view.spec, engine="packed", model="none"), facts=facts)
    assert model not in opening.aim(trained, words)
    assert time not in words.cost_fact(_spent(trained))


def test_comparisons_that_are_not_all_with_the_baseline_are_not_called_so() -> None:
    assert words_for("en").says_effects(1, 0, 5, False) == "6 comparisons: one better, five undecided."
    assert words_for("en").says_effects(1, 0, 5, True).startswith("6 differences from the baseline:")


def test_chinese_claims_no_more_than_english_of_an_effect_that_was_not_seen() -> None:
    assert words_for("en").no_effect_above(0.17) == "not shown; at most 17 points"
    assert words_for("zh").no_effect_above(0.17) == "未证实，至多 17 个百分点"


def test_the_goal_names_the_limits(view: View) -> None:
    limited = replace(view, spec=replace(view.spec, at_most={"length": 200}))
    assert "-Instruct with length at most 200, by choosing" in opening.aim(limited, words_for("en"))
    assert "。限制：length 至多 200。预算：" in opening.aim(limited, words_for("zh"))
