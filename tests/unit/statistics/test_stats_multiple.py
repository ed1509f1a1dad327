"""Max-t against published tables, other implementations and its own promises."""

import numpy as np
import pytest
from scipy import special, stats

from tunebook.statistics.multiple import MaxT


def exchangeable(k: int, rho: float) -> np.ndarray:
    matrix = np.full((k, k), rho)
    np.fill_diagonal(matrix, 1.0)
    return matrix


def inside(c: float, k: int, df: float, two_sided: bool) -> float:
    """P(max |T_i| <= c), or P(max T_i <= c), of k statistics with correlation 1/2, by quadrature and nothing of ours.

    T_i = (Z_i + Z_0) / (sqrt(2) S): given the shared control Z_0 and the scale S they are independent (Dunnett 1955).
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(101)
    scale = np.linspace(1e-4, 3.0, 4001) if df < 1e6 else np.ones(1)
    upper = scale[:, None] * c * np.sqrt(2) - nodes
    lower = -scale[:, None] * c * np.sqrt(2) - nodes
    given = special.ndtr(upper) - (special.ndtr(lower) if two_sided else 0.0)
    over_control = (given**k) @ weights / weights.sum()
    if df >= 1e6:
        return float(over_control[0])
    density = stats.chi.pdf(scale * np.sqrt(df), df) * np.sqrt(df)
    return float(np.trapezoid(over_control * density, scale))


# One-sided 5 % points for k treatments against a control, correlation 1/2: the table of Dunnett 1955 (J. Am. Stat.
# Assoc. 50, 1096, at p. 1112), two decimals. The two-sided ones: by `inside`, which gives the one-sided ones too.
@pytest.mark.parametrize(
    ("k", "df", "two_sided", "expected"),
    [
        (2, 10, False, 2.15),
        (4, 10, False, 2.47),
        (5, 10, False, 2.56),
        (9, 10, False, 2.81),
        (5, 20, False, 2.39),
        (9, 60, False, 2.48),
        (5, 1e9, False, 2.23),
        (1, 10, True, 2.2281),
        (2, 10, True, 2.5683),
        (3, 10, True, 2.7590),
        (5, 10, True, 2.9903),
        (9, 10, True, 3.2442),
        (2, 20, True, 2.3787),
        (5, 20, True, 2.7347),
        (9, 20, True, 2.9463),
        (2, 60, True, 2.2653),
        (5, 60, True, 2.5825),
        (9, 60, True, 2.7689),
        (5, 1e9, True, 2.5115),
        (9, 1e9, True, 2.6862),
    ],
)
def test_critical_values_are_those_of_dunnetts_problem(k, df, two_sided, expected):
    found = MaxT(exchangeable(k, 0.5), np.full(k, two_sided)).critical(0.05, df)[0]
    assert found == pytest.approx(expected, abs=0.007)
    assert 1 - inside(found, k, df, two_sided) == pytest.approx(0.05, rel=0.015)


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
