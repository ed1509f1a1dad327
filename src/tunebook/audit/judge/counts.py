"""How many test examples a record has, from the granularity of its accuracies, and how many answers were right.

An accuracy is a whole number of correct answers over the number of examples n. The smallest n of which every printed
accuracy is a whole fraction (to the printed precision) is n itself or, if all counts happen to share a factor, a
divisor of it. Whether that is knowledge depends on how likely other accuracies would have fitted some n as small:
with two decimals nearly every n fits. Rounding to nearest is assumed, not truncation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace

import numpy as np

from tunebook.audit.model import HandRecord, MeasureKind, Score

CHANCE_LIMIT = 0.01
"""An inferred n is believed when unrelated accuracies would fit some n as small with at most this probability."""

LARGEST_N = 100_000
_SHOWN_ALTERNATIVES = 5
_SLACK = 1e-9


@dataclass(frozen=True)
class Examples:
    """The number of test examples, and how it is known."""

    n: int | None  # None when it is not known
    how: str  # given (by the caller), fractions (112/358), stated (in the text), inferred, unknown, no_share
    _: KW_ONLY
    smallest: int | None = None  # the smallest n that fits, whether believed or not; None when none fits
    luck: float = 1.0  # probability that unrelated accuracies would fit some n up to `smallest`
    alternatives: tuple[int, ...] = ()  # the next numbers that fit as well
    common_factor_chance: float = 1.0  # that all counts of a set twice as large are even: 2^-(distinct counts)
    misfits: tuple[int, ...] = ()  # positions in the accuracies passed in that are no whole fraction of n
    stated_misfit: int | None = None  # a number that the text states and that the accuracies contradict


@dataclass(frozen=True, kw_only=True)
class Counts:
    """How many answers were right, where that is known."""

    n: int | None  # examples; None when unknown or where results are no shares
    is_share: bool = True
    seeds: int = 1  # over which each result is a mean; counts are then out of n times as many
    correct: Mapping[str, int] = field(default_factory=dict)  # by the trial's key
    slack: Mapping[str, int] = field(default_factory=dict)  # by how many each may be off because of rounding

    @property
    def total(self) -> int:
        """Answers behind one result."""
        return (self.n or 0) * self.seeds


def count_answers(record: HandRecord, scores: Mapping[str, Score], given: int | None) -> tuple[Examples, Counts]:
    """The number of examples and the right answers of each trial; nothing where results are no shares."""
    seeds = record.seeds or 1
    if record.measure.kind is not MeasureKind.SHARE:
        return Examples(None, "no_share"), Counts(n=None, is_share=False)
    if record.averaged and given is None:
        return Examples(None, "unknown"), Counts(n=None)
    size = settle_examples(list(scores.values()), given, record.stated_examples, seeds)
    if size.n is None:
        return size, Counts(n=None, seeds=seeds)
    total = size.n * seeds
    least = int(record.averaged)  # a mean over an unknown number of seeds is no whole number of answers
    slack = {key: max(least, _slack_of(score, total)) for key, score in scores.items()}
    correct = {key: correct_of(score, total) for key, score in scores.items()}
    return size, Counts(n=size.n, seeds=seeds, correct=correct, slack=slack)


def settle_examples(accuracies: Sequence[Score], given: int | None, stated: Sequence[int], seeds: int = 1) -> Examples:
    """The number of examples: as given, else from fractions, else as the text states where that fits, else inferred.
    `seeds`: results are means over as many, so that they are whole fractions of n times as many."""
    inferred = infer_examples(accuracies) if seeds == 1 else Examples(None, "unknown")
    totals = {a.total for a in accuracies if a.total is not None}
    n, how = (given, "given") if given is not None else (totals.pop() if len(totals) == 1 else None, "fractions")
    if n is not None:
        misfits = tuple(i for i, accuracy in enumerate(accuracies) if not _fits(accuracy, n * seeds))
        contradicted = next((s for s in stated if n not in stated), None)
        return replace(inferred, n=n, how=how, alternatives=(), misfits=misfits, stated_misfit=contradicted)
    fitting = [n for n in stated if accuracies and all(_fits(a, n * seeds) for a in accuracies)]
    if fitting:
        return replace(inferred, n=fitting[0], how="stated", alternatives=())
    return replace(inferred, stated_misfit=stated[0] if stated and inferred.n is not None else None)


def infer_examples(accuracies: Sequence[Score]) -> Examples:
    """The smallest number of examples that every accuracy fits, and whether that says anything.

    The chance is an approximation: a printed value taken at random is a whole fraction of n with probability about
    (n + 1) x unit, independently for each distinct accuracy; summed over all n up to the smallest that fits.
    """
    printed = sorted({(a.value, a.unit) for a in accuracies if a.total is None and 0 < a.value < 1 and a.unit > 0})
    finest = min((unit for _, unit in printed), default=1.0)
    candidates = np.arange(1, int(min(LARGEST_N, np.ceil(2.0 / finest))) + 1)
    for value, unit in printed:
        off = np.abs(np.round(value * candidates) / candidates - value)
        candidates = candidates[off <= unit / 2 + _SLACK]
    if not printed or candidates.size == 0:
        return Examples(None, "unknown")
    smallest, *others = map(int, candidates[: 1 + _SHOWN_ALTERNATIVES])
    units = np.array([unit for _, unit in printed])
    chances = np.minimum(1.0, np.multiply.outer(np.arange(2, smallest + 2), units)).prod(axis=1)
    luck = float(min(1.0, chances.sum()))
    n, how = (smallest, "inferred") if luck <= CHANCE_LIMIT else (None, "unknown")
    common = 0.5 ** len(printed)
    return Examples(n, how, smallest=smallest, luck=luck, alternatives=tuple(others), common_factor_chance=common)


def _fits(accuracy: Score, n: int) -> bool:
    """Whether a printed accuracy is a whole number of n-ths, rounded to its last printed place."""
    if accuracy.total is not None:
        return n % accuracy.total == 0
    return abs(round(accuracy.value * n) / n - accuracy.value) <= accuracy.unit / 2 + _SLACK


def correct_of(accuracy: Score, n: int) -> int:
    """The number of correct answers of n that comes nearest to a printed accuracy."""
    if accuracy.correct is not None and accuracy.total == n:
        return accuracy.correct
    return min(n, max(0, round(accuracy.value * n)))


def _slack_of(accuracy: Score, n: int) -> int:
    """By how many examples the count may be off because the accuracy was printed too coarsely for n: 81.2 % of 5,000
    is 4,060 give or take 2."""
    return 0 if accuracy.total is not None else int(accuracy.unit / 2 * n + _SLACK)
