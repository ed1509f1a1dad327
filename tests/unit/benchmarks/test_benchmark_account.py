"""The figures that the speed benchmark reports are what their names say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.account import compare, figures_of, training_operations
from benchmarks.child import ChildResult, ChildTask, RowResult
from benchmarks.multiply_rate import LayerShapes
from benchmarks.speed import report, turns_of

SHAPES = LayerShapes(linears=((4, 3), (3, 4)), n_layers=2, head=(10, 3))


def row(trial="exp1", **changes):
    values = {
        "trial": trial, "rank": 2, "train_seconds": 2.0, "score_seconds": 4.0, "train_examples": 8.0,
        "raw_tokens": 100.0, "computed_tokens": 40.0, "label_tokens": 16.0, "test_examples": 12, "accuracy": 0.5,
        "peak_bytes": 1000, "train_peak_bytes": 900,
    }  # fmt: skip
    return RowResult(**(values | changes))


def test_training_operations_follow_the_formula():
    base, adapter, head = 40 * 4 * 48, 40 * 6 * 2 * 28, 16 * 4 * 30
    assert training_operations(SHAPES, rank=2, tokens=40, label_tokens=16) == base + adapter + head
    unread = (40 - 16) * (4 * 12 + 6 * 2 * 7)
    last = replace(SHAPES, last=((3, 4),))
    assert training_operations(last, rank=2, tokens=40, label_tokens=16) == base + adapter + head - unread
    assert training_operations(last, rank=2, tokens=16, label_tokens=40) == training_operations(SHAPES, 2, 16, 40)


def test_rates_are_over_all_rows():
    figures = figures_of([row(), row(train_seconds=6.0)], SHAPES, multiply_rate=1e6, padded=False)
    assert figures.train_examples_per_second == 2.0
    assert figures.raw_tokens_per_second == 25.0
    assert figures.computed_tokens_per_second == 10.0
    assert figures.score_examples_per_second == 3.0
    assert figures.share_of_multiply_rate == pytest.approx(2 * training_operations(SHAPES, 2, 40, 16) / 8.0 / 1e6)


def test_padding_is_not_counted_as_work():
    padded = figures_of([row(computed_tokens=130.0)], SHAPES, 1e6, padded=True)
    assert padded.share_of_multiply_rate == pytest.approx(training_operations(SHAPES, 2, 100, 16) / 2.0 / 1e6)


def test_nothing_scored_gives_no_scoring_figures():
    figures = figures_of([row(test_examples=0, score_seconds=0.0, accuracy=float("nan"))], SHAPES, 1e6, padded=False)
    assert figures.score_examples_per_second is None
    assert figures.accuracy is None
    assert compare(figures, figures)["ratio_score"] is None


def test_ratios_say_how_much_faster_and_how_much_more_memory():
    yardstick = [ChildResult([row(), row("exp2")], wall_seconds=30.0, cpu_seconds=40.0, multiply_rates=[1e6, 3e6])]
    packed = [ChildResult([row(train_seconds=0.5, score_seconds=1.0, peak_bytes=1500),
                           row("exp2", train_seconds=1.5, score_seconds=3.0)], 6.0, 10.0, [2e6])]  # fmt: skip
    folded = [ChildResult([row(train_seconds=0.5)], 5.0, 8.0, [2e6])]
    content = report({"yardstick": yardstick, "packed": packed, "packed_folded": folded}, SHAPES)
    assert content["ratio_train"] == 2.0
    assert content["ratio_score"] == 2.0
    assert content["ratio_peak_memory"] == 1.5
    assert content["ratio_wall"] == 5.0
    assert content["ratio_wall_folded"] == 6.0
    assert content["ratio_cpu"] == 4.0
    assert content["ratio_cpu_folded"] == 5.0
    assert content["rows"]["exp1"]["ratio_train"] == 4.0
    assert content["multiply_rate"] == {"yardstick": 2e6, "packed": 2e6, "packed_folded": 2e6}


def test_the_yardstick_runs_before_and_after_the_engine():
    task = ChildTask("model", "data", only=("exp1", "exp2", "exp3"))
    turns = turns_of(task, ["yardstick", "packed"], repeat=1, fold=True)
    assert [(turn.name, turn.task.only) for turn in turns] == [
        ("yardstick", ("exp1", "exp2")), ("packed", ("exp1", "exp2", "exp3")), ("yardstick", ("exp3",)),
        ("packed_folded", ("exp1", "exp2", "exp3")),
    ]  # fmt: skip
