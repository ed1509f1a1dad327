"""A balanced study: pilots, the design, the floor, what is proposed."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from tunebook.core.factor import Factor
from tunebook.core.facts import History
from tunebook.core.space import Folding, SearchSpace
from tunebook.core.study import ContrastKind, Purpose, RoundKind, TrialState
from tunebook.planning.balanced_design import design_of, model_columns
from tunebook.planning.balanced_plan import rate_levels
from tunebook.planning.planner import StudyPlanner
from tunebook.testing.planner_suite import PlannerSuite, checked_history, example_facts, example_study
from tunebook.testing.simulated_study import world_oracle
from tunebook.testing.world import World

FACTS = example_facts()


def make(spec, facts, folding):
    return StudyPlanner(replace(spec, design="balanced"), facts, folding)


def studied(trials: int = 24, world: World | None = None, **changes) -> History:
    spec = replace(example_study(trials), design="balanced", **changes)
    oracle = world_oracle(world or World(seed=3), FACTS)
    return checked_history(make, spec, FACTS, Folding.everything(), oracle)


class TestBalancedPlanner(PlannerSuite):
    @pytest.fixture
    def make_planner(self):
        return make


@pytest.mark.parametrize("n", [12, 15, 24, 47])
def test_every_level_is_used_equally_often(n):
    columns = (
        model_columns("learning_rate", (1e-4, 1.4e-4, 2e-4, 2.8e-4), True),
        model_columns("lora_r", (8, 16, 32), False),
        model_columns("lr_scheduler_type", ("linear", "cosine"), False),
    )
    rows = design_of(columns, n, 0)
    for j, column in enumerate(columns):
        counts = Counter(row[j] for row in rows)
        assert len(counts) == len(column)
        assert max(counts.values()) - min(counts.values()) <= 1


def test_columns_are_nearly_independent_and_the_design_is_the_same_again():
    columns = tuple(model_columns("lora_r", (8, 16, 32, 64), False) for _ in range(4))
    rows = np.array(design_of(columns, 24, 5))
    assert np.abs(np.corrcoef(rows.T) - np.eye(4)).max() < 0.15
    assert design_of.__wrapped__(columns, 24, 5) == design_of(columns, 24, 5)
    assert design_of(columns, 24, 6) != design_of(columns, 24, 5)


def test_rates_lie_around_a_share_of_the_piloted_one_below_the_cliff_and_inside_the_range():
    assert rate_levels(1e-3, 1e-5, 1e-1, None) == (0.00048, 0.00068, 0.00095, 0.0013)
    assert max(rate_levels(1e-3, 1e-5, 1e-1, broke_at=1.2e-3)) <= 1.2e-3 / 1.4 * 1.01
    assert max(rate_levels(1e-3, 1e-5, 1e-3, None)) <= 1e-3
    assert min(rate_levels(1e-5, 1e-5, 1e-3, None)) >= 1e-5


def test_six_pilots_race_and_none_is_in_a_claim():
    history = studied()
    pilots = [f for f in history.trials.values() if f.trial.purpose is Purpose.PILOT]
    stopped = [f for f in pilots if f.state is TrialState.STOPPED]
    finished = [f for f in pilots if f.state.did_train]
    assert len(pilots) == 6
    assert 2 <= len(finished) < 6
    assert {f.share for f in stopped} == {2 / 3}
    chosen = next(c for w in history.waves for c in w.chosen_rates)
    best = min(finished, key=lambda f: f.outcomes["validation"].loss)
    assert chosen.learning_rate == best.trial.configuration.learning_rate
    asked = {i for w in history.waves for c in w.contrasts for i in (*c.treatment, *c.control)}
    assert not asked & {f.trial.id for f in pilots}


def test_pilots_count_by_what_they_train():
    history = studied()
    spent = sum(f.budget_units for f in history.trials.values())
    assert spent <= 24
    assert sum(f.trial.costs_budget for f in history.trials.values()) > spent


def test_every_factor_has_one_slope_and_the_rate_a_curvature():
    wave = next(w for w in studied(40).waves if w.kind is RoundKind.EXPLORE)
    asked = [(c.factor, c.kind) for c in wave.contrasts]
    assert asked == [
        ("learning_rate", ContrastKind.TREND),
        ("learning_rate", ContrastKind.CURVATURE),
        ("lora_r", ContrastKind.TREND),
        ("lora_dropout", ContrastKind.TREND),
        ("num_train_epochs", ContrastKind.TREND),
    ]


def test_two_factors_are_judged_as_well_as_four():
    space = SearchSpace((Factor("learning_rate", low=5e-5, high=2e-3), Factor("lora_r", (8, 16, 32))))
    wave = next(w for w in studied(24, space=space).waves if w.kind is RoundKind.EXPLORE)
    assert [c.label for c in wave.contrasts] == ["learning_rate", "learning_rate^2", "lora_r"]


def test_the_error_rate_is_explore_4_and_confirm_1_percent():
    assert {(f.round_kind, f.alpha) for f in studied(40).findings} == {
        (RoundKind.EXPLORE, 0.04),
        (RoundKind.CONFIRM, 0.01),
    }


def test_where_nothing_learns_the_study_says_so_and_stops():
    world = World.null(accuracy=0.12)
    history = studied(world=world)
    floor = history.waves[-1].floor
    assert floor is not None
    assert floor.accuracy < 0.2
    assert not any(f.trial.purpose is Purpose.DESIGN for f in history.trials.values())
    went_on = studied(world=world, floor="go_on")
    assert any(f.trial.purpose is Purpose.DESIGN for f in went_on.trials.values())


def test_too_few_trials_claim_nothing_but_still_vary_everything():
    history = studied(12)
    wave = next(w for w in history.waves if w.kind is RoundKind.EXPLORE)
    assert not wave.contrasts
    assert ("nothing_claimed", {}) in wave.notes
    ranks = {t.configuration.lora_r for t in wave.trials if t.purpose is Purpose.DESIGN}
    assert len(ranks) > 1


def test_proposals_lead_where_the_model_sees_a_gain():
    world = World(seed=5, rank_gain=0.04, dropout_loss=0.0, epoch_gain=0.0, overfit=0.0)
    history = studied(75, world=world, margin=0.002)
    proposed = [f.trial.configuration for f in history.trials.values() if f.trial.purpose is Purpose.REFINE]
    assert proposed
    assert np.mean([c.lora_r for c in proposed]) > 30


@pytest.mark.parametrize("trials", [12, 20, 24])
def test_the_best_is_confirmed_with_two_seeds_at_least(trials):
    confirmed = [f.trial for f in studied(trials).trials.values() if f.trial.kind is RoundKind.CONFIRM]
    seeds = Counter(t.effective.key for t in confirmed if t.purpose is Purpose.CONFIRM)
    assert min(seeds.values()) >= 2
