"""What does not change while a study runs: the question, the data, the engine's promises, the budget's shares, the
seed numbers.

The budget is divided among the rounds before the first trial. Shares add up along the rounds: what one round leaves is
free for the next ones. Confirm's share is set aside first, and no other round may touch it. Hours are handled in the
same way as trials, in predicted and spent seconds.

Seed numbers are a function of the study's seed and of what the trial is for. Trials that choose something and trials
that claim something draw from different ranges, so a claim never rests on a seed that helped to choose what it is
about. Within one use all configurations share the same numbers: equal settings then meet in one trial, and shorter
trials can be checkpoints of longer ones.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from functools import cached_property

from tunebook.core.configuration import Configuration
from tunebook.core.cost import predict_trial, relative_cost
from tunebook.core.factor import Factor, Level, Role
from tunebook.core.facts import DataFacts
from tunebook.core.ports import Calibration
from tunebook.core.space import Folding, effective
from tunebook.core.study import Budget, RoundKind, StudySpec
from tunebook.planning.levels import bracket_rates

__all__ = ["SHARES", "Allowance", "Problem", "SeedUse", "allowance", "configured", "seed_numbers", "shares_of"]

SHARES: dict[RoundKind, float] = {
    RoundKind.EXPLORE: 0.50,
    RoundKind.REFINE: 0.12,
    RoundKind.COMBINE: 0.10,
    RoundKind.BOUNDARY: 0.13,
    RoundKind.CONFIRM: 0.15,
}
"""Share of the budget by round; the round of a user's own table has explore's."""

BALANCED_SHARES: dict[RoundKind, float] = {
    RoundKind.PILOT: 0.15,
    RoundKind.EXPLORE: 0.60,
    RoundKind.REFINE: 0.10,
    RoundKind.COMBINE: 0.0,
    RoundKind.BOUNDARY: 0.0,
    RoundKind.CONFIRM: 0.15,
}
"""The same for a balanced design. Explore gets most, because each of its trials informs every factor."""
MODEL_SHARES: dict[RoundKind, float] = {
    RoundKind.PILOT: 0.25,
    RoundKind.EXPLORE: 0.0,
    RoundKind.REFINE: 0.60,
    RoundKind.COMBINE: 0.0,
    RoundKind.BOUNDARY: 0.0,
    RoundKind.CONFIRM: 0.15,
}
"""The same where a model proposes every trial."""

FIRST_ROUND_TRIALS = 4
"""Three seeds of the baseline and one level: with fewer trials a first round compares nothing."""
CONFIRM_TRIALS = 4
"""Best and baseline, two seeds each: a single seed of the best may have been lucky, or break."""

SPAN = 1000
"""Numbers that belong to one study seed: studies with seeds 0 and 1 share none."""
REPEAT_SPAN = 20
"""Numbers set aside for each further round of the same kind."""


@dataclass(kw_only=True, eq=False)
class Problem:
    """What is fixed for the planner while a study runs.

    Attributes:
        table: configurations given by hand, which then make the first round.
        calibration: measured speeds; None: seconds are predicted from the trials that have finished.
        sampler: the sampler of Optuna that proposes; None: our own rounds do.
    """

    spec: StudySpec
    facts: DataFacts
    folding: Folding
    table: tuple[Configuration, ...] = ()
    calibration: Calibration | None = None
    sampler: str | None = None
    _effective: dict[Configuration, Configuration] = field(default_factory=dict)
    _families: dict[Configuration, Configuration] = field(default_factory=dict)

    @cached_property
    def without_limits(self) -> Problem:
        """The same without a budget."""
        return replace(self, spec=replace(self.spec, budget=Budget()))

    def effective(self, configuration: Configuration) -> Configuration:
        """The configuration without the differences that, by the engine's word, have no effect."""
        known = self._effective.get(configuration)
        if known is None:
            known = effective(configuration, self.folding, self.facts.longest_tokens)
            self._effective[configuration] = known
        return known

    def family(self, effective: Configuration) -> Configuration:
        """What configurations that differ in the learning rate alone have in common."""
        known = self._families.get(effective)
        if known is None:
            known = self._families[effective] = effective.with_values(learning_rate=1.0)
        return known

    def configure(self, changes: Mapping[str, Level]) -> Configuration:
        """The baseline with some factors changed.

        With `alpha_rule: proportional` alpha follows the rank at the baseline's alpha/r; a changed alpha is read at
        the baseline's rank and follows it too.
        """
        return configured(self.spec, changes)

    @cached_property
    def factors(self) -> tuple[Factor, ...]:
        """The factors that the study varies, in the order of its file."""
        asked = (factor for factor in self.spec.space if factor.role is not Role.FIXED)
        return tuple(f for f in asked if not (f.name == "learning_rate" and f.role is Role.NUISANCE))

    @property
    def design(self) -> str:
        """How the study is laid out: after a table of the user's own as one factor at a time; "sampled" where a sampler
        of Optuna proposes, whatever the study file says."""
        if self.table:
            return "one_factor"
        return "sampled" if self.sampler is not None else self.spec.layout

    @property
    def proposes_all(self) -> bool:
        """Whether a model or a sampler chooses every trial, and only confirm compares."""
        return self.design in ("model", "sampled")

    @property
    def is_balanced(self) -> bool:
        """Whether explore is a balanced design."""
        return self.design == "balanced"

    @cached_property
    def rate_factor(self) -> Factor | None:
        """The learning rate as a factor of the space, or None when the study keeps it fixed."""
        factor = self.spec.space.get("learning_rate")
        return None if factor is None or factor.role is Role.FIXED else factor

    def allowance(self, kind: RoundKind, used_trials: float = 0.0, used_seconds: float = 0.0) -> Allowance:
        """What a round of this kind may take of the study's budget."""
        return allowance(self.spec.budget, kind, used_trials, used_seconds, self.design)

    @cached_property
    def rates(self) -> tuple[float, ...]:
        """The learning-rate bracket of the study; empty when the rate is fixed."""
        return bracket_rates(self.rate_factor, self.spec.baseline)

    def work(self, configuration: Configuration, splits: tuple[str, ...] = ("validation",)) -> float:
        """What one trial takes: seconds predicted from the calibration, or without one in units of training tokens."""
        acting = self.effective(configuration)
        if self.calibration is None:
            return relative_cost(acting, self.facts)[0]
        return predict_trial(acting, splits, self.facts, self.calibration).seconds


def configured(spec: StudySpec, changes: Mapping[str, Level]) -> Configuration:
    """The baseline of a study with some factors changed; see `Problem.configure`."""
    changed = spec.baseline.with_values(**changes)
    if spec.alpha_rule == "proportional" and changed.lora_r != spec.baseline.lora_r:
        alpha = changed.lora_alpha * changed.lora_r / spec.baseline.lora_r
        changed = changed.with_values(lora_alpha=float(f"{alpha:.12g}"))
    return changed


class SeedUse(IntEnum):
    """What the seeds are for; the value is where their range begins."""

    CLAIM = 0
    PILOT = 60
    SELECTION = 100
    REFINE = 200
    COMBINE = 400
    OWN = 500
    BOUNDARY = 600
    DESIGN = 700
    CONFIRM = 900


def seed_numbers(study_seed: int, use: SeedUse, n: int, repeat: int = 0) -> tuple[int, ...]:
    """The first n seeds for a use: 1, 2, ... for the claims of study seed 0, 101, ... for its selections.

    Args:
        repeat: how many rounds of this kind came before; each has its own numbers.
    """
    first = study_seed * SPAN + use + repeat * REPEAT_SPAN + 1
    return tuple(range(first, first + n))


@dataclass(frozen=True)
class Allowance:
    """What may still be taken: trials, and seconds of the device. Infinite where the study sets no limit."""

    trials: float
    seconds: float

    def covers(self, trials: float, seconds: float) -> bool:
        """Whether that much may be taken."""
        return trials == 0 or (trials <= self.trials + 1e-9 and seconds <= self.seconds and self.seconds > 0)

    def within(self, other: Allowance) -> Allowance:
        """What both allow."""
        return Allowance(min(self.trials, other.trials), min(self.seconds, other.seconds))

    def less(self, trials: float, seconds: float) -> Allowance:
        """What is left after taking that much, never below nothing."""
        return Allowance(max(0.0, self.trials - trials), max(0.0, self.seconds - seconds))


def shares_of(design: str) -> dict[RoundKind, float]:
    """Share of the budget by round."""
    return {"balanced": BALANCED_SHARES, "model": MODEL_SHARES, "sampled": MODEL_SHARES}.get(design, SHARES)


def allowance(
    budget: Budget, kind: RoundKind, used_trials: float, used_seconds: float, design: str = "one_factor"
) -> Allowance:
    """What a round of this kind may take, given what all trials so far have taken."""
    shares = shares_of(design)
    trials = math.inf if budget.trials is None else _trials_until(kind, budget.trials, shares)
    seconds = math.inf if budget.hours is None else budget.hours * 3600 * _share_until(kind, shares)
    return Allowance(trials, seconds).less(used_trials, used_seconds)


def _share_until(kind: RoundKind, shares: Mapping[RoundKind, float]) -> float:
    if kind is RoundKind.TABLE:
        kind = RoundKind.EXPLORE
    kinds = list(shares)
    return sum(shares[each] for each in kinds[: kinds.index(kind) + 1])


def _trials_until(kind: RoundKind, total: int, shares: Mapping[RoundKind, float]) -> int:
    if kind is RoundKind.CONFIRM:
        return total
    rounded = math.floor(total * _share_until(kind, shares) + 1e-9)
    return max(min(FIRST_ROUND_TRIALS, total), min(rounded, total - CONFIRM_TRIALS))
