"""Detectable effects, margins, examples and seeds needed."""

import math

import numpy as np
import pytest
from scipy import stats

from tunebook.statistics.noise import expected_excess
from tunebook.statistics.power import (
    ContrastDesign,
    examples_needed,
    seeds_needed,
    smallest_detectable_effect,
    smallest_margin,
)


def test_one_comparison_of_known_noise_is_the_textbook_formula():
    # discordance 0.2 on 1000 examples, one seed each, no seed noise: (1.960 + 0.8416) x sqrt(0.2 / 1000)
    found = smallest_detectable_effect(
        ContrastDesign(n_examples=1000, m_treatment=1, m_control=1, seed_deviation=0.0, discordance=0.2, measured=True)
    )
    assert found == pytest.approx((1.95996 + 0.84162) * math.sqrt(0.2 / 1000), rel=2e-3)


def test_it_is_detected_with_the_power_it_says():
    design = ContrastDesign(
        n_examples=800, m_treatment=2, m_control=5, seed_deviation=0.01, discordance=0.15, alpha=0.05
    )
    effect, se = smallest_detectable_effect(design), design.standard_error
    rng = np.random.default_rng(0)
    found = np.mean(np.abs(rng.normal(effect, se, 20000)) > stats.norm.ppf(0.975) * se)
    assert found == pytest.approx(0.8, abs=0.01)


def test_a_second_seed_buys_more_than_a_few_more_examples():
    one, two = (
        smallest_detectable_effect(
            ContrastDesign(n_examples=358, m_treatment=m, m_control=5, seed_deviation=0.02, n_comparisons=12)
        )
        for m in (1, 2)
    )
    more_examples = smallest_detectable_effect(
        ContrastDesign(n_examples=500, m_treatment=1, m_control=5, seed_deviation=0.02, n_comparisons=12)
    )
    assert two < more_examples < one


def test_more_comparisons_and_fewer_degrees_of_freedom_see_less():
    base = smallest_detectable_effect(ContrastDesign(n_examples=358, m_treatment=2, m_control=5, n_comparisons=4))
    assert (
        smallest_detectable_effect(ContrastDesign(n_examples=358, m_treatment=2, m_control=5, n_comparisons=20)) > base
    )
    assert (
        smallest_detectable_effect(ContrastDesign(n_examples=358, m_treatment=2, m_control=5, n_comparisons=4, df=4))
        > base
    )


def test_no_margin_below_three_and_a_half_points_can_be_shown_with_358_examples():
    assert (
        smallest_margin(
            ContrastDesign(
                n_examples=358,
                m_treatment=2,
                m_control=5,
                seed_deviation=0.01,
                discordance=0.15,
                alpha=0.02,
                n_comparisons=12,
            )
        )
        > 0.035
    )


def test_examples_needed_settle_the_contrast():
    n = examples_needed(0.02, 2.8, from_examples=0.0004, from_seeds=0.00001, n=300)
    assert n is not None
    se = math.sqrt(0.0004 * 300 / n + 0.00001)
    assert 0.02 / se == pytest.approx(2.8 + 0.8416, abs=0.02)


def test_examples_cannot_settle_what_the_seeds_blur():
    assert examples_needed(0.01, 2.8, from_examples=0.0004, from_seeds=0.0004, n=300) is None


def test_a_difference_near_zero_is_settled_as_equivalence():
    assert examples_needed(0.0, 2.0, 0.0004, 0.0, 300) is None
    assert examples_needed(0.0, 2.0, 0.0004, 0.0, 300, margin=0.03) == pytest.approx(
        300 * 0.0004 / (0.03 / (2.0 + 1.2816)) ** 2, abs=1
    )


def test_seeds_needed_are_more_than_there_are():
    assert seeds_needed(0.03, 2.8, 0.00002, 0.0002, m=2) > 2
    assert seeds_needed(0.001, 2.8, 0.0002, 0.0002, m=2) is None


@pytest.mark.parametrize(("own", "df"), [(1, 6), (2, 6), (1, 40), (4, 15)])
def test_what_counts_with_its_own_variance_above_the_pool_is_foreseen_at_its_mean(own, df):
    rng = np.random.default_rng(0)
    part, rest = rng.chisquare(own, 40_000), rng.chisquare(df - own, 40_000)
    ratio = (part / own) / ((part + rest) / df)
    assert expected_excess(own, df) == pytest.approx(np.maximum(1, ratio).mean(), rel=0.01)


@pytest.mark.parametrize(("own", "df"), [(0, 6), (4, 4), (3, math.inf)])
def test_nothing_is_above_a_pool_of_which_it_is_all_or_that_is_known(own, df):
    assert expected_excess(own, df) == 1.0


def test_replicates_widen_what_is_foreseen_only_where_they_make_up_the_noise():
    def error(df, **changes):
        design = ContrastDesign(n_examples=400, m_treatment=2, m_control=3, n_comparisons=4, df=df, **changes)
        return design.standard_error

    assert error(3) == error(math.inf), "a prior fills up what three degrees of freedom lack, and nothing widens"
    assert error(6) > 1.08 * error(3)
    few, some, known = (error(df, averaged=True) for df in (6, 40, math.inf))
    assert known < some < few
