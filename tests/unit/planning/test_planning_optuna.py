"""A sampler of Optuna as the planner."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from tunebook.core.space import Folding
from tunebook.core.study import DESIGNS, Purpose, RoundKind
from tunebook.errors import StudyFileError
from tunebook.planning.planner import SampledPlanner
from tunebook.plugins import PLANNERS
from tunebook.statistics.judge_round import judge_round
from tunebook.testing.planner_suite import PlannerSuite, checked_history, example_facts, example_study
from tunebook.testing.simulated_study import world_oracle
from tunebook.testing.world import World

FACTS = example_facts()


@cache
def sampled(name: str, trials: int):
    def make(spec, facts, folding):
        return SampledPlanner(replace(spec, planner=f"optuna:{name}"), facts, folding)

    oracle = world_oracle(World(seed=3), FACTS)
    return checked_history(make, example_study(trials), FACTS, Folding.everything(), oracle)


class TestSampledPlanner(PlannerSuite):
    @pytest.fixture
    def make_planner(self):
        return lambda spec, facts, folding: SampledPlanner(replace(spec, planner="optuna"), facts, folding)


@pytest.mark.parametrize("name", ["TPESampler", "RandomSampler"])
def test_a_sampler_proposes_and_its_best_is_confirmed(name):
    history = sampled(name, 24)
    assert [w.kind for w in history.waves if w.number == 1] == [
        RoundKind.REFERENCE,
        RoundKind.REFINE,
        RoundKind.CONFIRM,
    ]
    tried = {f.trial.configuration for f in history.trials.values() if f.trial.purpose is Purpose.REFINE}
    assert len(tried) == 20
    assert {f.label for f in history.findings} >= {"best"}


@pytest.mark.parametrize("design", DESIGNS)
def test_what_a_sampler_found_has_the_whole_error_rate_whatever_design_is_written_beside_it(design):
    history = sampled("RandomSampler", 24)
    spec = replace(example_study(24), design=design, planner="optuna:RandomSampler")
    found = judge_round(history, history.waves[-1].round, spec, FACTS)
    assert {finding.alpha for finding in found} == {0.05}


def test_a_sampler_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(StudyFileError, match=r"optuna:Magic.*TPESampler"):
        SampledPlanner(replace(example_study(), planner="optuna:Magic"), FACTS, Folding())
    with pytest.raises(StudyFileError, match="from a seed alone"):
        SampledPlanner(replace(example_study(), planner="optuna:GridSampler"), FACTS, Folding())


def test_the_planner_is_found_by_the_name_before_the_colon():
    assert PLANNERS.load("optuna:TPESampler") is SampledPlanner
    with pytest.raises(StudyFileError, match="nonesuch"):
        PLANNERS.load("nonesuch:TPESampler")
