"""How much a record's results move by the seed alone.

Trials with equal effective settings are the same training; their results differ by chance only. A hand-written record
has few such pairs, so what they say is weighed with the prior of `statistics.noise`: a scaled inverse chi-squared with
`PROVISIONAL_DF` degrees of freedom around `SEED_DEVIATION_PRIOR` (decision 063).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from tunebook.statistics.noise import PROVISIONAL_DF, SEED_DEVIATION_PRIOR


@dataclass(frozen=True, kw_only=True)
class SeedNoise:
    """Seed noise as a standard deviation of accuracy."""

    measured: float | None  # pooled over groups of equal settings; None without any
    freedom: int  # degrees of freedom that it rests on
    interval: tuple[float, float] | None  # 95 % for the measured deviation (chi-squared)
    groups: tuple[tuple[str, ...], ...]  # keys of the equal trials
    if_short: float | None  # the same when no example is longer than the shortest max_length
    if_short_freedom: int
    if_short_groups: tuple[tuple[int, tuple[str, ...]], ...]
    used: float  # measured and prior weighed together, without the condition
    used_freedom: int

    @property
    def from_prior(self) -> bool:
        """Whether nothing was measured."""
        return self.freedom == 0


def seed_noise(
    accuracies: Mapping[str, float],
    groups: Sequence[tuple[str, ...]],
    groups_if_short: Sequence[tuple[int, tuple[str, ...]]],
    spreads: Sequence[float] = (),
    seeds: int = 1,
) -> SeedNoise:
    """Seed noise from equal trials.

    Args:
        accuracies: by key, of trials that trained.
        groups: keys with equal effective settings.
        groups_if_short: the same when no example is longer than the given number of tokens.
        spreads, seeds: standard deviations printed behind a ±, each over as many seeds.
    """
    squares, freedom = _pooled(accuracies, groups)
    squares *= seeds  # of means over seeds
    squares += sum(spread**2 for spread in spreads) * (seeds - 1)
    freedom += len(spreads) * (seeds - 1)
    rest = [g for g in groups if not any(set(g) <= set(keys) for _, keys in groups_if_short)]
    short_squares, short_freedom = _pooled(accuracies, [*(keys for _, keys in groups_if_short), *rest])
    interval = None
    if freedom and squares:
        low, high = np.sqrt(squares / stats.chi2.isf([0.025, 0.975], freedom))
        interval = (float(low), float(high))
    return SeedNoise(
        measured=math.sqrt(squares / freedom) if freedom else None,
        freedom=freedom,
        interval=interval,
        groups=tuple(groups),
        if_short=math.sqrt(short_squares / short_freedom) if short_freedom > freedom else None,
        if_short_freedom=short_freedom,
        if_short_groups=tuple(groups_if_short),
        used=math.sqrt((PROVISIONAL_DF * SEED_DEVIATION_PRIOR**2 + squares) / (PROVISIONAL_DF + freedom)),
        used_freedom=PROVISIONAL_DF + freedom,
    )


def _pooled(accuracies: Mapping[str, float], groups: Sequence[Sequence[str]]) -> tuple[float, int]:
    """Sum of squares about the groups' means, and its degrees of freedom."""
    known = [values for keys in groups if (values := [accuracies[key] for key in keys if key in accuracies])]
    return sum(float(np.var(v)) * len(v) for v in known), sum(len(v) - 1 for v in known)
