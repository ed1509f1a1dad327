"""Predicted tokens, seconds and bytes."""

from __future__ import annotations

import math

from tunebook.core.configuration import Configuration
from tunebook.core.cost import Prediction, predict_trial, predict_trials, relative_cost, training_tokens
from tunebook.core.facts import DataFacts, History
from tunebook.core.ports import Calibration
from tunebook.core.space import Folding
from tunebook.planning.planner import StudyPlanner, foreseen
from tunebook.testing.planner_suite import example_facts, example_study

FACTS = DataFacts(n_train=500, n_validation=200, n_test=100, longest_tokens=120, mean_tokens=80.0)
CALIBRATION = Calibration(
    train_tokens_per_second=400.0,
    score_examples_per_second=20.0,
    one_by_one_tokens_per_second=100.0,
    base_bytes=500,
    trial_bytes=16,
    device="test",
)
BASE = Configuration(num_train_epochs=3, lora_r=8, max_length=512)


def test_tokens_are_passes_times_examples_times_mean_length():
    assert training_tokens(BASE, FACTS) == 3 * 500 * 80


def test_truncation_shortens_training():
    assert training_tokens(BASE.with_values(max_length=40), FACTS) == 3 * 500 * 40


def test_seconds_are_training_plus_scoring_of_every_split():
    one = predict_trial(BASE, ("validation",), FACTS, CALIBRATION)
    both = predict_trial(BASE, ("validation", "test"), FACTS, CALIBRATION)
    assert math.isclose(one.seconds, 120_000 / 400 + 200 / 20)
    assert math.isclose(both.seconds - one.seconds, 100 / 20)
    assert math.isclose(one.one_by_one_seconds, 120_000 / 100 + 200 / 20)


def test_checkpoint_and_reference_cost_only_their_scoring():
    checkpoint = predict_trial(BASE, ("validation",), FACTS, CALIBRATION, is_checkpoint=True)
    reference = predict_trial(BASE.with_values(num_train_epochs=0), ("validation",), FACTS, CALIBRATION)
    assert checkpoint.seconds == reference.seconds == 10.0
    assert checkpoint.train_tokens == 0


def test_higher_rank_costs_more_time_and_memory():
    high = predict_trial(BASE.with_values(lora_r=64), ("validation",), FACTS, CALIBRATION)
    low = predict_trial(BASE, ("validation",), FACTS, CALIBRATION)
    assert low.seconds < high.seconds < 1.5 * low.seconds
    assert (low.peak_bytes, high.peak_bytes) == (516, 628)


def test_order_of_cheapness_is_time_then_rank():
    costs = [
        relative_cost(c, FACTS)
        for c in (
            BASE.with_values(num_train_epochs=1),
            BASE.with_values(lora_r=4),
            BASE,
            BASE.with_values(lora_r=64),
            BASE.with_values(num_train_epochs=5),
        )
    ]
    assert costs == sorted(costs)


def test_trials_together_add_up_and_share_the_base_model():
    wave = foreseen(StudyPlanner(example_study(), example_facts(), Folding.everything()), History())[1]
    total = predict_trials(wave.trials, example_facts(), CALIBRATION)
    parts = [predict_trials([trial], example_facts(), CALIBRATION) for trial in wave.trials]
    assert math.isclose(total.seconds, sum(part.seconds for part in parts))
    assert total.peak_bytes == max(part.peak_bytes for part in parts)
    assert predict_trials([], example_facts(), CALIBRATION) == Prediction()
