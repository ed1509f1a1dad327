"""Findings on scores that are not right-or-wrong: no bound at 1, discordance in their own scale, limits on the best."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tunebook.core.facts import ExampleText
from tunebook.evaluation import load_metric, standard_scores
from tunebook.statistics.intervals import accuracy_interval, largest_difference
from tunebook.statistics.noise import SeedNoise
from tunebook.statistics.paired import discordance, estimate
from tunebook.statistics.selection import Field, corrected_accuracy

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


def test_intervals_of_a_bounded_statistic_keep_to_its_bounds_where_two_seeds_are_uneven() -> None:
    golds = [("a", "b", "c")[(i % 8 == 0) + (i % 40 == 0)] for i in range(80)]
    examples = [ExampleText(i, "", gold) for i, gold in enumerate(golds)]
    nearly = ["b" if i == 40 else gold for i, gold in enumerate(golds)]
    answers = [nearly, ["a"] * 80]  # a seed that is nearly right, and one that gives the commonest answer alone
    scores = np.stack([standard_scores(load_metric("macro_f1"), each, examples) for each in answers])
    deviation = float(scores.mean(axis=1).std(ddof=1))
    low, high = accuracy_interval(scores, deviation, 1.0)
    assert low < 0 < 1 < high
    assert accuracy_interval(scores, deviation, 1.0, has_bounds=True) == (0.0, 1.0)
    field = Field(
        scores=scores.mean(axis=0)[None, :],
        losses=np.ones((1, 80)),
        replicates=np.array([2.0]),
        seed_covariance=np.diag([deviation**2, 0.0]),
        answer_covariance=np.zeros((2, 2)),
        seed_df=1.0,
        has_bounds=True,
    )
    found = corrected_accuracy(field, 0)
    assert (found.low, found.high) == (0.0, 1.0)
