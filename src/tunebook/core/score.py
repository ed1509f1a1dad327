"""What kind of number a metric produces, and the scale on which all of them are judged.

Scores are kept on a standard scale, on which higher is better and a bounded score lies in [0, 1]. Of a statistic of all
rows the standard scores of single examples are jackknife pseudo-values, which may lie outside; their mean is the
statistic (decision 091).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum

__all__ = ["SHARE", "ScoreKind", "ScoreScale"]


class ScoreKind(StrEnum):
    """How the examples of a split give one result."""

    SHARE = "share"
    """Each example is right (1) or wrong (0); the result is the share of right answers."""
    MEAN = "mean"
    """Each example has a score; the result is their mean."""
    STATISTIC = "statistic"
    """One number for all examples together that is not a mean over them: macro-F1, BLEU."""


@dataclass(frozen=True, kw_only=True)
class ScoreScale:
    """What a score means.

    Attributes:
        kind: how examples give one result.
        low, high: bounds of a score; None: unbounded.
        unit: what a score counts ("nats", "characters"); empty for shares and scores in [0, 1], shown as points.
        higher_is_better: False for errors and losses.
        span: of a score without both bounds, the difference that counts as 1 on the standard scale; the study's margin
            is a share of it.
        noun: what the result is called in sentences ("macro-F1"); empty: by the metric's name.
    """

    kind: ScoreKind
    low: float | None = 0.0
    high: float | None = 1.0
    unit: str = ""
    higher_is_better: bool = True
    span: float = 1.0
    noun: str = ""

    def called(self, name: str) -> ScoreScale:
        """With the metric's name as the noun, where it has none of its own."""
        return replace(self, noun=self.noun or name)

    @property
    def counts_right_answers(self) -> bool:
        """Whether the result is an accuracy, that is a share of right answers."""
        return self.kind is ScoreKind.SHARE

    @property
    def is_by_example(self) -> bool:
        """Whether each example has a score of its own."""
        return self.kind is not ScoreKind.STATISTIC

    @property
    def is_bounded_statistic(self) -> bool:
        """Whether results have bounds that the scores of single examples, pseudo-values, do not keep to."""
        return not self.is_by_example and self.low is not None and self.high is not None

    @property
    def in_points(self) -> bool:
        """Whether the result is shown in hundredths: it lies in [0, 1] and has no unit."""
        return (self.low, self.high) == (0.0, 1.0) and not self.unit

    @property
    def step(self) -> float:
        """How much 1 on the standard scale is of what is shown."""
        return 100.0 if self.in_points else self._size

    @property
    def decimals(self) -> int:
        """Decimals with which the result is shown."""
        return max(0, 3 - round(math.log10(self.step)))

    @property
    def _size(self) -> float:
        return self.span if self.low is None or self.high is None else self.high - self.low

    @property
    def _origin(self) -> float:
        """The score that is 0 on the standard scale."""
        if self.low is None or self.high is None:
            return 0.0
        return self.low if self.higher_is_better else self.high

    def standard(self, score: float) -> float:
        """A score on the standard scale."""
        return (score - self._origin) / (self._size if self.higher_is_better else -self._size)

    def score(self, standard: float) -> float:
        """The inverse of `standard`."""
        return self._origin + standard * (self._size if self.higher_is_better else -self._size)

    def shown(self, standard: float) -> float:
        """The number that is shown for a value on the standard scale."""
        return self._origin * (100 if self.in_points else 1) + self.shown_difference(standard)

    def shown_difference(self, standard: float) -> float:
        """The same for a difference: negative where a lower score is better and the difference is a gain."""
        return standard * (self.step if self.higher_is_better else -self.step)

    def contains(self, score: float) -> bool:
        """Whether a finite score lies within the bounds."""
        return (self.low is None or score >= self.low) and (self.high is None or score <= self.high)

    def __str__(self) -> str:
        """In words, for messages: "a mean of scores from 0 to 1"."""
        if self.kind is ScoreKind.SHARE:
            return "a share of right answers"
        if self.kind is ScoreKind.STATISTIC:
            return "one number of all rows together"
        ends = f"{'any' if self.low is None else f'{self.low:g}'} to {'any' if self.high is None else f'{self.high:g}'}"
        return f"a mean of scores from {ends}" + (f" {self.unit}" if self.unit else "")


SHARE = ScoreScale(kind=ScoreKind.SHARE)
"""The share of right answers, in [0, 1]."""
