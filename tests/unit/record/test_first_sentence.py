"""What stands first in a record when the study did not go as hoped: a confirmation that failed, nothing learned."""

from __future__ import annotations

from stories import BASE, Story

from tunebook.core.study import ContrastKind, Purpose, RoundKind, TrialState
from tunebook.record.results import as_dict

RANK_32 = BASE.with_values(lora_r=32, lora_alpha=64)
FAST = BASE.with_values(learning_rate=8e-4)
BOTH = ("validation", "test")


def explored(**confirm):
    """Rank 32 leads, the faster rate comes next, both better than the baseline; then confirm."""
    s = Story()
    s.reference(0.3)
    explore = RoundKind.EXPLORE
    base = s.trials(explore, Purpose.BASELINE, BASE, 0.66, seeds=5)
    rank = s.trials(explore, Purpose.LEVEL, RANK_32, 0.88, factor="lora_r")
    fast = s.trials(explore, Purpose.LEVEL, FAST, 0.80, factor="learning_rate")
    s.ask(rank, base, "lora_r=32", "lora_r")
    s.ask(fast, base, "learning_rate=0.0008", "learning_rate")
    s.close(explore)
    best = confirm.get("best", {"right": 0.88})
    tried = s.trials(RoundKind.CONFIRM, Purpose.CONFIRM, RANK_32, **{"seeds": 3, "splits": BOTH, **best})
    control = s.trials(RoundKind.CONFIRM, Purpose.CONFIRM, BASE, 0.66, seeds=3, splits=BOTH)
    s.ask(tried, control, "best", split="test")
    s.close(RoundKind.CONFIRM, sealed={"best": RANK_32.key, "baseline": BASE.key})
    return s


def test_a_confirmation_that_held_is_told_with_the_test_split():
    s = explored()
    assert s.conclusions().confirmation.outcome == "held"
    assert s.answer()[0].startswith("Use rank 32, alpha 64,")
    assert s.conclusions().best.chosen_by == "confirmed"


def test_a_best_configuration_that_collapses_in_confirm_is_the_first_sentence():
    s = explored(best={"right": 0.0, "seeds": 1, "state": TrialState.COLLAPSED, "reason": "constant_answer"})
    found = s.conclusions()
    assert found.best.key == FAST.key, "what held is recommended"
    assert (found.confirmation.outcome, found.confirmation.trained["best"]) == ("broke", (0, 1))
    first = s.answer()[0]
    assert first.startswith(
        "The confirmation failed: rank 32 (alpha 64) led before it, and collapsed with 1 of 1 fresh seed. "
        "Use rank 16, alpha 32, learning rate 8e-4,"
    )
    assert "Not yet confirmed on the test split" in first
    assert s.answer("zh")[0].startswith(
        "确认失败：此前领先的 rank 32（alpha 64），1 个新随机种子全部崩溃。使用 rank 16、"
    )
    results = as_dict(s.view())
    assert results["confirmation"]["outcome"] == "broke"
    assert results["confirmation"]["endings"] == ["collapsed"]
    assert results["best"]["key"] == FAST.key


def test_a_best_configuration_that_is_worse_on_the_test_split_gives_way_to_the_next():
    s = explored(best={"right": {"validation": 0.88, "test": 0.5}})
    found = s.conclusions()
    assert (found.confirmation.outcome, found.best.key) == ("worse", FAST.key)
    first = s.answer()[0]
    assert first.startswith(
        "The confirmation failed: rank 32 (alpha 64) led before it. On 300 test examples it is right"
    )
    assert "Use rank 16, alpha 32, learning rate 8e-4," in first
    assert s.answer("zh")[0].startswith("确认失败：此前领先的是 rank 32（alpha 64）。在 300 个测试样本上")


def test_a_gain_that_the_test_split_does_not_show_is_the_first_sentence():
    s = explored(best={"right": {"validation": 0.88, "test": 0.68}})
    found = s.conclusions()
    assert (found.confirmation.outcome, found.best.key, found.best.chosen_by) == ("not_shown", RANK_32.key, "leading")
    first = s.answer()[0]
    assert first.startswith(
        "Not confirmed: Round 1: explore showed a gain on the validation split; the test split does not show it. "
        "Rank 32, alpha 64,"
    )
    assert "led on validation" in first
    assert s.answer("zh")[0].startswith("未能确认：第一轮：全面探索曾在验证集上证实有提升，测试集没有显示这一提升。")


def test_without_a_test_split_fresh_seeds_confirm():
    s = Story()
    base = s.trials(RoundKind.EXPLORE, Purpose.BASELINE, BASE, 0.66, seeds=5)
    rank = s.trials(RoundKind.EXPLORE, Purpose.LEVEL, RANK_32, 0.88, factor="lora_r")
    s.ask(rank, base, "lora_r=32", "lora_r")
    s.close(RoundKind.EXPLORE)
    broke = {"seeds": 2, "state": TrialState.DIVERGED, "reason": "loss_rose"}
    tried = s.trials(RoundKind.CONFIRM, Purpose.CONFIRM, RANK_32, 0.0, **broke)
    control = s.trials(RoundKind.CONFIRM, Purpose.CONFIRM, BASE, 0.66)
    s.ask(tried, control, "best", kind=ContrastKind.DIFFERENCE)
    s.close(RoundKind.CONFIRM, sealed={"best": RANK_32.key, "baseline": BASE.key})
    assert s.answer()[0].startswith(
        "The confirmation failed: rank 32 (alpha 64) led before it, and diverged with 2 of 2 fresh seeds. Keep the "
        "baseline, rank 16, alpha 32, learning rate 2e-4, dropout 0, 3 epochs, effective batch 8: "
        "what was shown better did not hold."
    )
