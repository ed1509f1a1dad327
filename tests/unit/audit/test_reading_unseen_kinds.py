"""Kinds of records that the audit had not seen before: each was once read wrongly, and is read rightly or not used."""

from __future__ import annotations

import runpy
import sys

import pytest

from benchmarks.audit_collection import main as collection_main
from benchmarks.audit_collection import meaning, score_record
from tunebook.audit.judge import audit
from tunebook.audit.judge.report import AuditReport
from tunebook.audit.model import ClaimKind
from tunebook.audit.read import read_record
from tunebook.audit.write.document import audit_markdown
from tunebook.errors import RecordTableError
from tunebook.words import words_for

ROUNDS = """\
基线配置：学习率 1e-4，rank 8，alpha 16，训练 3 轮。评测 260 题。

## 第一轮

| 实验 | 改动 | 答对率 |
|---|---|---|
| E0 | 基线 | 58.08% |
| E1 | 学习率改为 2e-4 | 63.46% |
| E2 | 学习率改为 5e-4 | 65.00% |

## {heading}

{text}

| 实验 | 改动 | 答对率 |
|---|---|---|
| E6 | 训练 5 轮 | 66.92% |
| E7 | rank 32，alpha 64 | 65.38% |
"""


def report_of(text: str, examples: int | None = None, name: str = "x.md") -> AuditReport:
    return audit(read_record(text.encode(), name), examples)


def notes_of(report: AuditReport) -> dict[str, dict[str, object]]:
    return {note.code: dict(note.values) for note in (*report.record.notes, *report.inconsistencies)}


@pytest.mark.parametrize(
    ("heading", "text"),
    [("第二轮：在 E2 的基础上继续", ""), ("第二轮", "以 E2 为基础。"), ("Round 2: based on E2", "")],
)
def test_a_round_that_builds_on_a_named_trial_has_its_settings(heading: str, text: str) -> None:
    report = report_of(ROUNDS.format(heading=heading, text=text))
    found = {v.trial.label: v.trial.levels["learning_rate"] for v in report.trials}
    assert (found["E6"], found["E7"]) == (5e-4, 5e-4)
    assert report.examples.n == 260
    assert report.structure.equal == ()


@pytest.mark.parametrize(
    ("heading", "text"),
    [("第二轮：在第一轮的基础上继续", ""), ("Round 2: based on E9", ""), ("第二轮", "在 E1、E2 的基础上继续。")],
)
def test_where_it_is_not_sure_what_a_round_builds_on_its_settings_are_listed_and_not_used(
    heading: str, text: str
) -> None:
    report = report_of(ROUNDS.format(heading=heading, text=text))
    assert {v.trial.label for v in report.trials if v.trial.unread} == {"E6", "E7"}
    assert {(c.trial, c.why) for c in report.record.unread_cells} == {("E6", "ground"), ("E7", "ground")}


@pytest.mark.parametrize(
    "text", ["基于以上结果，再试两个。", "LoRA on 4 GPUs, based on Llama-3.1.", "基于 Qwen2.5-7B 的配置。"]
)
def test_a_round_based_on_results_or_a_model_builds_on_nothing_else(text: str) -> None:
    report = report_of(ROUNDS.format(heading="第二轮", text=text))
    assert not any(v.trial.unread for v in report.trials)


def test_what_a_table_builds_on_is_also_read_from_the_line_above_it_without_headings() -> None:
    plain = ROUNDS.replace("## 第一轮\n", "").replace("## {heading}\n", "")
    read = {v.trial.label: v.trial for v in report_of(plain.format(text="接着在 E2 的基础上继续：")).trials}
    assert read["E6"].levels["learning_rate"] == 5e-4
    assert read["E1"].levels["learning_rate"] == 2e-4
    best = {v.trial.label: v.trial for v in report_of(plain.format(text="以下在最好的那组基础上改：")).trials}
    assert (best["E6"].levels["learning_rate"], best["E0"].levels["learning_rate"]) == (5e-4, 1e-4)
    listed = report_of(plain.format(text="接着在上一轮的基础上继续："))
    assert {v.trial.label for v in listed.trials if v.trial.unread} == {"E6", "E7"}


CHANGES = """\
| 实验 | 改动 | 准确率 |
|---|---|---|
| exp1 | 基线 | 60% |
| exp2 | 去掉 dropout | 61% |
| exp3 | exp2 + 学习率 2e-4 | 62% |
| exp4 | exp9 + 学习率 3e-4 | 63% |
"""


def test_a_row_that_builds_on_a_trial_of_unknown_settings_is_unknown_itself() -> None:
    report = report_of(CHANGES)
    assert [v.trial.label for v in report.trials if v.trial.unread] == ["exp2", "exp3", "exp4"]


BOARD = """\
Scored on 640 hidden tickets. Δ is in points against **ours-v1**, our baseline.

| # | Entry | LoRA rank | Peak LR | Accuracy | {delta} | Submitted |
|:-:|---|--:|--:|--:|--:|---|
| 🥇 | ours-v4 | 64 | 3e-4 | 83.75% | +4.38 | 11 June |
| 🥈 | ours-v3 | 32 | 3e-4 | 83.28% | +3.19 | 9 June |
| 3 | ours-v2 | 16 | 3e-4 | 82.03% | +2.66 | 6 June |
| 4 | ours-v1 | 16 | 1e-4 | 79.38% | – | 2 June |
| – | ours-v7 | 16 | 3e-3 | diverged | n/a | 15 June |

- ours-v4 is not significantly better than ours-v3.
"""


def test_a_board_has_places_entries_and_the_baseline_that_its_text_names() -> None:
    report = report_of(BOARD.format(delta="Δ"))
    roles = {use.header: use.role for use in report.record.columns}
    assert (roles["#"], roles["Entry"]) == ("place", "trial")
    assert (report.table.baseline, report.table.baseline_named) == ("ours-v1", True)
    assert [n.values["trial"] for n in report.inconsistencies if n.code == "difference_wrong"] == ["ours-v3"]
    assert "Read for remarks only: Submitted" in audit_markdown(report, "en")


def test_only_a_trial_right_before_our_baseline_is_named_so() -> None:
    lines = BOARD.format(delta="Δ").replace("against **ours-v1**, our baseline.", "against the {}")
    for said, named in (
        ("plain model, our baseline; ours-v3 is new.", False),
        ("new ours-v3, our baseline.", True),
    ):
        assert report_of(lines.format(said)).table.baseline_named is named


def test_a_column_of_differences_names_the_baseline() -> None:
    text = BOARD.format(delta="Δ vs. ours-v1").partition("\n")[2]
    assert report_of(text).table.baseline == "ours-v1"


def test_not_significantly_better_is_not_read_as_not_better() -> None:
    judged = next(j for j in report_of(BOARD.format(delta="Δ")).claims if "significantly" in j.claim.text)
    assert judged.claim.kind is ClaimKind.UNREAD


COUNTS = """\
| 组别 | 学习率 | 优化器 | 正确数（/350） | 与基线差（题） |
|---|---|---|---|---|
| 基线 | 1e-4 | AdamW | 231 | 0 |
| 第1组 | 3e-4 | AdamW | 252 | +21 |
| 第2组 | 3e-4 | Lion | 243 | +11 |

- 换成 Lion 没有好处。
"""


def test_counts_take_their_total_from_the_header_and_differences_are_counted_in_examples() -> None:
    report = report_of(COUNTS)
    assert (report.examples.n, report.examples.how) == (350, "fractions")
    assert [v.correct for v in report.trials] == [231, 252, 243]
    assert [n.values["trial"] for n in report.inconsistencies] == ["第2组"]


def test_counts_without_a_total_or_above_it_are_refused() -> None:
    for header, why in (("正确数", "without their total"), ("正确数（/240）", "cannot be accuracies")):
        with pytest.raises(RecordTableError, match=why):
            report_of(COUNTS.replace("正确数（/350）", header))


def test_a_score_out_of_a_hundred_says_nothing_of_the_number_of_examples() -> None:
    for header in ("Accuracy (out of 100)", "答对率（/100）"):
        text = COUNTS.replace("正确数（/350）", header).replace("231", "61").replace("252", "72").replace("243", "70")
        assert report_of(text).examples.n is None


def test_the_size_of_the_training_set_is_no_number_of_examples() -> None:
    for text in ("训练集共 5200 题。", "训练数据一共 5200 题。", "共 5200 题用来训练。"):
        assert read_record(f"{text}\n\n{COUNTS}".encode(), "x.md").stated_examples == ()
    assert read_record(f"一共 300 道题。\n\n{COUNTS}".encode(), "x.md").stated_examples == (300,)


def test_a_claim_about_a_setting_of_the_records_own_is_listed() -> None:
    assert [j.claim.text for j in report_of(COUNTS).claims] == ["换成 Lion 没有好处"]


MEANS = """\
Every configuration was trained with {seeds}. The test set has 500 examples.

| Config | r | LR | Test acc. (mean ± std) |
|---|---|---|---|
| base | 8 | 1e-4 | 81.20 ± 0.53 |
| r32 | 32 | 3e-4 | 84.13 ± 0.61 |
| r128 | 128 | 3e-4 | 84.20 ± 0.40 |

r128 is the best run, but r32 is not worse.

r128 is better than r32.
"""


@pytest.mark.parametrize("seeds", ["3 seeds", "three random seeds"])
def test_seeds_and_examples_are_read_from_a_sentence(seeds: str) -> None:
    report = report_of(MEANS.format(seeds=seeds))
    assert (report.record.seeds, report.examples.n, report.examples.how) == (3, 500, "stated")


def test_seeds_of_a_sentence_are_no_means_where_each_row_has_its_seed() -> None:
    rows = "| a | 1e-4 | 1 | 60.0 |\n| b | 2e-4 | 2 | 61.0 |\n"
    text = "每组跑了 3 个种子，取平均。\n\n| 组 | 学习率 | 种子 | 准确率 |\n|---|---|---|---|\n"
    assert report_of(text + rows).record.seeds is None
    assert (
        report_of(
            "每组跑了 3 个种子，取平均。\n\n" + "| 组 | 学习率 | 准确率 |\n|---|---|---|\n| a | 1e-4 | 60 |\n"
        ).record.seeds
        == 3
    )


def test_means_over_an_unknown_number_of_seeds_are_no_whole_numbers_of_answers() -> None:
    report = report_of(MEANS.format(seeds="care"), 500)
    judged = next(j for j in report.claims if j.claim.kind is ClaimKind.TRIALS)
    assert "no difference" not in judged.reason.value


def test_names_that_look_like_levels_are_names() -> None:
    read = [meaning(j) for j in report_of(MEANS.format(seeds="3 seeds")).claims if j.claim.kind is not ClaimKind.UNREAD]
    assert read == ["trials r128 against r32 better"]


TRACKER = """\
run,status,lr,rank,accuracy,note
run-001,completed,1e-4,8,0.694,baseline
run-002,completed,2e-4,8,0.726,better than the baseline
run-003,{status},2e-4,16,{result},
run-004,completed,4e-4,8,0.738,best so far
run-005,completed,4e-3,8,nan,
"""


@pytest.mark.parametrize("status", ["queued", "排队中", "aborted", "运行中"])
def test_runs_to_come_and_unfinished_ones_are_listed_and_neither_trials_nor_missing(status: str) -> None:
    report = report_of(TRACKER.format(status=status, result="0.592"), name="x.csv")
    assert "run-003" not in {v.trial.label for v in report.trials}
    notes = notes_of(report)
    assert notes["no_result_rows"]["trials"] == ("run-003",)
    assert "missing_numbers" not in notes


def test_without_a_number_of_examples_the_best_stands_beside_its_nearest_rival() -> None:
    report = report_of(TRACKER.format(status="queued", result=""), name="x.csv")
    judged = next(j for j in report.claims if j.claim.kind is ClaimKind.BEST_TRIAL)
    assert report.examples.n is None
    assert judged.deciding is not None
    assert judged.deciding.pairs == (("4", "2"),)


def test_a_failure_says_what_was_never_tried() -> None:
    text = TRACKER.format(status="queued", result="") + "run-006,completed,3e-4,8,0.73,a rate of 4e-3 fails\n"
    assert "Between 4e-4 and 4e-3 the record has no result" in audit_markdown(report_of(text, name="x.csv"), "en")


def test_only_a_difference_that_is_not_the_tables_is_a_disagreement() -> None:
    text = ROUNDS.format(heading="第二轮：在 E2 的基础上继续", text="") + "\n{}\n"
    right, wrong = "E6 比 E2 高 1.92 个百分点。", "E6 比 E2 高 2.92 个百分点。"
    assert "原文说相差" not in audit_markdown(report_of(text.format(right)), "zh")
    assert "原文说相差 2.92" in audit_markdown(report_of(text.format(wrong)), "zh")


def test_a_claim_in_words_of_must_and_must_not_is_listed() -> None:
    text = ROUNDS.format(heading="第二轮", text="") + "\ndropout 不能去掉，不然会掉点。\n"
    assert [j.claim.kind for j in report_of(text).claims] == [ClaimKind.UNREAD]


TWO_TABLES = """\
| 代号 | r | 学习率 |
|---|---|---|
| 甲 | 8 | 1e-4 |
| 乙 | 16 | 1e-4 |

| 名次 | {label} | 答对 |
|---|---|---|
| 1 | 乙 | 176/300 |
| 2 | 甲 | 171/300 |
"""


@pytest.mark.parametrize("label", ["代号", "实验"])
def test_two_tables_are_put_together_by_their_labels_whatever_these_are_called(label: str) -> None:
    report = report_of(TWO_TABLES.format(label=label))
    assert {v.trial.label: (v.trial.levels["lora_r"], v.correct) for v in report.trials} == {
        "甲": (8, 171),
        "乙": (16, 176),
    }


@pytest.mark.parametrize(
    "text",
    [COUNTS.replace("（/350）", ""), TWO_TABLES.format(label="实验").replace("| 乙 | 16", "| 丙 | 16"), "只有文字。"],
)
def test_refusals_are_told_in_chinese(text: str) -> None:
    with pytest.raises(RecordTableError) as refused:
        report_of(text)
    told = words_for("zh").translated(refused.value.phrase)
    assert not any(word in told for word in (" holds ", " labels ", " found "))


def test_the_benchmark_counts_a_refused_record_as_missed(tmp_path) -> None:
    record = tmp_path / "x_en.md"
    record.write_text("words only", encoding="utf-8")
    expected = {"columns": {"LR": "learning_rate"}, "rows": {"a": {"learning_rate": 1e-4, "lora_r": None}},
                "claims": [{"line": 3, "reads": "trend lora_r better"}], "too_hard": [4]}  # fmt: skip
    missed = {what: len(score.missed) for what, score in score_record(record, expected).items()}
    assert missed == {"columns": 2, "cells": 1, "sentences": 2, "verdicts": 0}


@pytest.mark.parametrize(("argument", "code"), [("--help", 0), ("no such folder", 2)])
def test_the_benchmark_takes_a_folder(argument: str, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["audit_collection", argument])
    with pytest.raises(SystemExit) as ended:
        collection_main()
    assert ended.value.code == code


def test_the_program_starts_as_a_module(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["tunebook", "--version"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("tunebook", run_name="__main__")
    assert not ended.value.code
    assert capsys.readouterr().out.startswith("0.")
