"""What kind of number a metric produces."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["ScoreKind", "ScoreScale"]


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
    """

    kind: ScoreKind
    low: float | None = 0.0
    high: float | None = 1.0
    unit: str = ""
    higher_is_better: bool = True

    @property
    def counts_right_answers(self) -> bool:
        """Whether the result is an accuracy, that is a share of right answers."""
        return self.kind is ScoreKind.SHARE

    @property
    def is_judged(self) -> bool:
        """Whether the study's statistics apply: means over examples of scores in [0, 1], higher being better."""
        bounded = self.low is not None and self.high is not None and 0 <= self.low < self.high <= 1
        return self.kind is not ScoreKind.STATISTIC and bounded and self.higher_is_better

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
