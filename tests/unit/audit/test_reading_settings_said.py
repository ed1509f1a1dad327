"""Settings that a text gives once: which trials they are of, and of which they must not be taken."""

from __future__ import annotations

import pytest

from tunebook.audit.judge import audit
from tunebook.audit.model import HandRecord, MeasureKind
from tunebook.audit.read import read_record
from tunebook.errors import RecordTableError

FIRST = "\n\n## Round 1\n\n| run | lr | acc |\n|---|---|---|\n| a1 | 1e-4 | 0.71 |\n| a2 | 2e-4 | 0.73 |\n"
SECOND = "\n## Round 2\n\n{}\n\n| run | r | acc |\n|---|---|---|\n| b1 | 16 | 0.74 |\n| b2 | 32 | 0.75 |\n"
THIRD = "\n## Round 3\n\n{}\n\n| run | dropout | acc |\n|---|---|---|\n| c1 | 0.1 | 0.76 |\n| c2 | 0.2 | 0.75 |\n"
COMMAND = "```bash\ntrain --learning_rate 1e-4 \\\n  --lora_r 8 \\\n  --num_train_epochs 3\n```\n"
CHANGES = "\n| change | acc |\n|---|---|\n| default | 0.70 |\n| lr 2e-4 | 0.72 |\n| lora_r 16 | 0.71 |\n"
STATES = (
    "\n\n| run | lr | r | accuracy | status |\n|---|---|---|---|---|\n| a | 1e-4 | 8 | 0.7 | FINISHED |\n"
    "| b | 2e-3 | 8 | nan | FAILED |\n| c | 1e-4 | 16 | | FAILED |\n"
)
STUDY = "\n\n```\n# exported\nnumber,value,params_lr,state\n0,0.81,0.0001,COMPLETE\n1,0.83,0.0002,COMPLETE\n```\n"


def _read(text: str) -> HandRecord:
    return read_record(text.encode(), "notes.md")


def _given(text: str, name: str) -> dict[str, object]:
    return {row.trial: row.values[name] for row in _read(text).rows if name in row.values}


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("Batch size 8, weight decay 0.01, linear schedule." + FIRST, "lr_scheduler_type", ["linear", "linear"]),
        ("公共设置:3 个 epoch,cosine 调度。" + FIRST, "lr_scheduler_type", ["cosine", "cosine"]),
        ("We tried a linear schedule too, and it made no difference." + FIRST, "lr_scheduler_type", []),
        ("We tried dropout 0.2 with a linear schedule." + FIRST, "lr_scheduler_type", []),
        (FIRST + SECOND.format("lr stays at 2e-4 from here on."), "learning_rate", [1e-4, 2e-4, 2e-4, 2e-4]),
        (FIRST + SECOND.format("学习率 2e-4。"), "learning_rate", [1e-4, 2e-4, 2e-4, 2e-4]),
        (FIRST + SECOND.format("lr 3e-4 was tried before."), "learning_rate", [1e-4, 2e-4]),
        (FIRST + "\nlr 2e-4.\n" + SECOND.format("Rank."), "learning_rate", [1e-4, 2e-4]),
        ("All runs share:\n\n```yaml\nlora_alpha: 16\nbatch_size: 4\n```\n" + FIRST, "lora_alpha", [16, 16]),
        ("The run that crashed was:\n\n```\ntrain --lora_alpha 64\n```\n" + FIRST, "lora_alpha", []),
        (FIRST + SECOND.format("lr 2e-4, alpha = 2r."), "lora_alpha", [32, 64]),
        (FIRST + SECOND.format("学习率固定为 2e-4,α 始终取 2r。"), "lora_alpha", [32, 64]),
        (FIRST + SECOND.format("lr 定为 2e-4，看秩。"), "learning_rate", [1e-4, 2e-4, 2e-4, 2e-4]),
        (FIRST + SECOND.format("用 lr=2e-4，改秩。"), "learning_rate", [1e-4, 2e-4, 2e-4, 2e-4]),
        (FIRST + SECOND.format("With lr 5e-4 training diverged."), "learning_rate", [1e-4, 2e-4]),
        (FIRST + SECOND.format("用 lr=5e-4 时显存不足。"), "learning_rate", [1e-4, 2e-4]),
        (FIRST + "\n## Notes\n\nBatch size 8 in every trial.\n", "per_device_train_batch_size", [8, 8]),
        (FIRST + "\n## Notes\n\nBatch size 8 is fast.\n", "per_device_train_batch_size", []),
    ],
)
def test_settings_are_of_the_trials_that_the_text_speaks_of(text: str, name: str, expected: list[object]) -> None:
    assert list(_given(text, name).values()) == expected


@pytest.mark.parametrize(
    "start", ["Starting point: lr=1e-4, r=8, dropout 0.05.", "起点配置:lr=1e-4,r=8,dropout=0.05。"]
)
@pytest.mark.parametrize("goes_on", ["Each round keeps the best value.", "每一轮定下最好的值,再进下一轮。"])
def test_a_round_that_keeps_the_best_leaves_out_no_baseline(start: str, goes_on: str) -> None:
    text = start + " " + goes_on + FIRST + SECOND.format("Rank.") + THIRD.format("lr 2e-4, r=32.")
    dropout = _given(text, "lora_dropout")  # which no round before the third varied
    assert dropout == {"a1": 0.05, "a2": 0.05, "b1": 0.05, "b2": 0.05, "c1": 0.1, "c2": 0.2}
    assert _given(text, "learning_rate") == {"a1": 1e-4, "a2": 2e-4, "c1": 2e-4, "c2": 2e-4}
    rows = _read(text.replace("Rank.", "lr 2e-4.")).rows
    assert [row.values["learning_rate"] for row in rows][2:] == [2e-4] * 4
    assert not any(row.extra for row in rows)  # all is given, so the tables are one


def test_the_baseline_is_the_command_below_its_name() -> None:
    rows = _read("Our default command:\n\n" + COMMAND + CHANGES).rows
    assert rows[0].is_baseline
    assert rows[0].values == {"learning_rate": 1e-4, "lora_r": 8, "num_train_epochs": 3}
    assert rows[2].values["lora_r"] == 16


@pytest.mark.parametrize(
    ("said", "failed"),
    [
        ("FAILED runs are those whose loss became nan.", ["b", "c"]),
        ("A learning rate of 2e-3 diverges.", ["b"]),
        ("A learning rate of 2e-3 did not diverge.", []),
        ("One of them crashed.", []),
        ("Training at rank 8 diverges.", []),  # where another run has a result
    ],
)
def test_a_status_is_a_failed_training_where_the_text_says_so(said: str, failed: list[str]) -> None:
    assert [row.trial for row in _read(said + STATES).rows if row.failed] == failed


def test_ticks_are_a_status() -> None:
    table = (
        "| run | lr | r | acc | 状态 |\n|---|---|---|---|---|\n| a | 1e-4 | 8 | 0.7 | ✓ |\n| b | 2e-3 | 8 | NaN | ✗ |\n"
    )
    rows = _read(table + "| c | 1e-4 | 16 | | ✗ |\n| d | 1e-4 | 16 | 0.72 | ✗ |\n").rows
    assert [(row.trial, row.failed) for row in rows] == [("a", False), ("b", True)]


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("The objective is to maximise validation F1.", MeasureKind.SCORE),
        ("目标是最大化验证集 accuracy。", MeasureKind.SHARE),
        ("目标是最小化验证集 loss。", MeasureKind.LOSS),
        ("Objective: minimise accuracy.", None),
        ("It took three hours.", None),
    ],
)
def test_an_objective_is_a_result_where_the_text_says_which(said: str, kind: MeasureKind | None) -> None:
    if kind is None:
        with pytest.raises(RecordTableError, match="objective"):
            _read(said + STUDY)
    else:
        assert _read(said + STUDY).measure.kind is kind


def test_remarks_above_delimited_text_are_no_rows() -> None:
    rows = read_record(b"# my sweep\n# lr, then r\nrun,lr,acc\na,1e-4,0.7\nb,2e-4,0.72\n", "x.csv").rows
    assert [(row.trial, row.values) for row in rows] == [("a", {"learning_rate": 1e-4}), ("b", {"learning_rate": 2e-4})]


@pytest.mark.parametrize("goes_on", ["lr 定为 2e-4，看秩。", "沿用第一轮的 lr，看秩。", "Keeping the lr, now rank."])
def test_what_a_later_round_keeps_is_not_filled_in_from_the_baseline(goes_on: str) -> None:
    text = "没写的都是默认值：lr=1e-4，r=8，dropout=0.05。" + FIRST + SECOND.format(goes_on) + THIRD.format("Dropout.")
    rates = _given(text, "learning_rate")
    assert {rates.get(trial) for trial in ("b1", "b2")} <= {2e-4, None}
    assert rates.keys().isdisjoint({"c1", "c2"}) or "定为" in goes_on


def test_a_model_that_the_text_calls_untrained_is_no_trial() -> None:
    table = "\n\n| 版本 | lr | r | max_len | acc |\n|---|---|---|---|---|\n"
    table += "| v0 | - | - | 512 | 0.58 |\n| v1 | 1e-4 | 8 | 512 | 0.7 |\n"
    assert [row.trial for row in _read("v0 是没有训练过的底座。" + table).rows] == ["v1"]
    assert [row.trial for row in _read("v0 是第一版。" + table).rows] == ["v0", "v1"]


def test_tables_of_tabs_stand_in_a_text_under_the_titles_of_slides() -> None:
    text = "Tuning\n\n--- Slide {}: {} ({}) ---\n\nrun\t{}\tF1\n{}1\t{}\t0.7\n{}2\t{}\t0.8\n\n• Good\n\n"
    slides = text.format(1, "Rate", "r = 8", "lr", "a", "1e-4", "a", "2e-4")
    slides += text.format(2, "Rank", "lr = 2e-4", "r", "b", "16", "b", "32")
    assert _given(slides, "learning_rate") == {"a1": 1e-4, "a2": 2e-4, "b1": 2e-4, "b2": 2e-4}
    assert _given(slides, "lora_r") == {"a1": 8, "a2": 8, "b1": 16, "b2": 32}


def test_remarks_in_a_csv_file_are_text() -> None:
    text = "# All runs: batch size 8, 2 epochs\nrun,lr,r,acc\n#a,1e-4,8,0.70\nb,2e-4,8,0.72\n# 1. b is the best run.\n"
    record = read_record(text.encode(), "runs.csv")
    assert [row.values["num_train_epochs"] for row in record.rows] == [2, 2]
    assert [claim.line for claim in record.claims] == [5]


def test_the_result_is_the_one_by_which_runs_are_selected() -> None:
    table = "\n\n| run | lr | r | EM | F1 |\n|---|---|---|---|---|\n"
    table += "| a | 1e-4 | 8 | 61.0 | 70.1 |\n| b | 2e-4 | 8 | 62.0 | 71.0 |\n"
    assert _read("Models are selected by F1; EM is given too." + table).measure.name == "F1"
    assert _read("Rank 16 beats rank 8 by 0.4 F1." + table).measure.name == "EM"


@pytest.mark.parametrize(("said", "verdict"), [("here", "depends_on_pairing"), ("overall", "cannot_hold")])
def test_a_best_level_under_the_heading_of_a_round_is_of_its_levels(said: str, verdict: str) -> None:
    both = "\n## Round 2\n\n| run | lr | acc |\n|---|---|---|\n| b1 | 3e-4 | 0.75 |\n"
    text = f"1,000 test examples. r=8.{FIRST}\n2e-4 is the best learning rate {said}.\n{both}"
    judged = audit(_read(text)).claims
    assert [claim.verdict.value for claim in judged] == [verdict]
