"""What a study can detect, before and after it is run: smallest effects and margins, examples and seeds needed.

Everything follows from the variance of one contrast, var(d)/n + sigma^2 (1/m_A + 1/m_B), and the critical value of its
family. Before results exist, var(d) is derived from an assumed discordance, which is the share of examples on which two
trials differ.

Source: Lachin 1981 (Controlled Clinical Trials 2, 93) for (critical value + power quantile) x standard error.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import special

from tunebook.statistics.intervals import satterthwaite
from tunebook.statistics.multiple import MAX_DF, MaxT
from tunebook.statistics.noise import PROVISIONAL_DF, SEED_DEVIATION_PRIOR, expected_excess

__all__ = [
    "DISCORDANCE_PRIOR",
    "POWER",
    "SEED_DEVIATION_PRIOR",
    "ContrastDesign",
    "examples_needed",
    "seeds_needed",
    "smallest_detectable_effect",
    "smallest_margin",
]

DISCORDANCE_PRIOR = 0.2
"""Assumed discordance between two trials with different settings, until it is measured: 0.11 to 0.32 in the demo, 0.32
between recorded trials of similar accuracy."""

SEED_SHARE = 0.6
"""Share of the discordance that comes from the seed and is therefore reduced by averaging over seeds (0.58 between
recorded trials)."""

SLOPE_SHARE = 25 / 41
"""A slope over four equally spaced levels rests on its trials unequally: on this share of them, by (sum of w^2)^2 over
n times the sum of w^4 with weights w as 3, 1, -1, -3."""

POWER = 0.8
SEARCH_FACTOR = 20
"""Largest multiple of the present number of examples or seeds that is considered."""


@dataclass(frozen=True, kw_only=True)
class ContrastDesign:
    """The design of one contrast in a family of equal contrasts.

    Attributes:
        n_examples: number of scored examples.
        m_treatment, m_control: number of seeds on each side.
        seed_deviation: standard deviation between seeds, in [0, 1].
        discordance: share of examples on which one trial of each side differ.
        measured: whether `seed_deviation` comes from replicates, and so has the chance of single answers in it, which
            intervals count twice (decision 030); a prior has not.
        averaged: whether each side's trials have settings of their own, as in a balanced design: what differs between
            two settings then averages out as seeds do.
        df: degrees of freedom of `seed_deviation` that replicates bring; infinite: it is known. A prior fills up what
            they lack, except in a balanced design.
        alpha: error rate of the family.
        n_comparisons: number of contrasts in the family; they share their control.
    """

    n_examples: int
    m_treatment: int
    m_control: int
    seed_deviation: float = SEED_DEVIATION_PRIOR
    discordance: float = DISCORDANCE_PRIOR
    df: float = math.inf
    alpha: float = 0.05
    n_comparisons: int = 1
    measured: bool = False
    averaged: bool = False

    @property
    def variances(self) -> tuple[float, float]:
        """The variance from examples and the variance from seeds."""
        seeds = 1 / self.m_treatment + 1 / self.m_control
        own = 1.0 if self.averaged else SEED_SHARE
        per_example = self.discordance * ((1 - own) + own * seeds / 2)
        by_chance = 0.0 if self.measured else own * self.discordance / 2 / self.n_examples
        widened = sum(self._excess(m) / m for m in (self.m_treatment, self.m_control))
        return per_example / self.n_examples, (self.seed_deviation**2 + by_chance) * widened

    def _excess(self, m: int) -> float:
        """By how much the seeds' variance of a side grows on average because what is noisier than the pool counts with
        its own noise: replicates (decision 119), the trials of a slope in a balanced design (HC2)."""
        if self.averaged:
            return expected_excess(SLOPE_SHARE * self.df, self.df)
        return expected_excess(m - 1, self.df) if self.df >= PROVISIONAL_DF else 1.0

    @property
    def standard_error(self) -> float:
        return math.sqrt(sum(self.variances))

    @property
    def effective_df(self) -> float:
        """As results are judged: the chance on single answers counts once, as part of the seeds' (decision 137).
        Of a balanced design all of the examples' part counts."""
        examples, seeds = self.variances
        if not self.averaged:
            examples = self.discordance * (1 - SEED_SHARE) / self.n_examples
        least = 1.0 if self.averaged else PROVISIONAL_DF
        return satterthwaite((examples, seeds), (max(self.n_examples - 1, 1), max(self.df, least)))

    @property
    def correlation(self) -> float:
        """Approximate correlation of two such contrasts with a common control: the control's share of the variance."""
        return (1 / self.m_control) / (1 / self.m_treatment + 1 / self.m_control)

    @property
    def critical(self) -> float:
        """Two-sided max-t critical value of the family (Dunnett's problem)."""
        return float(_family(self.n_comparisons, self.correlation).critical(self.alpha, self.effective_df)[0])


@lru_cache(maxsize=64)
def _family(n_comparisons: int, correlation: float) -> MaxT:
    """Kept, because what is foreseen asks for the same few families again and again: one of 2,500 takes a second."""
    matrix = np.full((n_comparisons, n_comparisons), correlation)
    np.fill_diagonal(matrix, 1.0)
    return MaxT(matrix)


def smallest_detectable_effect(design: ContrastDesign, power: float = POWER) -> float:
    """The difference of accuracy that is detected with the given power, two-sided and adjusted for the comparisons.

    Formula: (critical value + t quantile of the power) x standard error, clipped to [0, 1].
    """
    return _reached(design, power)


def smallest_margin(design: ContrastDesign, power: float = POWER) -> float:
    """The smallest margin within which two truly equal configurations are shown equivalent with the given power.

    Formula: (critical value + t quantile of (1 + power)/2) x standard error: both ends of the interval must lie within
    the margin.
    """
    return _reached(design, (1 + power) / 2)


def _reached(design: ContrastDesign, probability: float) -> float:
    quantile = float(special.stdtrit(min(design.effective_df, MAX_DF), probability))
    return min(1.0, (design.critical + quantile) * design.standard_error)


def examples_needed(
    effect: float,
    critical: float,
    from_examples: float,
    from_seeds: float,
    n: int,
    margin: float | None = None,
    power: float = POWER,
) -> int | None:
    """The total number of examples that would settle a contrast if its true effect is the observed one, with the seeds
    unchanged.

    Settled means shown to differ from zero, or shown to lie within +-margin, whichever takes fewer examples, with the
    given power.

    Args:
        critical: the family's critical value.
        from_examples, from_seeds: the present variances; the first falls as 1/n, the second does not change.

    Returns: None if more than 20 times the present number would be needed, or no number is enough.
    """
    allowed = _allowed_variance(effect, critical, margin, power) - from_seeds
    return _scaled(n, from_examples / allowed if allowed > 0 else math.inf)


def seeds_needed(
    effect: float,
    critical: float,
    from_examples: float,
    from_seeds: float,
    m: int,
    margin: float | None = None,
    power: float = POWER,
    seed_share: float = SEED_SHARE,
) -> int | None:
    """The same in seeds on each side, with the examples unchanged; `m` is the present number of the side with fewer.

    The variance from seeds falls as 1/m; of that from examples only the share `seed_share` does.
    """
    allowed = _allowed_variance(effect, critical, margin, power) - (1 - seed_share) * from_examples
    return _scaled(m, (from_seeds + seed_share * from_examples) / allowed if allowed > 0 else math.inf)


def _allowed_variance(effect: float, critical: float, margin: float | None, power: float) -> float:
    """The largest variance at which the contrast is settled with the given power."""
    needed = abs(effect) / (critical + float(special.ndtri(power)))
    inside = 0.0
    if margin is not None and abs(effect) < margin:
        inside = (margin - abs(effect)) / (critical + float(special.ndtri((1 + power) / 2)))
    return max(needed, inside) ** 2


def _scaled(present: int, factor: float) -> int | None:
    """The present number times the factor, rounded up; None beyond `SEARCH_FACTOR`."""
    return max(present + 1, math.ceil(present * factor)) if factor <= SEARCH_FACTOR else None
