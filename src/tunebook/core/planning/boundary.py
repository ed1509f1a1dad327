"""Round boundary: outwards until it breaks or stops paying.

The learning rate first: upwards in steps of three until training breaks, then bisection on a log scale, at most eight
trials, a wave each. Rates already tried with the same settings are the starting bracket. Then rank and epochs, one step
beyond the end of their range, if the end is where they are best.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise

from tunebook.core.configuration import Configuration
from tunebook.core.planning.board import Board
from tunebook.core.planning.choice import leading
from tunebook.core.planning.draft import Draft
from tunebook.core.planning.explore import level_label
from tunebook.core.planning.levels import RATE_STEP, outward, rate_limits
from tunebook.core.planning.refine import Point, ladder
from tunebook.core.planning.seeds import SeedUse, seed_numbers
from tunebook.core.planning.shares import Allowance
from tunebook.core.study import Cut, Purpose, RoundKind, TrialState, Wave

__all__ = ["Edge", "boundary_wave", "edge"]

MOST_RATE_TRIALS = 8
"""Trials that the search for the breaking learning rate may take (DESIGN.md section 4)."""
RATE_REPLICATES = 2
"""Seeds at each probed rate, when the share has room for two probes of them."""
ROOM_FOR_NEW_SETTINGS = 6
"""With room for fewer trials the search starts from the baseline's settings, whose rates explore has tried."""
FINE_ENOUGH = 1.25
"""A bracket whose ends are within this ratio is not narrowed further."""
OUTWARD_FACTORS = ("lora_r", "num_train_epochs")


@dataclass(frozen=True)
class Edge:
    """Where training breaks, as far as known, for one family of settings.

    Attributes:
        trained: highest rate at and below which every replicate trained, or None.
        failed: lowest rate at which most replicates did not, or None.
        mixed: rates between the two, tried with mixed results.
    """

    trained: float | None
    failed: float | None
    mixed: tuple[float, ...] = ()

    @property
    def is_fine(self) -> bool:
        return self.trained is not None and self.failed is not None and self.failed / self.trained <= FINE_ENOUGH


def edge(board: Board, settings: Configuration) -> Edge:
    """The bracket that the trials so far give for these settings at any learning rate."""
    family = board.ground.effective(settings).with_values(learning_rate=1.0)
    tried: dict[float, list[bool]] = defaultdict(list)
    for fact in board.history.trials.values():
        trial = fact.trial
        if trial.purpose is Purpose.REFERENCE or not fact.state.is_final or fact.state is TrialState.FAILED:
            continue
        if trial.effective.with_values(learning_rate=1.0) == family:
            tried[trial.effective.learning_rate].append(fact.state.did_train)
    return _bracket(tried)


def _bracket(tried: dict[float, list[bool]]) -> Edge:
    trained: float | None = None
    mixed: list[float] = []
    unbroken = True
    for rate in sorted(tried):
        results = tried[rate]
        if 2 * sum(results) < len(results):
            return Edge(trained, rate, tuple(mixed))
        unbroken = unbroken and all(results)
        if unbroken:
            trained = rate
        else:
            mixed.append(rate)
    return Edge(trained, None, tuple(mixed))


def boundary_wave(board: Board, round_number: int, number: int) -> Wave | None:
    """The next wave of the round; None when there is nothing to ask, or nothing left to spend."""
    room = board.allowance(RoundKind.BOUNDARY)
    draft = Draft(board, RoundKind.BOUNDARY, round_number, number, room)
    spent_on_rate = sum(
        fact.trial.factor == "learning_rate" for fact in board.history.of_round(round_number)
    ) if number > 1 else 0
    settings = _settings(board, round_number if number > 1 else None, room)
    more = _probe(board, draft, settings, spent_on_rate)
    more = _outward(board, draft, rate_goes_on=more) or more
    if draft.is_empty() and number == 1:
        return None
    return draft.wave(closes_round=not more or draft.is_empty())


def _settings(board: Board, round_number: int | None, room: Allowance) -> Configuration:
    """The settings whose edge is looked for, kept through the round: those of the leading configuration, or with little
    room those of the baseline, of which several rates are known already."""
    if round_number is not None:
        for fact in board.history.of_round(round_number):
            if fact.trial.factor == "learning_rate":
                return fact.trial.configuration
    best = leading(board)
    if best is None or room.trials < ROOM_FOR_NEW_SETTINGS:
        return board.ground.spec.baseline
    return best.configuration


def _probe(board: Board, draft: Draft, settings: Configuration, spent: int) -> bool:
    """Add the next probe of the learning rate; gives whether another may follow it."""
    if board.ground.rate_factor is None:
        return False
    seen = edge(board, settings)
    rate = _next_rate(board, settings, seen)
    if rate is None:
        draft.note("edge", {"trained": seen.trained, "failed": seen.failed, "mixed": list(seen.mixed)})
        return False
    left = min(MOST_RATE_TRIALS - spent, draft.room.trials)
    n = RATE_REPLICATES if draft.room.trials + spent >= 2 * RATE_REPLICATES else 1
    if left < n:
        return False
    repeat = board.rounds_of(RoundKind.BOUNDARY) - (spent > 0)
    seeds = seed_numbers(board.ground.spec.seed, SeedUse.BOUNDARY, n, repeat)
    ids = draft.replicates(
        settings.with_values(learning_rate=rate), seeds, Purpose.BOUNDARY, "learning_rate"
    )
    return bool(ids) and left - len(ids) >= n


def _next_rate(board: Board, settings: Configuration, seen: Edge) -> float | None:
    """The next rate to try, or None when the bracket is fine enough or the limits are reached."""
    assert board.ground.rate_factor is not None
    low, high = rate_limits(board.ground.rate_factor)
    low, high = low / board.ground.spec.extrapolate, high * board.ground.spec.extrapolate
    if seen.trained is None and seen.failed is None:
        return settings.learning_rate
    if seen.trained is None:
        assert seen.failed is not None
        return _rounded(max(seen.failed / RATE_STEP, low), below=seen.failed)
    if seen.failed is None:
        return _rounded(min(max(seen.trained, *seen.mixed, 0.0) * RATE_STEP, high), above=seen.trained)
    if seen.is_fine:
        return None
    below, above = max(pairwise((seen.trained, *seen.mixed, seen.failed)), key=lambda gap: gap[1] / gap[0])
    return _rounded(math.sqrt(below * above), above=below, below=above)


def _rounded(rate: float, above: float = 0.0, below: float = math.inf) -> float | None:
    value = float(f"{rate:.2g}")
    return value if above * 1.02 < value < below / 1.02 else None


def _outward(board: Board, draft: Draft, rate_goes_on: bool) -> bool:
    """One step beyond the range for rank and epochs, if the end of the range is where they are best; gives whether
    another step may follow. The trials that the learning rate may still want are left to it."""
    spec = board.ground.spec
    reserved = MOST_RATE_TRIALS - RATE_REPLICATES if rate_goes_on else 0
    repeat = board.rounds_of(RoundKind.BOUNDARY) - (draft.number > 1)
    seeds = seed_numbers(spec.seed, SeedUse.BOUNDARY, spec.seeds.configuration, repeat)
    added = False
    for factor in OUTWARD_FACTORS:
        point = _beyond(board, factor)
        if point is None:
            continue
        n = draft.missing(point.configuration, seeds)
        if draft.room.trials < n + reserved or not draft.covers(point.configuration, seeds, ("validation",)):
            if draft.number == 1:
                draft.cuts.append(Cut("minor_boundary", n, (factor,)))
            continue
        ids = draft.replicates(point.configuration, seeds, Purpose.BOUNDARY, factor)
        draft.contrast(ids, point.control.ids, level_label(factor, point.value), factor)
        added = True
    return added


def _beyond(board: Board, factor: str) -> Point | None:
    """The next level beyond the highest one, if that one is the best so far and the factor was seen to matter."""
    given = board.ground.spec.space.get(factor)
    rungs = ladder(board, factor)
    if given is None or len(rungs) < 2 or not any(level.helps for level in board.levels_of(factor)):
        return None
    last, before = rungs[-1], rungs[-2]
    best = min(rungs, key=lambda rung: rung.group.loss - rung.control.loss if rung.group.trains else math.inf)
    if best is not last:
        return None
    highest = given.high if given.high is not None else max(float(level) for level in given.levels)  # type: ignore[arg-type]
    value = outward(factor, last.value, before.value, highest * board.ground.spec.extrapolate)
    if value is None:
        return None
    configuration = board.ground.configure({factor: value})
    configuration = configuration.with_values(learning_rate=last.group.configuration.learning_rate)
    return Point(factor, value, configuration, last.control) if board.is_new(configuration) else None
