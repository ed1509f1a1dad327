"""The metric `number`: the last number of the answer against the last number of the gold text."""

from __future__ import annotations

import re
from decimal import Decimal

from tunebook.core.facts import ExampleText
from tunebook.core.metric import ExampleMetric

__all__ = ["Number", "last_number"]

# A sign counts only where no letter or digit stands before it: "16-8" holds 16 and 8. Groups of three digits may be
# separated by a comma, an apostrophe or a (narrow) no-break space.
_NUMBER = re.compile(
    r"(?:(?<![\w.)])[-+\u2212])?(?:\d{1,3}(?:[,'\u00a0\u202f]\d{3})+(?!\d)|\d+)(?:\.\d+)?(?:[eE][-+]?\d{1,3}(?![\w.]))?"
    r"|(?:(?<![\w.)])[-+\u2212])?(?<![\d.])\.\d+"
)
_SEPARATORS = str.maketrans({",": None, "'": None, "\u00a0": None, "\u202f": None, "\u2212": "-"})


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
