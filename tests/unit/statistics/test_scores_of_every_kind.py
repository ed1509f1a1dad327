"""Findings on scores that are not right-or-wrong: no bound at 1, discordance in their own scale, limits on the best."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tunebook.statistics.intervals import accuracy_interval, largest_difference
from tunebook.statistics.noise import SeedNoise
from tunebook.statistics.paired import discordance, estimate

NO_NOISE = SeedNoise(np.zeros((1, 1)), 4.0)


def test_two_trials_that_agree_have_an_error_in_the_scale_of_their_scores() -> None:
    chance = np.random.default_rng(1)
    right = (chance.random((1, 200)) < 0.5).astype(float)
    weights = np.array([[1.0, -1.0]])
    assert discordance(np.repeat(right, 2, axis=0)) == 1.0
    for size in (1.0, 0.01, 1000.0):
        scores = np.repeat(size * chance.random((1, 200)), 2, axis=0)
        found = estimate(scores, weights, NO_NOISE)
        assert found.effect[0] == 0
        assert found.standard_error[0] == pytest.approx(math.sqrt(2 * scores[0].var() / 199 / 200))


def test_intervals_of_unbounded_scores_are_not_cut() -> None:
    chance = np.random.default_rng(2)
    scores = 5 + 3 * chance.standard_normal((3, 100))
    low, high = accuracy_interval(scores, 0.1, 8.0)
    assert low < scores.mean() < high
    assert low > 3
    assert largest_difference(scores) == math.inf
    assert largest_difference(np.array([[0.0, 0.5, 1.0]])) == 1.0


def test_an_interval_of_one_trial_on_unbounded_scores_is_students() -> None:
    scores = np.array([[0.0, 2.0, 4.0, 6.0]])
    low, high = accuracy_interval(scores, 0.1, 8.0)
    half = 3.182446305284263 * scores[0].std(ddof=1) / 2
    assert (low, high) == (pytest.approx(3 - half), pytest.approx(3 + half))
