"""Budget shares: cumulative, confirm's kept, hours as trials."""

from __future__ import annotations

import math

import pytest

from tunebook.core.study import Budget, RoundKind
from tunebook.planning.problem import SHARES, Allowance, SeedUse, allowance, seed_numbers


def trials(total, kind, used=0):
    return allowance(Budget(total), kind, used, 0.0).trials


def test_shares_spend_the_whole_budget():
    assert math.isclose(sum(SHARES.values()), 1.0)


def test_a_round_gets_its_share_when_those_before_took_theirs():
    used = 0
    taken = []
    for kind in SHARES:
        taken.append(trials(100, kind, used))
        used += taken[-1]
    assert taken == [50, 12, 10, 13, 15]


def test_what_a_round_leaves_flows_on_to_the_next():
    assert trials(100, RoundKind.REFINE, used=40) == 22
    assert trials(100, RoundKind.CONFIRM, used=60) == 40


@pytest.mark.parametrize("total", range(6, 200))
def test_confirm_keeps_its_share_whatever_the_others_take(total):
    used = 0
    for kind in list(SHARES)[:-1]:
        used += trials(total, kind, used)
    assert trials(total, RoundKind.CONFIRM, used) >= max(2, math.floor(0.15 * total))


def test_a_tiny_budget_still_has_a_first_round():
    assert trials(5, RoundKind.EXPLORE) == 4


def test_table_stands_in_the_place_of_explore():
    assert trials(60, RoundKind.TABLE) == trials(60, RoundKind.EXPLORE) == 30


def test_hours_are_shared_as_trials_are():
    left = allowance(Budget(hours=2.0), RoundKind.EXPLORE, 1000, 600.0)
    assert left.trials == math.inf
    assert math.isclose(left.seconds, 3600 - 600)


def test_both_limits_hold():
    room = Allowance(3, 100.0)
    assert room.covers(3, 100.0)
    assert not room.covers(4, 10.0)
    assert not room.covers(1, 101.0)


def test_nothing_is_covered_when_no_time_is_left():
    assert not Allowance(10, 0.0).covers(1, 0.0)
    assert Allowance(10, 0.0).covers(0, 0.0)


def test_seeds_of_claims_and_of_choices_never_meet():
    uses = [seed_numbers(s, use, 20, repeat) for s in (0, 1, 2) for use in SeedUse for repeat in (0, 1)]
    seeds = [seed for group in uses for seed in group]
    assert len(seeds) == len(set(seeds))


def test_seeds_are_small_numbers_that_people_can_read():
    assert seed_numbers(0, SeedUse.CLAIM, 5) == (1, 2, 3, 4, 5)
    assert seed_numbers(3, SeedUse.CONFIRM, 2) == (3901, 3902)
