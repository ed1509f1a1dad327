"""Metrics that compare texts: exact match, contains, and the choice among options."""

from __future__ import annotations

from dataclasses import dataclass

from tunebook.core.facts import ExampleText

__all__ = ["Choice", "Contains", "ExactMatch", "normalised"]


def normalised(text: str) -> str:
    """Text as it is compared: without blanks at the ends, casefolded, blanks collapsed."""
    return " ".join(text.casefold().split())


@dataclass(frozen=True)
class ExactMatch:
    """1 when the answer equals the gold text, else 0."""

    name: str = "exact_match"
    kind: str = "generate"

    def score(self, answer: str, gold: str, example: ExampleText | None = None) -> float:
        """1.0 or 0.0."""
        return float(normalised(answer) == normalised(gold))

    def parsable(self, answer: str) -> bool:
        """Whether there is an answer at all."""
        return bool(normalised(answer))


@dataclass(frozen=True)
class Contains:
    """1 when the gold text stands somewhere in the answer, as whole words, else 0.

    Whole words: neither a letter nor a digit may touch the gold text, so that "no" is not found in "not". Scripts
    without blanks between words (Chinese, Japanese, Thai) have no such borders and are searched as they stand.
    """

    name: str = "contains"
    kind: str = "generate"

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

    def parsable(self, answer: str) -> bool:
        """Whether there is an answer at all."""
        return bool(normalised(answer))


def _touches(neighbour: str, edge: str) -> bool:
    """Whether two neighbouring characters belong to one word of an alphabet."""
    return neighbour.isalnum() and edge.isalnum() and neighbour < "\u0e00" and edge < "\u0e00"


@dataclass(frozen=True)
class Choice:
    """1 when the option of highest likelihood is the gold one, else 0; the engine chooses, this compares."""

    name: str = "choice"
    kind: str = "choice"

    def score(self, answer: str, gold: str, example: ExampleText | None = None) -> float:
        """1.0 or 0.0. Options may differ in case, so only blanks at the ends are dropped."""
        return float(answer.strip() == gold.strip())

    def parsable(self, answer: str) -> bool:
        """Always: the answer is one of the options."""
        return True
