"""How the budget is divided among the rounds, before the first trial.

Shares add up along the rounds: what a round leaves is free for the rounds after it. Confirm's share is set aside first
and no other round may touch it. Hours are handled in the same way as trials, in predicted and spent seconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from tunebook.core.study import Budget, RoundKind

__all__ = ["SHARES", "Allowance", "allowance"]

SHARES: dict[RoundKind, float] = {
    RoundKind.EXPLORE: 0.50,
    RoundKind.REFINE: 0.12,
    RoundKind.COMBINE: 0.10,
    RoundKind.BOUNDARY: 0.13,
    RoundKind.CONFIRM: 0.15,
}
"""Share of the budget by round; a table of one's own trials stands in explore's place."""

FIRST_ROUND_TRIALS = 4
"""Three seeds of the baseline and one level: below this a first round asks nothing."""
CONFIRM_TRIALS = 2
"""Best and baseline, one seed each: below this a confirm round asks nothing."""


@dataclass(frozen=True)
class Allowance:
    """What may still be taken: trials, and seconds of the device. Infinite where the study sets no limit."""

    trials: float
    seconds: float

    def covers(self, trials: int, seconds: float) -> bool:
        """Whether that much may be taken."""
        return trials == 0 or (trials <= self.trials and seconds <= self.seconds and self.seconds > 0)

    def less(self, trials: int, seconds: float) -> Allowance:
        """What is left after taking that much, never below nothing."""
        return Allowance(max(0.0, self.trials - trials), max(0.0, self.seconds - seconds))


def allowance(budget: Budget, kind: RoundKind, used_trials: int, used_seconds: float) -> Allowance:
    """What a round of this kind may take, given what all trials so far have taken."""
    trials = math.inf if budget.trials is None else _trials_until(kind, budget.trials)
    seconds = math.inf if budget.hours is None else budget.hours * 3600 * _share_until(kind)
    return Allowance(trials, seconds).less(used_trials, used_seconds)


def _share_until(kind: RoundKind) -> float:
    if kind is RoundKind.TABLE:
        return SHARES[RoundKind.EXPLORE]
    kinds = list(SHARES)
    return sum(SHARES[each] for each in kinds[: kinds.index(kind) + 1])


def _trials_until(kind: RoundKind, total: int) -> int:
    if kind is RoundKind.CONFIRM:
        return total
    rounded = math.floor(total * _share_until(kind) + 1e-9)
    return max(min(FIRST_ROUND_TRIALS, total), min(rounded, total - CONFIRM_TRIALS))
