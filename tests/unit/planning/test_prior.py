"""What an earlier study found tells where to look first; a wrong one costs its pilots."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tunebook.core.facts import DataFacts, History, PriorTrial
from tunebook.core.space import Folding
from tunebook.core.study import RoundKind
from tunebook.planning.planner import StudyPlanner
from tunebook.planning.state import PlanningState
from tunebook.testing.planner_suite import checked_history, example_facts, example_study
from tunebook.testing.simulated_study import world_oracle
from tunebook.testing.world import World

RATES = np.geomspace(5e-5, 2e-3, 6)


def known(world: World) -> tuple[PriorTrial, ...]:
    """Six trials of a world at the baseline."""
    baseline = example_study().baseline
    asked = [baseline.with_values(learning_rate=float(rate)) for rate in RATES]
    asked = [c for c in asked if world.breaking(c, 7) is None]
    return tuple(PriorTrial(c, float(world.answers(c, 7, "validation", 358)[1].mean())) for c in asked)


def studied(world: World, prior: tuple[PriorTrial, ...], trials: int = 24) -> tuple[History, float]:
    """The study, and the true accuracy of what leads before confirm."""
    facts: DataFacts = replace(example_facts(), prior=prior)
    spec = replace(example_study(trials, margin=0.002), design="model")
    history = checked_history(StudyPlanner, spec, facts, Folding.everything(), world_oracle(world, facts))
    key = history.sealed["best"]
    best = next(f.trial.effective for f in history.trials.values() if f.trial.effective.key == key)
    return history, world.accuracy(best)


def pilots(history: History):
    return [f for f in history.trials.values() if f.trial.kind is RoundKind.PILOT]


def test_a_good_prior_saves_half_of_the_pilots():
    world = World(seed=11, best_rate=6e-4)
    history, _ = studied(world, known(World(seed=12, best_rate=6e-4)))
    rates = [f.trial.configuration.learning_rate for f in pilots(history)]
    assert len(rates) == 3
    assert 3e-4 < rates[1] < 1.2e-3


def test_a_wrong_prior_costs_at_most_its_pilots():
    """The rate is chosen as without it, and what leads in the end is as good with as many trials more as it cost."""
    world = World(seed=11, best_rate=1e-3, cliff=4e-3)
    wrong = known(World(seed=12, best_rate=6e-5, cliff=3e-4))
    with_it, accuracy = studied(world, wrong, trials=27)
    without, as_good = studied(world, ())
    chosen = [next(c.learning_rate for w in h.waves for c in w.chosen_rates) for h in (with_it, without)]
    assert chosen[0] == chosen[1]
    extra = sum(f.budget_units for f in pilots(with_it)) - sum(f.budget_units for f in pilots(without))
    assert extra <= 3
    assert accuracy > as_good - 0.01


def test_prior_trials_are_in_no_claim_and_lead_nowhere():
    facts = replace(example_facts(), prior=known(World(seed=12)))
    spec = replace(example_study(24), design="model")
    planner = StudyPlanner(spec, facts, Folding.everything())
    assert PlanningState(planner._problem, History()).leading is None
