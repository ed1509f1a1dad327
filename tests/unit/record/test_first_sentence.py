"""What stands first in a record when the study did not go as hoped: a confirmation that failed, nothing learned."""

from __future__ import annotations

import re
from dataclasses import replace
from types import SimpleNamespace

import pytest
from ruamel.yaml import YAML
from stories import BASE, Story

from tunebook.core.study import ContrastKind, Floor, Purpose, RoundKind, TrialState
from tunebook.record.plots.overview import confirmation
from tunebook.record.plots.style import Paper
from tunebook.record.results import as_dict
from tunebook.run.commands.export import best_trial, write_best
from tunebook.run.paths import StudyPaths
from tunebook.words import words_for

RANK_32 = BASE.with_values(lora_r=32, lora_alpha=64)
FAST = BASE.with_values(learning_rate=8e-4)
BOTH = ("validation", "test")


def explored(control=None, **confirm):
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
    base = s.trials(
        RoundKind.CONFIRM, Purpose.CONFIRM, BASE, **{"right": 0.66, "seeds": 3, "splits": BOTH, **(control or {})}
    )
    s.ask(tried, base, "best", split="test")
    s.close(RoundKind.CONFIRM, sealed={"best": RANK_32.key, "baseline": BASE.key})
    return s


def test_a_confirmation_that_held_is_told_with_the_test_split():
    s = explored()
    assert s.conclusions().confirmation.outcome == "held"
    assert s.answer()[0].startswith("Use rank 32, alpha 64,")
    assert s.conclusions().best.chosen_by == "confirmed"


def test_a_test_result_is_told_where_the_baseline_has_none():
    s = explored(control={"right": 0.0, "seeds": 1, "state": TrialState.COLLAPSED, "reason": "constant_answer"})
    assert s.conclusions().confirmation.outcome == "not_shown"
    first = s.answer()[0]
    assert "Not yet confirmed" not in first
    assert re.search(
        r"On the test split it has 8\d\.\d % .* with fresh seeds; no trial of the baseline there", first
    ), first
    assert "它在测试集上是 8" in s.answer("zh")[0]


def test_limits_that_nothing_keeps_within_are_the_answer():
    s = explored()
    s.spec = replace(s.spec, at_most={"length": 4})
    s.history = replace(s.history, excluded=(BASE.key, RANK_32.key, FAST.key))
    assert s.answer() == [
        "No configuration that trained keeps within the limits of the study file (length at most 4), so none is "
        "recommended. Raise a limit, or try other settings; what was measured is under Other metrics."
    ]
    assert "（length 至多 4），因此没有推荐" in s.answer("zh")[0]


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


def drawn_confirmation(s, language):
    figure, _ = confirmation(Paper(), s.view(), words_for(language))
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    return legend, [label.get_text() for label in figure.axes[0].get_xticklabels()]


def test_the_confirmation_is_drawn_with_its_split_and_calls_best_only_what_is_recommended():
    legend, roles = drawn_confirmation(explored(), "en")
    assert ("test, fresh seeds" in legend, roles) == (True, ["best", "baseline"])
    s = at_the_floor()
    tried = s.trials(RoundKind.CONFIRM, Purpose.CONFIRM, FAST, 0.05, seeds=1)
    control = s.trials(RoundKind.CONFIRM, Purpose.CONFIRM, BASE, 0.0, seeds=1)
    s.ask(tried, control, "best")
    s.close(RoundKind.CONFIRM, sealed={"best": FAST.key, "baseline": BASE.key})
    assert s.conclusions().best is None
    for language, fresh, led in (
        ("en", "validation, fresh seeds", "led before"),
        ("zh", "验证集，新随机种子", "此前领先"),
    ):
        legend, roles = drawn_confirmation(s, language)
        assert (legend[-1], roles[0]) == (fresh, led)


def test_a_comparison_without_an_estimate_names_the_side_that_has_no_result():
    broke = {"state": TrialState.FAILED}
    for fast, base, english, chinese in (
        ({}, broke, "the baseline has no trial with a result", "基线没有得出结果的实验"),
        (broke, {}, "learning rate 8e-4: no trial with a result", "：没有得出结果的实验"),
    ):
        s = at_the_floor()
        tried = s.trials(RoundKind.CONFIRM, Purpose.CONFIRM, FAST, 0.05, seeds=1, **fast)
        control = s.trials(RoundKind.CONFIRM, Purpose.CONFIRM, BASE, 0.02, seeds=1, **base)
        s.ask(tried, control, "best")
        s.close(RoundKind.CONFIRM, sealed={"best": FAST.key, "baseline": BASE.key})
        for language, said in (("en", english), ("zh", chinese)):
            (told,) = s.record(language).rounds[-1].not_shown
            assert told.endswith(said), told


def test_the_seeds_by_which_the_leading_configuration_was_not_chosen_are_told():
    assert "on the same examples" not in at_the_floor().answer()[0]
    for seeds, english, chinese in (
        (1, "Another seed of it reaches 5.0 % on the same examples.", "它的另一个随机种子为 5.0%。"),
        (2, "The mean of two other seeds of it on the same examples is 5.", "它的另外 2 个随机种子平均为 5."),
    ):
        s = at_the_floor()
        tried = s.trials(RoundKind.CONFIRM, Purpose.CONFIRM, FAST, 0.05, seeds=seeds)
        control = s.trials(RoundKind.CONFIRM, Purpose.CONFIRM, BASE, 0.0, seeds=1)
        s.ask(tried, control, "best")
        s.close(RoundKind.CONFIRM, sealed={"best": FAST.key, "baseline": BASE.key})
        assert english in s.answer()[0]
        assert chinese in s.answer("zh")[0]


def test_the_adapter_on_disk_is_that_of_the_configuration_that_held(tmp_path):
    collapsed = {"right": 0.0, "seeds": 1, "state": TrialState.COLLAPSED, "reason": "constant_answer"}
    for stage, rank, rate in ((explored(), 32, 2e-4), (explored(best=collapsed), 16, 8e-4)):
        study = SimpleNamespace(
            conclusions=stage.conclusions(), spec=stage.spec, history=stage.history, facts=stage.facts
        )
        fact = best_trial(study)
        for trial in stage.history.trials:
            adapter = tmp_path / "adapters" / str(trial)
            adapter.mkdir(parents=True, exist_ok=True)
            (adapter / "whose.txt").write_text(f"trial {trial}")
        best = write_best(study, StudyPaths(None, tmp_path))
        assert (best / "whose.txt").read_text() == f"trial {fact.trial.id}"
        told = YAML(typ="safe").load((best / "config.yaml").read_text())
        assert (told["trial"], told["configuration"]["lora_r"]) == (fact.trial.id, rank)
        assert told["configuration"]["learning_rate"] == rate
        assert fact.state is TrialState.COMPLETED


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


# -- nothing learned


def at_the_floor(rights=(0.0, 0.0, 0.06), losses=(33.0, 33.0, 5.7), falling=()):
    """Baseline, rank 32 and a faster rate, whose answers are nearly all wrong."""
    s = Story(n=80, common=0.1125, labels=10)
    s.reference(0.0, loss=33.0)
    explore = RoundKind.EXPLORE
    settings = ((BASE, None), (RANK_32, "lora_r"), (FAST, "learning_rate"))
    ids = []
    for (configuration, factor), right, loss in zip(settings, rights, losses, strict=True):
        purpose = Purpose.LEVEL if factor else Purpose.BASELINE
        seeds = 2 if factor else 5
        more = {"seeds": seeds, "factor": factor, "loss": loss, "losses": falling}
        ids.append(s.trials(explore, purpose, configuration, right, **more))
    s.ask(ids[1], ids[0], "lora_r=32", "lora_r")
    s.ask(ids[2], ids[0], "learning_rate=0.0008", "learning_rate")
    s.close(explore)
    return s


def test_pilots_that_learned_nothing_recommend_nothing_and_say_what_they_did_not_beat():
    s = Story(n=80, common=0.8, labels=10)
    s.reference(0.0, loss=33.0)
    s.trials(RoundKind.PILOT, Purpose.FIRST_RATE, FAST, 0.84, seeds=1)
    s.close(RoundKind.PILOT, floor=Floor(rates=(8e-4,), epochs=2, accuracy=0.84, bar=0.8))
    record = s.record()
    assert s.conclusions().best is None
    assert s.answer()[0].startswith("No configuration is shown to have learned the task")
    remark = " ".join(record.rounds[-1].remarks)
    assert "not better than always giving the commonest answer (80.0 %) beyond chance" in remark


FALLING = [5.0 - 0.1 * step for step in range(40)]


def test_where_nothing_was_learned_the_answer_says_so_and_recommends_nothing():
    s = at_the_floor(falling=FALLING)
    first, helps, loss = s.answer()
    assert first.startswith(
        "No configuration is shown to have learned the task, so nothing is recommended. The one that leads (of those "
        "within one standard error of the highest accuracy, the one of lowest validation loss), rank 16, "
        "alpha 32, learning rate 8e-4, dropout 0, 3 epochs, effective batch 8, is right on 6."
    )
    assert first.endswith('; always giving the commonest answer ("a") is right on 11.3 %.')
    assert helps.startswith(
        "What may help: more training, because the training loss was still falling at the end (2.55 nats a token in "
        "the third quarter of the steps, 1.55 in the last): more epochs, more rows or a higher learning rate; "
        "`metric: choice`, which picks the likeliest of the 10 answers and generates nothing;"
    )
    assert loss.startswith("By loss, in nats an example")
    assert "learning rate 8e-4 -27.3 (-27.3 to -27.3)" in loss
    chinese = s.answer("zh")
    assert chinese[0].startswith(
        "没有证据表明有配置学会了任务，因此不推荐任何配置。领先的配置（"
        "准确率与最高者相差不超过一个标准误的各配置中，验证损失最低的一个：rank 16、alpha 32、学习率 8e-4"
    )
    assert chinese[1].startswith(
        "可以尝试：加大训练量，因为训练损失到最后仍在下降（每 token：第三个四分之一 2.55，最后四分之一 1.55）"
    )
    assert chinese[2].startswith("从损失看（每样本，")


def test_at_the_floor_nothing_is_best_and_no_label_is_suspected():
    s = at_the_floor()
    found = s.conclusions()
    assert found.best is None
    assert found.nothing_learned.key == FAST.key
    results = as_dict(s.view())
    assert results["best"] is None
    assert results["nothing_learned"]["bar_is"] == "commonest"
    record = s.record()
    assert (record.best, record.suspects, record.suspects_lead, record.insights) == (None, (), "", ())
    assert "Advice" not in record.factors.columns
    assert not any(row.tone == "best" for section in record.rounds for row in section.rows)


def test_at_the_floor_no_configuration_is_called_the_best_where_more_rows_are_asked_for():
    assert at_the_floor().record().more_rows_lead.startswith("The leading configuration, which is not recommended, un")
    assert "最佳" not in at_the_floor().record("zh").more_rows_lead


def test_the_status_names_what_the_leading_configuration_does_not_pass():
    found = at_the_floor().conclusions().nothing_learned
    for bar_is, english, chinese in (
        ("commonest", "always giving the commonest answer 11.3 %", "始终回答最常见类别为 11.3%"),
        ("untrained", "the untrained model 11.3 %", "未训练的模型为 11.3%"),
    ):
        told = replace(found, bar_is=bar_is)
        assert words_for("en").status_nothing_learned(told).endswith(english)
        assert words_for("zh").status_nothing_learned(told).endswith(chinese)


def test_at_the_floor_nothing_is_exported_unless_the_study_file_says_go_on():
    s = at_the_floor()
    read = SimpleNamespace(conclusions=s.conclusions(), spec=s.spec, history=s.history)
    assert best_trial(read) is None
    read.spec = replace(s.spec, floor="go_on")
    assert best_trial(read).trial.effective.key == FAST.key


def test_effects_are_told_in_loss_where_no_answer_is_right_on_either_side():
    s = at_the_floor(rights=(0.0, 0.0, 0.0))
    row = next(row for row in s.record().rounds[0].rows if "8e-4" in row.changed)
    assert (
        "Both sides are right on no example; the loss changes by -27.3 nats an example (-27.3 to -27.3)."
        in row.analysis
    )
    chinese = next(row for row in s.record("zh").rounds[0].rows if "8e-4" in row.changed)
    assert "双方全部答错；每样本损失相差 -27.3（-27.3 至 -27.3，越低越好）。" in chinese.analysis


def test_no_right_answer_of_eighty_leaves_room_for_some_in_the_interval():
    """0 of 80 on both sides: the exact bound at the family's level, not a normal interval of nothing."""
    finding = at_the_floor(rights=(0.0, 0.0, 0.0)).history.findings[0]
    assert finding.effect == 0.0
    low, high = finding.interval
    assert 0.05 < high < 0.08
    assert low == -high


def test_a_study_that_learned_is_not_at_the_floor():
    assert explored().conclusions().nothing_learned is None


def test_a_recommendation_outside_the_study_file_or_of_one_seed_says_so():
    s = Story()
    s.reference(0.3)
    base = s.trials(RoundKind.EXPLORE, Purpose.BASELINE, BASE, 0.66, seeds=5)
    rank = s.trials(RoundKind.EXPLORE, Purpose.LEVEL, RANK_32, 0.80, factor="lora_r")
    s.ask(rank, base, "lora_r=32", "lora_r")
    s.close(RoundKind.EXPLORE)
    beyond = BASE.with_values(learning_rate=1.8e-2)
    s.trials(RoundKind.BOUNDARY, Purpose.BOUNDARY, beyond, 0.95, seeds=1, factor="learning_rate")
    s.close(RoundKind.BOUNDARY)
    first = s.answer()[0]
    assert (
        "Note that learning rate 1.8e-2 lies outside what the study file gives (5e-5 to 2e-3). "
        "It rests on one seed: another seed may do worse."
    ) in first
    assert (
        "请注意：学习率 1.8e-2 超出研究文件给出的范围（5e-5～2e-3）。这一结果只有 1 个随机种子，换随机种子可能更差。"
        in s.answer("zh")[0]
    )
    assert "outside" not in explored().answer()[0]


# -- why


def combined(**curves):
    """Rank 32 with a faster rate leads; the same without the rank was trained, the same without the rate was not."""
    s = Story()
    s.reference(0.3)
    explore = RoundKind.EXPLORE
    base = s.trials(explore, Purpose.BASELINE, BASE, 0.66, seeds=5, losses=curves.get("baseline", ()))
    ids = []
    for rate, right in ((5e-5, 0.5), (1.4e-3, 0.74), (2e-3, 0.86)):
        level = BASE.with_values(learning_rate=rate)
        ids.append(s.trials(explore, Purpose.LEVEL, level, right, factor="learning_rate"))
        s.ask(ids[-1], base, f"learning_rate={rate:g}", "learning_rate")
    s.close(explore)
    both = RANK_32.with_values(learning_rate=8e-4)
    s.trials(RoundKind.COMBINE, Purpose.COMBINE, both, 0.92)
    s.trials(RoundKind.COMBINE, Purpose.COMBINE, FAST, 0.80)
    s.close(RoundKind.COMBINE, combined={"learning_rate": 8e-4, "lora_r": 32})
    held = both.with_values(learning_rate=1.2e-3)
    s.trials(RoundKind.BOUNDARY, Purpose.BOUNDARY, held, 0.9, factor="learning_rate")
    broke = {"state": TrialState.DIVERGED, "reason": "loss_rose", "factor": "learning_rate"}
    s.trials(RoundKind.BOUNDARY, Purpose.BOUNDARY, both.with_values(learning_rate=2.4e-3), 0.0, **broke)
    s.close(RoundKind.BOUNDARY)
    return s


def test_the_answer_says_why_the_configuration_lies_where_it_does():
    s = combined(baseline=FALLING)
    why = next(text for text in s.answer() if text.startswith("Why this configuration"))
    (neighbour,) = s.conclusions().neighbours
    assert (neighbour.factor, neighbour.key) == ("lora_r", FAST.key)
    assert why.startswith(
        "Why this configuration: Over all seeds on validation, dropping rank 32 changes it by "
        f"-{100 * neighbour.effect:.1f} points ("
    )
    assert (
        "The baseline is under-trained: its training loss was still falling at the end (4.55, 3.55, 2.55, 1.55 " in why
    )
    assert "Changed alone, 2e-3 did best; together with its other changes learning rate 8e-4 did:" in why
    assert "Training fails at 2.4e-3, 3.0 times its learning rate." in why
    chinese = next(text for text in s.answer("zh") if text.startswith("为什么选它"))
    for part in ("去掉 rank 32：-", "基线训练不足", "单独改动时", "是它的 3.0 倍"):
        assert part in chinese


def test_without_a_neighbour_it_says_that_nothing_was_dropped():
    s = Story()
    s.reference(0.3)
    base = s.trials(RoundKind.EXPLORE, Purpose.BASELINE, BASE, 0.66, seeds=5)
    both = s.trials(RoundKind.EXPLORE, Purpose.LEVEL, RANK_32.with_values(learning_rate=8e-4), 0.92)
    s.ask(both, base, "both")
    s.close(RoundKind.EXPLORE)
    assert (
        "Why this configuration: What each of its changes brings is not known: no trial has all of them but one."
        in s.answer()
    )
    assert "为什么选它：各项改动各带来多少尚不清楚：没有只去掉其中一项的实验。" in s.answer("zh")


def test_the_analysis_of_every_row_counts_examples_and_names_a_loss_that_still_fell():
    s = combined(baseline=FALLING)
    rows = {row.changed: row.analysis for row in s.record().rounds[0].rows}
    won, lost = s.view().won_and_lost(s.history.findings[-1])
    fast = next(text for changed, text in rows.items() if "2e-3" in changed)
    assert f"Seed against seed it gains {won} examples and loses {lost}." in fast
    assert won - lost == pytest.approx(s.n * s.history.findings[-1].effect, abs=1.01), "as the effect says"
    baseline = next(text for changed, text in rows.items() if changed.startswith("baseline"))
    assert "Training loss still falling (trial 1: 2.55 in the third quarter, 1.55 in the last)." in baseline
    chinese = {row.changed: row.analysis for row in s.record("zh").rounds[0].rows}
    assert any(f"平均新答对 {won} 个、新答错 {lost} 个。" in text for text in chinese.values())
