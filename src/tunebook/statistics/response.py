"""The range in which a numeric factor is at its best, and the rates between which training breaks.

*Sweet spot*: a quadratic on the factor's scale (log rate for the learning rate) is fitted by generalised least squares
to the effects of the levels that trained. The interval holds every value in the range tried whose fitted response
cannot be told (95 %) from the fitted maximum. *Bracket*: two learning rates between which training stops working.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

__all__ = ["Bracket", "Fit", "chance_to_train", "divergence_bracket", "fitted_interval", "tied_levels"]

Floats = NDArray[np.float64]

GRID = 241
LACK_OF_FIT_ALPHA = 0.05
"""Error rate of the test of fit; a quadratic that the levels contradict is not used."""

SPREADS = (0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.45)
"""Possible standard deviations of the log rate at which single seeds break, equally likely a priori."""
END_ERROR = 0.03
"""Largest allowed probability that the breaking rate lies beyond an end of the bracket."""
PRIOR_REACH = 10.0
"""Factor by which the search for the breaking rate goes beyond the rates tried."""
BREAK_GRID = 401


@dataclass(frozen=True)
class Fit:
    """An interval on the factor's scale, with the position of the maximum."""

    low: float
    high: float
    best: float


def fitted_interval(x: Floats, effect: Floats, covariance: Floats, critical: float) -> Fit | None:
    """The values whose fitted response cannot be told from the maximum.

    Args:
        x: positions of the levels, including the control's, shape (L,).
        effect, covariance: of the levels against the control (whose own row is zero), shapes (L,), (L, L).
        critical: critical value in standard errors: that of the verdicts, so that interval and verdicts agree.

    Returns: None with fewer than four levels, or if the quadratic does not fit (chi-squared test of the residuals).
    """
    n = len(x)
    if n < 4 or np.ptp(x) <= 0:
        return None
    z = (x - x.mean()) / np.ptp(x)
    # the control's effect is zero by definition, so an intercept with a large variance represents it
    design = np.stack([np.ones(n), z, z**2], axis=1)
    total = covariance + 1e-9 * np.trace(covariance) / n * np.eye(n) + _shared(covariance)
    inverse = np.linalg.inv(total)
    spread = np.linalg.inv(design.T @ inverse @ design)
    beta = spread @ design.T @ inverse @ effect
    residual = effect - design @ beta
    if n > 3 and special.chdtrc(n - 3, float(residual @ inverse @ residual)) < LACK_OF_FIT_ALPHA:
        return None
    return _near_maximum(beta, spread, z, x, critical)


def _shared(covariance: Floats) -> Floats:
    """A large variance common to all levels: only differences between levels then count, whichever of them is the
    control."""
    n = len(covariance)
    return np.full((n, n), float(np.max(np.diag(covariance))))


def _near_maximum(beta: Floats, spread: Floats, z: Floats, x: Floats, critical: float) -> Fit:
    grid = np.linspace(z.min(), z.max(), GRID)
    curve = np.stack([np.ones(GRID), grid, grid**2], axis=1)
    top = int(np.argmax(curve @ beta))
    below = curve[top] - curve
    se = np.sqrt(np.maximum(np.einsum("gi,ij,gj->g", below, spread, below), 0.0))
    tied = np.flatnonzero(below @ beta <= critical * se)
    low, high, best = (float(grid[i]) * np.ptp(x) + x.mean() for i in (tied.min(), tied.max(), top))
    return Fit(max(float(low), float(x.min())), min(float(high), float(x.max())), float(best))


def tied_levels(x: Floats, effect: Floats, covariance: Floats, critical: float) -> Fit:
    """Without a fit: the levels that cannot be told from the best of them, as an interval. Arguments as above."""
    best = int(np.argmax(effect))
    variance = covariance[best, best] + np.diag(covariance) - 2 * covariance[best]
    tied = x[effect[best] - effect <= critical * np.sqrt(np.maximum(variance, 0.0))]
    return Fit(float(tied.min()), float(tied.max()), float(x[best]))


@dataclass(frozen=True, kw_only=True)
class Bracket:
    """The learning rates between which training stops working.

    Attributes:
        highest_trained, lowest_failed: the ends of the bracket: raw ends, or the next tried rate outwards if a raw end
            is not certain; None: not known.
        raw_trained, raw_failed: the highest rate up to which every replicate trained, and the lowest at which most did
            not, even if there were few.
        mixed: rates between the raw ends: only some of their replicates trained, or replicates at lower rates broke.
        unsure: raw ends supported by too few replicates, the one with the fewest first.
    """

    highest_trained: float | None
    lowest_failed: float | None
    raw_trained: float | None
    raw_failed: float | None
    mixed: tuple[float, ...] = ()
    unsure: tuple[float, ...] = ()


def divergence_bracket(tried: Mapping[float, Sequence[bool]]) -> Bracket:
    """The interval from the highest rate up to which every replicate trained to the lowest rate at which most did not,
    widened until both ends are certain.

    Args:
        tried: for each rate, whether each replicate trained, all with otherwise equal settings.

    Two replicates can easily train above the breaking rate when seeds break at different rates. So each raw end is
    tested against all results (decision 022). The model: the probability of breaking is a probit function of the log
    rate, with an unknown middle (flat prior) and a spread between seeds that is one of `SPREADS`. The middle may lie
    beyond the end with a probability of at most `END_ERROR`; otherwise the end moves outwards to the next tried rate
    for which this holds, or to the outermost rate of its kind.
    """
    raw_trained, raw_failed, mixed = _raw_ends(tried)
    if raw_trained is None and raw_failed is None:
        return Bracket(highest_trained=None, lowest_failed=None, raw_trained=None, raw_failed=None, mixed=mixed)
    centre, weight = _break_rate(tried)
    below = {rate: float(weight[centre < math.log(rate)].sum()) for rate in tried}
    trained = [r for r in tried if raw_trained is not None and r <= raw_trained and 2 * sum(tried[r]) >= len(tried[r])]
    failed = [r for r in tried if raw_failed is not None and r >= raw_failed and 2 * sum(tried[r]) < len(tried[r])]
    low = max((r for r in trained if below[r] <= END_ERROR), default=min(trained, default=None))
    high = min((r for r in failed if below[r] >= 1 - END_ERROR), default=max(failed, default=None))
    unsure = [
        end
        for end, beyond in ((raw_trained, 0.0), (raw_failed, 1.0))
        if end is not None and abs(below[end] - beyond) > END_ERROR
    ]
    unsure.sort(key=lambda end: len(tried[end]))
    return Bracket(
        highest_trained=low,
        lowest_failed=high,
        raw_trained=raw_trained,
        raw_failed=raw_failed,
        mixed=mixed,
        unsure=tuple(unsure),
    )


def _raw_ends(tried: Mapping[float, Sequence[bool]]) -> tuple[float | None, float | None, tuple[float, ...]]:
    trained: float | None = None
    mixed: list[float] = []
    for rate in sorted(tried):
        results = tried[rate]
        if 2 * sum(results) < len(results):
            return trained, rate, tuple(mixed)
        if all(results) and not mixed:
            trained = rate
        else:
            mixed.append(rate)
    return trained, None, tuple(mixed)


def chance_to_train(tried: Mapping[float, Sequence[bool]], log_rates: Floats) -> Floats:
    """The probability that a trial trains at each of some learning rates, by the model of `divergence_bracket`.

    Args:
        tried: for each rate, whether each trial trained, whatever its other settings; empty: nothing is known to break.
        log_rates: natural logarithms of the rates, (m,).
    """
    if not tried:
        return np.ones(len(log_rates))
    centre, weights = _break_rates(tried)
    trains = special.ndtr((centre[None, :, None] - log_rates) / np.array(SPREADS)[:, None, None])
    result: Floats = np.einsum("sc,scm->m", weights, trains)
    return result


def _break_rate(tried: Mapping[float, Sequence[bool]]) -> tuple[Floats, Floats]:
    """The distribution of the rate at which half of the seeds break, whatever the spread: log rates and their
    probabilities, each of shape (GRID,)."""
    centre, weights = _break_rates(tried)
    return centre, weights.sum(axis=0)


def _break_rates(tried: Mapping[float, Sequence[bool]]) -> tuple[Floats, Floats]:
    """Log rates at which half of the seeds may break, (GRID,), and the probability of each with each spread,
    (SPREADS, GRID)."""
    edge = math.log(PRIOR_REACH)
    centre = np.linspace(math.log(min(tried)) - edge, math.log(max(tried)) + edge, BREAK_GRID)
    spread = np.array(SPREADS)[:, None]
    log_likelihood = np.zeros((len(SPREADS), BREAK_GRID))
    for rate, results in tried.items():
        z = (centre - math.log(rate)) / spread
        n_trained = sum(results)
        log_likelihood += n_trained * special.log_ndtr(z) + (len(results) - n_trained) * special.log_ndtr(-z)
    weights = np.exp(log_likelihood - log_likelihood.max())
    return centre, weights / weights.sum()
