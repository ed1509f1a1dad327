"""Which configuration leads (the rule is that of `statistics.selection`), and which cheaper one may be as good."""

from __future__ import annotations

import numpy as np

from tunebook.core.cost import relative_cost
from tunebook.core.facts import Floats
from tunebook.planning.state import Group, PlanningState
from tunebook.statistics.selection import leader

__all__ = ["as_good_and_cheaper", "leading"]


def leading(state: PlanningState) -> Group | None:
    """The configuration to go on with, or None when nothing has trained."""
    groups = [group for group in state.groups.values() if group.trains and group.n_broke == 0]
    groups = groups or [group for group in state.groups.values() if group.trains]
    if not groups:
        return None
    scores = np.stack([_per_example(group) for group in groups])
    return groups[leader(scores, np.array([group.loss for group in groups]))]


def as_good_and_cheaper(state: PlanningState, best: Group) -> Group | None:
    """The cheapest configuration whose mean accuracy is less than the margin below the best's, or None when the best
    is itself the cheapest of them."""
    spec, facts = state.problem.spec, state.problem.facts
    price = relative_cost(best.effective, facts)
    candidates = [
        group
        for group in state.groups.values()
        if group.trains
        and group.n_broke == 0
        and group.accuracy >= best.accuracy - spec.margin
        and relative_cost(group.effective, facts) < price
    ]
    return min(candidates, key=lambda group: (relative_cost(group.effective, facts), group.loss), default=None)


def _per_example(group: Group) -> Floats:
    scores = [fact.outcomes["validation"].scores for fact in group.facts if fact.state.did_train]
    mean: Floats = np.mean(scores, axis=0)
    return mean
