"""What a plan foresees, before anything is spent."""

from __future__ import annotations

from dataclasses import dataclass

from tunebook.core.study import Cut, Fold, RoundKind

__all__ = ["Outlook", "RoundOutlook"]


@dataclass(frozen=True)
class RoundOutlook:
    """One round to come.

    Attributes:
        n_trials: most trials it may take from the budget; known exactly for the next wave, an upper bound later.
        n_comparisons: contrasts of its family, as far as they can be foreseen.
        smallest_detectable_effect: at power 0.8, adjusted for the round's comparisons; in [0, 1].
    """

    kind: RoundKind
    n_trials: int
    n_comparisons: int
    smallest_detectable_effect: float | None


@dataclass(frozen=True)
class Outlook:
    """All that is planned.

    Attributes:
        rounds: the rounds to come, in order.
        folds: configurations that cost nothing, with why.
        cuts: what the budget did not allow, in the order in which it was cut.
        detectable_without_cuts: explore's smallest detectable effect had nothing been cut, to say what the cuts cost.
        smallest_margin: the smallest margin that this study could show equivalent; in [0, 1].
        wanted_trials: trials the study would take if nothing were cut.
    """

    rounds: tuple[RoundOutlook, ...]
    folds: tuple[Fold, ...] = ()
    cuts: tuple[Cut, ...] = ()
    detectable_without_cuts: float | None = None
    smallest_margin: float | None = None
    wanted_trials: int = 0
