"""Sentences to claims, English and Chinese: what is read is certain, what is not is listed, and nothing is dropped."""

from __future__ import annotations

import pytest

from tunebook.audit.model import ClaimKind, Measure
from tunebook.audit.read.cells import clean_text
from tunebook.audit.read.documents import Statement
from tunebook.audit.read.sentences import Context, claims_of, said_of

LR, R, D, EP, BS = ("learning_rate", "lora_r", "lora_dropout", "num_train_epochs", "per_device_train_batch_size")
SHARE = Measure("Accuracy")


def read(text: str, context: Context | None = None):
    return claims_of(Statement(clean_text(text), 1), context or Context(measure=SHARE))


@pytest.mark.parametrize(
    ("text", "levels", "against", "direction", "no_more"),
    [
        ("r=32 is better than r=8", (32,), (8,), 1, 0),
        ("**r=32 优于 r=8**", (32,), (8,), 1, 0),
        ("相比 r=8，r=32 有明显提升", (32,), (8,), 1, 0),
        ("Rank 32 beats 8", (32,), (8,), 1, 0),
        ("r=32 的效果比 r=8 略差", (32,), (8,), -1, 0),
        ("r=16 比 r=8 高 1.2%", (16,), (8,), 1, 0),
        ("Compared with r=8, r=32 gains 2 points", (32,), (8,), 1, 0),
        ("秩从 8 提高到 32 后准确率下降", (32,), (8,), -1, 0),
        ("将秩从 8 提高到 32 没有带来提升", (32,), (8,), 0, 1),
        ("Increasing the rank from 8 to 32 brings no improvement", (32,), (8,), 0, 1),
        ("r=32 is not clearly better than r=8", (32,), (8,), 0, 1),
        ("r=32 并没有比 r=8 更好", (32,), (8,), 0, 1),
        ("A rank of 64 does not improve over 16", (64,), (16,), 0, 1),
        ("r=32 and r=8 are the same", (32,), (8,), 0, 0),
        ("秩 8 和 32 差别不大", (8,), (32,), 0, 0),
        ("r=4 is as good as r=16", (4,), (16,), 0, 0),
        ("With r=32 the accuracy dropped", (32,), (), -1, 0),
        ("r=32 并不优于 r=8", (32,), (8,), 0, 1),
        ("rank 从 8 加到 32 没有带来提升", (32,), (8,), 0, 1),
        ("The gain from rank 8 to 32 is 1.2 points", (32,), (8,), 1, 0),
        ("Rank 8 vs 32: no difference", (8,), (32,), 0, 0),
    ],
)
def test_a_level_against_another(text: str, levels: tuple, against: tuple, direction: int, no_more: int) -> None:
    (claim,) = read(text)
    found = (claim.kind, claim.factor, claim.levels, claim.against, claim.direction, claim.no_more)
    assert found == (ClaimKind.LEVELS, R, levels, against, direction, no_more)


@pytest.mark.parametrize(
    "text",
    [
        "r=32 is better than r=8 only with lr=5e-4",
        "r=32 would be better than r=8",
        "Neither r=16 nor r=32 is better than the baseline",
        "r=8 is almost as good as r=32",
        "r=8 is no longer the best",
        "exp5 is not the best",
        "r=32 并非最佳",
        "r=32 比 r=8 好不了多少",
        "Dropout 0.1 is best with r=32",
        "exp2 and exp3 are better than exp1",
        "accuracy of exp3 is above 70%",
        "exp3 improves to 72%",
        "the best accuracy was 75.6%",
        "lr=1e-3 is unstable",
        "学习率 1e-3 时训练不稳定",
        "r=32 > r=16 > r=8",
        "4-5 个 epoch > 3 个 epoch",
        "学习率的影响最大，秩的影响最小",
        "Rank and alpha have no effect",
        "We recommend r=16 for this task",
        "建议使用 r=16",
        "不推荐更高的学习率",
        "exp5 has a lower perplexity than exp2",
        "r=16 is the best on validation only",
        "The baseline is hard to beat",
        "r=16 is better, but only in the first epoch",
        "r=32 is slightly better than r=8 on long inputs",
        "Rank matters",
        "长文本上 r=32 表现更稳健",
        "r=16 is better than r=8 when lr is small",
        "Very small rates underfit badly",
        "r=16 should outperform r=8",
        "r=16 可能优于 r=8",
        "exp3 used to be the best",
        "r=16 稍好于 r=8，但差距在误差范围内",
        "r=64 costs twice as much as r=8",
        "Neither dropout nor weight decay mattered",
        "r=16 表现仅次于 r=32",
        "r=8 已经足够",
        "学习率对结果影响显著",
        "学习率不宜超过 1e-3",
        "Importance: learning rate > rank ≈ dropout",
        "学习率 3e-4 略有提升，但不明显",
        "r=32 will be better than r=8",
        "r=32 gives better training accuracy than r=8",
        "r=32 hurts the small model",
        "Learning rates above 1e-3 can diverge",
        "Run 3 or 4 is best",
        "训练集上 r=32 比 r=8 好",
        "Hu et al. found that r=32 is better than r=8",
        "r=32 is far from better than r=8",
        "r=32 is not much better than r=8",
        "r=32 is better than r=8, we think",
        "r=32 is better than r=8; not sure",
        "r=32 vs. r=8: no difference, says the paper",
        "Before the fix, r=32 was better than r=8",
        "In one run r=32 is better than r=8",
        "In this round r=32 is better than r=8",
        "The highest learning rate is 2e-3",
        "alpha/r = 2 works best",
        "alpha = 2r works best",
        "Epoch 3 is the best",
        "Doubling the rank helps",
        "5e-4 lost to 2e-4",
        "Does r=32 beat r=8? No.",
        "Hypothesis: r=32 is better than r=8",
        "秩 32 会比秩 8 好",
        "秩 32 有时比秩 8 好",
        "上次秩 32 比秩 8 好",
        "秩 32 带来的提升有限",
        "秩 16 之后没有提升",
        "秩最好用 32",
        "学习率最高 2e-3",
        "第 3 轮最好",
        "只有 r=32 有提升",
        "r=16 gives a smaller gain than r=8",
        "r=16 has more parameters than r=8",
        "We raised r to 16 to improve accuracy",
        "为了提升准确率，把 r 提到 16",
        "Higher rank does not help much",
        "No run beats run 16",
        "With lr=5e-4 r=16 is best",
        "r=32: 0.841 (+0.5)",
    ],
)
def test_what_is_not_surely_read_is_listed(text: str) -> None:
    claims = read(text)
    assert claims
    assert {claim.kind for claim in claims} == {ClaimKind.UNREAD}


@pytest.mark.parametrize(
    ("text", "level", "direction", "exact"),
    [
        ("A learning rate above 0.001 fails", 0.001, 1, False),
        ("学习率超过 0.001 会导致训练失败", 0.001, 1, False),
        ("Learning rates of 0.01 and above always diverge", 0.01, 1, False),
        ("lr=1e-2 diverges", 0.01, 1, True),
        ("学习率 1e-2 会发散", 0.01, 1, True),
        ("lr below 1e-6 does not converge", 1e-6, -1, False),
    ],
)
def test_a_boundary(text: str, level: float, direction: int, exact: bool) -> None:
    (claim,) = read(text)
    found = (claim.kind, claim.factor, claim.levels, claim.direction, claim.exact)
    assert found == (ClaimKind.BOUNDARY, LR, (level,), direction, exact)


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
        ("Larger batch sizes are slightly worse", BS, -1),
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
        ("A learning rate between 2e-4 and 1e-3 works best", (2e-4, 1e-3), True),
        ("最佳学习率为 0.001", (1e-3,), False),
        ("lr=1e-3 is optimal", (1e-3,), False),
        ("4e-4 is the sweet spot for the learning rate", (4e-4,), False),
        ("The learning rate's sweet spot: 0.0003 to 0.001", (3e-4, 1e-3), True),
        ("学习率的甜点区间为 0.0003~0.001", (3e-4, 1e-3), True),
        ("lr 3e-4 is the best learning rate", (3e-4,), False),
    ],
)
def test_a_best_level(text: str, levels: tuple, is_range: bool) -> None:
    (claim,) = read(text)
    assert (claim.kind, claim.factor, claim.levels, claim.is_range) == (ClaimKind.BEST_LEVEL, LR, levels, is_range)


@pytest.mark.parametrize("text", ["rank has no effect", "秩对结果没有影响", "rank does not matter", "秩影响不大"])
def test_no_effect(text: str) -> None:
    (claim,) = read(text)
    assert (claim.kind, claim.factor, claim.direction) == (ClaimKind.NO_EFFECT, R, 0)


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("The learning rate is the most important factor", ()),
        ("学习率是影响最大的参数", ()),
        ("Importance: learning rate > rank > epochs", (LR, R, EP)),
        ("重要性排序：学习率 > 秩", (LR, R)),
        ("Rank matters less than the learning rate", (LR, R)),
        ("Learning rate matters more than rank", (LR, R)),
        ("秩的影响小于学习率", (LR, R)),
        ("秩的影响不如学习率大", (LR, R)),
        ("学习率比秩更重要", (LR, R)),
        ("学习率的作用大于秩", (LR, R)),
        ("Ranking of factors: learning rate > epochs > rank", (LR, EP, R)),
    ],
)
def test_importance(text: str, order: tuple) -> None:
    (claim,) = read(text)
    assert (claim.kind, claim.factor, claim.order) == (ClaimKind.IMPORTANCE, LR, order)


@pytest.mark.parametrize(
    ("text", "trials", "against", "direction"),
    [
        ("exp5 is better than exp1", ("5",), ("1",), 1),
        ("实验5 优于实验1", ("5",), ("1",), 1),
        ("相比 exp1，exp5 提升 3.2 个百分点", ("5",), ("1",), 1),
        ("exp5 相比基线提升 3.2 个百分点", ("5",), ("baseline",), 1),
        ("exp5 outperforms the baseline by 3.2 points", ("5",), ("baseline",), 1),
        ("exp5 与 exp1 相当", ("5",), ("1",), 0),
        ("exp5 and exp1 tie", ("5",), ("1",), 0),
        ("#5 improves on #1", ("5",), ("1",), 1),
        ("最终比基线提升 4.6%", ("best",), ("baseline",), 1),
        ("Tuning improved the accuracy by 3.2 points over the baseline", ("best",), ("baseline",), 1),
    ],
)
def test_a_trial_against_another(text: str, trials: tuple, against: tuple, direction: int) -> None:
    (claim,) = read(text)
    found = (claim.kind, claim.trials, claim.against_trials, claim.direction)
    assert found == (ClaimKind.TRIALS, trials, against, direction)


@pytest.mark.parametrize(
    "text", ["实验16 是全部实验中最佳", "exp16 gives the highest accuracy", "准确率最高的是 exp16"]
)
def test_the_best_trial(text: str) -> None:
    (claim,) = read(text)
    assert (claim.kind, claim.trials) == (ClaimKind.BEST_TRIAL, ("16",))


def test_it_and_this_are_not_guessed() -> None:
    (claim,) = read("Run 5 is the best; it beats run 2 by 0.6 points")
    assert claim.kind is ClaimKind.UNREAD


def test_two_claims_of_one_sentence_are_two() -> None:
    first, second = read("lr=1e-3 works best, but dropout 0.2 hurts")
    assert (first.kind, second.kind) == (ClaimKind.BEST_LEVEL, ClaimKind.LEVELS)
    assert (second.factor, second.levels, second.direction) == (D, (0.2,), -1)


def test_an_order_that_goes_on_after_a_semicolon_is_not_read() -> None:
    first, *_ = read("Rank matters most, followed by the learning rate; dropout brings up the rear")
    assert first.kind is ClaimKind.UNREAD


def row(**values: object) -> Context:
    return Context(trial="exp3", values={R: 32, LR: 0.0015}, measure=SHARE, **values)  # type: ignore[arg-type]


def test_an_analysis_cell_speaks_of_its_row() -> None:
    (better,) = read("准确率优于基线", row())
    assert (better.kind, better.trials, better.against_trials) == (ClaimKind.TRIALS, ("exp3",), ("baseline",))
    (worse,) = read("worse", row(builds_on="best"))
    assert (worse.against_trials, worse.direction) == (("best",), -1)
    (none,) = read("未带来提升", row())
    assert (none.direction, none.no_more) == (0, 1)
    (cause,) = read("学习率过高，训练崩溃", row())
    assert cause.kind is ClaimKind.UNREAD
    (own,) = read("不如 r=16", row())
    assert (own.levels, own.against, own.direction) == ((32,), (16,), -1)
    assert read("training diverged", row()) == []


def test_the_baseline_must_be_known_and_have_another_level() -> None:
    unnamed = Context(measure=SHARE, has_baseline=False, base=None)
    assert read("exp5 is better than the baseline", unnamed)[0].kind is ClaimKind.UNREAD
    assert read("Raising the rank to 16 helps", Context(measure=SHARE, base={R: 16}))[0].kind is ClaimKind.UNREAD
    assert read("Raising the rank to 16 helps", Context(measure=SHARE, base={R: 8}))[0].kind is ClaimKind.LEVELS


def test_better_by_itself_needs_a_baseline_to_be_better_than() -> None:
    assert read("better", row())[0].kind is ClaimKind.TRIALS
    assert read("better", row(has_baseline=False))[0].kind is ClaimKind.UNREAD
    assert read("r=16 helps", Context(measure=SHARE, has_baseline=False))[0].kind is ClaimKind.UNREAD


def test_a_sentence_on_another_result_is_not_held_against_this_one() -> None:
    test = Context(measure=Measure("Test accuracy", split="test"))
    assert read("r=16 beats r=8 on test", test)[0].kind is ClaimKind.LEVELS
    assert read("r=16 beats r=8 on validation", test)[0].kind is ClaimKind.UNREAD
    assert read("r=16 的损失更低", test)[0].kind is ClaimKind.UNREAD


@pytest.mark.parametrize(
    "text",
    [
        "Goal: find a better learning rate",
        "目标：找到更好的学习率",
        "Is r=32 better than r=8?",
        "lr=1e-3 works best, but is it real?",
        "下一步：提高学习率",
        "exp1 uses r=8",
        "Scored on 200 examples",
        "We score every run on the same questions",
    ],
)
def test_what_claims_nothing_is_passed_over(text: str) -> None:
    assert read(text) == []


def test_an_accuracy_behind_a_trial_is_said() -> None:
    (said,) = said_of(Statement("exp5 achieved 57.5% on test", 1))
    assert (said.trial, said.score.value) == ("5", pytest.approx(0.575))
    assert said_of(Statement("exp5 (lr=2e-4) with 5% warmup", 1)) == []


@pytest.mark.parametrize(
    ("sentence", "kinds"),
    [
        ("r=16 is better than r=8, which is why we stopped there.", ["levels"]),
        ("r=16 比 r=8 好，因为参数更多。", ["levels", "unread"]),
        ("r=16 seems better than r=8.", ["levels"]),
        ("r=16 is better than r=8, not sure.", ["unread"]),
        ("r=16 is better than r=8, at least for short texts.", ["unread"]),
        ("r=16 beats r=8, the learning rate comes last.", ["unread"]),
        ("学习率提高到 2e-4，比基线高 1.9。", ["levels"]),
        ("影响从大到小：学习率、epoch、r、alpha。", ["importance"]),
    ],
)
def test_a_clause_that_is_not_read_leaves_the_others_unless_it_may_change_them(sentence: str, kinds: list[str]) -> None:
    context = Context(after_results=True, base={"lora_r": 8})
    assert [c.kind.value for c in claims_of(Statement(clean_text(sentence), 1, ""), context)] == kinds
