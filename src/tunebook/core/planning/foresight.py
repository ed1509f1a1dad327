"""What is still to come: rounds, trials, comparisons, and what the study could detect."""

from __future__ import annotations

from tunebook.core.outlook import Outlook, RoundOutlook
from tunebook.core.planning.board import Board
from tunebook.core.planning.design import fitted, full_design, price
from tunebook.core.study import RoundKind, Wave

__all__ = ["outlook"]


def outlook(board: Board, wave: Wave | None) -> Outlook:
    """The rounds to come, the first as `wave` has it, the later ones by what they may take at most."""
    ground = board.ground
    design, cuts = fitted(ground, board.allowance(RoundKind.EXPLORE))
    rounds = []
    if wave is not None:
        rounds.append(RoundOutlook(wave.kind, sum(t.costs_budget for t in wave.trials), len(wave.contrasts), None))
    elif board.last_wave is None:
        rounds.append(RoundOutlook(RoundKind.EXPLORE, price(ground, design)[0], design.n_levels, None))
    return Outlook(tuple(rounds), design.folds, cuts, wanted_trials=price(ground, full_design(ground))[0])
