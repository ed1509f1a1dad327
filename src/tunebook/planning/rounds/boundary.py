"""Round boundary: outwards until it breaks or stops paying.

The learning rate first: upwards in steps of three until training breaks, then halving the bracket on a log scale until
its ends are within a factor of two, then further seeds at an end that does not stand yet; two seeds a wave, at most
eight trials. Rates already tried with the same settings are the starting bracket. Beside it rank and epochs, a step at
a time beyond the end of their range, while the end is where they are best.
"""

from __future__ import annotations

import math
from itertools import pairwise

from tunebook.core.configuration import Configuration
from tunebook.core.divergence import tried_rates
from tunebook.core.study import Purpose, RoundKind, Wave
from tunebook.planning.choice import leading
from tunebook.planning.levels import RATE_STEP, outward, rate_limits
from tunebook.planning.rounds.explore import level_label
from tunebook.planning.rounds.refine import Point, ladder
from tunebook.planning.seeds import SeedUse, seed_numbers
from tunebook.planning.shares import Allowance
from tunebook.planning.state import Board
from tunebook.planning.wave_builder import Draft
from tunebook.statistics.response import Bracket, divergence_bracket

__all__ = ["boundary_wave", "edge"]

MOST_RATE_TRIALS = 8
"""Trials that the search for the breaking learning rate may take (DESIGN.md section 4)."""
PROBE_REPLICATES = 2
"""Seeds at each step outwards, in the middle of the bracket, and at an end that does not stand yet."""
FINE_ENOUGH = 2.0
"""A bracket whose ends are within this ratio is not narrowed further, but made surer."""
ROOM_FOR_NEW_SETTINGS = 6
"""With room for fewer trials the search starts from the baseline's settings, whose rates explore has tried."""
SEEDS_A_RATE = 8
"""Seeds set aside for each rate: more than one rate can ever take."""
OUTWARD_FACTORS = ("lora_r", "num_train_epochs")


def edge(board: Board, settings: Configuration) -> Bracket:
    """The bracket that the trials so far give for these settings at any learning rate."""
    ground = board.ground
    family = ground.family(ground.effective(settings))
    facts = board.history.trials.values()
    return divergence_bracket(tried_rates(fact for fact in facts if ground.family(fact.trial.effective) == family))


def boundary_wave(board: Board, round_number: int, number: int) -> Wave | None:
    """The next wave of the round; None when there is nothing to ask, or nothing left to spend."""
    room = board.allowance(RoundKind.BOUNDARY)
    draft = Draft(board, RoundKind.BOUNDARY, round_number, number, room)
    spent_on_rate = (
        sum(fact.trial.factor == "learning_rate" for fact in board.history.of_round(round_number)) if number > 1 else 0
    )
    settings = _settings(board, round_number if number > 1 else None, room)
    more = _probe(board, draft, settings, spent_on_rate)
    reserved = MOST_RATE_TRIALS - spent_on_rate - len(draft.trials) if more else 0
    more = _outward(board, draft, reserved) or more
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
    left = int(min(MOST_RATE_TRIALS - spent, draft.room.trials))
    rate = _next_rate(board, settings, seen)
    if rate is None and seen.unsure:
        rate = seen.unsure[0]
    if rate is None or left < 1:
        ends = {"trained": seen.highest_trained, "failed": seen.lowest_failed, "mixed": list(seen.mixed)}
        draft.note("edge", ends)
        return False
    repeat = board.rounds_of(RoundKind.BOUNDARY) - (draft.number > 1)
    seeds = seed_numbers(board.ground.spec.seed, SeedUse.BOUNDARY, SEEDS_A_RATE, repeat)
    configuration = settings.with_values(learning_rate=rate)
    fresh = [seed for seed in seeds if draft.missing(configuration, (seed,))][: min(PROBE_REPLICATES, left)]
    ids = draft.replicates(configuration, fresh, Purpose.BOUNDARY, "learning_rate")
    return bool(ids) and left > len(ids)


def _next_rate(board: Board, settings: Configuration, seen: Bracket) -> float | None:
    """The next rate to try; None when the bracket is fine enough or the limits are reached."""
    assert board.ground.rate_factor is not None
    low, high = rate_limits(board.ground.rate_factor)
    low, high = low / board.ground.spec.extrapolate, high * board.ground.spec.extrapolate
    trained, failed = seen.raw_trained, seen.raw_failed
    if trained is None and failed is None and not seen.mixed:
        return settings.learning_rate
    if failed is None:
        highest = max((trained or 0.0, *seen.mixed))
        return _rounded(min(highest * RATE_STEP, high), above=highest)
    if trained is None:
        lowest = min((failed, *seen.mixed))
        return _rounded(max(lowest / RATE_STEP, low), below=lowest)
    if failed / trained <= FINE_ENOUGH:
        return None
    below, above = max(pairwise((trained, *seen.mixed, failed)), key=lambda gap: gap[1] / gap[0])
    if above / below <= math.sqrt(FINE_ENOUGH):
        return None
    return _rounded(math.sqrt(below * above), above=below, below=above)


def _rounded(rate: float, above: float = 0.0, below: float = math.inf) -> float | None:
    value = float(f"{rate:.2g}")
    return value if above * 1.02 < value < below / 1.02 else None


def _outward(board: Board, draft: Draft, reserved: int) -> bool:
    """One step beyond the range for rank and epochs, if the end of the range is where they are best; gives whether
    another step may follow. The trials that the learning rate may still want are reserved for it."""
    spec = board.ground.spec
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
                draft.cut("minor_boundary", n, factor)
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
