"""The seed noise: how much results differ when only the seed changes.

It is the pooled standard deviation of the replicates' mean scores, over every configuration with at least two that
trained. It covers everything that a new seed changes: the shift common to all examples and the noise on single
examples.

Assumption: all configurations are equally noisy. This is checked twice. A configuration whose replicates differ more
than the others' by an F test (Bonferroni over the configurations) is taken out of the pool and judged by its own noise
(decision 031). And where the variances of the rest are still spread more than equal noise explains, or several stand
out, all are pooled with the degrees of freedom that so uneven a pool is worth, and each configuration above the pool is
judged by its own noise (decision 108): most questions then stay open. What neither check finds with two seeds is held
by a third rule: a configuration whose replicates differ more than the pool counts with their own variance, never with
less than the pool's (decision 119). Source: Bouthillier et al. 2021, "Accounting for
variance in machine learning benchmarks" (arXiv:2103.03098); Miller 2024 (arXiv:2411.00640).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

__all__ = [
    "PROVISIONAL_DF",
    "SEED_DEVIATION_PRIOR",
    "SeedNoise",
    "answer_variance",
    "expected_excess",
    "pooled_covariance",
]

Floats = NDArray[np.float64]

SEED_DEVIATION_PRIOR = 0.02
"""Standard deviation of accuracy between seeds that is assumed when a study has no replicates: 2 points, deliberately
more than most fine-tunes show (for how LoRA fine-tunes vary by seed: Zhou, Savova, Wang 2025, arXiv:2503.07329)."""

UNEQUAL_ALPHA = 0.05
"""Error rate of the test for a configuration that is noisier than the others."""

UNEVEN_ALPHA = 0.05
"""Error rate of the test whether all configurations are equally noisy."""
UNEVEN_DF = 8
"""With fewer degrees of freedom nothing can be said about it."""
UNEVEN_DRAWS = 4000

PROVISIONAL_DF = 4
"""Findings are provisional if the noise has fewer degrees of freedom than this; the prior counts as this many."""


@dataclass(frozen=True)
class SeedNoise:
    """A pooled seed noise: the (co)variance between replicates and its degrees of freedom (0: the prior).

    Attributes:
        covariance: shape (G, G); G is 1 for the overall accuracy, and the number of groups for accuracies by group.
        own: the configurations that are noisier than the pool, by name, with their own covariance and degrees of
            freedom.
        prior: variance used for missing degrees of freedom; None: no prior.
        uneven_df: what the degrees of freedom are worth where the noise is uneven; None: it is not.
        above: of the configurations whose replicates differ more than the pool, though not beyond chance, how many
            times its variance theirs is.
        from_answers: of each variance the part that is the chance on single answers (`answer_variance` over the number
            of examples), shape (G,); empty: not known.
    """

    covariance: Floats
    df: float
    _: KW_ONLY
    from_prior: bool = False
    own: Mapping[str, tuple[Floats, float]] = field(default_factory=dict)
    prior: float | None = None
    uneven_df: float | None = None
    above: Mapping[str, float] = field(default_factory=dict)
    from_answers: tuple[float, ...] = ()

    @property
    def deviation(self) -> float:
        return math.sqrt(float(self.covariance[0, 0]))

    @property
    def assumed(self) -> tuple[Floats, float]:
        """The covariance and the degrees of freedom that intervals are computed with.

        From four degrees of freedom on these are the measured ones. With fewer, the prior (scaled inverse chi-squared)
        fills up to four, because two seeds that happen to agree would otherwise count as a noise of zero.
        """
        missing = PROVISIONAL_DF - self.df
        if missing <= 0 or self.prior is None:
            return self.covariance, max(self.df if self.uneven_df is None else self.uneven_df, 1.0)
        prior = self.prior * np.eye(len(self.covariance))
        return (self.df * self.covariance + missing * prior) / PROVISIONAL_DF, float(PROVISIONAL_DF)

    @property
    def effective_df(self) -> float:
        """The degrees of freedom for Satterthwaite's formula."""
        return self.assumed[1]

    @property
    def assumed_deviation(self) -> float:
        """Square root of the first assumed variance."""
        return math.sqrt(float(self.assumed[0][0, 0]))

    def of(self, name: str) -> tuple[float, float]:
        """Standard deviation and degrees of freedom for judging one configuration's accuracy: its own if it is noisier
        than the others, else the pooled ones, with its own deviation where that is above the pool's."""
        if name not in self.own:
            return self.assumed_deviation * math.sqrt(self.above.get(name, 1.0)), self.effective_df
        covariance, df = self.own[name]
        return math.sqrt(float(covariance[0, 0])), df

    @property
    def provisional(self) -> bool:
        return self.from_prior or self.df < PROVISIONAL_DF


def pooled_covariance(
    groups: Mapping[str, Floats] | Iterable[Floats], prior: float | None = SEED_DEVIATION_PRIOR**2
) -> SeedNoise:
    """The pooled covariance between replicates of one or several quantities, with degrees of freedom.

    Groups of shape (m, G) give a (G, G) covariance: the sum of squares within configurations divided by the sum of
    (replicates - 1).

    Args:
        groups: the replicates of each configuration. If they are given by name, configurations that are much noisier
            are kept out of the pool.
        prior: variance of each quantity that is assumed for missing degrees of freedom, up to four; None: no prior
            (losses have no natural scale).
    """
    named = groups if isinstance(groups, Mapping) else {str(i): values for i, values in enumerate(groups)}
    repeated = {name: values for name, values in named.items() if len(values) > 1}
    if not repeated:
        size = next((values.shape[1] for values in named.values()), 1)
        return SeedNoise((prior or 0.0) * np.eye(size), 0.0, from_prior=True, prior=prior)
    squares = {name: _squares(values) for name, values in repeated.items()}
    dfs = {name: len(values) - 1.0 for name, values in repeated.items()}
    if not isinstance(groups, Mapping):
        df = sum(dfs.values())
        return SeedNoise(np.asarray(sum(squares.values()) / df), df, prior=prior)
    totals = {name: float(np.trace(each)) for name, each in squares.items()}
    apart = _noisier(totals, dfs)
    rest = [name for name in repeated if len(apart) != 1 or name not in apart]
    uneven_df = _uneven_df({n: totals[n] for n in rest}, {n: dfs[n] for n in rest})
    by_itself = apart if uneven_df is None else frozenset(_above_the_pool(totals, dfs))
    pool = [name for name in repeated if name not in by_itself or uneven_df is not None]
    df = sum(dfs[name] for name in pool)
    own = {name: (squares[name] / dfs[name], dfs[name]) for name in sorted(by_itself)}
    covariance = np.asarray(sum(squares[name] for name in pool) / df)
    above: dict[str, float] = {}
    if uneven_df is None and df >= PROVISIONAL_DF:
        above = _above_the_pool({n: totals[n] for n in pool}, {n: dfs[n] for n in pool})
    return SeedNoise(covariance, df, own=own, prior=prior, uneven_df=uneven_df, above=above)


def _uneven_df(squares: Mapping[str, float], dfs: Mapping[str, float]) -> float | None:
    """The degrees of freedom of the pool where its variances are spread more than equal noise explains: (sum of df x
    variance)^2 over the sum of df x variance^2 (Box 1954, Annals of Mathematical Statistics 25, 290); else None."""
    total, df = sum(squares.values()), np.array(list(dfs.values()))
    if df.sum() < UNEVEN_DF or total <= 0:
        return None
    concentration = sum(each**2 for each in squares.values()) / total**2
    if concentration < _usual_concentration(tuple(sorted(df.tolist()))):
        return None
    return total**2 / sum(squares[name] ** 2 / dfs[name] for name in squares)


def answer_variance(residuals: Floats, df: float) -> float:
    """The variance of a single score between seeds, the seed's shift of all examples taken out; 0 where nothing tells.

    Args:
        residuals: scores less what the settings give for each example, shape (trials, n).
        df: degrees of freedom of a column of residuals.
    """
    n = residuals.shape[1] if residuals.size else 0
    if n < 2 or df <= 0:
        return 0.0
    centred = residuals - residuals.mean(axis=1, keepdims=True)
    return float(np.vdot(centred, centred)) / (df * (n - 1))


@lru_cache(maxsize=256)
def _usual_concentration(dfs: tuple[float, ...]) -> float:
    """The share of squares of equally noisy configurations, squared and summed, that is exceeded in `UNEVEN_ALPHA` of
    all cases."""
    draws = np.random.Generator(np.random.Philox(key=1954)).chisquare(np.array(dfs), (UNEVEN_DRAWS, len(dfs)))
    return float(np.quantile((draws**2).sum(axis=1) / draws.sum(axis=1) ** 2, 1 - UNEVEN_ALPHA))


def _above_the_pool(squares: Mapping[str, float], dfs: Mapping[str, float]) -> dict[str, float]:
    """The configurations whose variance is above that of all together, and how many times it."""
    pooled = sum(squares.values()) / sum(dfs.values())
    return {name: squares[name] / dfs[name] / pooled for name in squares if squares[name] / dfs[name] > pooled}


def expected_excess(own_df: float, df: float) -> float:
    """How many times the pool's variance counts on average where a part of the pool counts with its own variance if
    that is above the pool's, never with less: what is foreseen of `_above_the_pool`, all being equally noisy.

    The ratio of the two is df/own_df x Beta(own_df/2, (df - own_df)/2), the mean of whose larger values is an
    incomplete beta function too.

    Args:
        own_df, df: degrees of freedom of the part and of the whole pool. Without any, or where the part is the whole or
            the whole is known (infinite), nothing is above: 1.
    """
    if own_df <= 0 or own_df >= df or math.isinf(df):
        return 1.0
    a, b, share = own_df / 2, (df - own_df) / 2, own_df / df
    return float(special.betainc(a, b, share) + special.betaincc(a + 1, b, share))


def _squares(values: Floats) -> Floats:
    centred = values - values.mean(axis=0)
    return np.asarray(centred.T @ centred)


def _noisier(squares: Mapping[str, float], dfs: Mapping[str, float]) -> frozenset[str]:
    """The names whose variance exceeds that of all others together by a one-sided F test, with Bonferroni over the
    names."""
    total, total_df = sum(squares.values()), sum(dfs.values())
    noisier = set()
    for name, own in squares.items():
        rest, rest_df = total - own, total_df - dfs[name]
        if rest_df < PROVISIONAL_DF or rest <= 0:
            continue
        ratio = (own / dfs[name]) / (rest / rest_df)
        if special.fdtrc(dfs[name], rest_df, ratio) * len(squares) < UNEQUAL_ALPHA:
            noisier.add(name)
    return frozenset(noisier) if len(noisier) < len(squares) else frozenset()
