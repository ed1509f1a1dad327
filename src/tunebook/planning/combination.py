"""Which levels a study would put together next, and at which learning rate.

Round combine trains them; round boundary, where it does not wait for that, looks for the rate at which they break.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from tunebook.core.configuration import Configuration
from tunebook.planning.levels import RATE_STEP
from tunebook.planning.state import LevelSeen, PlanningState

__all__ = ["combined", "helping_levels", "highest_trained"]


def helping_levels(state: PlanningState) -> dict[str, LevelSeen] | None:
    """The best level of each factor that helped, provided that together they are a configuration not tried yet.

    If they are not (fewer than two factors helped, or a bracket has tried their levels together), the next most
    promising levels are added one by one: those of lower loss that no finding speaks against. None when there is no
    such set.
    """
    helped = _best_levels(level for level in state.levels if level.helps)
    leading = _best_levels(level for level in state.levels if level.leads and level.factor not in helped)
    waiting = sorted(leading.items(), key=lambda item: item[1].loss_change)
    while len(helped) < 2 or not state.is_new(combined(state, helped)):
        if not waiting:
            return None
        name, level = waiting.pop(0)
        helped[name] = level
    return helped


def _best_levels(levels: Iterable[LevelSeen]) -> dict[str, LevelSeen]:
    best: dict[str, LevelSeen] = {}
    for level in levels:
        known = best.get(level.factor)
        if known is None or _order(level) < _order(known):
            best[level.factor] = level
    return best


def _order(level: LevelSeen) -> tuple[bool, float]:
    return (not level.helps, level.loss_change)


def combined(state: PlanningState, levels: Mapping[str, LevelSeen]) -> Configuration:
    """The baseline with these levels, at a learning rate that follows from what was chosen for each of them.

    The rate is the learning rate's own best level, or else the one chosen for the baseline; factors whose chosen rate
    differed from their baseline's move it by the same ratio, together by at most one bracket step.
    """
    problem = state.problem
    configuration = problem.configure({name: level.value for name, level in levels.items()})
    if problem.rate_factor is None:
        return configuration
    anchor = configuration.learning_rate
    others = [level for name, level in levels.items() if name != "learning_rate"]
    if "learning_rate" not in levels and others:
        anchor = others[0].control.configuration.learning_rate
    ratio = math.prod(
        level.group.configuration.learning_rate / level.control.configuration.learning_rate for level in others
    )
    ratio = min(RATE_STEP, max(1 / RATE_STEP, ratio))
    if math.isclose(ratio, 1):
        return configuration.with_values(learning_rate=anchor)
    rate = min(anchor * ratio, max(anchor, highest_trained(state, anchor)))
    return configuration.with_values(learning_rate=float(f"{rate:.2g}"))


def highest_trained(state: PlanningState, unknown: float) -> float:
    """The highest rate at which the baseline's settings are known to train."""
    trained = [
        level.group.configuration.learning_rate for level in state.levels_of("learning_rate") if level.group.trains
    ]
    return max(trained, default=unknown)
