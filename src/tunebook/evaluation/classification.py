"""Metrics of labels over all rows, by scikit-learn: F1, balanced accuracy, Matthews' correlation.

Answers are compared as exact_match compares them. An answer that is no label of the data counts as a wrong one.

What the rows without one of them give is computed here from counts of gold and given labels, all at once: scikit-learn
checks its arguments for longer than it counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from tunebook.core.facts import ExampleText, Floats
from tunebook.core.metric import ExampleMetric, compared
from tunebook.core.score import ScoreKind, ScoreScale
from tunebook.evaluation.libraries import library

__all__ = ["BalancedAccuracy", "MacroF1", "Matthews", "MicroF1", "WeightedF1"]

OTHER = "\x00other"
"""Stands for every answer that is no label."""


class LabelMetric(ExampleMetric):
    """What metrics of labels have in common: subclasses define `name`, `scale`, `result` and `results`."""

    gold_rule = "a label"

    def __init__(self) -> None:
        self._sklearn: Any = library(self.name, "sklearn.metrics", "scikit-learn")

    def score(self, answer: str, gold: str, example: ExampleText | None = None) -> float:
        """1.0 or 0.0: the score of one row says only whether it is right."""
        return float(compared(answer) == compared(gold))

    def score_all(self, answers: Sequence[str], examples: Sequence[ExampleText]) -> float:
        """The score of a whole split."""
        golds, given, labels = self._labels(answers, examples)
        return float(self.result(golds, given, labels))

    def leave_one_out(self, answers: Sequence[str], examples: Sequence[ExampleText]) -> Floats:
        """Of the split without each row: it depends on how often each label was given for each."""
        golds, given, labels = self._labels(answers, examples)
        number = {label: i for i, label in enumerate([*labels, OTHER])}
        cells = np.array([[number[gold], number[label]] for gold, label in zip(golds, given, strict=True)])
        counts = np.zeros((len(labels), len(labels) + 1))
        np.add.at(counts, tuple(cells.T), 1)
        kinds, kind_of = np.unique(cells, axis=0, return_inverse=True)
        without = np.repeat(counts[None], len(kinds), axis=0)
        without[(np.arange(len(kinds)), *kinds.T)] -= 1
        # a label whose only row is out is none any more, and counts as OTHER where it was given
        is_label = (without.sum(axis=2) > 0)[:, None, :]
        without[:, :, -1] += (without[:, :, :-1] * ~is_label).sum(axis=2)
        without[:, :, :-1] *= is_label
        return np.asarray(self.results(without)[kind_of.ravel()], float)

    def _labels(
        self, answers: Sequence[str], examples: Sequence[ExampleText]
    ) -> tuple[list[str], list[str], list[str]]:
        """Gold labels and given ones by row, and the different gold ones."""
        golds = [compared(example.gold) for example in examples]
        labels = sorted(set(golds))
        known = set(labels)
        given = [self._given(answer, example) for answer, example in zip(answers, examples, strict=True)]
        return golds, [each if each in known else OTHER for each in given], labels

    def _given(self, answer: str, example: ExampleText) -> str:
        """The label of an answer; of several right ones any counts as the learnt one."""
        label = compared(answer)
        return compared(example.gold) if label in map(compared, example.references) else label

    def result(self, golds: list[str], given: list[str], labels: list[str]) -> float:
        """The number for labels; `labels` are the gold ones."""
        raise NotImplementedError

    def results(self, counts: Floats) -> Floats:
        """The same of counts of shape (..., gold label, given label), whose last given label stands for every other;
        gold labels without a row are none."""
        raise NotImplementedError


class _F1(LabelMetric):
    average: ClassVar[str]

    def result(self, golds: list[str], given: list[str], labels: list[str]) -> float:
        return float(self._sklearn.f1_score(golds, given, labels=labels, average=self.average, zero_division=0.0))

    def results(self, counts: Floats) -> Floats:
        """By 2 right / (gold + given), of each label or of the sums over labels."""
        right, rows, given = _marginals(counts)
        if self.average == "micro":
            return _ratio(2 * right.sum(axis=-1), (rows + given).sum(axis=-1))
        weights = rows if self.average == "weighted" else rows > 0
        return np.asarray((weights * _ratio(2 * right, rows + given)).sum(axis=-1) / weights.sum(axis=-1))


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

    def results(self, counts: Floats) -> Floats:
        """The mean over labels of right / gold."""
        right, rows, _ = _marginals(counts)
        return np.asarray(_ratio(right, rows).sum(axis=-1) / (rows > 0).sum(axis=-1))


class Matthews(LabelMetric):
    """Matthews' correlation of answers and gold labels, from -1 to 1; 0 for a constant answer."""

    name = "matthews"
    scale = ScoreScale(kind=ScoreKind.STATISTIC, low=-1.0, high=1.0, noun="Matthews correlation")

    def result(self, golds: list[str], given: list[str], labels: list[str]) -> float:
        if len({*golds, *given}) == 1:  # no correlation is defined; scikit-learn gives 0 too, with a warning
            return 0.0
        return float(self._sklearn.matthews_corrcoef(golds, given))

    def results(self, counts: Floats) -> Floats:
        """By the sums of products of Gorodkin 2004 (Comput. Biol. Chem. 28, 367), section 2."""
        right, rows, given = _marginals(counts)
        n, other = rows.sum(axis=-1), counts[..., -1].sum(axis=-1)
        both = right.sum(axis=-1) * n - (rows * given).sum(axis=-1)
        of_given = n**2 - (given**2).sum(axis=-1) - other**2
        return _ratio(both, np.sqrt(of_given * (n**2 - (rows**2).sum(axis=-1))))


def _marginals(counts: Floats) -> tuple[Floats, Floats, Floats]:
    """By label: rows that are right, rows with it as gold label, rows that were given it."""
    right = np.diagonal(counts, axis1=-2, axis2=-1)
    return right, counts.sum(axis=-1), counts[..., :-1].sum(axis=-2)


def _ratio(above: Floats, below: Floats) -> Floats:
    """The quotient, and 0 where nothing is divided by nothing."""
    return np.divide(above, below, out=np.zeros(np.shape(above)), where=np.asarray(below) > 0)
