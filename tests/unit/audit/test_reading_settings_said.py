"""Settings that a text gives once: which trials they are of, and of which they must not be taken."""

from __future__ import annotations

import pytest

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
