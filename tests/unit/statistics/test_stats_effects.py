"""Importance, sweet spots, brackets, the leader, the tie set and the winner's curse."""

import math

import numpy as np
import pytest

from tunebook.statistics.effects import factor_variances, spread_matrix
from tunebook.statistics.noise import pooled_covariance
from tunebook.statistics.response import divergence_bracket, fitted_interval, tied_levels
from tunebook.statistics.selection import Field, corrected_accuracy, leader, tie_set


def test_the_spread_of_levels_is_their_variance_with_the_control_among_them():
    e = np.array([0.03, -0.01, 0.02])
    assert e @ spread_matrix(3) @ e == pytest.approx(np.var([0, *e]))


def test_the_factor_that_moves_most_comes_first_and_noise_has_no_share():
    effect = np.array([0.10, -0.08, 0.004, -0.003])
    covariance = 0.01**2 * (np.eye(4) + 1)
    first, second = factor_variances(effect, covariance, [np.array([0, 1]), np.array([2, 3])])
    assert first.rank == 1
    assert first.share == pytest.approx(1.0, abs=0.01)
    assert first.first_share > 0.99
    assert second.rank_interval[1] == 2


def test_the_sweet_spot_of_a_parabola_holds_its_top():
    x = np.log(np.array([2e-4, 5e-5, 1e-4, 4e-4, 8e-4, 2e-3]))
    height = -0.03 * (x - math.log(5e-4)) ** 2
    effect = height - height[0]
    covariance = 0.004**2 * (np.eye(6) + 1)
    covariance[0] = covariance[:, 0] = 0
    fit = fitted_interval(x, effect, covariance, 2.02)
    assert math.exp(fit.best) == pytest.approx(5e-4, rel=0.05)
    assert 2e-4 < math.exp(fit.low) < 5e-4 < math.exp(fit.high) < 1.3e-3


def test_three_levels_are_too_few_for_a_fit():
    assert fitted_interval(np.array([0.0, 1.0, 2.0]), np.zeros(3), np.eye(3), 2.2) is None


def test_a_response_that_is_no_parabola_is_not_fitted():
    x, effect = np.arange(6.0), np.array([0, 0.2, -0.2, 0.2, -0.2, 0.2])
    covariance = 0.01**2 * np.eye(6)
    assert fitted_interval(x, effect, covariance, 2.02) is None
    assert tied_levels(x, effect, covariance, 2.02).low == 1.0


def test_a_level_is_told_from_the_best_only_by_the_measure_of_the_verdicts():
    x, effect = np.array([1.0, 2.0]), np.array([0.0, 0.125])
    covariance = np.diag([0.0, 0.05**2])
    assert tied_levels(x, effect, covariance, 1.96).low == 2.0
    assert tied_levels(x, effect, covariance, 2.9).low == 1.0  # an interval of -2 to +27 points: inconclusive


def test_the_bracket_runs_from_the_last_sure_rate_to_the_first_that_mostly_fails():
    tried = {1e-3: [True] * 3, 2e-3: [True] * 4, 3e-3: [True, False], 5e-3: [False] * 4, 8e-3: [False]}
    bracket = divergence_bracket(tried)
    assert (bracket.highest_trained, bracket.lowest_failed, bracket.mixed) == (2e-3, 5e-3, (3e-3,))
    assert bracket.unsure == ()


def test_an_end_with_too_few_replicates_gives_way_to_the_next_tried_rate():
    """Two seeds that trained at 2e-3, next to two that broke at 2.3e-3, may both be luck; 5e-4 and 6e-3 are not."""
    tried = {5e-4: [True] * 3, 2e-3: [True, True], 2.3e-3: [False, False], 6e-3: [False, False]}
    bracket = divergence_bracket(tried)
    assert (bracket.raw_trained, bracket.raw_failed) == (2e-3, 2.3e-3)
    assert (bracket.highest_trained, bracket.lowest_failed) == (5e-4, 6e-3)
    assert set(bracket.unsure) == {2e-3, 2.3e-3}


@pytest.mark.parametrize("spread", [0.05, 0.15, 0.3])
def test_the_bracket_holds_the_rate_at_which_half_of_the_seeds_break(spread):
    """Rates a factor of 1.7 apart, two seeds each, the cliff anywhere: of 400 brackets at least 95 % hold."""
    rng = np.random.default_rng(17)
    rates = 1e-4 * 1.7 ** np.arange(9)
    held = 0
    for _ in range(400):
        cliff = rng.uniform(np.log(rates[2]), np.log(rates[6]))
        tried = {rate: (np.log(rate) < cliff + spread * rng.standard_normal(2)).tolist() for rate in rates}
        bracket = divergence_bracket(tried)
        held += (bracket.highest_trained or 0) <= np.exp(cliff) <= (bracket.lowest_failed or np.inf)
    assert held >= 380


def test_a_rate_above_a_mixed_one_is_not_sure_even_if_all_its_seeds_trained():
    assert divergence_bracket({1e-3: [True], 2e-3: [True, False], 3e-3: [True, True]}).highest_trained == 1e-3


def test_where_nothing_failed_the_bracket_is_open_and_where_nothing_trained_it_has_no_lower_end():
    assert divergence_bracket({1e-3: [True]}).lowest_failed is None
    assert divergence_bracket({1e-3: [False]}).highest_trained is None


def field(rng, rates, n=1500, m=2, sd=0.01):
    chance = rng.random(n)
    scores, losses = [], []
    for rate in rates:
        seeds = [(chance < rate + rng.normal(0, sd)).astype(float) for _ in range(m)]
        scores.append(np.mean(seeds, axis=0))
        losses.append(1 - rate + rng.normal(0, 0.3, n))
    c = np.diag([sd**2, 0.01**2])
    return Field(
        scores=np.array(scores),
        losses=np.array(losses),
        replicates=np.full(len(rates), float(m)),
        seed_covariance=c,
        answer_covariance=np.zeros((2, 2)),
        seed_df=20.0,
    )


def test_a_clear_best_leads_alone():
    f = field(np.random.default_rng(2), [0.5, 0.52, 0.7])
    assert leader(f.scores, f.loss) == 2
    assert tie_set(f, 2).tolist() == [False, False, True]


def test_equal_configurations_are_tied():
    f = field(np.random.default_rng(3), [0.6] * 8)
    assert tie_set(f, leader(f.scores, f.loss)).sum() >= 7


def test_among_near_equals_the_lower_loss_leads():
    f = field(np.random.default_rng(4), [0.6, 0.6, 0.6], sd=0.0)
    losses = np.array([1.0, 0.5, 0.9])[:, None] * np.ones_like(f.losses)
    assert leader(f.scores, losses.mean(axis=1)) == 1


def test_a_leader_without_a_finite_loss_still_leads():
    scores = np.array([[0.0] * 50 + [1.0] * 50, [1.0] * 90 + [0.0] * 10])
    assert leader(scores, np.array([0.4, math.inf])) == 1


def test_the_winners_curse_is_taken_out_on_average():
    """Twelve equal configurations: the raw accuracy of the leader is too high, the corrected one is not."""
    rng = np.random.default_rng(5)
    raw, corrected, covered = [], [], 0
    for _ in range(150):
        f = field(rng, [0.6] * 12, n=400, sd=0.02)
        seeds = 0.02**2 * np.array([[1.0, -1.0], [-1.0, 1.0]])  # the loss is the accuracy with another sign
        f = Field(
            scores=f.scores,
            losses=-f.scores,
            replicates=f.replicates,
            seed_covariance=seeds,
            answer_covariance=f.answer_covariance,
            seed_df=20.0,
        )
        found = corrected_accuracy(f, leader(f.scores, f.loss))
        raw.append(found.raw - 0.6)
        corrected.append(found.corrected - 0.6)
        covered += found.low <= 0.6 <= found.high
    assert np.mean(raw) > 0.015
    assert abs(np.mean(corrected)) < 0.006
    assert covered >= 136  # 95 % expected; below has probability 0.01


def test_a_noisier_configuration_has_an_interval_of_its_own_noise():
    quiet = {f"c{i}": np.array([[0.50], [0.51]]) for i in range(8)}
    noise = pooled_covariance({**quiet, "wild": np.array([[0.2], [0.6], [0.9]])})
    assert set(noise.own) == {"wild"}
    deviation, df = noise.of("wild")
    assert (round(deviation, 3), df) == (0.351, 2)
    assert noise.of("c0") == (noise.assumed_deviation, noise.effective_df)
    assert noise.assumed_deviation < 0.02
