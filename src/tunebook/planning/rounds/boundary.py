"""Round boundary: go outwards until training breaks, or until going further no longer helps.

The learning rate comes first. It is raised in steps of three until training breaks; then the bracket is halved on a
log scale until its ends are within a factor of two; then an end that is not confirmed yet gets more seeds. Each rate
takes two seeds, the whole search at most eight trials. Rates already tried with the same settings give the starting
bracket. Beside it, rank and epochs go one step at a time beyond the end of their range, as long as that end is where
they are best.

Where there are several devices the round is trained beside refine and combine, with the settings that combine would
train by what is known before them, and a wave tries two rates, so that the search ends when combine does. Beside the
last wave of combine it tries all rates at once.
"""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

from tunebook.core.configuration import Configuration
from tunebook.core.divergence import tried_rates
from tunebook.core.factor import Factor, Level
from tunebook.core.study import Purpose, RoundKind, Wave
from tunebook.planning.combination import combined, helping_levels
from tunebook.planning.levels import RATE_STEP, level_label, outward, rate_limits
from tunebook.planning.problem import Allowance, Problem, SeedUse, seed_numbers
from tunebook.planning.round import Round, Shape
from tunebook.planning.state import PlanningState, Point, tried_levels
from tunebook.planning.wave_builder import WaveBuilder
from tunebook.statistics.response import Bracket, divergence_bracket

__all__ = ["Boundary", "edge"]

MOST_RATE_TRIALS = 8
"""Trials that the search for the breaking learning rate may take."""
PROBE_REPLICATES = 2
"""Seeds at each step outwards, in the middle of the bracket, and at an end that is not confirmed yet."""
FINE_ENOUGH = 2.0
"""A bracket whose ends are within this ratio is not narrowed further; its ends get more seeds."""
ROOM_FOR_NEW_SETTINGS = 6
"""With room for fewer trials the search uses the baseline's settings, of which explore has tried several rates."""
SEEDS_A_RATE = 8
"""Seeds set aside for each rate: more than one rate can ever take."""
OUTWARD_FACTORS = ("lora_r", "num_train_epochs")


class Boundary(Round):
    """The breaking learning rate, and rank and epochs beyond their range."""

    kind = RoundKind.BOUNDARY
    beside = (RoundKind.REFINE, RoundKind.COMBINE)

    def applies(self, problem: Problem) -> bool:
        """Only where explore moves one factor at a time: a model proposes otherwise."""
        return problem.design == "one_factor"

    def first_wave(self, state: PlanningState, round_number: int) -> Wave | None:
        """The round's first wave; None when there is nothing to ask, or nothing left to spend."""
        room = state.allowance(self.kind)
        builder = WaveBuilder(state, self.kind, round_number, 1, room)
        wave = _step(state, builder, _settings(state, room), 0)
        return None if builder.is_empty() else wave

    def next_wave(self, state: PlanningState, last: Wave) -> Wave:
        """One step further, with the settings of the round's first step."""
        room = state.allowance(self.kind)
        builder = WaveBuilder(state, self.kind, last.round, last.number + 1, room)
        probes = [f.trial for f in state.history.of_round(last.round) if f.trial.factor == "learning_rate"]
        settings = probes[0].configuration if probes else _settings(state, room)
        return _step(state, builder, settings, len(probes))

    def most(self, problem: Problem, control_seeds: int) -> Shape:
        """The search for the breaking rate, and one step outwards for rank and epochs."""
        seeds = problem.spec.seeds.configuration
        outward = sum(factor.name in OUTWARD_FACTORS for factor in problem.factors)
        rate = MOST_RATE_TRIALS if problem.rate_factor is not None else 0
        return Shape(
            kind=self.kind,
            n_trials=rate + outward * seeds,
            n_comparisons=outward,
            m_treatment=seeds,
            m_control=control_seeds,
        )

    def at_most(self, problem: Problem) -> int:
        """The search, and every step outwards that the limits allow."""
        steps = sum(_steps_outward(problem, factor) for factor in problem.factors if factor.name in OUTWARD_FACTORS)
        return MOST_RATE_TRIALS * (problem.rate_factor is not None) + steps * problem.spec.seeds.configuration


def edge(state: PlanningState, settings: Configuration) -> Bracket:
    """The bracket that the trials so far give for these settings at any learning rate."""
    problem = state.problem
    family = problem.family(problem.effective(settings))
    facts = [f for f in state.history.trials.values() if problem.family(f.trial.effective) == family]
    return divergence_bracket(tried_rates(facts, state.evidence.usual_accuracy))


def _settings(state: PlanningState, room: Allowance) -> Configuration:
    """The settings whose edge is looked for: those of the leading configuration, or with little room those of the
    baseline, of which several rates are known already. Beside combine those that it is going to train, since they are
    the likeliest to lead in the end."""
    best = state.leading
    if best is None or room.trials < ROOM_FOR_NEW_SETTINGS:
        return state.problem.spec.baseline
    helped = helping_levels(state) if state.apart else None
    return best.configuration if helped is None else combined(state, helped)


def _step(state: PlanningState, builder: WaveBuilder, settings: Configuration, spent: int) -> Wave:
    """The next probe of the learning rate after `spent` trials on it, and the next step outwards of rank and epochs."""
    more = _probe(state, builder, settings, spent)
    reserved = MOST_RATE_TRIALS - spent - len(builder.trials) if more else 0
    more = _outward(state, builder, reserved) or more
    return builder.wave(closes_round=not more or builder.is_empty())


def _probe(state: PlanningState, builder: WaveBuilder, settings: Configuration, spent: int) -> bool:
    """Add the next probe of the learning rate; gives whether another may follow it."""
    if state.problem.rate_factor is None:
        return False
    seen = edge(state, settings)
    left = int(min(MOST_RATE_TRIALS - spent, builder.room.trials))
    if left < 1:
        return False
    repeat = state.rounds_of(RoundKind.BOUNDARY) - (builder.number > 1)
    seeds = seed_numbers(state.problem.spec.seed, SeedUse.BOUNDARY, SEEDS_A_RATE, repeat)
    added = 0
    for rate in _rates(state, settings, seen, left // PROBE_REPLICATES):
        configuration = settings.with_values(learning_rate=rate)
        n = min(PROBE_REPLICATES, left - added)
        fresh = [seed for seed in seeds if builder.missing(configuration, (seed,))][:n]
        added += len(builder.replicates(configuration, fresh, Purpose.BOUNDARY, "learning_rate"))
    return 0 < added < left and not state.is_last_beside


def _rates(state: PlanningState, settings: Configuration, seen: Bracket, most: int) -> tuple[float, ...]:
    """The rates to try next; none when the bracket is fine enough and its ends are confirmed, or at the limits."""
    rate = _next_rate(state, settings, seen)
    if rate is None:
        return seen.unsure[:1]
    if state.is_last_beside:
        return _at_once(state, settings, seen, most) or (rate,)
    further = _further_rate(state, seen, rate) if state.apart else None
    return (rate,) if further is None else (rate, further)


def _further_rate(state: PlanningState, seen: Bracket, rate: float) -> float | None:
    """A rate to try at once with the next one: the step after it, as long as nothing broke."""
    if seen.raw_failed is not None or seen.mixed:
        return None
    return _rounded(min(rate * RATE_STEP, _highest_rate(state)), above=rate)


def _at_once(state: PlanningState, settings: Configuration, seen: Bracket, most: int) -> tuple[float, ...]:
    """Evenly spaced rates (log scale) above the highest that trained: up to the lowest that broke, or up to the limit,
    in steps of at most three; no finer than `FINE_ENOUGH`. Settings without any trial begin at their own rate. None
    where it is only known what breaks, or a rate did both."""
    above, failed = seen.raw_trained, seen.raw_failed
    if seen.mixed or (above is None and failed is not None):
        return ()
    if above is None:
        own = settings.learning_rate
        tried = replace(seen, raw_trained=own)
        return (own, *_at_once(state, settings, tried, most - 1)) if most > 1 else (own,)
    ratio = (failed or max(above, _highest_rate(state))) / above
    intervals = max(1, math.ceil(math.log(ratio, FINE_ENOUGH) - 1e-9))
    n = min(most, intervals - (failed is not None))
    step = ratio ** (1 / (n + 1)) if failed is not None else min(RATE_STEP, ratio ** (1 / max(1, n)))
    rates = [_rounded(above * step**i, above=above, below=failed or math.inf) for i in range(1, n + 1)]
    return tuple(rate for rate in rates if rate is not None)


def _highest_rate(state: PlanningState) -> float:
    assert state.problem.rate_factor is not None
    return rate_limits(state.problem.rate_factor)[1] * state.problem.spec.extrapolate


def _next_rate(state: PlanningState, settings: Configuration, seen: Bracket) -> float | None:
    """The next rate to try; None when the bracket is fine enough or the limits are reached."""
    assert state.problem.rate_factor is not None
    low, high = rate_limits(state.problem.rate_factor)[0] / state.problem.spec.extrapolate, _highest_rate(state)
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


def _highest(factor: Factor) -> float:
    """The highest level that the study file names."""
    return factor.high if factor.high is not None else max(float(level) for level in factor.levels)  # type: ignore[arg-type]


def _steps_outward(problem: Problem, factor: Factor) -> int:
    """Steps from there to the limit if each is as short as it can be: one, where nearest levels are one apart."""
    level: Level | None = math.floor(_highest(factor))
    limit, steps = _highest(factor) * problem.spec.extrapolate, 0
    while (level := outward(factor.name, level, int(level) - 1, limit)) is not None:  # type: ignore[arg-type]
        steps += 1
    return steps


def _beyond(state: PlanningState, factor: str) -> Point | None:
    """The next level beyond the highest one, if that one is the best so far and the factor was seen to matter."""
    given = state.problem.spec.space.get(factor)
    rungs = tried_levels(state, factor)
    if given is None or len(rungs) < 2 or not any(level.helps for level in state.levels_of(factor)):
        return None
    last, before = rungs[-1], rungs[-2]
    best = min(rungs, key=lambda rung: rung.loss_change)
    if best is not last:
        return None
    value = outward(factor, last.value, before.value, _highest(given) * state.problem.spec.extrapolate)
    if value is None:
        return None
    configuration = state.problem.configure({factor: value})
    configuration = configuration.with_values(learning_rate=last.group.configuration.learning_rate)
    return Point(factor, value, configuration, last.control) if state.is_new(configuration) else None
