"""Simultaneous inference by max-t: adjusted p-values and intervals of a family from one distribution.

The family's statistics T_k = estimate_k / standard error_k are multivariate t with a known correlation matrix (the
correlations of the outcomes). The adjusted p-value of a statistic t is P(max_k |T_k| >= |t|), and the critical value is
the t at which that probability equals the error rate, so p-value, interval and verdict always agree.

Source: Dunnett 1955 (J. Am. Stat. Assoc. 50, 1096); Hothorn, Bretz, Westfall 2008 (Biometrical Journal 50, 346); for
contrasts with unequal degrees of freedom Hasler, Hothorn 2008 (Biometrical Journal 50, 793): every contrast is compared
with the multivariate t with its own degrees of freedom (decision 035).

Computation (decision 034): with Z = R U, U uniform on the sphere and R^2 chi-squared, the maximum is R times m(U), and
R/S has a scaled F distribution. Only the direction has to be sampled: P = E[ sf_F(t^2 / (K m^2); K, df) ]. The
directions are a lattice with a fixed random shift (decision 126), so the same input gives the same answer. The relative
error is about 1 % for p near 0.01 and 5 % near 0.0005, for any number of contrasts.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

__all__ = ["MaxT"]

Floats = NDArray[np.float64]

LATTICE, LATTICE_OF_MANY = (16381, 14144), (8191, 4868)
"""Points and generator of Korobov lattices: a prime number of directions, and the primitive root of it that had the
smallest error of some. The second for more than `MANY` contrasts, which need fewer for the same accuracy."""
MANY = 40
MAX_DF = 1e6
"""Degrees of freedom from which on they count as infinite."""
DF_STEP = 1.005
"""Ratio of the grid that degrees of freedom are rounded down to, so that nearly equal ones are computed once."""
JITTER = 1e-9
"""Added to the diagonal of the correlation matrix, because a family may have contrasts that are sums of others."""
ROOT_STEPS = 60
TOLERANCE = 1e-10
"""Tolerance of log p at the critical value."""


class MaxT:
    """The distribution of the largest statistic in a family.

    Args:
        correlation: correlation of the estimates, shape (K, K); may be rank-deficient.
        two_sided: which contrasts are two-sided, shape (K,); the others count only if large and positive. None: all
            are.

    Assumption: the estimates are jointly normal; the standard errors are independent of them and have scaled chi
    distributions. Cost: a few milliseconds for 20 contrasts.
    """

    def __init__(self, correlation: ArrayLike, two_sided: ArrayLike | None = None) -> None:
        matrix = np.atleast_2d(np.asarray(correlation, dtype=np.float64))
        self.size = len(matrix)
        self._two_sided = np.ones(self.size, bool) if two_sided is None else np.asarray(two_sided, dtype=bool)
        self._n_sides = float(np.where(self._two_sided, 2, 1).sum())
        self._reach, self._weight = _compressed(self._furthest(matrix)) if self.size > 1 else (np.ones(1), np.ones(1))

    def p_values(self, t: ArrayLike, df: ArrayLike) -> Floats:
        """Adjusted p-values: P(maximum >= t) for each statistic, shape (K,).

        Two-sided contrasts use |t|. Never below the single contrast's own p-value, never above Bonferroni's.
        """
        t, df = np.asarray(t, dtype=np.float64), _grid(np.broadcast_to(np.asarray(df, dtype=np.float64), np.shape(t)))
        t = np.where(self._two_sided, np.abs(t), t)
        return self._tail(t, df, self._two_sided)

    def critical(self, alpha: float, df: ArrayLike) -> Floats:
        """The value that the maximum exceeds with probability `alpha`, for each contrast's degrees of freedom; shape
        (K,)."""
        df = _grid(np.broadcast_to(np.asarray(df, dtype=np.float64), (self.size,)))
        cases, back = np.unique(np.stack([df, self._two_sided]), axis=1, return_inverse=True)
        return np.asarray(self._solve(alpha, cases[0], cases[1].astype(bool))[back.ravel()])

    def _furthest(self, correlation: Floats) -> Floats:
        """For each sampled direction, the largest component of a unit step, m(U); shape (directions,)."""
        factor = np.linalg.cholesky(correlation + JITTER * np.eye(self.size))
        steps = _directions(self.size) @ factor.T
        np.abs(steps, out=steps, where=self._two_sided)
        return np.asarray(steps.max(axis=1))

    def _tail(self, t: Floats, df: Floats, two_sided: NDArray[np.bool_]) -> Floats:
        raw = np.where(two_sided, 2.0, 1.0) * special.stdtr(df, -t)
        if self.size == 1:
            return np.asarray(raw)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = (t[:, None] / self._reach) ** 2
        # survival function of F(K, df) at ratio/K, as an incomplete beta function
        beyond = special.betainc(df[:, None] / 2, self.size / 2, df[:, None] / (df[:, None] + ratio))
        forward = np.where(t[:, None] > 0, beyond, 1.0)
        backward = np.where(t[:, None] < 0, 1.0 - beyond, 0.0)
        total = np.where(self._reach > 0, forward, backward) @ self._weight
        bonferroni = self._n_sides * raw / np.where(two_sided, 2.0, 1.0)
        return np.clip(total, raw, np.minimum(1.0, bonferroni))

    def _solve(self, alpha: float, df: Floats, two_sided: NDArray[np.bool_]) -> Floats:
        """The critical values, by secant steps on log p for all cases together, kept by bisection between the
        unadjusted and Bonferroni's value."""
        sides = np.where(two_sided, 2.0, 1.0)
        low = -special.stdtrit(df, alpha / sides)
        high = -special.stdtrit(df, alpha / self._n_sides)
        if self.size == 1:
            return np.asarray(low)
        target = math.log(alpha)
        old, f_old = low, np.log(self._tail(low, df, two_sided)) - target
        middle, value = high, np.log(self._tail(high, df, two_sided)) - target
        for _ in range(ROOT_STEPS):
            if np.all(np.abs(value) < TOLERANCE):
                break
            above = value > 0
            low, high = np.where(above, middle, low), np.where(above, high, middle)
            with np.errstate(divide="ignore", invalid="ignore"):
                new = middle - value * (middle - old) / (value - f_old)
            inside = (low <= new) & (new <= high)
            old, f_old = middle, value
            middle = np.where(np.abs(value) < TOLERANCE, middle, np.where(inside, new, (low + high) / 2))
            value = np.log(self._tail(middle, df, two_sided)) - target
        return np.asarray(middle)


@lru_cache(maxsize=16)
def _directions(dimension: int) -> Floats:
    """Points on the unit sphere, shape (directions, dimension), from a lattice with a fixed random shift."""
    n, generator = LATTICE if dimension <= MANY else LATTICE_OF_MANY
    steps = np.array([pow(generator, power, n) for power in range(dimension)])
    shift = np.random.Generator(np.random.Philox(key=20240817)).random(dimension)
    uniform = (np.arange(n)[:, None] * steps % n / n + shift) % 1.0
    normal = special.ndtri(np.clip(uniform, 1e-12, 1 - 1e-12))
    return np.asarray(normal / np.linalg.norm(normal, axis=1, keepdims=True))


def _compressed(values: Floats) -> tuple[Floats, Floats]:
    """About 95 weighted values that represent all; finely spaced at the top, where small p-values come from."""
    descending = np.sort(values)[::-1]
    edges = np.unique(np.concatenate([np.arange(0, 16), np.geomspace(16, len(values), 80).astype(int)]))
    counts = np.diff(edges)
    return np.add.reduceat(descending, edges[:-1]) / counts, counts / len(values)


def _grid(df: Floats) -> Floats:
    """Degrees of freedom rounded down to powers of `DF_STEP`, at least 1."""
    df = np.clip(df, 1.0, MAX_DF)
    return np.asarray(DF_STEP ** np.floor(np.log(df) / math.log(DF_STEP) + 1e-9))
