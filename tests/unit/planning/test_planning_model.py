"""A study whose trials a model proposes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tunebook.core.factor import Factor
from tunebook.core.facts import History
from tunebook.core.space import Folding, SearchSpace
from tunebook.core.study import Purpose, RoundKind, TrialState
from tunebook.planning.candidates import space_of
from tunebook.planning.planner import StudyPlanner
from tunebook.planning.problem import Problem
from tunebook.planning.state import PlanningState
from tunebook.statistics.observations import SHORT_DOUBT, observations
from tunebook.testing.planner_suite import PlannerSuite, checked_history, example_facts, example_study
from tunebook.testing.simulated_study import world_oracle
from tunebook.testing.world import World

FACTS = example_facts()
EXPLORED = (RoundKind.EXPLORE, RoundKind.REFINE)


def make(spec, facts, folding):
    return StudyPlanner(replace(spec, design="model"), facts, folding)


def studied(trials: int | None = 24, world: World | None = None, **changes) -> History:
    spec = replace(example_study(trials), design="model", **changes)
    oracle = world_oracle(world or World(seed=3), FACTS)
    return checked_history(make, spec, FACTS, Folding.everything(), oracle)


class TestModelPlanner(PlannerSuite):
    @pytest.fixture
    def make_planner(self):
        return make


def proposed(history: History):
    return [f.trial.configuration for f in history.trials.values() if f.trial.purpose is Purpose.REFINE]


def test_pilots_then_proposals_then_confirm_and_only_confirm_claims():
    history = studied(margin=0.002)
    kinds = list(dict.fromkeys(w.kind for w in history.waves))
    assert kinds == [RoundKind.REFERENCE, RoundKind.PILOT, RoundKind.REFINE, RoundKind.CONFIRM]
    assert {(f.round_kind, f.alpha) for f in history.findings} == {(RoundKind.CONFIRM, 0.05)}
    assert len(proposed(history)) > 12
    pilots = [f.trial.purpose for f in history.trials.values() if f.trial.kind is RoundKind.PILOT]
    assert set(pilots) == {Purpose.FIRST_RATE}, "they may lead, and are no proposals"


def test_proposals_lie_where_the_world_is_good():
    world = World(seed=5, rank_gain=0.04, dropout_loss=0.0, epoch_gain=0.0, overfit=0.0)
    history = studied(30, world=world, margin=0.002)
    found = proposed(history)
    rates = np.log([c.learning_rate / world.best_rate for c in found])
    assert abs(np.median(rates)) < 0.7
    best = next(f for f in history.trials.values() if f.trial.effective.key == history.sealed["best"])
    assert best.trial.effective.lora_r == 64


def test_the_first_proposals_are_a_step_from_the_best_pilot_and_no_dearer():
    history = studied(24, margin=0.002)
    pilots = [f for f in history.trials.values() if f.trial.kind is RoundKind.PILOT]
    best = min((f for f in pilots if f.state.did_train), key=lambda f: f.outcomes["validation"].loss)
    first = next(w for w in history.waves if w.kind is RoundKind.REFINE).trials
    assert len(first) == 2
    pilot = best.trial.configuration
    for proposal in (trial.configuration for trial in first):
        differs = {name for name, value in proposal.as_dict().items() if value != pilot.as_dict()[name]}
        assert len(differs - {"learning_rate", "lora_alpha"}) <= 1
        assert proposal.num_train_epochs == pilot.num_train_epochs
    rate = first[0].configuration.learning_rate
    assert first[0].configuration == pilot.with_values(learning_rate=rate) != pilot


def test_evaluations_on_the_way_say_what_fewer_epochs_come_to():
    epochs = SearchSpace((Factor("learning_rate", low=5e-5, high=2e-3), Factor("num_train_epochs", (1, 2, 3, 4))))
    spec = replace(example_study(24), design="model", space=epochs)
    problem = Problem(spec=spec, facts=FACTS, folding=Folding.everything())
    state = PlanningState(problem, studied(24, margin=0.002, space=epochs))
    seen = observations(state.history, FACTS, space_of(problem).levels)
    short = seen.places[(seen.doubts == SHORT_DOUBT) & (seen.shares == 1.0)]
    assert set(np.round(3 * short[:, 1]).astype(int)) >= {0, 1}, "one epoch and two"
    assert len(seen.ended) == len(seen.ends) < int((seen.shares == 1.0).sum())


def test_it_stops_where_little_is_left_to_gain_and_says_how_much():
    history = studied(75, margin=0.05)
    last = [w for w in history.waves if w.kind is RoundKind.REFINE][-1]
    (code, values) = last.notes[-1]
    assert code == "little_to_gain"
    assert 0 <= values["gain"] < values["margin"] == 0.05
    assert values["chance"] < 0.05
    assert len(history.trials) < 50


def test_a_raised_budget_trains_more_or_it_is_said_why_not():
    history = studied(16, margin=0.5)

    def planner(trials: int, margin: float) -> StudyPlanner:
        return make(replace(example_study(trials), margin=margin), FACTS, Folding.everything())

    assert planner(16, 0.5).why_done(history) is None, "a larger budget is what it takes"
    assert planner(20, 0.5).next_wave(history) is None
    why = planner(20, 0.5).why_done(history)
    assert why is not None
    assert why.code == "done_little_to_gain"
    assert why.values["chance"] < 0.05
    wider = planner(20, 1e-4)
    assert wider.why_done(history) is None
    wave = wider.next_wave(history)
    assert wave is not None
    assert wave.kind is RoundKind.REFINE
    assert set(wave.trials[0].splits) == {"validation"}


def test_nothing_is_proposed_at_a_rate_where_a_trial_broke():
    world = World(seed=4, best_rate=3e-4, cliff=6e-4)
    history = studied(40, world=world, margin=0.002)
    pilots = [f for f in history.trials.values() if f.trial.kind is RoundKind.PILOT]
    broke = min(f.trial.configuration.learning_rate for f in pilots if not f.state.did_train and f.state.is_answer)
    assert max(c.learning_rate for c in proposed(history)) < broke


def test_a_rate_too_low_to_learn_anything_forbids_no_higher_one():
    world = world_oracle(World(seed=3), FACTS)

    def oracle(trial, history):
        fact = world(trial, history)
        if trial.purpose is Purpose.REFERENCE or trial.configuration.learning_rate > 6e-5:
            return fact
        return replace(fact, state=TrialState.COLLAPSED, reason="constant_answer")

    for design in ("model", "balanced"):
        spec = replace(example_study(24), design=design, margin=0.002)
        history = checked_history(StudyPlanner, spec, FACTS, Folding.everything(), oracle)
        pilots = [f for f in history.trials.values() if f.trial.kind is RoundKind.PILOT]
        assert pilots[0].state is TrialState.COLLAPSED
        later = {f.trial.configuration.learning_rate for f in history.trials.values() if f.trial.kind in EXPLORED}
        assert np.median(list(later)) > 1.5e-4, design


def test_the_last_wave_of_proposals_gives_a_second_seed_to_three_settings():
    history = studied(24, margin=0.002)
    waves = [w.trials for w in history.waves if w.kind is RoundKind.REFINE]
    assert [len(wave) for wave in waves[:2]] == [2, 4]
    assert len(waves[-1]) == 3
    before = {f.trial.configuration for f in history.trials.values() if f.trial.id < waves[-1][0].id}
    assert {trial.configuration for trial in waves[-1]} <= before
    assert sum(map(len, waves)) == len(proposed(history)) > 11


def test_a_study_without_a_rate_to_find_starts_from_spread_settings():
    space = SearchSpace((Factor("lora_r", (8, 16, 32, 64)), Factor("lr_scheduler_type", ("linear", "cosine"))))
    history = studied(20, space=space, margin=0.002)
    first = next(w for w in history.waves if w.kind is RoundKind.REFINE)
    assert len({t.configuration.lora_r for t in first.trials}) > 2
    assert any(w.kind is RoundKind.CONFIRM for w in history.waves)
