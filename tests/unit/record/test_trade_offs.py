"""Where two metrics pull apart, and the figure of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tunebook import Study
from tunebook.core.score import ScoreKind, ScoreScale
from tunebook.record.plots import gallery
from tunebook.record.plots.trade_offs import _Both, front, pull_apart
from tunebook.record.view import OtherMetric, View
from tunebook.testing.sample_study import RecordInputs
from tunebook.words import words_for


def both(key: str, deciding: float, other: float, half: float = 0.01) -> _Both:
    return _Both(key, (deciding, (deciding - half, deciding + half)), (other, (other - half, other + half)))


def test_the_front_holds_those_that_none_beats_in_both() -> None:
    found = front([both("worse", 0.5, 0.2), both("best", 0.8, 0.3), both("short", 0.7, 0.6), both("middle", 0.75, 0.5)])
    assert [each.key for each in found] == ["best", "middle", "short"]


@pytest.mark.parametrize(
    ("points", "apart"),
    [
        ([both("a", 0.8, 0.3), both("b", 0.7, 0.6)], True),
        ([both("a", 0.8, 0.6), both("b", 0.7, 0.3)], False),  # one is better by both
        ([both("a", 0.8, 0.3, 0.2), both("b", 0.7, 0.4, 0.2)], False),  # noise
        ([both("a", 0.8, 0.3), both("b", 0.799, 0.6)], False),  # nothing is lost by the deciding one
        ([], False),
    ],
)
def test_metrics_pull_apart_where_the_fronts_ends_differ_by_more_than_noise(points: list[_Both], apart: bool) -> None:
    assert pull_apart(points) is apart


def test_the_figure_is_drawn_only_where_it_says_something(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exact match and token F1 rise together here."""
    monkeypatch.setattr(gallery, "PAINTERS", tuple(p for p in gallery.PAINTERS if p[0] == "trade_offs"))
    labels = ("a", "b", "a long right answer", "another long one")
    for first, split in enumerate(("train", "validation")):
        rows = [{"text": f"Question {i}?", "label": labels[i % 4]} for i in range(1000 * first, 1000 * first + 120)]
        (tmp_path / f"{split}.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    (tmp_path / "study.yaml").write_text(
        """
study: several
model: none
engine: simulated
executor: inline
data: {train: train.jsonl, validation: validation.jsonl}
metrics: [METRICS]
baseline: {learning_rate: 2e-4, per_device_train_batch_size: 8, lora_r: 8, lora_alpha: 16, num_train_epochs: 2}
space: {learning_rate: {low: 5e-5, high: 2e-3}}
design: one_factor
budget: {trials: 14}
trackers: []
""".replace("METRICS", "exact_match, token_f1"),
        encoding="utf-8",
    )
    Study.load(tmp_path / "study.yaml").run()
    assert not list((tmp_path / "runs" / "several" / "figures").glob("trade_offs*"))


def test_a_panel_shows_both_metrics_in_their_units(study: RecordInputs) -> None:
    view = View(**study._asdict())
    accuracies = {key: view.accuracy(view.replicates(key)) for key in view.configurations}
    scale = ScoreScale(kind=ScoreKind.MEAN, high=None, unit="characters", higher_is_better=False, noun="length")
    opposite = {k: (-m[0], (-m[1][1], -m[1][0])) for k, m in accuracies.items() if m}
    other = OtherMetric(scale=scale, baseline=None, best=None, difference=None, configurations=opposite)
    points = [_Both(key, found, opposite[key]) for key, found in accuracies.items() if found]
    ends = front(points)
    first, last = (words_for("en").measured(end.deciding[0]).removesuffix(" %") for end in (ends[0], ends[-1]))
    for language, said in (
        ("en", f"configurations are beaten by none in both accuracy and length: from accuracy {first} % with length "),
        ("zh", f"兼顾准确率和 length，有 {len(ends)} 个配置没有被其他配置全面超过：从准确率为 {first}%、length 为 "),
    ):
        (drawing,) = gallery.draw_all(replace(view, others=(other,)), language, only=("trade_offs",))
        assert said in drawing.says
        assert last in drawing.says
