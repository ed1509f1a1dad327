"""The importance of factors and of interactions, from estimated effects and their covariance.

*Importance* is the variance of the response over the levels tried, minus the variance that noise alone would give. For
effects e of a factor's levels against its control (whose own effect is 0), V = sum (e_l - mean)^2 / (number of levels)
= e' M e, and E[noise] = trace(M S) with S the covariance of the effects. Shares add up to 1 over the factors, and hold
only for the ranges tried. Source: the variance decomposition of fANOVA (Hutter, Hoos, Leyton-Brown 2014, ICML), here
for a design of one factor at a time and with the noise subtracted.

Whether a factor matters at all is not said here: that is for the verdicts on its levels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["FactorVariance", "factor_variances", "spread_matrix"]

Floats = NDArray[np.float64]

RESAMPLINGS = 2000


@dataclass(frozen=True)
class FactorVariance:
    """The importance of one factor.

    Attributes:
        share: share of the variance beyond noise over all factors, in [0, 1].
        rank, rank_interval, first_share: rank among the factors, its 95 % interval over resamplings, and the share of
            resamplings in which it ranks first.
    """

    share: float
    rank: int
    rank_interval: tuple[int, int]
    first_share: float


def spread_matrix(k: int) -> Floats:
    """The matrix M for which e' M e is the variance of (0, e_1, ..., e_k) over its k + 1 levels; shape (k, k)."""
    return np.asarray((np.eye(k) - np.full((k, k), 1 / (k + 1))) / (k + 1))


def factor_variances(
    effect: Floats, covariance: Floats, members: Sequence[NDArray[np.intp]]
) -> tuple[FactorVariance, ...]:
    """The importance of each factor.

    Args:
        effect, covariance: estimates for all levels of all factors, shapes (K,), (K, K).
        members: for each factor, the indices of its levels among the K.
    """
    generator = np.random.Generator(np.random.Philox(key=0))  # normal resamplings with the effects' covariance
    draws = generator.multivariate_normal(effect, covariance, RESAMPLINGS, method="eigh", check_valid="ignore")
    observed, resampled = [], []
    for own in members:
        matrix, block = spread_matrix(len(own)), covariance[np.ix_(own, own)]
        noise = float(np.trace(matrix @ block))
        observed.append(float(effect[own] @ matrix @ effect[own]) - noise)
        # a resampled effect has the noise twice: from the estimate and from the draw
        resampled.append(np.einsum("bi,ij,bj->b", draws[:, own], matrix, draws[:, own]) - 2 * noise)
    values = np.maximum(observed, 0.0)
    total = float(values.sum())
    places = _places(np.array(observed)[None, :])[0]
    resampled_places = _places(np.array(resampled).T)
    low, high = np.quantile(resampled_places, [0.025, 0.975], axis=0, method="nearest")
    return tuple(
        FactorVariance(
            float(values[f]) / total if total > 0 else 0.0,
            int(places[f]),
            (int(low[f]), int(high[f])),
            float(np.mean(resampled_places[:, f] == 1)),
        )
        for f in range(len(members))
    )


def _places(values: Floats) -> NDArray[np.int64]:
    """Rank of each column within its row, 1 for the largest."""
    return np.asarray(np.argsort(np.argsort(-values, axis=1, kind="stable"), axis=1) + 1)
