"""Sentences to claims, English and Chinese."""

from __future__ import annotations

import pytest

from tunebook.audit.model import ClaimKind
from tunebook.audit.read.claims import Context, claims_of
from tunebook.audit.read.grid import Statement
from tunebook.audit.read.numbers import clean_text

LR, R, D, EP = "learning_rate", "lora_r", "lora_dropout", "num_train_epochs"


def read(text: str, context: Context | None = None):
    return claims_of(Statement(clean_text(text), 1), context)


@pytest.mark.parametrize(
    "text",
    [
        "r=32 is better than r=8",
        "**r=32 优于 r=8**",
        "秩 32 比秩 8 更好",
        "相比 r=8，r=32 有明显提升",
        "Rank 32 beats 8",
    ],
)
def test_a_level_against_another(text: str) -> None:
    (claim,) = read(text)
    assert (claim.kind, claim.factor, claim.levels, claim.against, claim.direction) == (
        ClaimKind.LEVELS,
        R,
        (32,),
        (8,),
        1,
    )


@pytest.mark.parametrize(
    ("text", "level", "direction"),
    [
        ("A learning rate above 0.001 fails", 0.001, 1),
        ("学习率超过 0.001 会导致训练失败", 0.001, 1),
        ("学习率不能超过 0.001，否则训练崩溃", 0.001, 1),
        ("lr=1e-2 diverges", 0.01, 1),
        ("lr below 1e-6 does not converge", 1e-6, -1),
    ],
)
def test_a_boundary(text: str, level: float, direction: int) -> None:
    (claim,) = read(text)
    assert (claim.kind, claim.factor, claim.levels, claim.direction) == (ClaimKind.BOUNDARY, LR, (level,), direction)


@pytest.mark.parametrize(
    ("text", "factor", "direction"),
    [
        ("More epochs help", EP, 1),
        ("提高学习率可提升准确率", LR, 1),
        ("A larger rank hurts", R, -1),
        ("秩增大后准确率下降", R, -1),
        ("a smaller rank is better", R, -1),
        ("降低学习率后准确率下降", LR, 1),
        ("秩越大越好", R, 1),
    ],
)
def test_a_trend(text: str, factor: str, direction: int) -> None:
    (claim,) = read(text)
    assert (claim.kind, claim.factor, claim.direction) == (ClaimKind.TREND, factor, direction)


@pytest.mark.parametrize(
    ("text", "levels", "is_range"),
    [
        ("The sweet spot of the learning rate is 2e-4 to 1e-3", (2e-4, 1e-3), True),
        ("最佳学习率区间为 2e-4 到 1e-3", (2e-4, 1e-3), True),
        ("最佳学习率为 0.001", (1e-3,), False),
        ("lr=1e-3 is optimal", (1e-3,), False),
    ],
)
def test_a_best_level(text: str, levels: tuple, is_range: bool) -> None:
    (claim,) = read(text)
    assert (claim.kind, claim.factor, claim.levels, claim.is_range) == (ClaimKind.BEST_LEVEL, LR, levels, is_range)


@pytest.mark.parametrize(
    "text", ["rank has no effect", "秩对结果没有影响", "rank does not matter", "秩影响不大", "更大的秩并不能提升准确率"]
)
def test_no_effect(text: str) -> None:
    (claim,) = read(text)
    assert (claim.kind, claim.factor, claim.direction) == (ClaimKind.NO_EFFECT, R, 0)


@pytest.mark.parametrize(
    "text",
    [
        "The learning rate is the most important factor",
        "学习率是影响最大的参数",
        "Importance: learning rate > rank > epochs",
        "重要性排序：学习率 > 秩",
    ],
)
def test_importance(text: str) -> None:
    (claim,) = read(text)
    assert (claim.kind, claim.factor) == (ClaimKind.IMPORTANCE, LR)


@pytest.mark.parametrize(
    ("text", "factor"),
    [
        ("Rank matters less than the learning rate", LR),
        ("Learning rate matters more than rank", LR),
        ("Dropout has a smaller effect than epochs", EP),
        ("秩的影响小于学习率", LR),
        ("dropout 的影响不如训练轮数大", EP),
        ("学习率比秩更重要", LR),
    ],
)
def test_of_two_factors_the_one_said_to_matter_more(text: str, factor: str) -> None:
    (claim,) = read(text)
    assert (claim.kind, claim.factor) == (ClaimKind.IMPORTANCE, factor)


def test_less_impact_of_one_factor_is_no_effect() -> None:
    (claim,) = read("Rank has less impact than I thought")
    assert (claim.kind, claim.factor, claim.direction) == (ClaimKind.NO_EFFECT, R, 0)


@pytest.mark.parametrize(
    ("text", "factor", "level"),
    [
        ("We recommend r=16 for this task", R, 16),
        ("Use 5 epochs", EP, 5),
        ("建议使用 r=16", R, 16),
        ("推荐 r=16", R, 16),
    ],
)
def test_a_recommended_level_is_claimed_to_be_the_best(text: str, factor: str, level: int) -> None:
    (claim,) = read(text)
    assert (claim.kind, claim.factor, claim.levels) == (ClaimKind.BEST_LEVEL, factor, (level,))


@pytest.mark.parametrize("text", ["Prefer lr=5e-4 over 1e-3", "Use lr=5e-4 rather than 1e-3"])
def test_a_level_recommended_over_another(text: str) -> None:
    (claim,) = read(text)
    assert (claim.kind, claim.levels, claim.against, claim.direction) == (ClaimKind.LEVELS, (5e-4,), (1e-3,), 1)


def test_several_recommended_settings_are_claimed_to_be_the_best_trial() -> None:
    (claim,) = read("I'd go with r=16 and lr=3e-4")
    assert (claim.kind, dict(claim.values)) == (ClaimKind.BEST_TRIAL, {R: 16, LR: 3e-4})


def test_what_is_advised_against_is_claimed_to_be_worse() -> None:
    (claim,) = read("Avoid dropout=0.2")
    assert (claim.kind, claim.levels, claim.direction) == (ClaimKind.LEVELS, (0.2,), -1)
    (claim,) = read("不推荐更高的学习率")
    assert (claim.kind, claim.factor, claim.direction) == (ClaimKind.TREND, LR, -1)


@pytest.mark.parametrize("text", ["建议下一步尝试 r=64", "We use 400 examples", "We used r=8 as the baseline"])
def test_a_plan_or_a_description_recommends_nothing(text: str) -> None:
    assert read(text) == []


def test_it_speaks_of_the_trial_named_before() -> None:
    _, claim = read("Run 5 is the best; it beats run 2 by 0.6 points")
    assert (claim.trials, claim.against_trials) == (("5",), ("2",))


def test_a_row_compared_with_another_level_speaks_of_its_own() -> None:
    (claim,) = read("不如 r=16", Context("exp4", {R: 32}))
    assert (claim.levels, claim.against, claim.direction) == ((32,), (16,), -1)


def test_a_trial_against_another_and_the_best() -> None:
    (claim,) = read("exp5 is better than exp1")
    assert (claim.kind, claim.trials, claim.against_trials) == (ClaimKind.TRIALS, ("5",), ("1",))
    (best,) = read("实验16 是全部实验中最佳")
    assert (best.kind, best.trials) == (ClaimKind.BEST_TRIAL, ("16",))


def test_two_claims_of_one_sentence_are_two() -> None:
    first, second = read("lr=1e-3 works best, but dropout 0.2 hurts")
    assert (first.kind, second.kind) == (ClaimKind.BEST_LEVEL, ClaimKind.LEVELS)
    assert (second.factor, second.levels, second.direction) == (D, (0.2,), -1)


def test_an_analysis_cell_speaks_of_its_row() -> None:
    row = Context("exp3", {LR: 0.0015}, "best")
    (better,) = read("准确率优于基线", row)
    assert (better.kind, better.trials, better.against_trials) == (ClaimKind.TRIALS, ("exp3",), ("baseline",))
    (worse,) = read("worse", row)
    assert worse.against_trials == ("best",)
    (failed,) = read("学习率过高，训练崩溃", row)
    assert (failed.kind, failed.levels) == (ClaimKind.BOUNDARY, (0.0015,))


@pytest.mark.parametrize(
    "text",
    [
        "Goal: find a better learning rate",
        "目标：找到更好的学习率",
        "Is r=32 better than r=8?",
        "下一步：提高学习率",
        "We like warm colours better",
        "exp1 uses r=8",
        "Scored on 200 examples",
    ],
)
def test_what_claims_nothing_is_passed_over(text: str) -> None:
    assert read(text) == []


def test_a_comparison_that_is_not_understood_is_kept_as_unread() -> None:
    (claim,) = read("The baseline is hard to beat")
    assert claim.kind is ClaimKind.UNREAD


def test_a_limit_without_its_factor_speaks_of_the_one_before() -> None:
    best, edge = read("学习率 3e-4 最佳；超过 1e-3 就会发散。")
    assert best.kind is ClaimKind.BEST_LEVEL
    assert (edge.kind, edge.factor, edge.levels, edge.direction) == (ClaimKind.BOUNDARY, LR, (1e-3,), 1)
