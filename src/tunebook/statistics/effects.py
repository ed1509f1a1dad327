"""Importance of factors and interactions, from estimated effects and their covariance.

*Importance*: the variance of the response over the levels tried, less what noise alone would give: for effects e of a
factor's levels against its control (the control's own effect is 0) V = sum (e_l - mean)^2 / (number of levels), and
E[noise] = trace(M S) with S the effects' covariance and V = e' M e. Shares add up to 1 over the factors. It holds over
the ranges tried and nowhere else. Source: the variance decomposition of fANOVA (Hutter, Hoos, Leyton-Brown 2014,
ICML), here for a design of one factor at a time, with the noise taken out.

A factor is ranked only when its levels differ beyond noise: Wald's test e' S^-1 e / k against F(k, df), Bonferroni over
the factors, so that in a study without any effect 95 % of the time nothing is ranked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

__all__ = ["FactorVariance", "beyond_noise", "factor_variances", "spread_matrix"]

Floats = NDArray[np.float64]

RESAMPLINGS = 2000
RANKING_ALPHA = 0.05


@dataclass(frozen=True)
class FactorVariance:
    """One factor's part.

    Attributes:
        share: of the variance beyond noise, over all factors; in [0, 1].
        ranked: whether its levels differ beyond noise.
        rank, rank_interval, first_share: place among the factors, its 95 % interval over resamplings, and the share of
            resamplings in which it came first.
    """

    share: float
    ranked: bool
    rank: int
    rank_interval: tuple[int, int]
    first_share: float


def spread_matrix(k: int) -> Floats:
    """M with e' M e the variance of (0, e_1, ..., e_k) over its k + 1 levels; shape (k, k)."""
    return np.asarray((np.eye(k) - np.full((k, k), 1 / (k + 1))) / (k + 1))


def beyond_noise(effect: Floats, covariance: Floats, df: float) -> float:
    """P-value of "all these effects are zero": Wald's statistic against F(k, df)."""
    k = len(effect)
    ridge = 1e-9 * float(np.trace(covariance)) / k
    if ridge <= 0:
        return 1.0
    statistic = float(effect @ np.linalg.solve(covariance + ridge * np.eye(k), effect)) / k
    return float(special.fdtrc(k, min(df, 1e6), statistic))


def factor_variances(
    effect: Floats, covariance: Floats, df: Floats, members: Sequence[NDArray[np.intp]], seed: int = 0
) -> tuple[FactorVariance, ...]:
    """Importance of each factor.

    Args:
        effect, covariance, df: of all levels of all factors, shapes (K,), (K, K), (K,).
        members: for each factor, which of the K levels are its own.
        seed: of the resamplings (normal, with the effects' covariance).
    """
    generator = np.random.Generator(np.random.Philox(key=seed))
    draws = generator.multivariate_normal(effect, covariance, RESAMPLINGS, method="eigh", check_valid="ignore")
    observed, resampled, p_values = [], [], []
    for own in members:
        matrix, block = spread_matrix(len(own)), covariance[np.ix_(own, own)]
        noise = float(np.trace(matrix @ block))
        observed.append(float(effect[own] @ matrix @ effect[own]) - noise)
        # a resampled effect carries the noise twice: once in the estimate, once from the draw
        resampled.append(np.einsum("bi,ij,bj->b", draws[:, own], matrix, draws[:, own]) - 2 * noise)
        p_values.append(beyond_noise(effect[own], block, float(df[own].min())))
    values = np.maximum(observed, 0.0)
    total = float(values.sum())
    places = _places(np.array(observed)[None, :])[0]
    resampled_places = _places(np.array(resampled).T)
    low, high = np.quantile(resampled_places, [0.025, 0.975], axis=0, method="nearest")
    return tuple(
        FactorVariance(
            float(values[f]) / total if total > 0 else 0.0,
            p_values[f] < RANKING_ALPHA / len(members),
            int(places[f]),
            (int(low[f]), int(high[f])),
            float(np.mean(resampled_places[:, f] == 1)),
        )
        for f in range(len(members))
    )


def _places(values: Floats) -> NDArray[np.int64]:
    """Rank of each column in its row, 1 for the largest."""
    return np.asarray(np.argsort(np.argsort(-values, axis=1, kind="stable"), axis=1) + 1)
