"""Which configuration leads, and which cheaper one may be as good.

Accuracy is what counts and loss is what is measured well. So: among the configurations whose accuracy is within one
standard error of the highest, the one of lowest validation loss leads.
"""

from __future__ import annotations

import math

import numpy as np

from tunebook.core.cost import relative_cost
from tunebook.core.facts import Floats
from tunebook.core.planning.board import Board, Group

__all__ = ["as_good_and_cheaper", "leading"]


def leading(board: Board) -> Group | None:
    """The configuration to go on with, or None when nothing has trained."""
    groups = [group for group in board.groups.values() if group.trains and group.n_broke == 0]
    groups = groups or [group for group in board.groups.values() if group.trains]
    if not groups:
        return None
    top = max(groups, key=lambda group: (group.accuracy, -group.loss))
    near = [group for group in groups if top.accuracy - group.accuracy <= _standard_error(top, group)]
    return min(near, key=lambda group: (group.loss, -group.accuracy))


def as_good_and_cheaper(board: Board, best: Group) -> Group | None:
    """The cheapest configuration whose mean accuracy is less than the margin below the best's, or None when the best
    is itself the cheapest of them."""
    spec, facts = board.ground.spec, board.ground.facts
    price = relative_cost(best.effective, facts)
    candidates = [
        group for group in board.groups.values()
        if group.trains and group.n_broke == 0 and group.accuracy >= best.accuracy - spec.margin
        and relative_cost(group.effective, facts) < price
    ]
    return min(candidates, key=lambda group: (relative_cost(group.effective, facts), group.loss), default=None)


def _standard_error(a: Group, b: Group) -> float:
    """Standard error of the paired difference of two groups over examples, 0 for a group and itself."""
    difference = _per_example(a) - _per_example(b)
    return float(difference.std(ddof=1) / math.sqrt(difference.size)) if difference.size > 1 else 0.0


def _per_example(group: Group) -> Floats:
    scores = [fact.outcomes["validation"].scores for fact in group.facts if fact.state.did_train]
    mean: Floats = np.mean(scores, axis=0)
    return mean
