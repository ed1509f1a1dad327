"""Which trials are stopped on the way."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from tunebook.core.facts import Curve, EvaluationRecord, Outcomes, TrialFact
from tunebook.core.study import Purpose, RoundKind, Trial, TrialState
from tunebook.planning.racing import curves_cross, losers, loss_at
from tunebook.testing.planner_suite import example_study


def racing(number: int, *losses: float, epochs: int = 4, state: TrialState = TrialState.RUNNING) -> TrialFact:
    c = example_study().baseline.with_values(num_train_epochs=epochs)
    trial = Trial(
        id=number, round=1, kind=RoundKind.PILOT, purpose=Purpose.PILOT, configuration=c, effective=c, seed=61
    )
    records = tuple(EvaluationRecord(i, float(i), "validation", loss) for i, loss in enumerate(losses, 1))
    return TrialFact(trial=trial, state=state, curve=Curve((), records))


def test_two_are_never_stopped():
    assert losers([racing(1, 9.0, 1.0), racing(2, 9.0, 3.0)]) == ()
    assert losers([racing(1, 9.0, 1.0), racing(2, 9.0, 2.5), racing(3, 9.0, 3.0), racing(4, 9.0, 1.5)]) == (2, 3)


def test_one_that_is_not_far_behind_goes_on():
    assert losers([racing(1, 9.0, 1.0), racing(2, 9.0, 1.5), racing(3, 9.0, 1.9)]) == ()


def test_nothing_is_looked_at_before_half():
    assert losers([racing(1, 1.0), racing(2, 1.1), racing(3, 9.0)]) == ()


def test_trials_are_held_against_those_at_the_same_point():
    ahead, behind = racing(1, 2.0, 1.5, 0.5), racing(2, 2.0, 1.4)
    assert losers([ahead, behind, racing(3)]) == ()
    assert losers([ahead, behind, racing(3, 2.0, 4.0)]) == (3,)


def ended(number: int, half: float, end: float) -> TrialFact:
    outcome = Outcomes(np.ones(2), np.full(2, end))
    fact = racing(number, 9.0, half, 1.0, end, state=TrialState.COMPLETED)
    return replace(fact, outcomes={"validation": outcome})


def test_curves_cross_where_those_that_ended_changed_their_order():
    assert curves_cross([ended(1, 1.0, 0.9), ended(2, 1.5, 0.5), racing(3, 9.0, 4.0, state=TrialState.STOPPED)])
    assert not curves_cross([ended(1, 1.0, 0.5), ended(2, 1.5, 0.9)])
    assert not curves_cross([ended(1, 1.0, 0.9), ended(2, 1.05, 0.5)]), "hardly apart at the look"
    assert not curves_cross([ended(1, 1.0, 0.9)])


@pytest.mark.parametrize("state", [TrialState.DIVERGED, TrialState.COLLAPSED])
def test_one_that_broke_stops_nobody(state):
    assert losers([racing(1, 9.0, 0.5, state=state), racing(2, 9.0, 1.0), racing(3, 9.0, 3.0)]) == ()


def test_finished_ones_count_and_are_not_stopped():
    done = [racing(n, loss, loss, loss, loss, state=TrialState.COMPLETED) for n, loss in ((1, 1.0), (2, 1.1), (3, 5.0))]
    assert losers([*done, racing(4, 9.0, 2.3)]) == (4,)


@pytest.mark.parametrize(
    ("epochs", "look", "expected"), [(3, 0.25, 2.0), (3, 0.5, 1.5), (1, 0.25, None), (8, 0.5, 1.0)]
)
def test_the_first_evaluation_from_a_look_on(epochs, look, expected):
    losses = [2.0, 1.5, 1.2, 1.0, 0.9, 0.8, 0.7, 0.6][:epochs]
    assert loss_at(racing(1, *losses, epochs=epochs), look) == expected


def test_a_loss_that_is_no_number_counts_as_broken():
    assert loss_at(racing(1, math.nan), 0.25) == math.inf
    assert losers([racing(1, 9.0, 1.0), racing(2, 9.0, 1.1), racing(3, 9.0, math.nan)]) == (3,)
