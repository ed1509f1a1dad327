"""Levels: in lists, in ranges, between and beyond; the learning-rate bracket."""

from __future__ import annotations

import pytest

from tunebook.core.configuration import Configuration
from tunebook.core.factor import Factor
from tunebook.planning.levels import between, bracket_rates, explored_levels, outward

BASE = Configuration(learning_rate=2e-4, lora_r=8, lora_dropout=0.1, num_train_epochs=3, max_length=512)


def test_list_keeps_its_order_without_the_baselines_own_level():
    assert explored_levels(Factor("lora_r", (64, 8, 16)), BASE) == (64, 16)


def test_learning_rates_in_a_range_lie_a_factor_of_about_three_apart():
    assert explored_levels(Factor("learning_rate", low=5e-5, high=2e-3), BASE) == (5e-5, 6.3e-4, 2e-3)


def test_range_that_begins_at_the_baseline_goes_one_way():
    assert explored_levels(Factor("learning_rate", low=2e-4, high=2e-3), BASE) == (6.3e-4, 2e-3)


def test_ranks_in_a_range_are_powers_of_two_between_its_ends():
    assert explored_levels(Factor("lora_r", low=2, high=50), BASE) == (2, 4, 16, 50)


def test_epochs_in_a_range_are_whole_numbers():
    assert explored_levels(Factor("num_train_epochs", low=1, high=4), BASE) == (1, 2, 4)


def test_wide_range_of_rates_has_at_most_three_levels_a_side():
    levels = explored_levels(Factor("learning_rate", low=1e-7, high=1.0), BASE)
    assert len(levels) == 6
    assert (levels[0], levels[-1]) == (1e-7, 1.0)


def test_linear_range_is_filled_evenly():
    assert explored_levels(Factor("lora_dropout", low=0.0, high=0.3), BASE) == (0.0, 0.05, 0.2, 0.3)


@pytest.mark.parametrize(
    ("name", "a", "b", "middle"),
    [
        ("learning_rate", 2e-4, 2e-3, 6.3e-4),
        ("lora_r", 8, 64, 32),
        ("lora_r", 8, 32, 16),
        ("lora_dropout", 0.0, 0.1, 0.05),
        ("num_train_epochs", 3, 5, 4),
    ],
)
def test_point_between_two_levels_lies_halfway_on_the_factors_scale(name, a, b, middle):
    assert between(name, a, b) == between(name, b, a) == middle


@pytest.mark.parametrize(
    ("name", "a", "b"),
    [
        ("num_train_epochs", 3, 4),
        ("lora_r", 8, 9),
        ("lora_r", 16, 32),
        ("max_length", 512, 768),
        ("learning_rate", 2e-4, 2.2e-4),
        ("lora_dropout", 0.1, 0.1),
    ],
)
def test_no_point_between_levels_that_are_too_close(name, a, b):
    assert between(name, a, b) is None


def test_outward_goes_on_in_the_same_direction_up_to_the_limit():
    assert outward("lora_r", 64, 32, 640) == 128
    assert outward("lora_r", 64, 32, 64) is None
    assert outward("num_train_epochs", 5, 4, 50) == 6
    assert outward("learning_rate", 2e-3, 6e-4, 5e-3) == 5e-3


def test_outward_never_leaves_the_factors_own_bounds():
    assert outward("lora_dropout", 0.9, 0.5, 10) is None


def test_bracket_is_a_third_one_and_three_times_the_baselines_rate():
    factor = Factor("learning_rate", (1e-6, 2e-4, 1e-1))
    assert bracket_rates(factor, BASE) == (6.7e-5, 2e-4, 6e-4)


def test_bracket_shares_the_levels_of_the_learning_rate_where_they_are_near():
    assert bracket_rates(Factor("learning_rate", low=5e-5, high=2e-3), BASE) == (5e-5, 2e-4, 6.3e-4)


def test_bracket_stays_within_the_rates_that_the_study_names():
    assert bracket_rates(Factor("learning_rate", low=1.5e-4, high=2e-3), BASE) == (1.5e-4, 2e-4, 6.3e-4)
    assert bracket_rates(Factor("learning_rate", (2e-4, 6e-4)), BASE) == (2e-4, 6e-4)


def test_no_bracket_where_the_learning_rate_is_fixed():
    assert bracket_rates(None, BASE) == ()
    assert bracket_rates(Factor("learning_rate", (2e-4,)), BASE) == ()
