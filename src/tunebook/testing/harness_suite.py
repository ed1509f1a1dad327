"""A conformance suite for tasks of evaluation harnesses. Subclass `HarnessSuite` and give it a task and a model.

class TestMine(HarnessSuite):
    @pytest.fixture
    def metric(self):
        return MyTask("addition", study_folder=str(FOLDER))

    @pytest.fixture
    def model(self):
        return asked_model(tokenizer, AskedSettings())
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from tunebook.core.facts import ExampleText, Floats
from tunebook.core.harness_metric import AskedModel, HarnessMetric, OpenTask, TaskSplit
from tunebook.core.trial_result import RawScores

__all__ = ["HarnessSuite", "right_answers", "wrong_answers"]

UNLIKELY = 40.0
"""Nats of an answer that a model would not give."""


def right_answers(task: OpenTask, split: TaskSplit) -> RawScores:
    """What an engine gives whose model writes each document's right answer, and finds no other likely."""
    return _answered(task, split, [0.01 if i < len(split.examples) else UNLIKELY for i in range(len(split.rows))])


def wrong_answers(task: OpenTask, split: TaskSplit) -> RawScores:
    """What an engine gives whose model finds every right answer unlikely, and writes nothing."""
    raw = _answered(task, split, [UNLIKELY if i < len(split.examples) else 0.01 for i in range(len(split.rows))])
    return RawScores(((),) * len(split.rows), raw.nll, raw.n_label_tokens)


def _answered(task: OpenTask, split: TaskSplit, nll: list[float]) -> RawScores:
    rows = split.rows
    answers = tuple(row.completion_ids if n < UNLIKELY else () for row, n in zip(rows, nll, strict=True))
    is_asked = task.scoring.kind == "generate"
    tokens = tuple(len(row.completion_ids) for row in rows)
    return RawScores(answers if is_asked else ((),) * len(rows), np.array(nll), tokens)


class HarnessSuite:
    """What every task must do."""

    @pytest.fixture
    def metric(self) -> HarnessMetric:
        """The task, not opened."""
        raise NotImplementedError("give the suite a fixture `metric`")

    @pytest.fixture
    def model(self) -> AskedModel:
        """The model that its requests are written for."""
        raise NotImplementedError("give the suite a fixture `model`")

    @pytest.fixture
    def task(self, metric: HarnessMetric, model: AskedModel) -> OpenTask:
        """The task, opened."""
        return metric.open(model)

    def test_it_is_a_harness_metric(self, metric: HarnessMetric, task: OpenTask) -> None:
        assert isinstance(metric, HarnessMetric)
        about = task.about
        assert metric.name == f"{about.harness}:{about.task}" or metric.name.startswith(
            f"{about.harness}:{about.task}:"
        )
        assert about.version
        assert len(about.shown) > 1

    def test_it_asks_the_same_every_time(self, metric: HarnessMetric, model: AskedModel, task: OpenTask) -> None:
        again = metric.open(model)
        assert again.splits == task.splits
        assert again.scoring == task.scoring

    def test_documents_and_requests_fit(self, task: OpenTask) -> None:
        assert "validation" in task.splits
        assert set(task.splits) <= {"validation", "test"}
        for split in task.splits.values():
            assert split.examples
            assert [example.index for example in split.examples] == list(range(len(split.examples)))
            assert len(split.rows) >= len(split.examples)
            assert all(row.prompt_ids and row.completion_ids for row in split.rows)
        assert len({split.digest for split in task.splits.values()}) == len(task.splits)

    def test_no_document_chooses_and_confirms(self, task: OpenTask) -> None:
        known: list[set[tuple[str, tuple[str, ...]]]] = [
            {_key(example) for example in split.examples} for split in task.splits.values()
        ]
        assert len(known) == 1 or not known[0] & known[1]

    def test_each_document_has_a_score_within_the_scale(self, metric: HarnessMetric, task: OpenTask) -> None:
        for name, split in task.splits.items():
            for raw in (right_answers(task, split), wrong_answers(task, split)):
                judged = metric.judge(name, raw)
                assert judged.scores.shape == (len(split.examples),)
                assert np.isfinite(judged.scores).all()
                assert len(judged.raw.nll) == len(judged.raw.n_label_tokens) == len(split.examples)
                assert len(judged.raw.texts) in (0, len(split.examples))
                if metric.scale.is_by_example and None not in (metric.scale.low, metric.scale.high):
                    assert ((judged.scores >= 0) & (judged.scores <= 1)).all()

    def test_right_answers_score_better_than_others(self, metric: HarnessMetric, task: OpenTask) -> None:
        for name, split in task.splits.items():
            right, wrong = (
                _mean(metric.judge(name, raw(task, split)).scores) for raw in (right_answers, wrong_answers)
            )
            assert right > wrong
            if metric.scale.in_points and not any(doubt.code == "task_doubts_its_answers" for doubt in task.doubts):
                assert right == pytest.approx(1.0, abs=0.02)

    def test_it_judges_the_same_every_time(self, metric: HarnessMetric, task: OpenTask) -> None:
        split = task.splits["validation"]
        mixed = _mixed(right_answers(task, split), wrong_answers(task, split))
        first = metric.judge("validation", mixed).scores
        metric.judge("validation", wrong_answers(task, split))  # nothing is kept from one judgement to the next
        assert metric.judge("validation", mixed).scores.tolist() == first.tolist()


def _mixed(one: RawScores, other: RawScores) -> RawScores:
    """Every second row of each."""
    n = len(one.nll)
    answers: Any = tuple((one, other)[i % 2].answers[i] for i in range(n))
    return RawScores(answers, np.where(np.arange(n) % 2, other.nll, one.nll), one.n_label_tokens)


def _mean(scores: Floats) -> float:
    return math.fsum(scores.tolist()) / len(scores)


def _key(example: ExampleText) -> tuple[str, tuple[str, ...]]:
    return example.prompt, tuple(example.golds)
