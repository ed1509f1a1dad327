"""Intervals for the accuracy of one configuration.

Source: Wilson 1927 (J. Am. Stat. Assoc. 22, 209), recommended for all n by Brown, Cai, DasGupta 2001 (Statistical
Science 16, 101). For several seeds: Miller 2024, "Adding error bars to evals", plus the variance between seeds.
With hardly any right or wrong answer: Clopper, Pearson 1934 (Biometrika 26, 404).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import special

__all__ = [
    "FEW",
    "accuracy_interval",
    "are_within",
    "exact_interval",
    "largest_difference",
    "satterthwaite",
    "wilson",
]

Floats = NDArray[np.float64]


def are_within(scores: Floats) -> bool:
    """Whether all scores lie in [0, 1]. Scores without bounds do not, nor do most pseudo-values of a statistic."""
    return bool(np.all((scores >= 0) & (scores <= 1)))


def largest_difference(scores: Floats) -> float:
    """The largest difference of two mean scores: 1 where all scores lie in [0, 1], else infinite."""
    return 1.0 if are_within(scores) else math.inf


def wilson(successes: float, n: int, level: float = 0.95) -> tuple[float, float]:
    """Wilson interval of a proportion.

    Args:
        successes: may be fractional (mean of graded scores times n). A score in [0, 1] varies at most as much as a
            right-or-wrong score with the same mean, so the interval is then too wide rather than too narrow.

    Raises: ZeroDivisionError: n is 0.
    """
    z = float(special.ndtri((1 + level) / 2))
    share, weight = successes / n, z * z / n
    middle = (share + weight / 2) / (1 + weight)
    half = z * math.sqrt(share * (1 - share) / n + weight / n / 4) / (1 + weight)
    return max(0.0, middle - half), min(1.0, middle + half)


FEW = 5
"""Smallest number of right (and of wrong) answers for a normal approximation."""


def exact_interval(successes: float, n: int, level: float = 0.95) -> tuple[float, float]:
    """Exact (Clopper-Pearson) interval of a proportion; `successes` as for `wilson`."""
    tail, failures = (1 - level) / 2, n - successes
    low = float(special.betaincinv(successes, failures + 1, tail)) if successes > 0 else 0.0
    return low, float(special.betaincinv(successes + 1, failures, 1 - tail)) if failures > 0 else 1.0


def accuracy_interval(
    scores: Floats, seed_deviation: float, seed_df: float, level: float = 0.95, has_bounds: bool = False
) -> tuple[float, float]:
    """Interval for a configuration's mean score on the population of examples, averaged over seeds; scores in [0, 1]
    give one clipped to [0, 1], and so do others with `has_bounds`, whose mean lies in it all the same.

    Args:
        scores: one row per replicate, shape (m, n).
        seed_deviation, seed_df: pooled standard deviation between replicates and its degrees of freedom (infinite: a
            prior).

    With fewer than `FEW` right or wrong answers it covers the exact interval. Otherwise:
    For one trial: Wilson's interval, for the accuracy of this one adapter, because only the examples vary; Student's
    where scores leave [0, 1]. For several:
    mean +- t times the square root of (variance of the per-example means / n + seed_deviation^2 / m), with t from
    Satterthwaite's degrees of freedom. Assumptions: examples are independent; seeds are independent and equally noisy.
    """
    m, n = scores.shape
    if not are_within(scores):
        low, high = _unbounded_interval(scores, seed_deviation if m > 1 else 0.0, seed_df, level)
        return (max(0.0, low), min(1.0, high)) if has_bounds else (low, high)
    per_example = scores.mean(axis=0)
    right = float(per_example.sum())
    exact = exact_interval(right, n, level) if min(right, n - right) < FEW else (1.0, 0.0)
    if m == 1:
        return wilson(right, n, level) if exact == (1.0, 0.0) else exact
    low, high = wilson(float(per_example.sum()), n, level)  # valid near 0 and 1 too
    mean = float(per_example.mean())
    z = float(special.ndtri(0.5 + level / 2))
    from_examples = float(per_example.var(ddof=1)) / n if n > 1 else 0.25
    from_examples = max(from_examples, ((high - low) / (2 * z)) ** 2 if from_examples == 0 else 0.0)
    from_seeds = seed_deviation**2 / m
    df = satterthwaite((from_examples, from_seeds), (max(n - 1, 1), seed_df))
    half = float(special.stdtrit(min(df, 1e6), 0.5 + level / 2)) * math.sqrt(from_examples + from_seeds)
    return max(0.0, min(mean - half, exact[0])), min(1.0, max(mean + half, exact[1]))


def _unbounded_interval(scores: Floats, seed_deviation: float, seed_df: float, level: float) -> tuple[float, float]:
    m, n = scores.shape
    per_example = scores.mean(axis=0)
    variances = float(per_example.var(ddof=1)) / n if n > 1 else 0.25, seed_deviation**2 / m
    df = satterthwaite(variances, (max(n - 1, 1), seed_df if seed_deviation else max(n - 1, 1)))
    half = float(special.stdtrit(min(df, 1e6), 0.5 + level / 2)) * math.sqrt(sum(variances))
    mean = float(per_example.mean())
    return mean - half, mean + half


def satterthwaite(variances: tuple[float, ...], dfs: tuple[float, ...]) -> float:
    """Degrees of freedom of a sum of independent variance estimates: (sum V)^2 / sum(V^2 / df).

    Source: Satterthwaite 1946 (Biometrics Bulletin 2, 110). Never below the smallest of `dfs`; if all variances are
    zero, the largest of them.
    """
    total = sum(variances)
    if total <= 0:
        return max(dfs)
    below = sum(v**2 / df for v, df in zip(variances, dfs, strict=True))
    return total**2 / below if below > 0 else math.inf
