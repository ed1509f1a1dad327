"""What the model of the loss says of each factor where no round asked."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from tunebook.core.facts import Outcomes, TrialFact
from tunebook.core.space import Folding
from tunebook.core.study import Contrast, ContrastKind, RoundKind, Wave
from tunebook.planning.planner import StudyPlanner
from tunebook.statistics.conclusions import conclude
from tunebook.statistics.described import _accuracy_change, described_factors
from tunebook.statistics.evidence import Evidence
from tunebook.statistics.judge_round import judge_round
from tunebook.statistics.observations import has_ended
from tunebook.testing.planner_suite import example_facts, example_study
from tunebook.testing.sample_study import bare_trial
from tunebook.testing.simulated_study import simulated_history, world_oracle
from tunebook.testing.world import World

FACTS = example_facts()


def study_in(world: World, design: str = "model"):
    """(history, spec) of a study of 24 trials."""
    spec = replace(example_study(24), design=design, margin=0.002)
    planner = StudyPlanner(spec, FACTS, Folding.everything())
    return simulated_history(planner, spec, FACTS, world_oracle(world, FACTS)), spec


def described(history, spec):
    return {each.factor: each for each in described_factors(Evidence(history, spec.baseline), spec, FACTS)}


@pytest.fixture(scope="module")
def studied():
    """In a world where rank helps much, dropout does nothing, and the best rate lies inside the range."""
    world = World(
        seed=5, rank_gain=0.08, rank_exponent=0.0, scaling_exponent=0.0, dropout_loss=0.0, seed_deviation=0.003
    )
    return study_in(world)


@pytest.fixture(scope="module")
def found(studied):
    """By factor."""
    return described(*studied)


def test_what_matters_is_named_before_what_does_not(found):
    order = list(found)
    assert found["learning_rate"].matters
    assert not found["lora_dropout"].matters
    assert order.index("learning_rate") < order.index("lora_dropout")


def test_every_level_that_was_tried_is_described_with_its_trials(found):
    rank = found["lora_r"]
    assert {rank.own, *(level.level for level in rank.levels)} >= {16, 64}
    assert all(level.trials for level in rank.levels)
    for level in rank.levels:
        assert level.interval[0] < level.change < level.interval[1]


def test_a_worse_level_has_a_higher_loss_and_a_lower_accuracy(found):
    lowest = min(found["learning_rate"].levels, key=lambda level: level.level)
    assert lowest.change > 0.1
    assert lowest.difference is not None
    assert lowest.difference < 0
    assert lowest.level not in found["learning_rate"].good
    assert found["learning_rate"].own in found["learning_rate"].good


def test_the_good_rates_end_between_the_steps_that_are_told(found):
    """The nearest rates that are told lie a factor of two away; a range that left out all between would be a point."""
    rate = found["learning_rate"]
    bad = [level.level for level in rate.levels if level.level not in rate.good]
    assert max(x for x in bad if x < rate.own) < rate.span[0] <= rate.own <= rate.span[1]
    assert rate.span[0] < rate.span[1] < min((x for x in bad if x > rate.own), default=2e-3 * 1.01)
    assert found["lora_r"].span is None


def losing(losses, accuracies) -> list[TrialFact]:
    """Trials with these losses and accuracies."""
    trial = bare_trial(1)
    return [
        TrialFact(trial=trial, outcomes={"validation": Outcomes(np.full(100, a), np.full(100, loss))})
        for loss, a in zip(losses, accuracies, strict=True)
    ]


def test_accuracy_goes_with_the_loss_as_far_as_the_change_reaches():
    """Among the best six chance hides the line; the trials that the change speaks of show it."""
    losses, accuracies = [0.50, 0.51, 0.52, 0.53, 0.54, 0.55], [0.66, 0.65, 0.67, 0.65, 0.66, 0.67]
    assert _accuracy_change(losing(losses, accuracies), 0.02) is None
    all_of_them = losing([*losses, 0.7, 0.8, 0.9], [*accuracies, 0.55, 0.5, 0.45])
    assert _accuracy_change(all_of_them, 0.02) is None
    assert -0.25 < _accuracy_change(all_of_them, math.log(1.8)) < -0.15


def test_in_a_world_without_effects_little_is_told_apart():
    told = [
        level.is_told_apart
        for number in range(3)
        for factor in described(*study_in(World.null(seed=number))).values()
        for level in factor.levels
    ]
    assert len(told) > 15
    assert sum(told) <= 3


def test_nothing_is_described_where_a_round_asked_about_factors():
    history, spec = study_in(World(seed=3), "balanced")
    assert any(f.factor == "lora_r" for f in history.findings)
    assert described(history, spec) == {}


def test_trials_that_the_user_added_take_nothing_of_the_description(studied, found):
    history, spec = studied
    one, other = [number for number, fact in history.trials.items() if number and has_ended(fact)][:2]
    asked = Contrast(kind=ContrastKind.DIFFERENCE, treatment=(one,), control=(other,), label="lora_r", factor="lora_r")
    own = Wave(round=len(history.waves), kind=RoundKind.OWN, number=1, trials=(), contrasts=(asked,))
    history = replace(history, waves=(*history.waves, own))
    history = replace(history, findings=(*history.findings, *judge_round(history, own.round, spec, FACTS)))
    assert any(f.factor == "lora_r" and f.effect == f.effect for f in history.findings)
    assert described(history, spec) == found
    assert conclude(history, spec, FACTS).importance == ()


def test_nothing_is_described_of_a_handful_of_trials():
    history, spec = study_in(World(seed=3))
    few = [wave for wave in history.waves if wave.kind in (RoundKind.REFERENCE, RoundKind.PILOT)]
    kept = {trial.id: history.trials[trial.id] for wave in few for trial in wave.trials}
    assert described(replace(history, waves=tuple(few), trials=kept, sealed={}), spec) == {}
