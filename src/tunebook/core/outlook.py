"""The planner's outlook: the rounds to come, as far as they can be foreseen."""

from __future__ import annotations

from dataclasses import dataclass

from tunebook.core.study import Cut, Fold, RoundKind

__all__ = ["Outlook", "RoundOutlook"]


@dataclass(frozen=True)
class RoundOutlook:
    """One round to come.

    Attributes:
        n_trials: trials that it takes from the budget; exact for the next wave, an upper bound after that.
        n_comparisons: contrasts in its family, as far as they can be foreseen.
        smallest_detectable_effect: at power 0.8, adjusted for the round's comparisons; in [0, 1].
    """

    kind: RoundKind
    n_trials: int
    n_comparisons: int
    smallest_detectable_effect: float | None


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """The remaining rounds with what was folded and cut.

    Attributes:
        rounds: the rounds to come, in order.
        folds: configurations that need no training of their own, with the reasons.
        cuts: what the budget did not allow, in the order in which it was cut.
        detectable_without_cuts: the smallest detectable effect of explore if nothing had been cut; shows what the cuts
            cost.
        smallest_margin: the smallest margin within which this study could show equivalence; in [0, 1].
        wanted_trials: trials the study would take if nothing were cut.
    """

    rounds: tuple[RoundOutlook, ...]
    folds: tuple[Fold, ...] = ()
    cuts: tuple[Cut, ...] = ()
    detectable_without_cuts: float | None = None
    smallest_margin: float | None = None
    wanted_trials: int = 0
