"""`plan` promises upper bounds: no round of a simulated study trains more, from wherever it is looked at."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.power import CELLS, answer_of
from benchmarks.power import promised as promised_in
from tunebook.core.facts import History, TrialFact
from tunebook.core.space import Folding
from tunebook.core.study import Budget, RoundKind, TrialState
from tunebook.core.study_spec import SeedCounts
from tunebook.planning.planner import StudyPlanner
from tunebook.testing.planner_suite import example_facts, example_study
from tunebook.testing.simulated_study import simulated_history, world_oracle
from tunebook.testing.world import World

FACTS = example_facts(60, 60)
BASELINE_IS_BEST = World(best_rate=2.36e-4, width=0.7, rank_gain=-0.05, epoch_gain=-0.05)
BREAKS_SOON = World(cliff=1.2e-3, cliff_deviation=0.4, rank_gain=0.08)


def planner_of(trials, design, seed, **changes):
    spec = example_study(trials, design=design, seed=seed, floor="go_on", **changes)
    return spec, StudyPlanner(spec, FACTS, Folding.everything())


def looked_at(planner, spec, world, history=None):
    """The whole history, and every history on the way: before each wave, and with its trials planned."""
    seen: list[History] = []

    def before(history, wave):
        planned = {trial.id: TrialFact(trial=trial) for trial in wave.trials}
        waves = (*history.waves, wave)
        seen.append(history)
        seen.append(replace(history, waves=waves, trials={**history.trials, **planned}))

    return simulated_history(planner, spec, FACTS, world_oracle(world, FACTS), history=history, on_wave=before), seen


def trained(history, before) -> Counter:
    """Trials by round that were trained and not planned yet in an earlier history."""
    return Counter(f.trial.kind for i, f in history.trials.items() if i not in before.trials and f.trial.costs_budget)


def check(planner, spec, history, seen):
    for then in seen:
        outlook, took = planner.outlook(then), trained(history, then)
        promised = {each.kind: each.n_trials for each in outlook.rounds}
        assert all(n <= promised.get(kind, 0) for kind, n in took.items()), (took, promised)
        units = sum(f.budget_units for i, f in history.trials.items() if i not in then.trials)
        assert units <= outlook.most_trials + 1e-9
        assert (
            outlook.most_trials
            <= spec.budget.trials - sum(f.budget_units for f in then.trials.values() if final(f)) + 1e-9
        )


def final(fact) -> bool:
    return fact.state.is_final


ONE, ALL = "one_factor", "balanced"


@pytest.mark.parametrize(("design", "trials", "world"), [
    (ONE, 12, World(seed=1)), (ONE, 24, World(seed=2)), (ONE, 24, BASELINE_IS_BEST), (ONE, 40, World.null(seed=3)),
    (ONE, 40, BREAKS_SOON), (ONE, 75, World(seed=4)), (ALL, 24, World(seed=2)), (ALL, 40, World(seed=4)),
    ("model", 20, World(seed=2)),
])  # fmt: skip
def test_no_round_trains_more_than_plan_promised(design, trials, world):
    spec, planner = planner_of(trials, design, seed=trials)
    history, seen = looked_at(planner, spec, world)
    check(planner, spec, history, seen if design == ONE else seen[::3])


def test_a_study_that_goes_on_with_more_budget_shows_the_rounds_that_will_run():
    spec, planner = planner_of(24, ONE, seed=0)
    ended, _ = looked_at(planner, spec, World(seed=2))
    assert ended.waves[-1].kind is RoundKind.CONFIRM
    assert planner.outlook(ended).rounds == ()
    more, larger = planner_of(40, ONE, seed=0)
    after, seen = looked_at(larger, more, World(seed=2), ended)
    assert trained(after, ended)[RoundKind.REFINE] > 0
    assert larger.next_wave(after) is None
    assert larger.outlook(after).rounds == (), "what is left has no question"
    check(larger, more, after, seen)


def test_without_a_budget_in_trials_the_bounds_are_numbers_too():
    spec, _ = planner_of(24, ONE, seed=0)
    spec = replace(spec, budget=Budget(None, hours=40.0))
    for design in (ONE, ALL, "model"):
        timed = replace(spec, design=design)
        planner = StudyPlanner(timed, FACTS, Folding.everything())
        outlook = planner.outlook(History())
        assert all(0 < each.n_trials < 200 for each in outlook.rounds)
        assert outlook.most_trials == sum(each.n_trials for each in outlook.rounds)


def test_a_best_that_breaks_in_confirm_takes_no_more_than_promised():
    spec, planner = planner_of(75, ONE, seed=0)
    oracle = world_oracle(World(seed=2), FACTS)

    def breaking(trial, history):
        if trial.kind is RoundKind.CONFIRM and trial.effective != spec.baseline and trial.seed % 2:
            return TrialFact(trial=trial, state=TrialState.DIVERGED, reason="loss_rose")
        return oracle(trial, history)

    promised = {each.kind: each.n_trials for each in planner.outlook(History()).rounds}
    history = simulated_history(planner, spec, FACTS, breaking)
    assert any(c.label == "runner_up" for wave in history.waves for c in wave.contrasts)
    assert trained(history, History())[RoundKind.CONFIRM] <= promised[RoundKind.CONFIRM]


def test_a_prior_fills_up_what_few_seeds_of_the_baseline_lack():
    def promised(trials):
        _, planner = planner_of(trials, "one_factor", 0)
        rounds = planner.outlook(History()).rounds
        return next(each.smallest_detectable_effect for each in rounds if each.kind is RoundKind.EXPLORE)

    assert promised(12) < promised(15) < 1.2 * promised(12), "three degrees of freedom count as four"


@pytest.mark.parametrize(("seeds", "described"), [(1, True), (2, False)])
def test_comparisons_of_one_seed_promise_no_effect_to_be_seen(seeds, described):
    _, planner = planner_of(40, "one_factor", 0, seeds=SeedCounts(configuration=seeds))
    explore = next(each for each in planner.outlook(History()).rounds if each.kind is RoundKind.EXPLORE)
    assert explore.n_described == (explore.n_comparisons if described else 0)
    assert explore.n_comparisons
    assert (explore.smallest_detectable_effect is None) == described


def test_plan_foresees_the_seeds_that_a_models_proposals_leave_for_confirm():
    _, planner = planner_of(24, "model", seed=0)
    foreseen = {each.kind: each for each in planner.outlook(History()).rounds}[RoundKind.CONFIRM]
    _, roomy = planner_of(75, "model", seed=0)
    with_more = {each.kind: each for each in roomy.outlook(History()).rounds}[RoundKind.CONFIRM]
    assert foreseen.n_comparisons == 1
    assert foreseen.smallest_detectable_effect > 1.05 * with_more.smallest_detectable_effect, "two seeds each, not four"


def test_plan_says_what_studies_then_see():
    cell = CELLS["one_factor-n400-sd20-t24"]
    seen = np.median([answer_of(cell, number, 0.0).sde for number in range(50)])
    assert promised_in(cell) == pytest.approx(seen, rel=0.15), "fifty studies scatter by about 5 %"
