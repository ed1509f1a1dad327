"""The explore design: its price, and the order in which it is cut."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from tunebook.core.factor import Factor, Role
from tunebook.core.space import Folding, SearchSpace
from tunebook.planning.explore_design import fitted, full_design, price
from tunebook.planning.problem import Allowance, Problem
from tunebook.testing.planner_suite import example_facts, example_study


def problem(folding=None, **changes):
    return Problem(spec=example_study(**changes), facts=example_facts(), folding=folding or Folding.everything())


def fit(trials, **changes):
    return fitted(problem(**changes), Allowance(trials, math.inf))


def test_full_design_of_the_example_study_counted_by_hand():
    """5 baseline seeds; rates 3 x 2; dropouts 3 x 2; brackets of 3 rates at the baseline, 3 ranks and 2 epochs (18)
    and their claims (10); one further seed for a baseline that moves to a rate explored with two."""
    assert price(problem(), full_design(problem())) == (46, 0.0)


@pytest.mark.parametrize(
    ("trials", "codes"),
    [
        (46, []),
        (40, ["bracket_ends"]),
        (36, ["bracket_ends", "bracket"]),
        (27, ["bracket_ends", "bracket"]),
        (19, ["bracket_ends", "bracket", "middle_levels"]),
        (17, ["bracket_ends", "bracket", "middle_levels"]),
        (15, ["bracket_ends", "bracket", "middle_levels", "baseline_seeds"]),
        (14, ["bracket_ends", "bracket", "middle_levels", "baseline_seeds", "end_levels"]),
        (10, ["bracket_ends", "bracket", "middle_levels", "baseline_seeds", "end_levels", "factors"]),
        (4, ["bracket_ends", "bracket", "middle_levels", "baseline_seeds", "end_levels", "factors", "second_seeds"]),
    ],
)
def test_cuts_come_in_the_documented_order(trials, codes):
    design, cuts = fit(trials)
    assert [cut.code for cut in cuts] == codes
    assert price(problem(), design)[0] <= trials


@pytest.mark.parametrize("trials", range(4, 50))
def test_cut_counts_add_up_to_what_was_saved(trials):
    design, cuts = fit(trials)
    assert 46 - sum(cut.count for cut in cuts) == price(problem(), design)[0] <= trials


@pytest.mark.parametrize("trials", range(4, 50))
def test_more_room_never_buys_less(trials):
    assert price(problem(), fit(trials + 1)[0])[0] >= price(problem(), fit(trials)[0])[0]


@pytest.mark.parametrize("trials", range(5, 46))
def test_every_level_keeps_two_seeds_while_there_is_room_for_one_of_them(trials):
    assert {factor.seeds for factor in fit(trials)[0].factors} == {2}


def test_baseline_never_has_fewer_than_three_seeds():
    assert fit(4)[0].baseline_seeds == 3


def test_factors_named_last_lose_their_bracket_first():
    design, cuts = fit(36)
    assert [factor.name for factor in design.factors if factor.bracketed] == ["lora_r"]
    assert next(cut for cut in cuts if cut.code == "bracket").factors == ("num_train_epochs",)


def test_when_one_bracket_end_goes_the_other_stays_for_all_alike():
    low = fit(40)[0]
    assert low.rates == (2e-4, 6.3e-4)
    high = fit(40, baseline=example_study().baseline.with_values(learning_rate=1e-3))[0]
    assert high.rates[-1] == 1e-3


def test_middle_levels_go_nearest_to_the_baseline_first():
    design, _ = fit(21)
    ranks = next(factor for factor in design.factors if factor.name == "lora_r")
    assert [level.value for level in ranks.levels] == [32, 64]


def test_fixed_learning_rate_means_no_bracket():
    space = SearchSpace(tuple(f for f in example_study().space if f.name != "learning_rate"))
    assert not full_design(problem(space=space)).has_brackets


def test_nuisance_learning_rate_has_brackets_but_no_levels():
    space = SearchSpace(
        tuple(replace(f, role=Role.NUISANCE) if f.name == "learning_rate" else f for f in example_study().space)
    )
    design = full_design(problem(space=space))
    assert design.has_brackets
    assert "learning_rate" not in [factor.name for factor in design.factors]


def test_proportional_rule_keeps_alpha_over_rank_and_fixed_rule_keeps_alpha():
    for rule, alphas in (("proportional", [64, 128, 256]), ("fixed", [32, 32, 32])):
        ranks = next(f for f in full_design(problem(alpha_rule=rule)).factors if f.name == "lora_r")
        assert [level.configuration.lora_alpha for level in ranks.levels] == alphas


def test_level_equal_to_the_baseline_in_other_words_is_a_fold_not_a_trial():
    space = SearchSpace((Factor("max_length", (256, 512, 1024)), Factor("gradient_checkpointing", (False, True))))
    design = full_design(problem(space=space))
    assert design.factors == ()
    names = ["max_length"] * 2 + ["gradient_checkpointing"] * 2
    assert [(fold.factor, fold.reasons) for fold in design.folds] == [(name, (name,)) for name in names]


def test_levels_of_two_factors_that_act_alike_are_trained_once():
    space = SearchSpace(
        (
            Factor("per_device_train_batch_size", (1, 2, 4)),
            Factor("gradient_accumulation_steps", (2, 4, 8)),
        )
    )
    design = full_design(problem(space=space))
    assert design.n_levels == 2
    assert [fold.factor for fold in design.folds] == ["gradient_accumulation_steps"] * 2


def test_engine_that_folds_nothing_trains_every_level():
    space = SearchSpace((Factor("max_length", (256, 512, 1024)),))
    design = full_design(problem(folding=Folding(), space=space))
    assert (design.n_levels, design.folds) == (2, ())


def test_checkpoints_of_a_constant_schedule_cost_nothing():
    constant = example_study().baseline.with_values(lr_scheduler_type="constant")
    space = SearchSpace((Factor("num_train_epochs", (1, 3, 5)),))
    folded = price(problem(space=space, baseline=constant), full_design(problem(space=space, baseline=constant)))
    linear = price(problem(space=space), full_design(problem(space=space)))
    assert (linear[0], folded[0]) == (9, 5)
