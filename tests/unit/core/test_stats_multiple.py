"""Max-t against published tables, other implementations and its own promises."""

import numpy as np
import pytest
from scipy import stats

from tunebook.core.stats.multiple import MaxT


def exchangeable(k: int, rho: float) -> np.ndarray:
    matrix = np.full((k, k), rho)
    np.fill_diagonal(matrix, 1.0)
    return matrix


# Two-sided 5 % points for comparing k treatments with a control, correlation 0.5: Dunnett 1964 (Biometrics 20, 482),
# table II, as reprinted in statistics textbooks; two decimals.
@pytest.mark.parametrize(
    ("k", "df", "published"),
    [(1, 10, 2.23), (2, 10, 2.57), (3, 10, 2.76), (5, 10, 2.99), (9, 10, 3.24), (2, 20, 2.38), (5, 20, 2.73),
     (9, 20, 2.95), (2, 60, 2.27), (5, 60, 2.58), (9, 60, 2.77), (5, 1e9, 2.51), (9, 1e9, 2.69)],
)
def test_critical_values_are_those_of_dunnetts_table(k, df, published):
    assert MaxT(exchangeable(k, 0.5)).critical(0.05, df)[0] == pytest.approx(published, abs=0.012)


# One-sided 5 % points, same source, table I.
@pytest.mark.parametrize(("k", "df", "published"), [(2, 10, 2.15), (4, 10, 2.47), (5, 10, 2.56), (5, 20, 2.39)])
def test_one_sided_critical_values_are_those_of_dunnetts_table(k, df, published):
    family = MaxT(exchangeable(k, 0.5), np.zeros(k, bool))
    assert family.critical(0.05, df)[0] == pytest.approx(published, abs=0.012)


def test_independent_contrasts_follow_sidak():
    critical = MaxT(np.eye(6)).critical(0.02, 1e6)[0]
    assert critical == pytest.approx(stats.norm.ppf(1 - (1 - 0.98 ** (1 / 6)) / 2), rel=0.002)


def test_adjusted_p_values_agree_with_scipys_dunnett():
    rng = np.random.default_rng(5)
    control, *groups = [rng.normal(mean, 1.0, 12) for mean in (0.0, 0.2, 0.9, 1.3, -0.4)]
    theirs = stats.dunnett(*groups, control=control, rng=np.random.default_rng(1))
    p = MaxT(exchangeable(4, 0.5)).p_values(theirs.statistic, 5 * 12 - 5)
    assert p == pytest.approx(theirs.pvalue, abs=0.004)


def test_unequal_correlations_agree_with_the_multivariate_t_distribution():
    matrix = np.array([[1.0, 0.7, 0.1], [0.7, 1.0, -0.3], [0.1, -0.3, 1.0]])
    box = stats.multivariate_t(shape=matrix, df=9)
    inside = box.cdf([2.4] * 3, lower_limit=[-2.4] * 3, random_state=np.random.default_rng(0))
    assert MaxT(matrix).p_values([2.4] * 3, 9)[0] == pytest.approx(1 - inside, rel=0.01)


def test_a_contrast_that_repeats_another_costs_nothing():
    one = MaxT(np.eye(1)).critical(0.05, 12)[0]
    assert MaxT(np.ones((3, 3))).critical(0.05, 12)[0] == pytest.approx(one, rel=0.002)


def test_the_critical_value_is_where_the_p_value_equals_alpha():
    df = np.array([5.0, 9.0, 14.0, 200.0, 1e9])
    for alpha in (0.05, 0.02, 0.005):
        family = MaxT(exchangeable(5, 0.3), np.array([True, True, False, True, False]))
        assert family.p_values(family.critical(alpha, df), df) == pytest.approx(alpha, rel=1e-8)


def test_the_same_family_gives_the_same_numbers():
    first, second = (MaxT(exchangeable(7, 0.4)).p_values(np.linspace(0, 5, 7), 20) for _ in range(2))
    assert np.array_equal(first, second)


def test_small_statistics_of_one_sided_contrasts_have_large_p_values():
    family = MaxT(exchangeable(3, 0.5), np.zeros(3, bool))
    assert family.p_values([-3.0, 0.0, 3.0], 30)[0] == pytest.approx(1.0, abs=1e-3)
