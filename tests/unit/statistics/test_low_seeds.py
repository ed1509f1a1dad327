"""Seeds that came out far below their replicates."""

from __future__ import annotations

import numpy as np
import pytest

from tunebook.core.facts import History, Outcomes, TrialFact
from tunebook.core.study import Purpose, RoundKind, Trial, TrialState
from tunebook.statistics.evidence import Evidence
from tunebook.statistics.low_seeds import low_seeds
from tunebook.testing.planner_suite import example_study


def history(groups: list[list[float]]) -> History:
    trials, baseline = {}, example_study().baseline
    for i, group in enumerate(groups):
        c = baseline.with_values(lora_r=8 + i)
        for accuracy in group:
            number = len(trials) + 1
            trial = Trial(
                id=number,
                round=1,
                kind=RoundKind.EXPLORE,
                purpose=Purpose.LEVEL,
                configuration=c,
                effective=c,
                seed=number,
            )
            scores = (np.arange(200) < round(200 * accuracy)).astype(float)
            trials[number] = TrialFact(
                trial=trial, state=TrialState.COMPLETED, outcomes={"validation": Outcomes(scores, scores)}
            )
    return History(trials=trials)


QUIET = [[0.60, 0.61], [0.58, 0.59], [0.62, 0.61]]


def test_one_seed_in_five_that_lost_fifteen_points_is_named():
    (found,) = low_seeds(Evidence(history([[0.6, 0.61, 0.6, 0.45, 0.59], *QUIET])))
    assert (found.trial, found.n_others) == (4, 4)
    assert (found.accuracy, found.others) == pytest.approx((0.45, 0.6))


@pytest.mark.parametrize(
    "groups",
    [
        [[0.6, 0.45], *QUIET],  # of two nobody knows which
        [[0.6, 0.61, 0.57], *QUIET],  # three points are not far
        [[0.6, 0.75, 0.5], [0.4, 0.6], [0.5, 0.7], [0.6, 0.4]],  # all seeds are noisy
        [[0.6, 0.6, 0.45]],  # too few others
    ],
)
def test_other_seeds_are_not(groups):
    assert low_seeds(Evidence(history(groups))) == ()
