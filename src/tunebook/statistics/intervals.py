"""Intervals for the accuracy of one configuration.

Source: Wilson 1927 (J. Am. Stat. Assoc. 22, 209), recommended for all n by Brown, Cai, DasGupta 2001 (Statistical
Science 16, 101); with several seeds Miller 2024, "Adding error bars to evals", plus the seed's own variance.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import special
from statsmodels.stats.proportion import proportion_confint

__all__ = ["accuracy_interval", "satterthwaite", "wilson"]

Floats = NDArray[np.float64]


def wilson(successes: float, n: int, level: float = 0.95) -> tuple[float, float]:
    """Wilson interval of a proportion.

    Args:
        successes: may be fractional (mean of graded scores times n): a score in [0, 1] varies at most as much as a
            right-or-wrong one of the same mean, so that the interval is then too wide rather than too narrow.

    Raises: ZeroDivisionError: n is 0.
    """
    low, high = proportion_confint(successes, n, alpha=1 - level, method="wilson")
    return max(0.0, float(low)), min(1.0, float(high))


def accuracy_interval(
    scores: Floats, seed_deviation: float, seed_df: float, level: float = 0.95
) -> tuple[float, float]:
    """Interval for a configuration's accuracy on the population of examples, averaged over seeds.

    Args:
        scores: one row a replicate, shape (m, n), in [0, 1].
        seed_deviation, seed_df: pooled deviation between replicates and its degrees of freedom (infinite: a prior).

    One trial: Wilson's interval (only the examples vary: it is the accuracy of this adapter). Several: mean +- t times
    the root of (variance of the per-example means / n + seed_deviation^2 / m), t from Satterthwaite's degrees of
    freedom. Assumption: examples independent, seeds independent and equally noisy. Clipped to [0, 1].
    """
    m, n = scores.shape
    if m == 1:
        return wilson(float(scores.sum()), n, level)
    per_example = scores.mean(axis=0)
    low, high = wilson(float(per_example.sum()), n, level)  # keeps its shape near 0 and 1
    mean = float(per_example.mean())
    z = float(special.ndtri(0.5 + level / 2))
    from_examples = float(per_example.var(ddof=1)) / n if n > 1 else 0.25
    from_examples = max(from_examples, ((high - low) / (2 * z)) ** 2 if from_examples == 0 else 0.0)
    from_seeds = seed_deviation**2 / m
    df = satterthwaite((from_examples, from_seeds), (max(n - 1, 1), seed_df))
    half = float(special.stdtrit(min(df, 1e6), 0.5 + level / 2)) * math.sqrt(from_examples + from_seeds)
    return max(0.0, mean - half), min(1.0, mean + half)


def satterthwaite(variances: tuple[float, ...], dfs: tuple[float, ...]) -> float:
    """Degrees of freedom of a sum of independent variance estimates: (sum V)^2 / sum(V^2 / df).

    Source: Satterthwaite 1946 (Biometrics Bulletin 2, 110). Never below the smallest of the dfs; variances that are
    all zero give the largest.
    """
    total = sum(variances)
    if total <= 0:
        return max(dfs)
    below = sum(v**2 / df for v, df in zip(variances, dfs, strict=True))
    return total**2 / below if below > 0 else math.inf
