"""What `compare` prints, in both languages."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tunebook.core.findings import ContrastKind, Finding, Verdict
from tunebook.core.study import RoundKind
from tunebook.record.comparison import comparison_text

FINDING = Finding(
    label="A",
    factor=None,
    kind=ContrastKind.DIFFERENCE,
    split="validation",
    round=1,
    round_kind=RoundKind.EXPLORE,
    treatment_key="k1",
    control_key="k2",
    treatment_trials=(6, 7),
    control_trials=(1, 2, 3),
    effect=0.109,
    interval=(0.066, 0.151),
    plain_interval=(0.066, 0.151),
    p_raw=0.00001,
    p_adjusted=0.00001,
    alpha=0.05,
    standard_error=0.02,
    degrees_of_freedom=40.0,
    verdict=Verdict.BETTER,
)
CHANGES = {
    "learning_rate": (2e-4, 3e-4),
    "lora_r": (8, 32),
    "num_train_epochs": (3, 4),
    "gradient_checkpointing": (False, True),
}


def said(language, finding=FINDING, changes=CHANGES, sides=("best", "baseline"), groups=()):
    return comparison_text(sides, changes, finding, groups, (105, 30), 0.03, language)


def test_a_change_names_its_factor_once():
    assert (
        "A differs from B in: learning rate 3e-4 instead of 2e-4, rank 32 instead of 8, 4 epochs instead of 3 epochs, "
        "gradient checkpointing on instead of off." in said("en")
    )
    assert "学习率 3e-4（B 为 2e-4）、rank 32（B 为 8）、4 个 epoch（B 为 3 个 epoch）、梯度检查点开（B 为" in said(
        "zh"
    )


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_small_p_is_less_than_not_equal_to_less_than(language):
    text = said(language, replace(FINDING, p_mcnemar=0.00001))
    assert text.count("p < 0.0001") == 2
    assert "= <" not in text


def test_the_test_of_single_trials_says_what_it_leaves_out():
    text = said("en", replace(FINDING, p_adjusted=0.066, p_mcnemar=0.0031))
    assert "p = 0.0660;" in text
    assert "without the noise between seeds: p = 0.0031." in text


def test_a_trial_by_its_number_is_named_once():
    one = replace(FINDING, treatment_trials=(12,), control_trials=(7,))
    text = said("en", one, sides=("12", "lora_r=8"))
    assert text.startswith("A: trial 12\nB: lora_r=8 (trial 7)\n")
    assert said("zh", one, sides=("12", "lora_r=8")).startswith("A：实验 12\nB：lora_r=8（实验 7）\n")


def test_a_trial_on_both_sides_is_said():
    text = said("en", replace(FINDING, treatment_trials=(3,), control_trials=(1, 2, 3)), {}, ("3", "baseline"))
    assert "the same configuration: what differs is chance." in text
    assert "Counted on both sides, which makes the difference smaller than it is: trial 3." in text
    assert "both sides" not in said("en")


def test_groups_have_their_unit():
    group = replace(FINDING, family="group:north")
    assert "By group, in points (a family of its own):\n  north: +10.9 (+6.6 to +15.1)" in said("en", groups=(group,))
    assert "  north：+10.9（+6.6 至 +15.1）" in said("zh", groups=(group,))


def test_the_split_and_its_size_are_named():
    given = ({"lora_r": (8, 16)}, FINDING, (), (105, 30), 0.03)
    assert "\nOn the validation split, 400 examples.\n" in comparison_text(("a", "b"), *given, "en", n_examples=400)
    assert "\n在验证集的 400 个样本上比较。\n" in comparison_text(("a", "b"), *given, "zh", n_examples=400)
