"""How much a record's results move by the seed alone.

Trials with equal effective settings are the same training; their results differ by chance only. A hand-written record
has few such pairs, so what they say is weighed with the prior of `statistics.noise`: a scaled inverse chi-squared with
`PROVISIONAL_DF` degrees of freedom around `SEED_DEVIATION_PRIOR` (decision 063).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import stats

from tunebook.audit.judge.structure import Structure
from tunebook.statistics.noise import PROVISIONAL_DF, SEED_DEVIATION_PRIOR

Keys = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class SeedNoise:
    """Seed noise as a standard deviation of accuracy."""

    measured: float | None  # pooled over groups of equal settings; None without any
    freedom: int  # degrees of freedom that it rests on
    interval: tuple[float, float] | None  # 95 % for the measured deviation (chi-squared)
    groups: tuple[Keys, ...]  # keys of the equal trials that trained
    if_short_groups: tuple[tuple[int, Keys], ...]  # equal if no example is longer than so many tokens
    used: float  # measured and prior weighed together, without the condition
    used_freedom: int

    @property
    def from_prior(self) -> bool:
        """Whether nothing was measured."""
        return self.freedom == 0


def seed_noise(structure: Structure, results: Mapping[str, float], seeds: int) -> SeedNoise:
    """Seed noise from equal trials, and from what is printed behind a ±.

    Args:
        results: accuracies by key, of trials that trained.
        seeds: over which each result is a mean.
    """

    def known(keys: Keys) -> Keys:
        return tuple(key for key in keys if key in results)

    groups = tuple(kept for keys in structure.equal if len(kept := known(keys)) > 1)
    short = tuple((tokens, kept) for tokens, keys in structure.equal_if_short if len(kept := known(keys)) > 1)
    spreads = [t.score.spread for t in structure.trained if t.score and t.score.spread is not None]
    squares = sum(float(np.var([results[key] for key in keys])) * len(keys) for keys in groups) * seeds
    squares += sum(spread**2 for spread in spreads) * (seeds - 1)
    freedom = sum(len(keys) - 1 for keys in groups) + len(spreads) * (seeds - 1)
    interval = None
    if freedom and squares:
        low, high = np.sqrt(squares / stats.chi2.isf([0.025, 0.975], freedom))
        interval = (float(low), float(high))
    return SeedNoise(
        measured=math.sqrt(squares / freedom) if freedom else None,
        freedom=freedom,
        interval=interval,
        groups=groups,
        if_short_groups=short,
        used=math.sqrt((PROVISIONAL_DF * SEED_DEVIATION_PRIOR**2 + squares) / (PROVISIONAL_DF + freedom)),
        used_freedom=PROVISIONAL_DF + freedom,
    )
