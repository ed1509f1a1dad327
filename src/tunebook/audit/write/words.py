"""What sentences about a hand-written record are told, and the helpers that both languages share.

Differences come in examples where their number is known (`Gap.examples`), else as accuracies. Names and quoted text
come in cleaned; the writer escapes whole sentences, so nothing here knows Markdown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from tunebook.audit.judge.trials import UNSAID
from tunebook.audit.judge.verdicts import SupportVerdict
from tunebook.audit.model import Accuracy
from tunebook.core.factor import Level
from tunebook.words import numbers
from tunebook.words.numbers import points, value
from tunebook.words.shared import Shared

__all__ = ["AuditShared", "Bounds", "BreakPoint", "Gap", "Mixed", "level_text", "signed"]


@dataclass(frozen=True)
class Gap:
    """The difference of two trials: names, and treatment minus control."""

    treatment: str
    control: str
    examples: int | None
    effect: float

    def text(self) -> str:
        """ "+7" examples, or "+1.4" points without a number of examples."""
        return signed(self.examples) if self.examples is not None else points(self.effect)


@dataclass(frozen=True)
class Bounds:
    """The p-values of one comparison: most favourable pairing and unrelated outcomes, alone and adjusted."""

    favourable: float
    favourable_adjusted: float
    independent: float
    independent_adjusted: float
    seed_adjusted: float
    family_size: int
    picked: bool


@dataclass(frozen=True)
class Mixed:
    """A pair that differs in more than the factor in question."""

    gap: Gap
    also: tuple[str, ...]


@dataclass(frozen=True)
class BreakPoint:
    """Where training broke, in names and levels.

    Attributes:
        failed: failed trials beyond all that trained; failed_level: the level of the first.
        trained, trained_level: the trained trial nearest in level.
        moves: factors on which it and the first failed trial differ.
        clean: (trained trial, its level, failed trial, its level) that differ in this factor alone, or None.
    """

    factor: str
    above: bool
    failed: tuple[str, ...]
    failed_level: str
    trained: str
    trained_level: str
    moves: tuple[str, ...]
    clean: tuple[str, str, str, str] | None


def signed(n: int) -> str:
    """7 as "+7"; 0 has no sign."""
    return f"{n:+d}" if n else "0"


def level_text(factor: str, level: Level) -> str:
    """A level as in a configuration file; "?" where the record does not say it."""
    return "?" if level == UNSAID and not isinstance(level, bool) else value(factor, level)


_BASELINE_NAMES = {"baseline", "base", "default", "基线", "基准", "默认"}


class AuditShared(Shared):
    """Helpers of the sentences about a record.

    Attributes:
        labels: headings, column titles and single words by name.
        verdicts, told: verdicts of claims, and the same of the question whether two trials can be told apart.
        stop: ends a sentence.
        more: after a list that was cut, with a place for how many more there are.
    """

    verdicts: ClassVar[Mapping[SupportVerdict, str]]
    told: ClassVar[Mapping[SupportVerdict, str]]
    stop: ClassVar[str]
    more: ClassVar[str]

    def baseline(self, name: str) -> str:
        """The baseline by its name; one that is called baseline is not named twice."""
        word = self.labels["the_baseline"]
        return word if name.casefold() in _BASELINE_NAMES else f"{word} {name}"

    def cut_list(self, items: Sequence[str], limit: int = 12) -> str:
        """A list of at most `limit` items, and how many more there are."""
        if len(items) <= limit:
            return self.listed(items)
        return self.comma.join(items[:limit]) + self.more.format(n=len(items) - limit)

    def interval(self, low: float, high: float) -> str:
        """Accuracies as "25.4 to 34.8 %"."""
        return numbers.percent(low) + self.to + self.percent(high)

    def said(self, accuracy: object) -> str:
        """An accuracy with two decimals; a failed trial has none."""
        return self.percent(accuracy.value, 2) if isinstance(accuracy, Accuracy) else self.labels["a_failure"]
