"""Metrics that compare texts: exact match, contains, and the choice among options."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from tunebook.core.facts import ExampleText
from tunebook.core.metric import AnswerSource, ExampleMetric
from tunebook.evaluation.number import last_number

__all__ = ["Choice", "Contains", "ExactMatch", "normalised"]

LONG_GOLD_CHARACTERS = 100
"""Gold texts of this mean length are hardly ever met word for word."""


def normalised(text: str) -> str:
    """Text as it is compared: without blanks at the ends, casefolded, blanks collapsed."""
    return " ".join(text.casefold().split())


class ExactMatch(ExampleMetric):
    """1 when the answer equals the gold text, else 0."""

    name = "exact_match"

    def score(self, answer: str, gold: str, example: ExampleText | None = None) -> float:
        """1.0 or 0.0."""
        return float(normalised(answer) == normalised(gold))

    def check(
        self, examples: Mapping[str, Sequence[ExampleText]], places: Mapping[str, Sequence[str]]
    ) -> tuple[str, ...]:
        """Refuses empty gold texts; doubts that long ones can be met word for word."""
        super().check(examples, places)
        golds = [row.gold for rows in examples.values() for row in rows]
        mean = statistics.fmean(map(len, golds)) if golds else 0.0
        if mean < LONG_GOLD_CHARACTERS:
            return ()
        numbers = all(last_number(gold) is not None for gold in golds)
        return (
            f"exact_match asks for the whole text, and the gold answers have {mean:.0f} characters on average; "
            f"consider {'number' if numbers else 'contains or module:function'}.",
        )


class Contains(ExampleMetric):
    """1 when the gold text stands somewhere in the answer, as whole words, else 0.

    Whole words: neither a letter nor a digit may touch the gold text, so that "no" is not found in "not". Scripts
    without blanks between words (Chinese, Japanese, Thai) have no such borders and are searched as they stand.
    """

    name = "contains"

    def score(self, answer: str, gold: str, example: ExampleText | None = None) -> float:
        """1.0 or 0.0."""
        text, wanted = normalised(answer), normalised(gold)
        start = text.find(wanted) if wanted else -1
        while start >= 0:
            end = start + len(wanted)
            if not (_touches(text[start - 1 : start], wanted[0]) or _touches(text[end : end + 1], wanted[-1])):
                return 1.0
            start = text.find(wanted, start + 1)
        return 0.0


def _touches(neighbour: str, edge: str) -> bool:
    """Whether two neighbouring characters belong to one word of an alphabet."""
    return neighbour.isalnum() and edge.isalnum() and neighbour < "\u0e00" and edge < "\u0e00"


class Choice(ExampleMetric):
    """1 when the option of highest likelihood is the gold one, else 0; the engine chooses, this compares."""

    name = "choice"
    answers = AnswerSource.CHOICE

    def score(self, answer: str, gold: str, example: ExampleText | None = None) -> float:
        """1.0 or 0.0. Options may differ in case, so only blanks at the ends are dropped."""
        return float(answer.strip() == gold.strip())

    def parsable(self, answer: str) -> bool:
        """Always: the answer is one of the options."""
        return True
