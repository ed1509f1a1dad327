"""What holds for every family of findings."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tunebook.statistics.intervals import accuracy_interval, wilson
from tunebook.statistics.multiple import MaxT
from tunebook.statistics.noise import SeedNoise, pooled_covariance
from tunebook.statistics.paired import contrast_matrix, estimate

seeds = st.integers(0, 10_000)


def family(seed, k):
    """K contrasts that share a control, on random outcomes."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(20, 200))
    scores = (rng.random((2 * k + 3, n)) < rng.random(n)).astype(float)
    control = tuple(range(2 * k, 2 * k + 3))
    pairs = [((2 * j, 2 * j + 1), control) for j in range(k)]
    weights = contrast_matrix(pairs, range(2 * k + 3))
    return estimate(scores, weights, SeedNoise(np.array([[rng.random() * 1e-3]]), float(rng.integers(1, 30))))


@settings(deadline=None, max_examples=40)
@given(seeds, st.integers(1, 12), st.sampled_from([0.05, 0.02, 0.005]))
def test_p_value_below_alpha_exactly_when_the_interval_excludes_zero(seed, k, alpha):
    e = family(seed, k)
    distribution = MaxT(e.correlation)
    p = distribution.p_values(e.effect / e.standard_error, e.df)
    half = distribution.critical(alpha, e.df) * e.standard_error
    assert np.array_equal(p < alpha, np.abs(e.effect) > half)


@settings(deadline=None, max_examples=40)
@given(seeds, st.integers(1, 12))
def test_adjusted_p_lies_between_the_raw_one_and_bonferronis(seed, k):
    e = family(seed, k)
    t = e.effect / e.standard_error
    adjusted = MaxT(e.correlation).p_values(t, e.df)
    # held against the same distribution of a single contrast
    raw = np.array([MaxT(np.eye(1)).p_values(each, df) for each, df in zip(t, e.df, strict=True)]).ravel()
    assert np.all(adjusted >= raw - 1e-12)
    assert np.all(adjusted <= np.minimum(1, k * raw) + 1e-12)


@settings(deadline=None, max_examples=25)
@given(seeds, st.integers(2, 8))
def test_a_larger_statistic_never_has_a_larger_p_value(seed, k):
    e = family(seed, k)
    grid = np.linspace(0.0, 8.0, 60)
    distribution = MaxT(e.correlation)
    p = [distribution.p_values(np.full(k, t), np.full(k, 12.0))[0] for t in grid]
    assert np.all(np.diff(p) <= 1e-12)


@settings(deadline=None, max_examples=40)
@given(seeds, st.integers(1, 6))
def test_degrees_of_freedom_lie_between_the_noises_and_the_sum(seed, k):
    e = family(seed, k)
    assert np.all(e.df >= 1 - 1e-9)
    assert np.all(np.linalg.eigvalsh(e.covariance) > -1e-12)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 500), st.data())
def test_wilson_contains_the_proportion_and_stays_within_bounds(n, data):
    successes = data.draw(st.integers(0, n))
    low, high = wilson(successes, n)
    assert 0 <= low <= successes / n + 1e-12
    assert successes / n - 1e-12 <= high <= 1


@settings(deadline=None, max_examples=40)
@given(seeds, st.integers(1, 5), st.floats(0, 0.1), st.floats(1, 50))
def test_accuracy_intervals_contain_the_accuracy(seed, m, deviation, df):
    scores = (np.random.default_rng(seed).random((m, 60)) < 0.9).astype(float)
    low, high = accuracy_interval(scores, deviation, df)
    assert 0 <= low <= scores.mean() <= high <= 1


@settings(deadline=None, max_examples=40)
@given(st.lists(st.lists(st.floats(0, 1), min_size=1, max_size=5), min_size=1, max_size=8))
def test_noise_ignores_the_order_of_configurations_and_replicates(groups):
    first, second = (
        pooled_covariance([np.array(group)[:, None] for group in each])
        for each in (groups, [group[::-1] for group in groups[::-1]])
    )
    assert np.allclose((first.deviation, first.df), (second.deviation, second.df), atol=1e-9)
    assert first.from_prior == second.from_prior
