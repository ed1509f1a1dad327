"""Paired differences, noise and intervals against values computed elsewhere."""

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import proportion_confint

from tunebook.statistics.intervals import accuracy_interval, exact_interval, satterthwaite, wilson
from tunebook.statistics.noise import SEED_DEVIATION_PRIOR, SeedNoise, answer_variance, pooled_covariance
from tunebook.statistics.paired import contrast_matrix, estimate, mcnemar_exact, neighbour_inflation


def scores(rng, trials, n, rate=0.6):
    return (rng.random((trials, n)) < rate).astype(float)


# Newcombe 1998 (Statistics in Medicine 17, 857), table I, method 3 (Wilson without continuity correction).
@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0000, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_intervals_are_those_of_newcombe(successes, n, low, high):
    assert wilson(successes, n) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(("successes", "n"), [(0, 7), (7, 7), (1, 1), (3, 10), (12.4, 40), (399, 400), (1, 5000)])
@pytest.mark.parametrize("level", [0.8, 0.95, 0.999])
def test_intervals_of_a_share_are_those_of_statsmodels(successes, n, level):
    for ours, method in ((wilson, "wilson"), (exact_interval, "beta")):
        low, high = proportion_confint(successes, n, alpha=1 - level, method=method)
        assert ours(successes, n, level) == pytest.approx((max(0.0, low), min(1.0, high)), abs=1e-12)


@pytest.mark.parametrize(("won", "lost"), [(0, 0), (0, 4), (5, 5), (17, 3), (150, 86)])
def test_mcnemar_is_that_of_statsmodels(won, lost):
    a, b = np.array([1.0] * won + [0.0] * lost + [1.0]), np.array([0.0] * won + [1.0] * lost + [1.0])
    expected = mcnemar([[0, won], [lost, 0]], exact=True).pvalue if won + lost else 1.0
    assert mcnemar_exact(a, b) == pytest.approx(expected, abs=1e-12)


def test_one_trial_gets_wilsons_interval():
    one = np.repeat([1.0, 0.0], [81, 182])[None, :]
    assert accuracy_interval(one, 0.02, 5) == pytest.approx((0.2553, 0.3662), abs=5e-5)


def test_several_seeds_widen_the_interval_by_their_noise():
    rng = np.random.default_rng(0)
    y = scores(rng, 2, 400)
    low, high = accuracy_interval(y, 0.02, math.inf)
    variance = y.mean(axis=0).var(ddof=1) / 400 + 0.02**2 / 2
    assert (high - low) / 2 == pytest.approx(1.96 * math.sqrt(variance), rel=0.01)


def test_satterthwaite_is_the_welch_formula():
    a, b = np.array([1.0, 4.0, 2.0, 7.0, 5.0]), np.array([2.0, 2.5, 3.0, 2.0, 9.0, 1.0, 4.0])
    df = satterthwaite((a.var(ddof=1) / 5, b.var(ddof=1) / 7), (4, 6))
    assert df == pytest.approx(stats.ttest_ind(a, b, equal_var=False).df)


def test_pooled_noise_is_the_root_mean_square_within_groups():
    noise = pooled_covariance([np.array(group)[:, None] for group in ([0.60, 0.62], [0.70, 0.71, 0.75], [0.5])])
    within = 2 * 0.01**2 + np.var([0.70, 0.71, 0.75]) * 3
    assert (noise.deviation, noise.df, noise.from_prior) == (pytest.approx(math.sqrt(within / 3)), 3, False)


def test_without_replicates_the_stated_prior_is_used_and_said():
    noise = pooled_covariance([np.array([[0.6]]), np.array([[0.7]])])
    assert (noise.deviation, noise.df, noise.from_prior) == (SEED_DEVIATION_PRIOR, 0, True)


def test_a_far_noisier_configuration_is_set_apart_from_the_pool():
    quiet = {f"c{i}": np.array([[0.600], [0.604], [0.602]]) for i in range(8)}
    noise = pooled_covariance({**quiet, "wild": np.array([[0.5], [0.7], [0.6]])})
    assert list(noise.own) == ["wild"]
    assert noise.deviation == pytest.approx(0.002)
    assert noise.own["wild"][0][0, 0] == pytest.approx(0.01)


def test_without_seed_noise_the_estimate_is_the_paired_t_test():
    rng = np.random.default_rng(1)
    y = rng.random((2, 200))
    e = estimate(y, np.array([[1.0, -1.0]]), SeedNoise(np.zeros((1, 1)), 5.0), pseudo=0.0)
    theirs = stats.ttest_rel(y[0], y[1])
    assert e.effect[0] / e.standard_error[0] == pytest.approx(theirs.statistic)
    assert e.df[0] == pytest.approx(theirs.df)


def test_the_variance_is_that_of_the_examples_plus_that_of_the_seeds():
    rng = np.random.default_rng(2)
    y = scores(rng, 7, 300)
    w = contrast_matrix([((1, 2), (3, 4, 5, 6, 7))], range(1, 8))
    e = estimate(y, w, SeedNoise(np.array([[0.01**2]]), 9.0), pseudo=0.0)
    d = y[:2].mean(axis=0) - y[2:].mean(axis=0)
    assert e.effect[0] == pytest.approx(d.mean())
    assert e.covariance[0, 0] == pytest.approx(d.var(ddof=1) / 300 + 0.01**2 * (1 / 2 + 1 / 5))


def test_the_interval_of_one_contrast_counts_the_chance_on_single_answers_once():
    rng = np.random.default_rng(5)
    y = scores(rng, 7, 300)
    w = contrast_matrix([((1, 2), (3, 4, 5, 6, 7))], range(1, 8))
    answers, from_seeds = 1e-4, 4e-4
    noise = SeedNoise(np.array([[from_seeds]]), 5.0, from_answers=(answers,))
    e = estimate(y, w, noise)
    plain = estimate(y, w, SeedNoise(np.array([[from_seeds]]), 5.0))
    twice = stats.t.ppf(0.975, plain.df[0]) * e.standard_error[0]
    v_seeds, left = from_seeds * 0.7, e.from_examples[0] - answers * 0.7
    df = (v_seeds + left) ** 2 / (v_seeds**2 / 5 + e.from_examples[0] ** 2 / 299)
    assert e.half[0] == pytest.approx(stats.t.ppf(0.975, df) * math.sqrt(v_seeds + left))
    assert e.df[0] == pytest.approx(df)  # the variance counts it twice, what is known of the variance once
    assert e.half[0] < twice
    assert plain.half[0] == pytest.approx(twice)
    # as much chance on answers as the seeds' noise has: what is left of the examples' part is the added discordance
    alone = estimate(y, w, SeedNoise(np.array([[from_seeds]]), 5.0, from_answers=(1.0,)))
    assert alone.half[0] == pytest.approx(stats.t.ppf(0.975, 5) * math.sqrt(v_seeds + 1 / 300 / 299), rel=0.02)


def test_the_chance_on_single_answers_is_what_a_seed_changes_beyond_its_shift():
    rng = np.random.default_rng(6)
    shifts, answers = rng.normal(0, 3.0, (40, 1)), rng.normal(0, 0.5, (40, 200))
    y = (shifts + answers).reshape(20, 2, 200)
    residuals = (y - y.mean(axis=1, keepdims=True)).reshape(40, 200)
    assert answer_variance(residuals, 20) == pytest.approx(0.25, rel=0.05)
    assert answer_variance(np.empty((0, 0)), 0) == 0.0


def test_contrasts_that_share_a_control_share_its_noise():
    rng = np.random.default_rng(3)
    w = contrast_matrix([((1,), (3,)), ((2,), (3,))], (1, 2, 3))
    e = estimate(scores(rng, 3, 500), w, SeedNoise(np.array([[0.3**2]]), 50.0))
    assert e.correlation[0, 1] == pytest.approx(0.5, abs=0.01)


def test_two_trials_that_agree_everywhere_are_not_known_to_be_equal():
    y = np.ones((2, 30))
    e = estimate(y, np.array([[1.0, -1.0]]), SeedNoise(np.zeros((1, 1)), 5.0))
    assert e.standard_error[0] > 0.03


def test_groups_of_examples_are_estimated_from_their_own_examples():
    rng = np.random.default_rng(4)
    y = scores(rng, 2, 100)
    halves = [np.arange(0, 40), np.arange(40, 100)]
    e = estimate(y, np.array([[1.0, -1.0]]), SeedNoise(np.diag([0.01**2, 0.02**2]), 6.0), halves)
    assert e.effect == pytest.approx([np.mean(y[0, half] - y[1, half]) for half in halves])
    assert e.from_seeds == pytest.approx([2 * 0.01**2, 2 * 0.02**2])


# Agresti 2002, Categorical Data Analysis, section 10.1: 86 and 150 changed their minds; the exact test.
def test_mcnemar_is_the_exact_binomial_test():
    a = np.repeat([1.0, 0.0, 1.0], [86, 150, 20])
    b = np.repeat([0.0, 1.0, 1.0], [86, 150, 20])
    assert mcnemar_exact(a, b) == pytest.approx(stats.binomtest(86, 236).pvalue)


# shared with the audit: 112 against 107 of 358 right, the five discordant pairs all one way
def test_five_examples_one_way_are_not_significant():
    a, b = np.zeros(358), np.zeros(358)
    a[:112], b[:107] = 1, 1
    assert mcnemar_exact(a, b) == pytest.approx(0.0625)


def test_mcnemar_declines_graded_scores():
    assert mcnemar_exact(np.array([0.5, 1.0]), np.array([1.0, 0.0])) is None


def test_clustered_examples_inflate_the_variance_and_independent_ones_do_not():
    rng = np.random.default_rng(6)
    clusters = np.repeat(rng.normal(size=(6, 400)), 5, axis=1) + rng.normal(size=(6, 2000))
    # correlation 1/2 within clusters of five: the design effect is 1 + 4 x 1/2 = 3
    assert neighbour_inflation(clusters) == pytest.approx(2.6, abs=0.5)
    quiet = sum(neighbour_inflation(rng.normal(size=(6, 1000))) > 1 for _ in range(100))
    assert quiet <= 10


def test_a_file_sorted_by_label_is_not_taken_for_clusters():
    rng = np.random.default_rng(7)
    by_label = np.repeat(rng.normal(size=(4, 4)), 250, axis=1) + rng.normal(size=(4, 1000))
    # without taking the plateau off it would be about 5
    assert neighbour_inflation(by_label) < 1.5


def test_replicates_that_differ_more_than_the_pool_count_with_their_own_variance():
    pairs = {f"c{i}": np.array([[0.60], [0.62 if i % 2 else 0.63]]) for i in range(8)}
    noise = pooled_covariance({**pairs, "wide": np.array([[0.60], [0.66]])})
    assert not noise.own, "beyond chance it is not"
    (wide, df), (narrow, same) = noise.of("wide"), noise.of("c1")
    assert (wide, narrow) == (pytest.approx(0.06 / math.sqrt(2)), pytest.approx(noise.deviation))
    assert df == same == 9
    y, w = np.full((2, 50), 0.5), np.array([[1.0, -1.0]])
    errors = [estimate(y, w, noise, pseudo=0.0, names=[name, "c1"]).standard_error[0] for name in ("wide", "c3")]
    assert errors == pytest.approx([math.hypot(wide, narrow), math.hypot(narrow, narrow)])


def test_few_degrees_of_freedom_are_filled_up_by_the_prior():
    noise = pooled_covariance([np.array([[0.6], [0.6]])])
    assert (noise.deviation, noise.df, noise.provisional) == (0.0, 1.0, True)
    covariance, df = noise.assumed
    assert (covariance[0, 0], df) == (pytest.approx(3 * SEED_DEVIATION_PRIOR**2 / 4), 4.0)


def test_from_four_degrees_of_freedom_on_only_the_measurement_counts():
    noise = pooled_covariance([np.array([[0.60], [0.61], [0.62], [0.63], [0.64]])])
    assert noise.assumed == (noise.covariance, 4.0)
    assert not noise.provisional


def test_where_some_seeds_differ_far_more_the_pool_is_worth_few_degrees_of_freedom():
    rng = np.random.default_rng(4)
    calm = {f"c{i}": 0.6 + 0.01 * rng.standard_normal((2, 1)) for i in range(14)}
    fallen = {f"f{i}": np.array([[0.6], [0.45]]) for i in range(2)}
    even, uneven = pooled_covariance(calm), pooled_covariance({**calm, **fallen})
    assert even.uneven_df is None
    assert even.effective_df == 14
    assert uneven.effective_df < 4
    assert uneven.deviation > 3 * even.deviation, "nothing is left out of the pool"
    assert set(fallen) <= set(uneven.own)


def test_equal_noise_is_seldom_called_uneven():
    rng = np.random.default_rng(5)
    called = [
        pooled_covariance({str(i): rng.standard_normal((2, 1)) for i in range(12)}).uneven_df is not None
        for _ in range(200)
    ]
    assert sum(called) <= 20
