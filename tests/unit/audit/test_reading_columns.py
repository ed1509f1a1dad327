"""Columns: settled by header and content."""

from __future__ import annotations

import pytest

from tunebook.audit.model import MeasureKind
from tunebook.audit.read.columns import Columns, settle
from tunebook.audit.read.documents import Grid
from tunebook.audit.read.reader import read_record
from tunebook.errors import RecordTableError


def settled(header: str, *rows: str, speaks: bool = False, **named: str) -> Columns:
    lines = tuple((i + 2, tuple(cell.strip() for cell in row.split("|"))) for i, row in enumerate(rows))
    return settle(Grid(tuple(cell.strip() for cell in header.split("|")), lines, 1), speaks, named)


def role(columns: Columns, header: str) -> str:
    return next(use.factor or use.role for use in columns.uses if use.header == header)


@pytest.mark.parametrize(
    ("header", "factor"),
    [
        ("LoRA LR", "learning_rate"),
        ("Peak LR", "learning_rate"),
        ("学习率", "learning_rate"),
        ("秩 (r)", "lora_r"),
        ("训练轮数(epochs)", "num_train_epochs"),
        ("params_learning_rate", "learning_rate"),
        ("config/lr", "learning_rate"),
        ("params.lora_alpha", "lora_alpha"),
        ("批大小", "per_device_train_batch_size"),
    ],
)
def test_settings_are_known_by_their_usual_names(header: str, factor: str) -> None:
    assert role(settled(f"run|{header}|accuracy", "a|1|0.5", "b|2|0.6"), header) == factor


def test_a_rank_that_counts_rows_is_the_place() -> None:
    rows = ("1|64|0.6", "2|16|0.7", "3|8|0.5")
    assert role(settled("Rank|LoRA r|Accuracy", *rows), "Rank") == "place"
    assert role(settled("Rank|Run|Accuracy", "🥇 1|a|0.6", "🥈 2|b|0.5", "🥉 3|c|0.4"), "Rank") == "place"
    assert role(settled("Rank|lr|Accuracy", "4|1e-4|0.6", "8|1e-4|0.5"), "Rank") == "lora_r"
    assert role(settled("排名|学习率|准确率", "1|1e-4|0.6", "2|2e-4|0.5"), "排名") == "place"


@pytest.mark.parametrize(
    "header",
    [
        "Val Acc|Test Acc",
        "Test Acc|Val Acc",
        "最佳验证集 Accuracy|测试集 Accuracy",
        "dev准确率|test准确率",
        "验证 acc|测试 acc",
    ],
)
def test_test_comes_before_validation(header: str) -> None:
    columns = settled(f"lr|{header}", "1e-4|0.5|0.6", "2e-4|0.6|0.7")
    assert columns.measure is not None
    assert columns.measure.split == "test"
    assert len(columns.measure.others) == 1


@pytest.mark.parametrize(
    ("header", "cells", "why"),
    [
        ("Accuracy", ("-0.006", "0.008"), "difference"),
        ("Accuracy Diff", ("0.006", "0.008"), "difference"),
        ("Accuracy Retention %", ("99.3", "100.9"), "difference"),
        ("Training accuracy", ("0.9", "0.95"), "training"),
        ("mean_token_accuracy", ("0.85", "0.86"), "training"),
        ("训练准确率", ("0.9", "0.95"), "training"),
        ("Expected accuracy", ("0.7", "0.8"), "expected"),
        ("预期准确率", ("70%", "80%"), "expected"),
        ("Smoothed accuracy", ("0.7", "0.8"), "smoothed"),
        ("accuracy_low", ("0.7", "0.8"), "bound"),
        ("Accuracy", ("712", "804"), "size"),
        ("Correct", ("172", "180"), "counts"),
    ],
)
def test_what_only_looks_like_a_result_is_none(header: str, cells: tuple[str, str], why: str) -> None:
    columns = settled(f"run|lr|{header}", f"a|1e-4|{cells[0]}", f"b|2e-4|{cells[1]}")
    assert columns.measure is None
    assert role(columns, header) == why


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("ROUGE-L", MeasureKind.SCORE),
        ("BLEU", MeasureKind.SCORE),
        ("macro F1", MeasureKind.SCORE),
        ("balanced accuracy", MeasureKind.SCORE),
        ("Perplexity", MeasureKind.LOSS),
        ("验证损失", MeasureKind.LOSS),
        ("exact match", MeasureKind.SHARE),
        ("总体准确率", MeasureKind.SHARE),
    ],
)
def test_results_are_named_as_what_they_are(header: str, kind: MeasureKind) -> None:
    columns = settled(f"lr|{header}", "1e-4|0.5", "2e-4|0.6")
    assert columns.measure is not None
    assert columns.measure.kind is kind


def test_a_score_is_a_share_only_where_that_is_said() -> None:
    rows = ("1e-4|0.5", "2e-4|0.6")
    assert settled("lr|Result", *rows).measure.kind is MeasureKind.SCORE  # type: ignore[union-attr]
    assert settled("lr|Result", *rows, speaks=True).measure.kind is MeasureKind.SHARE  # type: ignore[union-attr]
    assert settled("lr|Result", "1e-4|50%", "2e-4|60%").measure.kind is MeasureKind.SHARE  # type: ignore[union-attr]


def test_two_columns_for_one_setting_are_kept_apart() -> None:
    columns = settled("run|lr|learning rate|acc", "a|1e-4|2e-4|0.5", "b|1e-4|3e-4|0.6")
    assert "learning_rate" not in columns.factors.values()
    assert columns.unsettled == (2,)
    assert list(settled("run|lr|peak lr|acc", "a|1e-4|1e-4|0.5", "b|2e-4|2e-4|0.6").factors.values()) == [
        "learning_rate"
    ]


def test_an_unknown_setting_that_varies_counts_as_one() -> None:
    columns = settled("run|lr|optimizer|acc", "a|1e-4|adam|0.5", "b|1e-4|lion|0.6", "c|2e-4|lion|0.6")
    assert list(columns.extras.values()) == ["optimizer"]


def test_columns_may_be_named() -> None:
    columns = settled("run|Step size|value", "a|1e-4|0.5", "b|2e-4|0.6", stepsize="learning_rate", value="accuracy")
    assert (list(columns.factors.values()), columns.measure.kind) == (["learning_rate"], MeasureKind.SHARE)  # type: ignore[union-attr]
    with pytest.raises(RecordTableError, match='got "speed"'):
        read_record(b"run,lr,acc\na,1e-4,0.5\n", "x.csv", {"lr": "speed"})


@pytest.mark.parametrize(
    ("header", "cells", "taken_for"),
    [
        ("Who", ("Ann", "Bob", "Ann", "Bob"), "measured"),
        ("负责人", ("张", "李", "张", "李"), "measured"),
        ("GPU", ("A100", "4090", "A100", "4090"), "measured"),
        ("vibe", ("cold", "warm", "cold", "warm"), "unsure"),
        ("optimizer", ("adamw", "lion", "adamw", "lion"), "setting"),
        ("temperature", ("0", "0.7", "0", "0.7"), "setting"),
        ("lr (1e-4)", ("1", "2", "2", "4"), "unsure"),
        ("acc before", ("40%", "40%", "41%", "40%"), "measured"),
    ],
)
def test_what_is_not_surely_a_setting_is_none(header: str, cells: tuple[str, ...], taken_for: str) -> None:
    rows = (f"{i}|{i}e-4|{cell}|8|7{i}%" for i, cell in enumerate(cells, 1))
    assert role(settled(f"run|lr|{header}|r|acc", *rows), header) == taken_for
