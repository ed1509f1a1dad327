"""What the planner asks of a round. Each round is one module in `planning/rounds/`; none of them knows another.

A further round is a module with a subclass of `Round`, an entry in `rounds.ROUNDS`, and its kind in
`core.study.RoundKind` with shares of the budget (`problem.SHARES`) and of the error rate (`core.study.ERROR_SHARES`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass

from tunebook.core.findings import SEEDS_TO_TEST
from tunebook.core.study import Contrast, RoundKind, Wave
from tunebook.planning.problem import Allowance, Problem
from tunebook.planning.state import PlanningState

__all__ = ["Round", "Shape", "shape_of", "trend_side"]

TREND_SIDES = 3.6
"""A line over four equally spaced levels estimates the difference of its ends with variance 7.2/n, as two groups of
n/3.6 trials would."""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What is known of a round in advance.

    Attributes:
        n_trials: trials that cost budget.
        n_comparisons: contrasts of its family.
        m_treatment, m_control: seeds of the two sides of a contrast (of one that is tested, if any is).
        n_single: contrasts with a single seed on a side, beside those with more.
        noise_df: degrees of freedom for the seed noise that its replicates bring; asked of first rounds and
            of confirm.
    """

    kind: RoundKind
    n_trials: int
    n_comparisons: int
    m_treatment: int
    m_control: int
    n_single: int = 0
    noise_df: int = 0

    @property
    def n_tested(self) -> int:
        """Contrasts with seeds enough on both sides to be tested."""
        enough = min(self.m_treatment, self.m_control) >= SEEDS_TO_TEST
        return self.n_comparisons - self.n_single if enough else 0


class Round(ABC):
    """One kind of round. It has no state of its own: everything it needs is in the planning state.

    Attributes:
        kind: its purpose.
        is_first: whether it opens a study; such a round fixes all of its comparisons beforehand.
        beside: earlier rounds whose results it can do without, so that it may be trained beside them; of a round that
            opens a study only the waves after its first.
        waits: whether only its first wave can do without them.
    """

    kind: RoundKind
    is_first = False
    beside: tuple[RoundKind, ...] = ()
    waits = False

    def applies(self, problem: Problem) -> bool:
        """Whether studies like this one have such a round at all."""
        return True

    @abstractmethod
    def first_wave(self, state: PlanningState, round_number: int) -> Wave | None:
        """The wave that opens the round; None, or a wave without trials: the round is skipped."""

    def next_wave(self, state: PlanningState, last: Wave) -> Wave | None:
        """The wave after `last`, which left the round open. Rounds of one wave need none."""
        raise NotImplementedError(f"{self.kind}: a round of one wave was left open")

    def room(self, state: PlanningState) -> Allowance:
        """What the round may spend of what is left: the shares up to its own, after the confirm round everything."""
        return state.room(self.kind)

    def to_cancel(self, state: PlanningState, last: Wave) -> tuple[int, ...]:
        """Trials of the open wave that need not go on."""
        return ()

    @abstractmethod
    def most(self, problem: Problem, control_seeds: int) -> Shape:
        """The most that the round would take if its share of the budget allowed.

        Args:
            control_seeds: seeds of the baseline, against which later rounds compare; 0 for a first round.
        """

    def at_most(self, problem: Problem) -> int:
        """Trials that one such round never exceeds, whatever its results are; its room may allow fewer."""
        return self.most(problem, 0).n_trials

    def least(self, n: int) -> float:
        """What n of its trials take of the budget at least: less than n where some are stopped on the way."""
        return n


def shape_of(wave: Wave) -> Shape:
    """A round of this one wave."""
    sides = [_sides(contrast) for contrast in wave.contrasts]
    tested = [side for side in sides if min(side) >= SEEDS_TO_TEST]
    m_treatment, m_control = min(tested or sides, key=sum, default=(1, 1))
    fitted = [contrast for contrast in wave.contrasts if contrast.kind.is_fitted]
    fitted_df = len(fitted[0].treatment) - len(fitted) - 1 if fitted else 0
    replicates = Counter(trial.effective for trial in wave.trials)
    return Shape(
        kind=wave.kind,
        n_trials=sum(trial.costs_budget for trial in wave.trials),
        n_comparisons=len(wave.contrasts),
        n_single=len(wave.contrasts) - len(tested),
        m_treatment=m_treatment,
        m_control=m_control,
        noise_df=max(1, sum(n - 1 for n in replicates.values()), fitted_df),
    )


def trend_side(n: int) -> int:
    """A line over four levels in n trials sees the difference of its ends as two groups of so many trials would."""
    return max(1, round(n / TREND_SIDES))


def _sides(contrast: Contrast) -> tuple[int, int]:
    if contrast.kind.is_fitted:
        return (trend_side(len(contrast.treatment)),) * 2
    return len(contrast.treatment), len(contrast.control)
