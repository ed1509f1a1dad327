"""Rounds that are trained side by side: with several devices refine begins beside explore, and boundary runs beside
refine and combine."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import pytest

from tunebook.core.facts import History, TrialFact
from tunebook.core.space import Folding
from tunebook.core.study import Budget, RoundKind, TrialState, last_waves
from tunebook.ledger.codec import encode
from tunebook.planning.foresight import waiting_waves
from tunebook.planning.planner import StudyPlanner
from tunebook.statistics.judge_round import judge_round
from tunebook.testing.planner_suite import checked_history, example_facts, example_study
from tunebook.testing.simulated_study import simulated_history, world_oracle
from tunebook.testing.world import World

FACTS = example_facts(n_validation=60, n_test=40)
SPEC = example_study(75)
WORLD = World()
BESIDE = (RoundKind.REFINE, RoundKind.COMBINE)


def study(devices, spec=SPEC, spoiled=(), history=None):
    """A whole study; trials of `spoiled` rounds come out otherwise than in the world."""
    right = world_oracle(WORLD, FACTS)

    def oracle(trial, history):
        fact = right(trial, history)
        if trial.kind not in spoiled or "validation" not in fact.outcomes:
            return fact
        seen = fact.outcomes["validation"]
        outcomes = {**fact.outcomes, "validation": replace(seen, scores=1 - seen.scores, nll=seen.nll * 1.3)}
        return replace(fact, outcomes=outcomes)

    return checked_history(StudyPlanner, spec, FACTS, Folding.everything(), oracle, history=history, devices=devices)


@pytest.fixture(scope="module")
def together():
    return study(2)


@pytest.fixture(scope="module")
def alone():
    return study(1)


def settings_of(history, *kinds):
    return [trial[:2] for trial in asked(history, *kinds)]


def asked(history, *kinds):
    return [(t.effective, t.seed, w.number) for w in history.waves if w.kind in kinds for t in w.trials]


def test_boundary_is_trained_beside_refine_and_combine(together, alone):
    assert not any(wave.beside for wave in alone.waves)
    beside = [wave for wave in together.waves if wave.beside]
    assert {wave.kind for wave in beside} == {RoundKind.REFINE, RoundKind.BOUNDARY}
    assert len([w for w in together.waves if w.trials and not w.beside]) < len([w for w in alone.waves if w.trials])
    assert settings_of(together, *BESIDE) == settings_of(alone, *BESIDE)
    first = next(wave for wave in together.waves if wave.kind is RoundKind.BOUNDARY)
    assert first.notes[0][0] == "beside"


def test_the_learning_rate_is_refined_beside_the_end_of_explore_and_other_factors_after_it(together):
    first, second = (wave for wave in together.waves if wave.kind is RoundKind.REFINE)
    place = together.waves.index(first)
    assert (first.beside, second.beside) == (True, False)
    assert (together.waves[place - 1].kind, together.waves[place - 1].number) == (RoundKind.EXPLORE, 2)
    assert {trial.factor for trial in first.trials} == {"learning_rate"}
    assert "learning_rate" not in {trial.factor for trial in second.trials}
    assert ("begun_beside", {"rounds": ["explore"]}) in first.notes


def test_refine_beside_explore_does_not_depend_on_explores_last_wave(together):
    def oracle_of(spoils):
        right = world_oracle(WORLD, FACTS)
        late = {trial.id for wave in together.waves[2:3] for trial in wave.trials}
        return lambda trial, history: (
            TrialFact(trial=trial, state=TrialState.FAILED) if spoils and trial.id in late else right(trial, history)
        )

    first = [
        next(w for w in history.waves if w.kind is RoundKind.REFINE)
        for history in (
            simulated_history(StudyPlanner(SPEC, FACTS, Folding.everything()), SPEC, FACTS, oracle_of(s), devices=2)
            for s in (False, True)
        )
    ]
    assert first[0] == first[1]


def test_a_study_that_stops_after_explore_ends_the_round_beside_it():
    spec = example_study(75, floor="ask")

    def oracle(trial, history):
        fact = world_oracle(WORLD, FACTS)(trial, history)
        nothing = {split: replace(o, scores=0 * o.scores) for split, o in fact.outcomes.items()}
        return TrialFact(trial=trial, state=TrialState.COMPLETED, outcomes=nothing)

    planner = StudyPlanner(spec, FACTS, Folding.everything())
    history = simulated_history(planner, spec, FACTS, oracle, devices=2)
    assert [wave.kind for wave in history.waves if wave.beside] == [RoundKind.REFINE]
    assert (history.waves[-1].kind, history.waves[-1].trials) == (RoundKind.REFINE, ())
    assert set(history.closed_rounds) == {wave.round for wave in history.waves}
    assert planner.outlook(history).all_rounds == ()


def test_more_than_two_devices_plan_the_same(together):
    assert study(8).waves == together.waves


def test_what_rounds_side_by_side_ask_does_not_depend_on_each_others_results(together):
    assert asked(study(2, spoiled=BESIDE), RoundKind.BOUNDARY) == asked(together, RoundKind.BOUNDARY)
    assert asked(study(2, spoiled=[RoundKind.BOUNDARY]), *BESIDE) == asked(together, *BESIDE)


def test_all_waves_under_way_are_those_that_wait(together):
    place = next(i for i, wave in enumerate(together.waves) if wave.beside)
    waves = together.waves[: place + 1]
    done = {trial.id: together.trials[trial.id] for wave in waves[: place - 1] for trial in wave.trials}
    ended, *waiting = (trial for wave in waves[place - 1 :] for trial in wave.trials)
    fresh = {trial.id: TrialFact(trial=trial) for trial in waiting}
    history = History(waves=waves, trials={**done, ended.id: together.trials[ended.id], **fresh})
    found = waiting_waves(history)
    assert [wave.kind for wave in found] == [RoundKind.EXPLORE, RoundKind.REFINE]
    assert [trial.id for wave in found for trial in wave.trials] == [trial.id for trial in waiting]
    assert last_waves(waves) == waves[-2:]


def test_a_round_opened_beside_combine_alone_sees_refine():
    spec = example_study(60)
    history = study(2, spec)
    first = next(wave for wave in history.waves if wave.kind is RoundKind.BOUNDARY)
    assert first.notes == (("beside", {"rounds": ["combine"]}),)
    assert asked(study(2, spec, spoiled=[RoundKind.COMBINE]), RoundKind.BOUNDARY) == asked(history, RoundKind.BOUNDARY)


def test_beside_the_last_wave_of_combine_all_rates_are_tried_at_once():
    history = study(2, example_study(80))
    [wave] = (wave for wave in history.waves if wave.kind is RoundKind.BOUNDARY)
    rates = sorted({trial.effective.learning_rate for trial in wave.trials})
    assert wave.closes_round
    assert len(rates) > 2
    assert max(b / a for a, b in pairwise(rates)) <= 3.01


def test_rounds_are_judged_in_the_order_of_their_numbers_and_may_be_judged_again(together):
    assert together.closed_rounds == tuple(sorted(together.closed_rounds))
    for number in together.closed_rounds[1:]:
        found = tuple(finding for finding in together.findings if finding.round == number)
        assert encode(judge_round(together, number, SPEC, FACTS)) == encode(found)


def test_a_complete_round_waits_for_those_before_it(together):
    last = {wave.round: wave for wave in together.waves}
    boundary = next(wave.round for wave in together.waves if wave.kind is RoundKind.BOUNDARY)
    closed = tuple(number for number in together.closed_rounds if number < boundary)
    assert replace(together, closed_rounds=closed).to_judge == last[boundary]
    open_ = replace(last[boundary], closes_round=False)
    waves = tuple(open_ if wave == last[boundary] else wave for wave in together.waves)
    assert replace(together, waves=waves, closed_rounds=closed).to_judge is None
    assert together.to_judge is None


@pytest.mark.parametrize("trials", [12, 24, 40, None])
def test_any_budget_is_kept_and_its_shares_with_it(trials):
    spec = example_study(trials)
    history = study(2, spec)
    assert history.waves[-1].kind is RoundKind.CONFIRM
    of_kind = {kind: sum(f.budget_units for f in history.trials.values() if f.trial.kind is kind) for kind in RoundKind}
    if trials is not None:
        confirm = of_kind.pop(RoundKind.CONFIRM)
        assert sum(of_kind.values()) <= trials - min(4, confirm)


def test_study_in_hours_leaves_confirm_its_time():
    spec = example_study(None, budget=Budget(hours=5))
    history = study(2, spec)
    confirm = sum(f.cost.train_seconds for f in history.trials.values() if f.trial.kind is RoundKind.CONFIRM)
    assert confirm > 0
    assert history.spent_seconds <= 5 * 3600


def test_what_has_no_question_is_said_to_be_skipped_once():
    flat = World()
    spec = example_study(40, space=SPEC.space)
    oracle = world_oracle(flat, FACTS)

    def nothing_found(history, number, spec, facts):
        return tuple(replace(f, loss_interval=(-math.inf, math.inf)) for f in judge_round(history, number, spec, facts))

    history = simulated_history(
        StudyPlanner(spec, FACTS, Folding.everything()), spec, FACTS, oracle, nothing_found, devices=2
    )
    skipped = [values["kind"] for wave in history.waves for code, values in wave.notes if code == "round_skipped"]
    assert len(skipped) == len(set(skipped))
