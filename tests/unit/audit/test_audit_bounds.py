"""The bounds against values computed elsewhere and by hand."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from tunebook.audit.judge import bounds
from tunebook.statistics.intervals import wilson


def test_five_examples_in_the_most_favourable_pairing_give_p_0_0625() -> None:
    assert bounds.favourable_p([112 - 107]) == pytest.approx(0.0625, rel=1e-12)


@pytest.mark.parametrize("difference", [1, 2, 3, 7, 10, 40])
def test_one_difference_gives_two_to_the_one_minus_d(difference: int) -> None:
    assert bounds.favourable_p([difference]) == pytest.approx(2.0 ** (1 - difference))
    assert bounds.favourable_p([-difference]) == pytest.approx(2.0 ** (1 - difference))


def test_no_difference_gives_p_one() -> None:
    assert bounds.favourable_p([0]) == 1.0
    assert bounds.favourable_p([4, -4]) == 1.0


@given(st.lists(st.integers(-60, 60), min_size=1, max_size=6))
@settings(deadline=None, max_examples=60)
def test_pooled_differences_are_the_sign_test_of_scipy(differences: list[int]) -> None:
    gains, losses = sum(d for d in differences if d > 0), -sum(d for d in differences if d < 0)
    expected = stats.binomtest(gains, gains + losses, 0.5).pvalue if gains + losses else 1.0
    assert bounds.favourable_p(differences) == pytest.approx(expected, rel=1e-9)


def test_no_pairing_of_a_small_set_beats_the_favourable_bound() -> None:
    """All ways in which 6 of 8 and 3 of 8 right answers can pair, by brute force."""
    n, a, b = 8, 6, 3
    first = [1] * a + [0] * (n - a)
    smallest = 1.0
    for right in itertools.combinations(range(n), b):
        second = [int(i in right) for i in range(n)]
        gains = sum(x > y for x, y in zip(first, second, strict=True))
        losses = sum(x < y for x, y in zip(first, second, strict=True))
        smallest = min(smallest, stats.binomtest(gains, gains + losses, 0.5).pvalue)
    assert bounds.favourable_p([a - b]) == pytest.approx(smallest)


def test_wilson_interval_of_107_of_358() -> None:
    # R: binom::binom.confint(107, 358, methods = "wilson") gives 0.2538 and 0.3482
    assert wilson(107, 358) == pytest.approx((0.253803, 0.348233), abs=1e-6)
    assert wilson(0, 358)[0] == 0.0


def test_fisher_p_of_independent_samples() -> None:
    # the hypergeometric sum by hand: all tables at most as likely as the one seen
    table = stats.hypergeom(716, 219, 358)
    seen = table.pmf(112)
    expected = sum(p for k in range(220) if (p := table.pmf(k)) <= seen * (1 + 1e-7))
    assert bounds.fisher_p(112, 107, 358) == pytest.approx(expected, rel=1e-9)


def test_newcombe_interval_against_the_published_example() -> None:
    # Newcombe 1998, table II (a), method 10: 56/70 against 48/80, 0.0524 to 0.3339; here with equal n = 80
    low, high = bounds.independent_interval(64, 48, 80)
    p1, p2 = 0.8, 0.6
    (l1, u1), (l2, u2) = wilson(64, 80), wilson(48, 80)
    assert low == pytest.approx(0.2 - math.sqrt((p1 - l1) ** 2 + (u2 - p2) ** 2))
    assert high == pytest.approx(0.2 + math.sqrt((u1 - p1) ** 2 + (p2 - l2) ** 2))
    assert low < 0.2 < high


def test_holm_against_a_worked_example() -> None:
    # R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm") gives 0.03 0.06 0.06 0.02
    assert bounds.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_holm_is_that_of_statsmodels() -> None:
    random = np.random.default_rng(0)
    for p_values in (random.random(30) ** 6, np.repeat(random.random(4), 3), np.array([1.0]), np.zeros(2)):
        assert bounds.holm(p_values.tolist()) == pytest.approx(multipletests(p_values, method="holm")[1], rel=1e-12)
    assert bounds.holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
@settings(deadline=None, max_examples=60)
def test_an_adjusted_p_is_never_below_the_raw_one_and_keeps_the_order(p_values: list[float]) -> None:
    adjusted = bounds.holm(p_values)
    assert all(a >= p for a, p in zip(adjusted, p_values, strict=True))
    ranked = [a for _, a in sorted(zip(p_values, adjusted, strict=True))]
    assert ranked == sorted(ranked)


def test_the_smallest_detectable_difference_has_power_of_80_percent() -> None:
    share = bounds.detectable_favourable(358, 0.05)
    needed = bounds.discordance_needed(0.05)
    assert needed == 6
    assert stats.binom.sf(needed - 1, 358, share) == pytest.approx(0.8, abs=1e-6)
    assert bounds.detectable_favourable(5, 0.05) is None


def test_the_independent_detectable_difference_is_the_textbook_one() -> None:
    accuracy = 107 / 358
    expected = (1.959964 + 0.841621) * math.sqrt(2 * accuracy * (1 - accuracy) / 358)
    assert bounds.detectable_independent(358, accuracy, 0.05) == pytest.approx(expected, rel=1e-5)


def test_examples_needed_reach_the_power_they_promise() -> None:
    favourable, independent = bounds.examples_needed(5 / 358, 0.3, 0.05)
    assert stats.binom.sf(5, favourable, 5 / 358) >= 0.8 > stats.binom.sf(5, favourable - 1, 5 / 358)
    assert independent > favourable


def test_seed_noise_only_ever_raises_p() -> None:
    without = bounds.seed_p(0.1, 0.0006, 0.0, 4)
    assert bounds.seed_p(0.1, 0.0006, 0.0008, 4) > without
    assert without == pytest.approx(2 * stats.norm.sf(0.1 / math.sqrt(0.0006)))
