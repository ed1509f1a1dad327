"""Where a numeric factor is at its best, and where training breaks.

*Sweet spot*: a quadratic in the factor's own scale (log rate for the learning rate), fitted by generalised least
squares to the effects of the levels that trained; the interval holds every value within the range tried whose fitted
response cannot be told (95 %) from the fitted maximum. *Bracket*: two rates between which training stops working.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

__all__ = ["Bracket", "Fit", "divergence_bracket", "fitted_interval", "tied_levels"]

Floats = NDArray[np.float64]

GRID = 241
LACK_OF_FIT_ALPHA = 0.05
"""A quadratic that the levels contradict at this level is not used."""


@dataclass(frozen=True)
class Fit:
    """An interval on the factor's scale, with the place of the maximum."""

    low: float
    high: float
    best: float


def fitted_interval(x: Floats, effect: Floats, covariance: Floats, df: float) -> Fit | None:
    """The values whose fitted response cannot be told from the maximum.

    Args:
        x: positions of the levels, the control's among them, shape (L,).
        effect, covariance: of the levels against the control (whose own row is zero), shapes (L,), (L, L).
        df: degrees of freedom of the covariance.

    Returns: None with fewer than four levels, or when the quadratic does not fit (chi-squared of the residuals).
    """
    n = len(x)
    if n < 4 or np.ptp(x) <= 0:
        return None
    z = (x - x.mean()) / np.ptp(x)
    # the control's effect is zero by definition: an intercept takes its place, with a vague own variance
    design = np.stack([np.ones(n), z, z**2], axis=1)
    total = covariance + 1e-9 * np.trace(covariance) / n * np.eye(n) + _shared(covariance)
    inverse = np.linalg.inv(total)
    spread = np.linalg.inv(design.T @ inverse @ design)
    beta = spread @ design.T @ inverse @ effect
    residual = effect - design @ beta
    if n > 3 and special.chdtrc(n - 3, float(residual @ inverse @ residual)) < LACK_OF_FIT_ALPHA:
        return None
    return _told_from_maximum(beta, spread, z, x, df)


def _shared(covariance: Floats) -> Floats:
    """A common vague term: only differences between levels count, whichever of them is the control."""
    n = len(covariance)
    return np.full((n, n), float(np.max(np.diag(covariance))))


def _told_from_maximum(beta: Floats, spread: Floats, z: Floats, x: Floats, df: float) -> Fit:
    grid = np.linspace(z.min(), z.max(), GRID)
    curve = np.stack([np.ones(GRID), grid, grid**2], axis=1)
    top = int(np.argmax(curve @ beta))
    below = curve[top] - curve
    se = np.sqrt(np.maximum(np.einsum("gi,ij,gj->g", below, spread, below), 0.0))
    tied = np.flatnonzero(below @ beta <= float(special.stdtrit(min(df, 1e6), 0.975)) * se)
    low, high, best = (float(grid[i]) * np.ptp(x) + x.mean() for i in (tied.min(), tied.max(), top))
    return Fit(max(float(low), float(x.min())), min(float(high), float(x.max())), float(best))


def tied_levels(x: Floats, effect: Floats, covariance: Floats, df: float) -> Fit:
    """Without a fit: the levels that cannot be told from the best of them (95 %, each alone), as an interval."""
    best = int(np.argmax(effect))
    variance = covariance[best, best] + np.diag(covariance) - 2 * covariance[best]
    limit = float(special.stdtrit(min(df, 1e6), 0.975)) * np.sqrt(np.maximum(variance, 0.0))
    tied = x[effect[best] - effect <= limit]
    return Fit(float(tied.min()), float(tied.max()), float(x[best]))


@dataclass(frozen=True)
class Bracket:
    """Between which rates training stops working; `mixed`: some rate between them trained with some seeds only."""

    highest_trained: float
    lowest_failed: float | None
    mixed: bool


def divergence_bracket(tried: Mapping[float, Sequence[bool]]) -> Bracket | None:
    """[highest rate up to which every replicate trained, lowest rate at which the majority did not].

    Args:
        tried: for each rate, whether each replicate trained. All with otherwise equal settings.

    Returns: None when not even the lowest rate trained with every seed.
    """
    trained: float | None = None
    mixed = False
    for rate in sorted(tried):
        results = tried[rate]
        if 2 * sum(results) < len(results):
            return None if trained is None else Bracket(trained, rate, mixed)
        if all(results) and not mixed:
            trained = rate
        else:
            mixed = True
    return None if trained is None or math.isnan(trained) else Bracket(trained, None, mixed)
