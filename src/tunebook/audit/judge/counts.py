"""How many test examples a record has, from the granularity of its accuracies.

An accuracy is a whole number of correct answers over the number of examples n. The smallest n of which every printed
accuracy is a whole fraction (to the printed precision) is n itself or, if all counts happen to share a factor, a
divisor of it. Whether that is knowledge depends on how likely other accuracies would have fitted some n as small:
with two decimals nearly every n fits. Rounding to nearest is assumed, not truncation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tunebook.audit.model import Score

__all__ = ["CHANCE_LIMIT", "Examples", "correct_of", "fits", "infer_examples", "settle_examples", "slack_of"]

CHANCE_LIMIT = 0.01
"""An inferred n is believed when unrelated accuracies would fit some n as small with at most this probability."""

LARGEST_N = 100_000
_SHOWN_ALTERNATIVES = 5
_SLACK = 1e-9


@dataclass(frozen=True)
class Examples:
    """The number of test examples, and how it is known.

    Attributes:
        n: None when it is not known.
        how: "given" (by the caller), "fractions" (cells such as 112/358), "stated" (in the text), "inferred" or
            "unknown".
        smallest: the smallest n that fits, whether believed or not; None when none fits.
        luck: probability that unrelated accuracies would fit some n up to `smallest`.
        alternatives: the next numbers that fit as well.
        common_factor_chance: probability that all counts of a set twice as large are even, 2^-(distinct counts).
        misfits: positions (in the accuracies passed in) that are no whole fraction of n.
        stated_misfit: a number that the text states and that the accuracies contradict.
    """

    n: int | None
    how: str
    smallest: int | None = None
    luck: float = 1.0
    alternatives: tuple[int, ...] = ()
    common_factor_chance: float = 1.0
    misfits: tuple[int, ...] = ()
    stated_misfit: int | None = None


def fits(accuracy: Score, n: int) -> bool:
    """Whether a printed accuracy is a whole number of n-ths, rounded to its last printed place."""
    if accuracy.total is not None:
        return n % accuracy.total == 0
    correct = round(accuracy.value * n)
    return abs(correct / n - accuracy.value) <= accuracy.unit / 2 + _SLACK


def correct_of(accuracy: Score, n: int) -> int:
    """The number of correct answers of n that comes nearest to a printed accuracy."""
    if accuracy.correct is not None and accuracy.total == n:
        return accuracy.correct
    return min(n, max(0, round(accuracy.value * n)))


def slack_of(accuracy: Score, n: int) -> int:
    """By how many examples the count may be off because the accuracy was printed too coarsely for n: 81.2 % of 5,000
    is 4,060 give or take 2."""
    return 0 if accuracy.total is not None else int(accuracy.unit / 2 * n + _SLACK)


def settle_examples(accuracies: Sequence[Score], given: int | None, stated: Sequence[int], seeds: int = 1) -> Examples:
    """The number of examples: as given, else from fractions, else as the text states where that fits, else inferred.
    `seeds`: results are means over as many, so that they are whole fractions of n times as many."""
    inferred = infer_examples(accuracies) if seeds == 1 else Examples(None, "unknown")
    totals = {a.total for a in accuracies if a.total is not None}
    fitting = [n for n in stated if accuracies and all(fits(a, n * seeds) for a in accuracies)]
    n, how = (given, "given") if given is not None else (None, "")
    if n is None and len(totals) == 1:
        n, how = totals.pop(), "fractions"
    if n is not None:
        misfits = tuple(i for i, accuracy in enumerate(accuracies) if not fits(accuracy, n * seeds))
        contradicted = next((s for s in stated if n not in stated), None)
        return replace(inferred, n=n, how=how, alternatives=(), misfits=misfits, stated_misfit=contradicted)
    if fitting:
        return replace(inferred, n=fitting[0], how="stated", alternatives=())
    misfit = stated[0] if stated and inferred.n is not None else None
    return replace(inferred, stated_misfit=misfit)


def infer_examples(accuracies: Sequence[Score]) -> Examples:
    """The smallest number of examples that every accuracy fits, and whether that says anything.

    The chance is an approximation: a printed value taken at random is a whole fraction of n with probability about
    (n + 1) x unit, independently for each distinct accuracy; summed over all n up to the smallest that fits.
    """
    printed = sorted(
        {(a.value, a.unit) for a in accuracies if a.total is None and 0.0 < a.value < 1.0 and a.unit > 0.0}
    )
    if not printed:
        return Examples(None, "unknown")
    units = np.array([unit for _, unit in printed])
    top = int(min(LARGEST_N, np.ceil(2.0 / max(units.min(), 2.0 / LARGEST_N))))
    candidates = np.arange(1, top + 1)
    for value, unit in printed:
        correct = np.round(value * candidates)
        candidates = candidates[np.abs(correct / candidates - value) <= unit / 2 + _SLACK]
    if candidates.size == 0:
        return Examples(None, "unknown")
    smallest = int(candidates[0])
    luck = _luck(units, smallest)
    known = luck <= CHANCE_LIMIT
    return Examples(
        smallest if known else None,
        "inferred" if known else "unknown",
        smallest,
        luck,
        tuple(int(n) for n in candidates[1 : 1 + _SHOWN_ALTERNATIVES]),
        0.5 ** len(printed),
    )


def _luck(units: np.ndarray[tuple[int], np.dtype[np.float64]], smallest: int) -> float:
    sizes = np.arange(1, smallest + 1)
    log_chance = np.zeros(smallest)
    for unit in units:
        log_chance += np.log(np.minimum(1.0, (sizes + 1) * unit))
    return float(min(1.0, np.exp(log_chance).sum()))
