"""Metrics of labels over all rows, by scikit-learn: F1, balanced accuracy, Matthews' correlation.

Answers are compared as exact_match compares them. An answer that is no label of the data counts as a wrong one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from tunebook.core.facts import ExampleText
from tunebook.core.metric import ExampleMetric, compared
from tunebook.core.score import ScoreKind, ScoreScale
from tunebook.evaluation.libraries import library

__all__ = ["BalancedAccuracy", "MacroF1", "Matthews", "MicroF1", "WeightedF1"]

OTHER = "\x00other"
"""Stands for every answer that is no label."""


class LabelMetric(ExampleMetric):
    """What metrics of labels have in common: subclasses define `name`, `scale` and `result`."""

    gold_rule = "a label"

    def __init__(self) -> None:
        self._sklearn: Any = library(self.name, "sklearn.metrics", "scikit-learn")

    def score(self, answer: str, gold: str, example: ExampleText | None = None) -> float:
        """1.0 or 0.0: the score of one row says only whether it is right."""
        return float(compared(answer) == compared(gold))

    def score_all(self, answers: Sequence[str], examples: Sequence[ExampleText]) -> float:
        """The score of a whole split."""
        golds = [compared(example.gold) for example in examples]
        labels = sorted(set(golds))
        known = set(labels)
        given = [self._given(answer, example) for answer, example in zip(answers, examples, strict=True)]
        return float(self.result(golds, [each if each in known else OTHER for each in given], labels))

    def _given(self, answer: str, example: ExampleText) -> str:
        """The label of an answer; of several right ones any counts as the learnt one."""
        label = compared(answer)
        return compared(example.gold) if label in map(compared, example.references) else label

    def result(self, golds: list[str], given: list[str], labels: list[str]) -> float:
        """The number for labels; `labels` are the gold ones."""
        raise NotImplementedError


class _F1(LabelMetric):
    average: ClassVar[str]

    def result(self, golds: list[str], given: list[str], labels: list[str]) -> float:
        return float(self._sklearn.f1_score(golds, given, labels=labels, average=self.average, zero_division=0.0))


class MacroF1(_F1):
    """The mean over labels of F1: every label counts the same, however rare it is."""

    name, average = "macro_f1", "macro"
    scale = ScoreScale(kind=ScoreKind.STATISTIC, noun="macro-F1")


class MicroF1(_F1):
    """F1 of all rows together; equal to accuracy where every answer is a label."""

    name, average = "micro_f1", "micro"
    scale = ScoreScale(kind=ScoreKind.STATISTIC, noun="micro-F1")


class WeightedF1(_F1):
    """The mean over labels of F1, each weighted by how often it occurs."""

    name, average = "weighted_f1", "weighted"
    scale = ScoreScale(kind=ScoreKind.STATISTIC, noun="weighted F1")


class BalancedAccuracy(LabelMetric):
    """The mean over labels of the share of their rows that are right."""

    name = "balanced_accuracy"
    scale = ScoreScale(kind=ScoreKind.STATISTIC, noun="balanced accuracy")

    def result(self, golds: list[str], given: list[str], labels: list[str]) -> float:
        recall = self._sklearn.recall_score
        return float(recall(golds, given, labels=labels, average="macro", zero_division=0.0))


class Matthews(LabelMetric):
    """Matthews' correlation of answers and gold labels, from -1 to 1; 0 for a constant answer."""

    name = "matthews"
    scale = ScoreScale(kind=ScoreKind.STATISTIC, low=-1.0, high=1.0, noun="Matthews correlation")

    def result(self, golds: list[str], given: list[str], labels: list[str]) -> float:
        if len({*golds, *given}) == 1:  # no correlation is defined; scikit-learn gives 0 too, with a warning
            return 0.0
        return float(self._sklearn.matthews_corrcoef(golds, given))
