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
from tunebook.planning.state import PlanningState
from tunebook.planning.wave_builder import WaveBuilder
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


def edge(state: PlanningState, settings: Configuration) -> Bracket:
    """The bracket that the trials so far give for these settings at any learning rate."""
    problem = state.problem
    family = problem.family(problem.effective(settings))
    facts = state.history.trials.values()
    return divergence_bracket(tried_rates(fact for fact in facts if problem.family(fact.trial.effective) == family))


def boundary_wave(state: PlanningState, round_number: int, number: int) -> Wave | None:
    """The next wave of the round; None when there is nothing to ask, or nothing left to spend."""
    room = state.allowance(RoundKind.BOUNDARY)
    builder = WaveBuilder(state, RoundKind.BOUNDARY, round_number, number, room)
    spent_on_rate = (
        sum(fact.trial.factor == "learning_rate" for fact in state.history.of_round(round_number)) if number > 1 else 0
    )
    settings = _settings(state, round_number if number > 1 else None, room)
    more = _probe(state, builder, settings, spent_on_rate)
    reserved = MOST_RATE_TRIALS - spent_on_rate - len(builder.trials) if more else 0
    more = _outward(state, builder, reserved) or more
    if builder.is_empty() and number == 1:
        return None
    return builder.wave(closes_round=not more or builder.is_empty())


def _settings(state: PlanningState, round_number: int | None, room: Allowance) -> Configuration:
    """The settings whose edge is looked for, kept through the round: those of the leading configuration, or with little
    room those of the baseline, of which several rates are known already."""
    if round_number is not None:
        for fact in state.history.of_round(round_number):
            if fact.trial.factor == "learning_rate":
                return fact.trial.configuration
    best = leading(state)
    if best is None or room.trials < ROOM_FOR_NEW_SETTINGS:
        return state.problem.spec.baseline
    return best.configuration


def _probe(state: PlanningState, builder: WaveBuilder, settings: Configuration, spent: int) -> bool:
    """Add the next probe of the learning rate; gives whether another may follow it."""
    if state.problem.rate_factor is None:
        return False
    seen = edge(state, settings)
    left = int(min(MOST_RATE_TRIALS - spent, builder.room.trials))
    rate = _next_rate(state, settings, seen)
    if rate is None and seen.unsure:
        rate = seen.unsure[0]
    if rate is None or left < 1:
        ends = {"trained": seen.highest_trained, "failed": seen.lowest_failed, "mixed": list(seen.mixed)}
        builder.note("edge", ends)
        return False
    repeat = state.rounds_of(RoundKind.BOUNDARY) - (builder.number > 1)
    seeds = seed_numbers(state.problem.spec.seed, SeedUse.BOUNDARY, SEEDS_A_RATE, repeat)
    configuration = settings.with_values(learning_rate=rate)
    fresh = [seed for seed in seeds if builder.missing(configuration, (seed,))][: min(PROBE_REPLICATES, left)]
    ids = builder.replicates(configuration, fresh, Purpose.BOUNDARY, "learning_rate")
    return bool(ids) and left > len(ids)


def _next_rate(state: PlanningState, settings: Configuration, seen: Bracket) -> float | None:
    """The next rate to try; None when the bracket is fine enough or the limits are reached."""
    assert state.problem.rate_factor is not None
    low, high = rate_limits(state.problem.rate_factor)
    low, high = low / state.problem.spec.extrapolate, high * state.problem.spec.extrapolate
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


def _outward(state: PlanningState, builder: WaveBuilder, reserved: int) -> bool:
    """One step beyond the range for rank and epochs, if the end of the range is where they are best; gives whether
    another step may follow. The trials that the learning rate may still want are reserved for it."""
    spec = state.problem.spec
    repeat = state.rounds_of(RoundKind.BOUNDARY) - (builder.number > 1)
    seeds = seed_numbers(spec.seed, SeedUse.BOUNDARY, spec.seeds.configuration, repeat)
    added = False
    for factor in OUTWARD_FACTORS:
        point = _beyond(state, factor)
        if point is None:
            continue
        n = builder.missing(point.configuration, seeds)
        if builder.room.trials < n + reserved or not builder.covers(point.configuration, seeds, ("validation",)):
            if builder.number == 1:
                builder.cut("minor_boundary", n, factor)
            continue
        ids = builder.replicates(point.configuration, seeds, Purpose.BOUNDARY, factor)
        builder.contrast(ids, point.control.ids, level_label(factor, point.value), factor)
        added = True
    return added


def _beyond(state: PlanningState, factor: str) -> Point | None:
    """The next level beyond the highest one, if that one is the best so far and the factor was seen to matter."""
    given = state.problem.spec.space.get(factor)
    rungs = ladder(state, factor)
    if given is None or len(rungs) < 2 or not any(level.helps for level in state.levels_of(factor)):
        return None
    last, before = rungs[-1], rungs[-2]
    best = min(rungs, key=lambda rung: rung.group.loss - rung.control.loss if rung.group.trains else math.inf)
    if best is not last:
        return None
    highest = given.high if given.high is not None else max(float(level) for level in given.levels)  # type: ignore[arg-type]
    value = outward(factor, last.value, before.value, highest * state.problem.spec.extrapolate)
    if value is None:
        return None
    configuration = state.problem.configure({factor: value})
    configuration = configuration.with_values(learning_rate=last.group.configuration.learning_rate)
    return Point(factor, value, configuration, last.control) if state.is_new(configuration) else None
