"""What differences of two accuracies can mean when only the totals are known.

Two trials were scored on the same n examples. How many examples they disagree on is not in the record, and every test
depends on it. Two bounds (decision 060):

- *most favourable pairing*: they disagree on exactly as many examples as their totals differ by, so that every change
  is a gain. Exact McNemar test (McNemar 1947): two-sided binomial p of the discordant examples; no pairing of the same
  totals gives a smaller p.
- *independent samples*: as if each trial had its own examples. Fisher's exact test of the two proportions (for sums
  over several pairs: the normal approximation). Trials of one base model agree more often than that, so the truth lies
  between.

Neither knows about seeds; `seed_p` adds the seed's variance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from scipy import special, stats
from statsmodels.stats.proportion import confint_proportions_2indep

from tunebook.statistics.paired import sign_p

POWER = 0.8


def favourable_p(differences: Sequence[int]) -> float:
    """Two-sided exact McNemar p of one or several differences in their most favourable pairings.

    Several differences (the same claim in several pairs of trials) are pooled as a sign test over all discordant
    examples, taken as independent. With one difference D it is 2^(1-|D|).
    """
    gains = sum(d for d in differences if d > 0)
    losses = -sum(d for d in differences if d < 0)
    return sign_p(gains, losses)


@lru_cache(maxsize=4096)
def fisher_p(correct_a: int, correct_b: int, n: int) -> float:
    """Two-sided Fisher's exact p of two accuracies on n examples each, taken as independent samples."""
    return float(stats.fisher_exact([[correct_a, n - correct_a], [correct_b, n - correct_b]]).pvalue)


def seed_p(effect: float, example_variance: float, seed_variance: float = 0.0, seed_freedom: float = 1.0) -> float:
    """Two-sided p of an effect, the examples' variance taken as known; with the seed's added t-distributed, with
    Satterthwaite's degrees of freedom."""
    total = example_variance + seed_variance
    freedom = total**2 / (seed_variance**2 / seed_freedom) if seed_variance > 0 else math.inf
    return float(2 * stats.t.sf(abs(effect) / math.sqrt(total), freedom))


def independent_interval(correct_a: int, correct_b: int, n: int) -> tuple[float, float]:
    """95 % interval of a difference a - b of independent accuracies (Newcombe 1998, method 10), by statsmodels."""
    low, high = confint_proportions_2indep(correct_a, n, correct_b, n, compare="diff", method="newcomb")
    return float(low), float(high)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjustment (Holm 1979): valid however the tests depend on one another, and monotone, so that bounds stay
    bounds. Equals that of statsmodels, which collects garbage at each call: a second for a record of twenty trials."""
    order = np.argsort(p_values, kind="stable")
    adjusted = np.empty(len(p_values))
    scaled = np.arange(len(p_values), 0, -1) * np.asarray(p_values, float)[order]
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(scaled))
    return [float(p) for p in adjusted]


def discordance_needed(alpha: float) -> int:
    """The smallest difference, in examples, that the most favourable pairing carries: 2^(1-D) <= alpha."""
    return math.ceil(1 - math.log2(alpha) - 1e-12)


def detectable_favourable(n: int, alpha: float) -> float | None:
    """The true difference found with power 0.8 when every discordant example is a gain: the share d with
    P(Binomial(n, d) >= `discordance_needed`) = 0.8; None when n is too small for any."""
    needed = discordance_needed(alpha)
    return float(special.betaincinv(needed, n - needed + 1, POWER)) if needed <= n else None


def detectable_independent(n: int, accuracy: float, alpha: float, seed_deviation: float = 0.0) -> float:
    """The difference found with power 0.8 by a two-sided test of independent samples around an accuracy, normal
    approximation, with the seed's variance of one seed on each side added."""
    accuracy = min(max(accuracy, 0.5 / n), 1 - 0.5 / n)
    variance = 2 * accuracy * (1 - accuracy) / n + 2 * seed_deviation**2
    return float((stats.norm.isf(alpha / 2) + stats.norm.ppf(POWER)) * math.sqrt(variance))


def examples_needed(effect: float, accuracy: float, alpha: float) -> tuple[int, int]:
    """Examples for power 0.8 at a true difference `effect` and one comparison: (most favourable pairing, independent
    samples). Seed noise, which more examples do not remove, is left out."""
    needed, effect = discordance_needed(alpha), abs(effect)
    spread = float(stats.norm.isf(alpha / 2) + stats.norm.ppf(POWER))
    favourable = needed + int(stats.nbinom.ppf(POWER, needed, min(effect, 1.0)))
    return favourable, math.ceil(2 * accuracy * (1 - accuracy) * (spread / effect) ** 2)
