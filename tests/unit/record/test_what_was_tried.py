"""What a record says of what was not tried, and of the untrained model beside the answer."""

from __future__ import annotations

from dataclasses import replace

import pytest
from stories import BASE, Story
from test_first_sentence import BOTH, FAST, RANK_32, explored

from tunebook.core.factor import Factor
from tunebook.core.outlook import Outlook, RoundOutlook
from tunebook.core.study import Purpose, RoundKind, TrialState
from tunebook.record import build
from tunebook.words import words_for
from tunebook.words.marks import plain_text

FASTEST = BASE.with_values(learning_rate=2e-3)


def told(story: Story, language: str = "en", **changes) -> dict[str, str]:
    record = build(replace(story.view(), **changes), language)
    parts = {
        "answer": record.answer,
        "unknown": record.unknown,
        "insights": record.insights,
        "facts": [": ".join(row) for row in (*record.facts, *record.sure)],
        "notes": record.notes,
    }
    return {part: plain_text(" ".join(text)) for part, text in parts.items()}


def piloted() -> Story:
    """Three pilots at other learning rates than the baseline's; nothing else was varied, the highest rate leads."""
    s = Story(factors=(Factor("learning_rate", low=5e-5, high=2e-3), Factor("lora_r", (16, 32))))
    for rate, right in ((5e-5, 0.5), (8e-4, 0.88), (2e-3, 0.877)):
        loss = 0.4 if rate == 2e-3 else None
        s.trials(RoundKind.PILOT, Purpose.FIRST_RATE, BASE.with_values(learning_rate=rate), right, seeds=1, loss=loss)
    s.close(RoundKind.PILOT)
    return s


def confirmed(untrained: float = 0.5, base: float = 0.66) -> Story:
    """The piloted study with its confirmation on the test split, where the untrained model is scored too."""
    s = piloted()
    best = s.trials(RoundKind.CONFIRM, Purpose.CONFIRM, FASTEST, 0.88, splits=BOTH, loss=0.4)
    control = s.trials(RoundKind.CONFIRM, Purpose.CONFIRM, BASE, base, splits=BOTH)
    without = BASE.with_values(num_train_epochs=0)
    s.trials(
        RoundKind.CONFIRM, Purpose.REFERENCE, without, {"validation": 0.4, "test": untrained}, seeds=1, splits=BOTH
    )
    s.ask(best, control, "best", split="test")
    s.close(RoundKind.CONFIRM, sealed={"best": FASTEST.key, "baseline": BASE.key})
    return s


def test_a_factor_that_no_trial_varied_is_named():
    s = confirmed()
    assert "Whether rank matters: no trial with a result varied it, every one has rank 16." in told(s)["unknown"]
    assert "LoRA rank 是否有影响：得出结果的实验都没有改动它，都是 rank 16。" in told(s, "zh")["unknown"]
    assert "alpha/r is kept" not in told(s)["facts"]
    varied = told(explored())
    assert "with a result varied" not in varied["unknown"]
    assert "alpha/r is kept" in varied["facts"]


def test_a_best_level_at_the_edge_of_what_was_tried_is_told():
    s = confirmed()
    assert "Whether learning rate above 2e-3 would do better: the best is at the edge" in told(s)["unknown"]
    assert "学习率高于 2e-3 时是否更好：最优取在试过的边缘，再往外没有试过。" in told(s, "zh")["unknown"]
    s = explored()
    assert "rank above 32" in told(s)["unknown"]
    s.trials(RoundKind.OWN, Purpose.OWN, BASE.with_values(lora_r=64, lora_alpha=128), 0.5)
    s.trials(RoundKind.OWN, Purpose.OWN, BASE.with_values(learning_rate=5e-5), 0.5)
    s.close(RoundKind.OWN)
    assert "at the edge of what was tried" not in told(s)["unknown"]


def test_that_training_broke_at_no_rate_is_told():
    s = confirmed()
    assert "Training broke at no learning rate tried, up to 2e-3; where it breaks is not known." in told(s)["insights"]
    assert "试过的学习率（最高 2e-3）都没有训练失败" in told(s, "zh")["insights"]


@pytest.mark.parametrize(("untrained", "is_below"), [(0.5, False), (0.69, False), (0.8, True)])
def test_the_untrained_model_stands_beside_the_answer(untrained, is_below):
    s = confirmed(untrained)
    english, chinese = told(s), told(s, "zh")
    assert f"The untrained model has {100 * untrained:.1f} % on the same examples" in english["answer"]
    assert f"未训练的模型为 {100 * untrained:.1f}%" in chinese["answer"]
    assert ("the baseline is below the untrained model" in english["answer"]) == is_below
    assert ("基线低于未训练的模型" in chinese["answer"]) == is_below
    assert f"base model without adapter 40.0 % on validation, {100 * untrained:.1f} % on test;" in english["facts"]
    assert f"不加适配器的基座模型：验证集 40.0%，测试集 {100 * untrained:.1f}%；" in chinese["facts"]


def test_before_the_first_comparison_nothing_is_advised():
    s = piloted()
    to_come = Outlook(rounds=(RoundOutlook(RoundKind.CONFIRM, 4, 1, None),))
    english, chinese = told(s, outlook=to_come), told(s, "zh", outlook=to_come)
    assert english["answer"].startswith(
        "Nothing has been compared yet, so nothing can be recommended. Leading on validation so far (of those within "
        "one standard error of the highest accuracy, the one of lowest validation loss): rank 16, alpha 32, learning "
        "rate 2e-3,"
    )
    assert chinese["answer"].startswith("还没有作出任何比较，暂无推荐。")
    assert "与最高者相差不超过一个标准误的各配置中，验证损失最低的一个" in chinese["answer"]
    assert "led on validation (of those within" in told(s)["answer"], "the study is over: this is its answer"


def test_a_change_whose_counterpart_was_not_run_is_named():
    both = RANK_32.with_values(learning_rate=8e-4)
    s = Story()
    base = s.trials(RoundKind.EXPLORE, Purpose.BASELINE, BASE, 0.6, seeds=3)
    s.trials(RoundKind.EXPLORE, Purpose.LEVEL, FAST, 0.8, factor="learning_rate")
    best = s.trials(RoundKind.EXPLORE, Purpose.LEVEL, both, 0.9)
    s.ask(best, base, "both")
    s.close(RoundKind.EXPLORE)
    english, chinese = told(s)["answer"], told(s, "zh")["answer"]
    assert "dropping rank 32 changes it by" in english
    assert "What learning rate 8e-4 brings beside the other changes is not known: it was not compared" in english
    assert "学习率 8e-4 带来多少尚不清楚：没有与只去掉它的配置比较过。" in chinese


def test_a_resumed_trial_is_said_to_have_a_result_once_it_has_one():
    s = piloted()
    waiting = s.history.trials[1]
    s.history.trials[1] = replace(waiting, state=TrialState.RUNNING)
    notes = tuple(("trial_resumed", {"trial": trial, "step": 3}) for trial in (1, 3))
    assert told(s, notes=notes)["notes"].startswith("Trial 3 went on from a checkpoint")
    s.history.trials[1] = waiting
    assert told(s, notes=notes)["notes"].startswith("Trials 1, 3 went on from a checkpoint")


@pytest.mark.parametrize(
    ("why", "english", "chinese"),
    [
        ({"why": "budget"}, "did not fit what was left of the budget.", "没有“细化”轮：剩余的预算不够。"),
        ({"why": "nothing_to_ask"}, "had no open question.", "没有“细化”轮：没有待答的问题。"),
        ({}, "had no open question, or did not fit the budget.", "没有“细化”轮：没有待答的问题，或预算不够。"),
    ],
)
def test_why_there_is_no_round_is_told(why, english, chinese):
    notes = [("round_skipped", {"kind": "refine", **why})]
    assert words_for("en").wave_notes(notes) == [f'There is no round "refine": it {english}']
    assert words_for("zh").wave_notes(notes) == [chinese]
