"""Metrics of answers that are numbers: the absolute error and the rank correlation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

from tunebook.core.facts import ExampleText, Floats
from tunebook.core.metric import ExampleMetric
from tunebook.core.score import ScoreKind, ScoreScale
from tunebook.evaluation.text import last_number

__all__ = ["MeanAbsoluteError", "Spearman"]


class _OfNumbers(ExampleMetric):
    gold_rule = "a number"

    def parsable(self, answer: str) -> bool:
        """Whether it holds a number."""
        return last_number(answer) is not None


class MeanAbsoluteError(_OfNumbers):
    """The mean distance of the last number of the answer from that of the gold text, less being better.

    Args:
        span: the largest error that counts, such as 4 for ratings from 1 to 5; so much counts an answer without a
            number.
    """

    name = "mae"

    def __init__(self, span: float) -> None:
        if not 0 < float(span) < float("inf"):
            raise ValueError("span: a number above 0")
        self._span = float(span)
        self.scale = ScoreScale(
            kind=ScoreKind.MEAN, high=self._span, unit="MAE", higher_is_better=False, noun="mean absolute error"
        )

    def score(self, answer: str, gold: str, example: ExampleText | None = None) -> float:
        """The error of one answer."""
        given, wanted = last_number(answer), last_number(gold)
        if given is None or wanted is None:
            return self._span
        return float(min(abs(given - wanted), type(given)(str(self._span))))


class Spearman(_OfNumbers):
    """Spearman's rank correlation of the numbers of answers and gold texts, from -1 to 1; an answer without a number
    counts as the middle of the others, and constant answers as 0."""

    name = "spearman"
    scale = ScoreScale(kind=ScoreKind.STATISTIC, low=-1.0, high=1.0, noun="Spearman correlation")

    def score(self, answer: str, gold: str, example: ExampleText | None = None) -> float:
        """1.0 or 0.0: whether the numbers of one row are equal."""
        return float(last_number(answer) is not None and last_number(answer) == last_number(gold))

    def score_all(self, answers: Sequence[str], examples: Sequence[ExampleText]) -> float:
        """Of the whole split."""
        return _rank_correlation(_numbers(answers), _numbers([example.gold for example in examples]))

    def leave_one_out(self, answers: Sequence[str], examples: Sequence[ExampleText]) -> list[float]:
        """Of the split without each row; the texts are read once, and rows with the same two numbers share a value."""
        given, wanted = _numbers(answers), _numbers([example.gold for example in examples])
        pairs = np.column_stack([given, wanted])
        _, first, kind_of = np.unique(pairs, axis=0, return_index=True, return_inverse=True)
        without = [_rank_correlation(np.delete(given, i), np.delete(wanted, i)) for i in first]
        return [without[kind] for kind in kind_of.ravel()]


def _rank_correlation(given: Floats, wanted: Floats) -> float:
    """Spearman's of numbers, NaN being none."""
    given, wanted = _filled(given), _filled(wanted)
    if len(given) < 2 or np.ptp(given) == 0 or np.ptp(wanted) == 0:
        return 0.0
    ranks = stats.rankdata([given, wanted], axis=1)
    return float(np.clip(np.corrcoef(ranks)[0, 1], -1, 1))


def _numbers(texts: Sequence[str]) -> Floats:
    """The last number of each text; NaN: it has none."""
    return np.array([np.nan if (each := last_number(text)) is None else float(each) for text in texts])


def _filled(values: Floats) -> Floats:
    """With the middle of the others in place of missing numbers."""
    known = values[np.isfinite(values)]
    return np.where(np.isfinite(values), values, np.median(known) if len(known) else 0.0)
