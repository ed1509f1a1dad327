"""Class weights: what an answer counts, and where they are refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tunebook.core.class_weights import example_weights
from tunebook.core.configuration import Configuration
from tunebook.core.ports import TokenizedExample
from tunebook.errors import StudyFileError
from tunebook.run.paths import locate
from tunebook.run.prepare import prepare
from tunebook.study_file import load_study

BALANCED = Configuration(class_weights="balanced")
STUDY = """
study: weights
model: none
engine: simulated
data: {train: train.jsonl}
metric: macro_f1
baseline: {learning_rate: 2e-4}
space: {learning_rate: {low: 5e-5, high: 2e-3}, class_weights: [none, balanced]}
design: one_factor
budget: {trials: 9}
"""


def test_every_class_counts_the_same_and_the_mean_weight_is_one() -> None:
    rows = [TokenizedExample((1,), (7, 0))] * 6 + [TokenizedExample((1,), (8, 9, 0))] * 2
    weights = example_weights(BALANCED, rows)
    assert weights is not None
    assert sum(weights[i] for i in range(6)) == pytest.approx(sum(weights[i] for i in (6, 7)))
    assert sum(weights.values()) == pytest.approx(len(rows))
    assert example_weights(Configuration(), rows) is None


def test_the_default_leaves_a_configurations_key_as_it_was() -> None:
    assert "class_weights" not in Configuration().as_told()
    assert BALANCED.key != Configuration().key


@pytest.mark.parametrize(
    ("labels", "told"),
    [(("a", "b"), "all weights are 1"), (tuple(f"answer {i}" for i in range(200)), "different answers")],
)
def test_they_are_refused_where_they_change_nothing_or_answers_are_texts(
    tmp_path: Path, labels: tuple[str, ...], told: str
) -> None:
    rows = [{"prompt": f"Question {i}?", "completion": labels[i % len(labels)]} for i in range(200)]
    (tmp_path / "train.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    (tmp_path / "v.jsonl").write_text(
        "\n".join(json.dumps({**row, "prompt": row["prompt"] + "!"}) for row in rows[:60]), encoding="utf-8"
    )
    text = STUDY.replace("train.jsonl}", "train.jsonl, validation: v.jsonl}").replace("macro_f1", "exact_match")
    (tmp_path / "study.yaml").write_text(text, encoding="utf-8")
    file = tmp_path / "study.yaml"
    with pytest.raises(StudyFileError, match=told):
        prepare(load_study(file), locate(file))


def test_unequal_classes_are_taken(tmp_path: Path) -> None:
    rows = [{"prompt": f"Question {i}?", "completion": "often" if i % 5 else "seldom"} for i in range(200)]
    (tmp_path / "train.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    (tmp_path / "study.yaml").write_text(STUDY, encoding="utf-8")
    file = tmp_path / "study.yaml"
    assert prepare(load_study(file), locate(file)).spec.space.get("class_weights") is not None
