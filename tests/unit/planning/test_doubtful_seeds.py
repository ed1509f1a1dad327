"""Further seeds for levels in doubt: who gets them, what is asked of them, and that nothing else changes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tunebook.core.findings import Verdict
from tunebook.core.space import Folding
from tunebook.core.study import ERROR_SHARES, RoundKind, SeedCounts
from tunebook.planning.planner import StudyPlanner
from tunebook.planning.problem import SeedUse, seed_numbers
from tunebook.statistics.judge_round import SETTLED_ALPHA, judge_round
from tunebook.testing.planner_suite import checked_history, example_facts, example_study
from tunebook.testing.simulated_study import world_oracle
from tunebook.testing.world import World

FACTS = example_facts(n_validation=200, n_test=0)
SEEDS = SeedCounts(configuration=2, doubtful=2)
FACTORS = ("lora_r", "lora_dropout", "num_train_epochs")


def study(trials=75, seeds=SEEDS, world=None, without_rate=True, devices=1):
    spec = example_study(trials, seeds=seeds)
    if without_rate:
        spec = replace(spec, space=replace(spec.space, factors=tuple(spec.space.get(name) for name in FACTORS)))
    oracle = world_oracle(world or World(), FACTS)
    return spec, checked_history(StudyPlanner, spec, FACTS, Folding.everything(), oracle, devices=devices)


def explored(history):
    return [wave for wave in history.waves if wave.kind is RoundKind.EXPLORE]


@pytest.fixture(scope="module")
def plain():
    return study()


def test_a_third_of_the_levels_get_further_seeds_and_the_others_keep_two(plain):
    _, history = plain
    first, last = explored(history)
    found = [finding for finding in history.findings if finding.round == first.round]
    seeds = sorted(len(finding.treatment_trials) for finding in found)
    assert len(found) == len(first.contrasts) == 8
    assert seeds == [2] * 6 + [4] * 2
    assert len(last.trials) == 4
    assert {trial.seed for trial in last.trials} == set(seed_numbers(0, SeedUse.CLAIM, 4)[2:])


def test_those_that_differ_most_get_them(plain):
    _, history = plain
    first, last = explored(history)

    def difference(contrast):
        sides = [
            [history.trials[i].outcomes["validation"].accuracy for i in ids]
            for ids in (contrast.treatment, contrast.control)
        ]
        return abs(sum(sides[0]) / len(sides[0]) - sum(sides[1]) / len(sides[1]))

    farthest = sorted(first.contrasts, key=difference)[-2:]
    assert {contrast.label for contrast in last.contrasts} == {contrast.label for contrast in farthest}


def test_a_level_that_is_settled_needs_no_further_seed():
    _, history = study(world=World(rank_gain=-0.2, seed_deviation=0.001))
    last = explored(history)[-1]
    assert "lora_r=64" not in {contrast.label for contrast in last.contrasts}
    found = {finding.label: finding.verdict for finding in history.findings if finding.round == last.round}
    assert found["lora_r=64"] is Verdict.WORSE


def test_all_are_one_family_at_what_the_look_has_left(plain):
    spec, history = plain
    number = explored(history)[0].round
    found = judge_round(history, number, spec, FACTS)
    assert {finding.alpha for finding in found} == {ERROR_SHARES[RoundKind.EXPLORE] - SETTLED_ALPHA}
    assert len({finding.label for finding in found}) == len(found)


@pytest.mark.parametrize(("trials", "devices"), [(12, 1), (40, 1), (75, 2)])
def test_with_brackets_any_budget_and_several_devices_keep_every_rule(trials, devices):
    _, history = study(trials, without_rate=False, devices=devices)
    asked = history.contrasts_of(explored(history)[0].round)
    assert sum(len(contrast.treatment) > 2 for contrast in asked) <= max(1, len(asked) // 3)


def test_without_them_the_round_ends_as_before():
    _, history = study(seeds=SeedCounts())
    assert len(explored(history)) == 1


def test_a_level_with_a_single_seed_gets_no_further_ones():
    _, history = study(seeds=SeedCounts(configuration=1, doubtful=3))
    asked = history.contrasts_of(explored(history)[0].round)
    assert {len(contrast.treatment) for contrast in asked} == {1}
