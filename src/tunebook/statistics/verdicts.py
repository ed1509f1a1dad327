"""What every family of contrasts shares: which trials of a side count, and how estimates become findings.

`FamilyNumbers` adds to a family's estimates the simultaneous intervals, the adjusted p-values and the verdicts.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import special

from tunebook.core.facts import Floats, History, TrialFact
from tunebook.core.findings import Finding, Verdict
from tunebook.core.study import ContrastKind, TrialState
from tunebook.statistics.multiple import MaxT
from tunebook.statistics.paired import Estimates

__all__ = ["FamilyNumbers", "Side", "side_of"]


@dataclass(frozen=True)
class Side:
    """One side of a contrast: which of its trials count, and what became of the others."""

    counted: tuple[TrialFact, ...]
    n_broke: int = 0
    n_failed: int = 0

    @property
    def ids(self) -> tuple[int, ...]:
        return tuple(fact.trial.id for fact in self.counted)

    @property
    def diverged(self) -> bool:
        """Whether the majority of those that could be trained did not train."""
        return self.n_broke > len(self.counted)

    def warnings(self, name: str) -> tuple[str, ...]:
        """Codes of what happened to trials that do not count."""
        found = []
        if self.n_broke and not self.diverged:
            found.append(f"{name}_replicates_diverged")
        if self.n_failed:
            found.append(f"{name}_trials_failed")
        return tuple(found)


def side_of(trials: Iterable[int], history: History, split: str) -> Side:
    """Which trials of one side count: completed and scored on the split."""
    facts = [history.trials[i] for i in trials]
    counted = tuple(f for f in facts if f.state is TrialState.COMPLETED and split in f.outcomes)
    broke = sum(f.state in (TrialState.DIVERGED, TrialState.COLLAPSED) for f in facts)
    return Side(counted, broke, len(facts) - len(counted) - broke)


@dataclass(frozen=True, kw_only=True)
class FamilyNumbers:
    """A family's estimates with their simultaneous distribution.

    Args:
        estimates: of K contrasts.
        kinds: of the K contrasts.
        alpha: the family's error rate.
        margin: of equivalence and non-inferiority, in [0, 1].
        losses: the same contrasts of the loss; None: there are none to be had.
        limit: the largest difference that there can be (`intervals.largest_difference`); intervals are cut there.
    """

    estimates: Estimates
    kinds: Sequence[ContrastKind]
    alpha: float
    margin: float
    losses: Estimates | None = None
    limit: float = 1.0

    @cached_property
    def one_sided(self) -> NDArray[np.bool_]:
        return np.array([kind is ContrastKind.NON_INFERIORITY for kind in self.kinds])

    @cached_property
    def family(self) -> MaxT:
        return MaxT(self.estimates.correlation, ~self.one_sided)

    @cached_property
    def critical(self) -> Floats:
        """Half an interval's width in standard errors, shape (K,)."""
        return self.family.critical(self.alpha, self.estimates.df)

    @cached_property
    def statistics(self) -> Floats:
        """Distance from what is to be refuted, in standard errors, shape (K,): from zero (difference), from being worse
        by the margin (non-inferiority), from the nearer end of +-margin (equivalence; minus infinity outside)."""
        effect, se = self.estimates.effect, self.estimates.standard_error
        distance = np.abs(effect)
        distance = np.where(self.one_sided, effect + self.margin, distance)
        equivalence = np.array([kind is ContrastKind.EQUIVALENCE for kind in self.kinds])
        inside = np.where(np.abs(effect) < self.margin, self.margin - np.abs(effect), -math.inf)
        distance = np.where(equivalence, inside, distance)
        without_noise = np.where(distance > 0, math.inf, np.minimum(distance, 0.0))
        return np.where(se > 0, distance / np.where(se > 0, se, 1.0), without_noise)

    @cached_property
    def p_raw(self) -> Floats:
        tail = special.stdtr(self.estimates.df, -self.statistics)
        return np.asarray(np.minimum(1.0, np.where(self.one_sided, 1.0, 2.0) * tail))

    @cached_property
    def p_adjusted(self) -> Floats:
        t = self.statistics
        # an equivalence that the estimate itself contradicts: nothing to test
        outside = np.isneginf(t)
        return np.where(outside, 1.0, self.family.p_values(np.where(outside, 0.0, t), self.estimates.df))

    def room(self, j: int, ends: tuple[float | None, float | None], n: int) -> tuple[float, float]:
        """How far the interval of contrast j reaches below and above its effect at least, where a side has every answer
        wrong or right: its spread over examples then says nothing, and the exact bound of Clopper and Pearson counts.

        Args:
            ends: of treatment and control: 0.0 or 1.0 where all of n answers are wrong or right, else None.
        """
        tail = float(special.stdtr(self.estimates.df[j], -float(self.critical[j])))
        treatment, control = ends
        opposite = treatment is not None and control is not None and treatment != control
        unseen = 1 - (tail / 2 if opposite else tail) ** (1 / n)  # the share that may be otherwise all the same
        return unseen * ((treatment == 1.0) + (control == 0.0)), unseen * ((treatment == 0.0) + (control == 1.0))

    def judged(self, blank: Finding, j: int, room: tuple[float, float] = (0.0, 0.0)) -> Finding:
        """The finding of contrast j: its numbers and its verdict, with the loss as a second measure.

        Args:
            room: how far the interval reaches below and above the effect at least; see `room`.
        """
        effect, se, df = (
            float(each[j]) for each in (self.estimates.effect, self.estimates.standard_error, self.estimates.df)
        )
        half = float(self.critical[j]) * se
        low, high = max(-self.limit, effect - max(half, room[0])), min(self.limit, effect + max(half, room[1]))
        # of non-inferiority only the lower end is bounded
        interval = (low, max(1.0, high) if self.one_sided[j] else high)
        finding = replace(
            blank,
            effect=effect,
            interval=interval,
            plain_interval=self._around(effect, float(self.estimates.half[j])),
            p_raw=float(self.p_raw[j]),
            p_adjusted=float(self.p_adjusted[j]),
            standard_error=se,
            degrees_of_freedom=df,
            verdict=self._verdict(blank.kind, effect, interval, float(self.p_adjusted[j])),
        )
        return self._with_loss(finding, j)

    def _around(self, effect: float, half: float) -> tuple[float, float]:
        return max(-self.limit, effect - half), min(self.limit, effect + half)

    def _verdict(self, kind: ContrastKind, effect: float, interval: tuple[float, float], p: float) -> Verdict:
        if kind is ContrastKind.NON_INFERIORITY:
            return Verdict.NOT_INFERIOR if p < self.alpha and interval[0] > -self.margin else Verdict.INCONCLUSIVE
        if kind.is_two_sided and p < self.alpha and (interval[0] > 0 or interval[1] < 0):
            return Verdict.BETTER if effect > 0 else Verdict.WORSE
        inside = -self.margin < interval[0] and interval[1] < self.margin
        return Verdict.EQUIVALENT if inside else Verdict.INCONCLUSIVE

    def _with_loss(self, finding: Finding, j: int) -> Finding:
        if self.losses is None:
            return finding
        effect = float(self.losses.effect[j])
        half = float(self.losses.half[j])
        low, high = finding.plain_interval
        # better accuracy goes with a lower loss, so equal signs disagree
        disagree = (low > 0 and effect - half > 0) or (high < 0 and effect + half < 0)
        return replace(
            finding, loss_effect=effect, loss_interval=(effect - half, effect + half), witnesses_disagree=disagree
        )
