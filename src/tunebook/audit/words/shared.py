"""What sentences about a hand-written record share in both languages.

A language is data: `labels` (headings and single words) and `says` (sentences with places for values). Names and quoted
text come in cleaned; the writer escapes whole sentences, so nothing here knows Markdown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from tunebook.audit.model import UNSAID, MeasureKind, Score
from tunebook.core.factor import Level
from tunebook.words import numbers
from tunebook.words.numbers import points, value
from tunebook.words.shared import Shared

__all__ = ["AuditShared", "level_text", "signed"]

_BASELINE_NAMES = {"baseline", "base", "default", "基线", "基准", "默认"}


def signed(n: int) -> str:
    """7 as "+7"; 0 has no sign."""
    return f"{n:+d}" if n else "0"


def level_text(factor: str, level: Level) -> str:
    """A level as in a configuration file; "?" where the record does not say it."""
    if level is None or (level == UNSAID and not isinstance(level, bool)):
        return "?"
    return value(factor, level)


class AuditShared(Shared):
    """Helpers of the sentences about a record."""

    labels: ClassVar[Mapping[str, str]]
    says: ClassVar[Mapping[str, str]]  # sentences by code, with places for values
    verdicts: ClassVar[Mapping[str, str]]  # of claims
    told: ClassVar[Mapping[str, str]]  # the same verdicts on the question whether two trials can be told apart
    counted: ClassVar[Mapping[str, tuple[str, str]]]  # "1 example" and "{n} examples", by what is counted
    stop: ClassVar[str]
    semicolon: ClassVar[str]
    more: ClassVar[str]  # after a list that was cut

    def say(self, code: str, **values: object) -> str:
        """A sentence with its values in place."""
        return self.says[code].format(**values)

    def count(self, n: int, what: str) -> str:
        """ "1 trial", "2 trials"."""
        return self.counted[what][n != 1].format(n=numbers.count(n))

    def gap(self, examples: int | None, effect: float, kind: MeasureKind) -> str:
        """A difference with its sign and unit: examples where they are counted, else points, else a plain number."""
        if examples is not None:
            return ("+" if examples > 0 else "-" if examples < 0 else "") + self.count(abs(examples), "example")
        return self.say("points", x=points(effect)) if kind is MeasureKind.SHARE else f"{effect:+.4g}"

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

    def score(self, score: Score | None, kind: MeasureKind) -> str:
        """A printed result; a failed trial has none."""
        if score is None:
            return self.labels["a_failure"]
        return self.percent(score.value, 2) if kind is MeasureKind.SHARE else f"{score.value:g}"
