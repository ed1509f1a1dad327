"""Round combine: the levels that helped, together.

All of them at once; then, as the share allows, the cells that tell whether their effects add up: with two factors each
alone with fresh seeds, with more of them all but one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from tunebook.core.configuration import Configuration
from tunebook.core.planning.board import Board, LevelSeen
from tunebook.core.planning.draft import Draft
from tunebook.core.planning.levels import RATE_STEP
from tunebook.core.planning.seeds import SeedUse, seed_numbers
from tunebook.core.planning.shares import Allowance
from tunebook.core.study import Cut, Purpose, RoundKind, Wave

__all__ = ["combine_wave", "helping_levels"]


def helping_levels(board: Board) -> dict[str, LevelSeen]:
    """The best level of each factor that helped. When that is fewer than two factors, the next ones that at least lead
    by loss are added, up to two: a combination of the two most promising is worth more than none."""
    helped = _best_levels(level for level in board.levels if level.helps)
    if len(helped) < 2:
        leading = _best_levels(level for level in board.levels if level.leads and level.factor not in helped)
        for name, level in sorted(leading.items(), key=lambda item: item[1].loss_change):
            if len(helped) < 2:
                helped[name] = level
    return helped


def _best_levels(levels: object) -> dict[str, LevelSeen]:
    best: dict[str, LevelSeen] = {}
    for level in levels:  # type: ignore[attr-defined]
        known = best.get(level.factor)
        if known is None or _order(level) < _order(known):
            best[level.factor] = level
    return best


def _order(level: LevelSeen) -> tuple[bool, float]:
    return (not level.helps, level.loss_change)


def combine_wave(board: Board, round_number: int, room: Allowance) -> Wave | None:
    """The round's only wave, or None when fewer than two factors have a level worth combining."""
    helped = helping_levels(board)
    if len(helped) < 2:
        return None
    draft = Draft(board, RoundKind.COMBINE, round_number, 1, room)
    spec = board.ground.spec
    n = spec.seeds.configuration
    seeds = seed_numbers(spec.seed, SeedUse.COMBINE, n, board.rounds_of(RoundKind.COMBINE))
    everything = combined(board, helped)
    if board.ground.effective(everything) in board.groups:
        return None
    affordable = [k for k in range(n, 0, -1) if draft.covers(everything, seeds[:k], ("validation",))]
    if not affordable:
        return None
    if affordable[0] < n:
        draft.cuts.append(Cut("second_seeds", n - affordable[0]))
    draft.note("combined", {name: level.value for name, level in helped.items()})
    ids = draft.replicates(everything, seeds[: affordable[0]], Purpose.COMBINE)
    draft.contrast(ids, board.baseline.ids, "combined")
    for name in reversed(helped):
        rest = {other: level for other, level in helped.items() if other != name}
        cell = combined(board, rest)
        if affordable[0] == n and draft.covers(cell, seeds, ("validation",)):
            draft.replicates(cell, seeds, Purpose.COMBINE, next(iter(rest)) if len(rest) == 1 else None)
    return draft.wave()


def combined(board: Board, levels: Mapping[str, LevelSeen]) -> Configuration:
    """The baseline with these levels, at a learning rate that honours what was chosen for each of them.

    The rate is the learning rate's own best level, or else the one chosen for the baseline; factors whose chosen rate
    differed from their baseline's move it by the same ratio, together by at most one bracket step.
    """
    ground = board.ground
    configuration = ground.configure({name: level.value for name, level in levels.items()})
    if ground.rate_factor is None:
        return configuration
    anchor = configuration.learning_rate
    others = [level for name, level in levels.items() if name != "learning_rate"]
    if "learning_rate" not in levels and others:
        anchor = others[0].control.configuration.learning_rate
    ratio = math.prod(
        level.group.configuration.learning_rate / level.control.configuration.learning_rate for level in others
    )
    ratio = min(RATE_STEP, max(1 / RATE_STEP, ratio))
    rate = anchor if math.isclose(ratio, 1) else float(f"{_below_the_edge(board, anchor, anchor * ratio):.2g}")
    return configuration.with_values(learning_rate=rate)


def _below_the_edge(board: Board, anchor: float, rate: float) -> float:
    """The rate, held below the highest at which the baseline's settings are known to train."""
    trained = [level.group.configuration.learning_rate for level in board.levels_of("learning_rate")
               if level.group.trains]
    return max(anchor, min(rate, max(trained, default=rate))) if rate > anchor else rate
