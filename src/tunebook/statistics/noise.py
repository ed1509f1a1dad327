"""The noise between seeds: how much the same settings differ when only the seed changes.

The pooled standard deviation of replicates' mean scores, over every configuration with at least two that trained.
It holds everything that a new seed changes: the shift common to all examples and the chance on single examples.

Assumption: all configurations are equally noisy. It is checked: a configuration whose replicates differ more than the
others' by an F test (Bonferroni over the configurations) is taken out of the pool and judged by its own noise.
Source: Bouthillier et al. 2021, "Accounting for variance in machine learning benchmarks" (arXiv:2103.03098); Miller
2024 (arXiv:2411.00640).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import special

__all__ = [
    "PROVISIONAL_DF",
    "SEED_DEVIATION_PRIOR",
    "SeedNoise",
    "pooled_covariance",
]

Floats = NDArray[np.float64]

SEED_DEVIATION_PRIOR = 0.02
"""Standard deviation of accuracy between seeds that is assumed where a study has no replicates: 2 points, on purpose
more than most fine-tunes show (that LoRA fine-tunes do vary by seed: Zhou, Savova, Wang 2025, arXiv:2503.07329)."""

UNEQUAL_ALPHA = 0.05
"""Error rate of the test by which a configuration is set apart as noisier than the others."""

PROVISIONAL_DF = 4
"""With fewer degrees of freedom than this for the noise, findings are provisional; the prior is worth as many."""


@dataclass(frozen=True)
class SeedNoise:
    """A pooled noise: variance(s) between replicates and the degrees of freedom they rest on (0: the stated prior).

    Attributes:
        covariance: shape (G, G): for the plain accuracy G is 1; for accuracies by group G is the number of groups.
        own: by name, the configurations that are noisier than the pool, with their own covariance and degrees of
            freedom.
        prior: variance that stands in for missing degrees of freedom; None: nothing does.
    """

    covariance: Floats
    df: float
    from_prior: bool = False
    own: Mapping[str, tuple[Floats, float]] = field(default_factory=dict)
    prior: float | None = None

    @property
    def deviation(self) -> float:
        return math.sqrt(float(self.covariance[0, 0]))

    @property
    def assumed(self) -> tuple[Floats, float]:
        """What intervals are computed with: the covariance and its degrees of freedom.

        The measured ones from four degrees of freedom on. Below, the stated prior fills up to four: two seeds that
        happen to agree would otherwise count as a noise of zero. (A scaled inverse chi-squared prior.)
        """
        missing = PROVISIONAL_DF - self.df
        if missing <= 0 or self.prior is None:
            return self.covariance, max(self.df, 1.0)
        prior = self.prior * np.eye(len(self.covariance))
        return (self.df * self.covariance + missing * prior) / PROVISIONAL_DF, float(PROVISIONAL_DF)

    @property
    def effective_df(self) -> float:
        """What Satterthwaite's formula is given."""
        return self.assumed[1]

    @property
    def assumed_deviation(self) -> float:
        """Root of the first of the assumed variances."""
        return math.sqrt(float(self.assumed[0][0, 0]))

    def of(self, name: str) -> tuple[float, float]:
        """Deviation and degrees of freedom by which one configuration's accuracy is judged: its own where it is noisier
        than the others."""
        if name not in self.own:
            return self.assumed_deviation, self.effective_df
        covariance, df = self.own[name]
        return math.sqrt(float(covariance[0, 0])), df

    @property
    def provisional(self) -> bool:
        return self.from_prior or self.df < PROVISIONAL_DF


def pooled_covariance(
    groups: Mapping[str, Floats] | Iterable[Floats], prior: float | None = SEED_DEVIATION_PRIOR**2
) -> SeedNoise:
    """The noise of one or several quantities of each replicate, with degrees of freedom.

    Groups of shape (m, G) give a (G, G) covariance: the sum of squares within configurations over the sum of
    (replicates - 1).

    Args:
        groups: the replicates of each configuration; by name, those that are much noisier are set apart.
        prior: variance of each quantity that is used when no configuration has two replicates, and that fills up to
            four degrees of freedom; None: there is none (losses have no natural scale).
    """
    named = groups if isinstance(groups, Mapping) else {str(i): values for i, values in enumerate(groups)}
    repeated = {name: values for name, values in named.items() if len(values) > 1}
    if not repeated:
        size = next((values.shape[1] for values in named.values()), 1)
        return SeedNoise((prior or 0.0) * np.eye(size), 0.0, True, prior=prior)
    squares = {name: _squares(values) for name, values in repeated.items()}
    dfs = {name: len(values) - 1.0 for name, values in repeated.items()}
    noisy = _noisier({name: float(np.trace(each)) for name, each in squares.items()}, dfs)
    if not isinstance(groups, Mapping):
        noisy = frozenset()
    pool = [name for name in repeated if name not in noisy]
    df = sum(dfs[name] for name in pool)
    own = {name: (squares[name] / dfs[name], dfs[name]) for name in sorted(noisy)}
    return SeedNoise(np.asarray(sum(squares[name] for name in pool) / df), df, own=own, prior=prior)


def _squares(values: Floats) -> Floats:
    centred = values - values.mean(axis=0)
    return np.asarray(centred.T @ centred)


def _noisier(squares: Mapping[str, float], dfs: Mapping[str, float]) -> frozenset[str]:
    """Those whose variance exceeds that of all others together by a one-sided F test, Bonferroni over the names."""
    total, total_df = sum(squares.values()), sum(dfs.values())
    found = set()
    for name, own in squares.items():
        rest, rest_df = total - own, total_df - dfs[name]
        if rest_df < PROVISIONAL_DF or rest <= 0:
            continue
        ratio = (own / dfs[name]) / (rest / rest_df)
        if special.fdtrc(dfs[name], rest_df, ratio) * len(squares) < UNEQUAL_ALPHA:
            found.add(name)
    return frozenset(found) if len(found) < len(squares) else frozenset()
