"""The built-in metrics: exact match, contains, the last number, and the choice among options."""

from __future__ import annotations

import re
import statistics
from collections.abc import Mapping, Sequence
from decimal import Decimal

from tunebook.core.facts import ExampleText
from tunebook.core.metric import AnswerSource, ExampleMetric, compared
from tunebook.core.notice import Notice

__all__ = ["Choice", "Contains", "ExactMatch", "Number", "last_number"]

LONG_GOLD_CHARACTERS = 100
"""Gold texts of this mean length are hardly ever met word for word."""


# A sign counts only where no letter or digit stands before it: "16-8" holds 16 and 8. Groups of three digits may be
# separated by a comma, an apostrophe or a (narrow) no-break space.
_NUMBER = re.compile(
    r"(?:(?<![\w.)])[-+\u2212])?(?:\d{1,3}(?:[,'\u00a0\u202f]\d{3})+(?!\d)|\d+)(?:\.\d+)?(?:[eE][-+]?\d{1,3}(?![\w.]))?"
    r"|(?:(?<![\w.)])[-+\u2212])?(?<![\d.])\.\d+"
)
_SEPARATORS = str.maketrans({",": None, "'": None, "\u00a0": None, "\u202f": None, "\u2212": "-"})


class ExactMatch(ExampleMetric):
    """1 when the answer equals the gold text, else 0."""

    name = "exact_match"

    def score(self, answer: str, gold: str, example: ExampleText | None = None) -> float:
        """1.0 or 0.0."""
        return float(compared(answer) == compared(gold))

    def check(
        self, examples: Mapping[str, Sequence[ExampleText]], places: Mapping[str, Sequence[str]]
    ) -> tuple[Notice, ...]:
        """Refuses empty gold texts; doubts that long ones can be met word for word."""
        super().check(examples, places)
        golds = [row.gold for rows in examples.values() for row in rows]
        mean = statistics.fmean(map(len, golds)) if golds else 0.0
        if mean < LONG_GOLD_CHARACTERS:
            return ()
        numbers = all(last_number(gold) is not None for gold in golds)
        return (Notice("long_golds", {"characters": round(mean), "all_numbers": numbers}),)


class Contains(ExampleMetric):
    """1 when the gold text stands somewhere in the answer, as whole words, else 0.

    Whole words: neither a letter nor a digit may touch the gold text, so that "no" is not found in "not". Scripts
    without blanks between words (Chinese, Japanese, Thai) have no such borders and are searched as they stand.
    """

    name = "contains"

    def score(self, answer: str, gold: str, example: ExampleText | None = None) -> float:
        """1.0 or 0.0."""
        text, wanted = compared(answer), compared(gold)
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


def last_number(text: str) -> Decimal | None:
    """The last number of a text, exactly, or None. "#### 1,234.50" gives 1234.5."""
    found = [match[0] for match in _NUMBER.finditer(text)]
    return Decimal(found[-1].translate(_SEPARATORS)) if found else None


class Number(ExampleMetric):
    """1 when the last numbers of answer and gold text are equal, else 0. 8, 8.0 and "#### 8" are equal."""

    name = "number"
    gold_rule = "a number"
    gold_advice = ", or use exact_match or contains"

    def score(self, answer: str, gold: str, example: ExampleText | None = None) -> float:
        """1.0 or 0.0; an answer without a number scores 0."""
        given = last_number(answer)
        return float(given is not None and given == last_number(gold))

    def parsable(self, answer: str) -> bool:
        """Whether the answer holds a number."""
        return last_number(answer) is not None
