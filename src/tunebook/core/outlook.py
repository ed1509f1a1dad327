"""The planner's outlook: the rounds to come, as far as they can be foreseen."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tunebook.core.study import Cut, Fold, RoundKind

__all__ = ["Outlook", "RoundOutlook"]


@dataclass(frozen=True)
class RoundOutlook:
    """One round to come.

    Attributes:
        n_trials: trials that it trains, an upper bound; those that are planned and wait are not counted again.
        n_comparisons: contrasts in its family, as far as they can be foreseen.
        smallest_detectable_effect: at power 0.8, adjusted for the round's comparisons; in [0, 1].
        on_test: whether it compares on the test split rather than on validation.
        n_described: of the comparisons, those that get a single seed on a side, so that they are not tested.
    """

    kind: RoundKind
    n_trials: int
    n_comparisons: int
    smallest_detectable_effect: float | None
    on_test: bool = False
    n_described: int = 0


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """The remaining rounds with what was folded and cut.

    Attributes:
        rounds: the rounds to come, in order.
        waiting: for each round under way, its trials that are planned and have no result yet.
        folds: configurations that need no training of their own, with the reasons.
        cuts: what the budget did not allow, in the order in which it was cut.
        detectable_without_cuts: the smallest detectable effect of explore if nothing had been cut; shows what the cuts
            cost.
        smallest_margin: the smallest margin within which this study could show equivalence; in [0, 1].
        margin_on_test: whether that is a matter of the test split rather than of validation.
        wanted_trials: trials the study would take if nothing were cut.
        trials_left: what the budget leaves `rounds` together; None: no limit.
    """

    rounds: tuple[RoundOutlook, ...]
    waiting: tuple[RoundOutlook, ...] = ()
    folds: tuple[Fold, ...] = ()
    cuts: tuple[Cut, ...] = ()
    detectable_without_cuts: float | None = None
    smallest_margin: float | None = None
    margin_on_test: bool = False
    wanted_trials: int = 0
    trials_left: int | None = None

    @property
    def first_compared(self) -> RoundOutlook | None:
        """The first round that compares anything, where it is known what that detects."""
        return next((each for each in self.all_rounds if each.smallest_detectable_effect), None)

    @property
    def first_effect(self) -> float | None:
        """The smallest detectable effect of the first round that compares anything."""
        return None if self.first_compared is None else self.first_compared.smallest_detectable_effect

    @property
    def most_trials(self) -> int:
        """All trials without a result, an upper bound: those that wait, and of the rounds to come no more than the
        budget leaves."""
        asked = sum(each.n_trials for each in self.rounds)
        coming = asked if self.trials_left is None else min(asked, self.trials_left)
        return coming + sum(each.n_trials for each in self.waiting)

    @property
    def all_rounds(self) -> tuple[RoundOutlook, ...]:
        """The rounds to come, with the trials that wait counted in theirs."""
        waiting = {each.kind: each.n_trials for each in self.waiting}
        known = {each.kind for each in self.rounds}
        ending = (each for each in self.waiting if each.kind not in known)
        return (*ending, *(replace(each, n_trials=each.n_trials + waiting.get(each.kind, 0)) for each in self.rounds))
