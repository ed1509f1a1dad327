"""What twice as many training rows would bring, from a learning curve: a power law with an interval.

Model: result(n) = a + b n^-c, c in [0.05, 2] (Hestness et al., arXiv:1712.00409; Viering, Loog, arXiv:2103.10948). The
points share their examples, so their errors are correlated; seeds (with the draw of the rows) differ by one deviation,
pooled over the points. The interval is from refits to points drawn from these errors; where the points are further from
every such curve than the errors explain, nothing is forecast (decision 093).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import special

from tunebook.core.facts import Floats
from tunebook.core.learning_curve import CurvePoint, Forecast

__all__ = ["forecast"]

EXPONENTS = np.linspace(0.05, 2.0, 40)
FEWEST_POINTS = 4
DRAWS = 2000
MISFIT_LEVEL = 0.01
SMALLEST_DEVIATION = 1e-6


def forecast(points: Sequence[CurvePoint], n_train: int | None = None) -> Forecast:
    """The forecast for twice the study's training rows, of which it has `n_train`; default: the most of the points.

    Until the whole is measured nothing is forecast: after an interruption the largest part is not all rows.
    """
    most = max(point.rows for point in points)
    rows = max(most, n_train or 0)
    by_rows: dict[int, list[CurvePoint]] = {}
    for point in points:
        by_rows.setdefault(point.rows, []).append(point)
    groups = [by_rows[rows] for rows in sorted(by_rows)]
    missing = len(groups) < FEWEST_POINTS or most < rows or min(map(len, groups)) < 2
    if missing or any(p.state != "completed" for p in points):
        return Forecast(rows=rows, why_not="few")
    x = np.array([group[0].rows / most for group in groups])
    scores = [np.array([point.scores for point in group]) for group in groups]
    y = np.array([of.mean() for of in scores])
    examples, seeds, degrees = _errors(scores)
    whitened = np.linalg.inv(np.linalg.cholesky(examples + seeds))
    gain, misfit = _gains(x, y[:, None], whitened)
    if special.fdtrc(1, degrees, misfit[0]) < MISFIT_LEVEL:
        return Forecast(rows=rows, why_not="misfit")
    generator = np.random.default_rng(0)
    noise = np.linalg.cholesky(examples + SMALLEST_DEVIATION**2 * np.eye(len(y))) @ generator.standard_normal(
        (len(y), DRAWS)
    )
    wide = np.sqrt(degrees / generator.chisquare(degrees, DRAWS))  # few seeds: Student's t
    noise += np.sqrt(np.diag(seeds))[:, None] * generator.standard_normal((len(y), DRAWS)) * wide
    drawn, _ = _gains(x, y[:, None] + noise, whitened)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Forecast(rows=rows, gain=float(gain[0]), interval=(float(low), float(high)))


def _errors(scores: Sequence[Floats]) -> tuple[Floats, Floats, int]:
    """Covariances of the points' means, from the examples, which they share, and from the seeds beyond what the
    examples explain; and the seeds' degrees of freedom."""
    n = scores[0].shape[1]
    examples = np.atleast_2d(np.cov(np.array([of.mean(axis=0) for of in scores]))) / n
    degrees = sum(len(of) - 1 for of in scores)
    squares = sum(float(((of.mean(axis=1) - of.mean()) ** 2).sum()) for of in scores)
    of_examples = sum(float(((of - of.mean(axis=0)) ** 2).sum()) for of in scores) / n**2
    deviation_squared = max((squares - of_examples) / degrees, SMALLEST_DEVIATION**2)
    return examples, np.diag([deviation_squared / len(of) for of in scores]), degrees


def _gains(x: Floats, y_MK: Floats, whitened: Floats) -> tuple[Floats, Floats]:
    """For K sets of M points the gain of doubling by the best power law, and the squared distance of the points from
    it in their errors; generalised least squares for each exponent."""
    least = np.full(y_MK.shape[1], np.inf)
    gains = np.zeros(y_MK.shape[1])
    for c in EXPONENTS:
        design = whitened @ np.column_stack([np.ones(len(x)), x**-c])
        found = np.linalg.lstsq(design, whitened @ y_MK, rcond=None)[0]
        away = ((whitened @ y_MK - design @ found) ** 2).sum(axis=0)
        better = away < least
        least = np.where(better, away, least)
        gains = np.where(better, found[1] * (2**-c - 1), gains)
    return gains, least
