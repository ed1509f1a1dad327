"""How much a record's results move by the seed alone.

Trials with equal effective settings are the same training; their results differ by chance only. A hand-written record
has few such pairs, so what they say is weighed with the prior of `statistics.noise`: a scaled inverse chi-squared with
`PROVISIONAL_DF` degrees of freedom around `SEED_DEVIATION_PRIOR` (decision 063).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from tunebook.statistics.noise import PROVISIONAL_DF, SEED_DEVIATION_PRIOR

Keys = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class SeedNoise:
    """Seed noise as a standard deviation of accuracy."""

    measured: float | None  # pooled over groups of equal settings; None without any
    freedom: int  # degrees of freedom that it rests on
    interval: tuple[float, float] | None  # 95 % for the measured deviation (chi-squared)
    groups: tuple[Keys, ...]  # keys of the equal trials
    if_short: float | None  # the same when no example is longer than the shortest max_length
    if_short_freedom: int
    if_short_groups: tuple[tuple[int, Keys], ...]
    used: float  # measured and prior weighed together, without the condition
    used_freedom: int

    @property
    def from_prior(self) -> bool:
        """Whether nothing was measured."""
        return self.freedom == 0


def seed_noise(
    results: Mapping[str, float],
    equal: Iterable[Keys],
    equal_if_short: Iterable[tuple[int, Keys]],
    spreads: Sequence[float] = (),
    seeds: int = 1,
) -> SeedNoise:
    """Seed noise from equal trials.

    Args:
        results: accuracies by key, of trials that trained.
        equal: keys with equal effective settings.
        equal_if_short: the same when no example is longer than the given number of tokens.
        spreads, seeds: standard deviations printed behind a ±, each over as many seeds.
    """  # fmt: skip
    groups = tuple(known for keys in equal if len(known := _known(keys, results)) > 1)
    short = tuple((tokens, known) for tokens, keys in equal_if_short if len(known := _known(keys, results)) > 1)
    rest = [keys for keys in groups if not any(set(keys) <= set(more) for _, more in short)]
    squares, freedom = _pooled(results, groups)
    squares = squares * seeds + sum(spread**2 for spread in spreads) * (seeds - 1)  # of means over seeds
    freedom += len(spreads) * (seeds - 1)
    short_squares, short_freedom = _pooled(results, [*(keys for _, keys in short), *rest])
    interval = None
    if freedom and squares:
        low, high = np.sqrt(squares / stats.chi2.isf([0.025, 0.975], freedom))
        interval = (float(low), float(high))
    return SeedNoise(
        measured=math.sqrt(squares / freedom) if freedom else None,
        freedom=freedom,
        interval=interval,
        groups=groups,
        if_short=math.sqrt(short_squares / short_freedom) if short_freedom > freedom else None,
        if_short_freedom=short_freedom,
        if_short_groups=short,
        used=math.sqrt((PROVISIONAL_DF * SEED_DEVIATION_PRIOR**2 + squares) / (PROVISIONAL_DF + freedom)),
        used_freedom=PROVISIONAL_DF + freedom,
    )


def _known(keys: Keys, results: Mapping[str, float]) -> Keys:
    return tuple(key for key in keys if key in results)


def _pooled(results: Mapping[str, float], groups: Iterable[Keys]) -> tuple[float, int]:
    """Sum of squares about the groups' means, and its degrees of freedom."""
    values = [[results[key] for key in keys] for keys in groups]
    return sum(float(np.var(each)) * len(each) for each in values), sum(len(each) - 1 for each in values)
