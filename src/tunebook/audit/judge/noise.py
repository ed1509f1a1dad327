"""How much a record's results move by the seed alone.

Trials with equal effective settings are the same training; their results differ by chance only. A hand-written record
has few such pairs, so what they say is weighed with the prior of `statistics.noise`: a scaled inverse chi-squared with
`PROVISIONAL_DF` degrees of freedom around `SEED_DEVIATION_PRIOR`, the usual shrinkage of a variance from few of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy import stats

from tunebook.statistics.noise import PROVISIONAL_DF, SEED_DEVIATION_PRIOR

__all__ = ["SeedNoise", "seed_noise"]


@dataclass(frozen=True)
class SeedNoise:
    """Seed noise as a standard deviation of accuracy.

    Attributes:
        measured: pooled over groups of equal settings; None without any.
        freedom: degrees of freedom that it rests on.
        interval: 95 % for the measured deviation (chi-squared), None without any.
        groups: keys and accuracies of the equal trials.
        if_short, if_short_freedom, if_short_groups: the same when no example is longer than the shortest max_length.
        used, used_freedom: measured and prior weighed together, without the condition.
    """

    measured: float | None
    freedom: int
    interval: tuple[float, float] | None
    groups: tuple[tuple[str, ...], ...]
    if_short: float | None
    if_short_freedom: int
    if_short_groups: tuple[tuple[int, tuple[str, ...]], ...]
    used: float
    used_freedom: int

    @property
    def from_prior(self) -> bool:
        """Whether nothing was measured."""
        return self.freedom == 0


def seed_noise(
    accuracies: dict[str, float],
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
    if seeds > 1:
        squares += sum(spread**2 for spread in spreads) * (seeds - 1)
        freedom += len(spreads) * (seeds - 1)
    short_squares, short_freedom = _pooled(accuracies, [keys for _, keys in groups_if_short])
    unconditional = [g for g in groups if not any(set(g) <= set(keys) for _, keys in groups_if_short)]
    rest, rest_freedom = _pooled(accuracies, unconditional)
    short_squares, short_freedom = short_squares + rest, short_freedom + rest_freedom
    used_freedom = PROVISIONAL_DF + freedom
    return SeedNoise(
        math.sqrt(squares / freedom) if freedom else None,
        freedom,
        _interval(squares, freedom),
        tuple(groups),
        math.sqrt(short_squares / short_freedom) if short_freedom > freedom else None,
        short_freedom,
        tuple(groups_if_short),
        math.sqrt((PROVISIONAL_DF * SEED_DEVIATION_PRIOR**2 + squares) / used_freedom),
        used_freedom,
    )


def _pooled(accuracies: dict[str, float], groups: Sequence[tuple[str, ...]]) -> tuple[float, int]:
    squares, freedom = 0.0, 0
    for keys in groups:
        values = [accuracies[key] for key in keys if key in accuracies]
        if len(values) > 1:
            mean = sum(values) / len(values)
            squares += sum((value - mean) ** 2 for value in values)
            freedom += len(values) - 1
    return squares, freedom


def _interval(squares: float, freedom: int) -> tuple[float, float] | None:
    if freedom == 0 or squares == 0:
        return None
    low, high = stats.chi2.isf([0.025, 0.975], freedom)
    return math.sqrt(squares / low), math.sqrt(squares / high)
