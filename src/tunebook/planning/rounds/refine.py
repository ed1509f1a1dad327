"""Round refine: look closer around the best level of a factor.

The learning rate is always refined, and so is every other numeric factor of which some level helped. The new points
lie halfway (on the factor's scale) between the best level and its neighbours. They get fresh seeds and are compared
with the same baseline.

Where there are several devices the learning rate is refined beside explore's second wave, which has none of its levels;
the other factors follow in a second wave.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from tunebook.core.factor import Factor, Level
from tunebook.core.study import Purpose, RoundKind, Wave
from tunebook.planning.levels import between, is_ordered, level_label, position
from tunebook.planning.problem import Problem, SeedUse, seed_numbers
from tunebook.planning.round import Round, Shape
from tunebook.planning.state import PlanningState, Point, TriedLevel, tried_levels
from tunebook.planning.wave_builder import WaveBuilder

__all__ = ["Refine"]


class Refine(Round):
    """Points beside the best level of a factor."""

    kind = RoundKind.REFINE
    beside = (RoundKind.EXPLORE,)
    waits = True

    def applies(self, problem: Problem) -> bool:
        """Only where explore moves one factor at a time: a model proposes otherwise."""
        return problem.design == "one_factor"

    def first_wave(self, state: PlanningState, round_number: int) -> Wave | None:
        """The round's only wave, or None when there is nothing to refine. Beside explore the learning rate's alone."""
        builder = WaveBuilder(state, self.kind, round_number, 1, state.room(self.kind))
        ordered = [factor for factor in state.problem.factors if is_ordered(factor.name)]
        is_beside = RoundKind.EXPLORE in state.apart
        _add(builder, [factor for factor in ordered if factor.name == "learning_rate"] if is_beside else ordered)
        return None if builder.is_empty() else builder.wave(closes_round=not is_beside)

    def next_wave(self, state: PlanningState, last: Wave) -> Wave:
        """The other factors, after the learning rate was refined beside explore."""
        builder = WaveBuilder(state, self.kind, last.round, last.number + 1, state.room(self.kind))
        _add(builder, [f for f in state.problem.factors if is_ordered(f.name) and f.name != "learning_rate"])
        return builder.wave()

    def most(self, problem: Problem, control_seeds: int) -> Shape:
        """A point on each side of the best level of every ordered factor."""
        seeds = problem.spec.seeds.configuration
        points = 2 * sum(is_ordered(factor.name) for factor in problem.factors)
        return Shape(
            kind=self.kind,
            n_trials=points * seeds,
            n_comparisons=points,
            m_treatment=seeds,
            m_control=control_seeds,
        )


def _add(builder: WaveBuilder, factors: Sequence[Factor]) -> None:
    """Add the new points of these factors, as far as the room allows."""
    state = builder.state
    spec, n = state.problem.spec, state.problem.spec.seeds.configuration
    repeat = state.rounds_of(RoundKind.REFINE) - (builder.number > 1)
    seeds = seed_numbers(spec.seed, SeedUse.REFINE, n, repeat)
    for point in _points(builder, factors):
        affordable = [k for k in range(n, 0, -1) if builder.covers(point.configuration, seeds[:k], ("validation",))]
        if not affordable or (affordable[0] < n and not builder.is_empty()):
            builder.cut("middle_levels", n, point.factor)
            continue
        if affordable[0] < n:
            builder.cut("second_seeds", n - affordable[0], point.factor)
        ids = builder.replicates(point.configuration, seeds[: affordable[0]], Purpose.REFINE, point.factor)
        builder.contrast(ids, point.control.ids, level_label(point.factor, point.value), point.factor)


def _points(builder: WaveBuilder, factors: Sequence[Factor]) -> list[Point]:
    """New points in order of promise: the learning rate's first, then factors by how far their best level leads."""
    state = builder.state
    ranked: list[tuple[float, list[Point]]] = []
    for factor in factors:
        why_not = _why_not(state, factor)
        if why_not is not None:
            builder.note("not_refined", {"factor": factor.name, "why": why_not})
            continue
        ranked.append((_promise(state, factor.name), _points_of(state, factor.name)))
    return [point for _, points in sorted(ranked, key=lambda each: each[0]) for point in points]


def _why_not(state: PlanningState, factor: Factor) -> str | None:
    seen = state.levels_of(factor.name)
    if not seen:
        return "not_explored"
    if factor.name != "learning_rate" and not any(level.matters for level in seen):
        return "no_effect_seen"
    if factor.name != "learning_rate" and not any(level.helps for level in seen):
        return "no_level_helped"
    return None if _points_of(state, factor.name) else "no_room_between_levels"


def _promise(state: PlanningState, factor: str) -> float:
    if factor == "learning_rate":
        return -math.inf
    return min((level.loss_change for level in state.levels_of(factor) if level.group.trains), default=0.0)


def _points_of(state: PlanningState, factor: str) -> list[Point]:
    """Points on both sides of the best level, the more promising side first."""
    rungs = tried_levels(state, factor)
    best = min(range(len(rungs)), key=lambda i: rungs[i].loss_change)
    neighbours = [rungs[i] for i in (best - 1, best + 1) if 0 <= i < len(rungs)]
    if all(rung.group.trains for rung in neighbours):
        neighbours.sort(key=lambda rung: rung.loss_change)
    else:  # beside a level that broke the best may lie anywhere: look first where least is known
        neighbours.sort(key=lambda rung: -abs(position(factor, rung.value) - position(factor, rungs[best].value)))
    points = []
    for neighbour in neighbours:
        value = between(factor, rungs[best].value, neighbour.value)
        if value is None:
            continue
        point = _point(state, factor, value, rungs[best])
        if state.is_new(point.configuration):
            points.append(point)
    return points


def _point(state: PlanningState, factor: str, value: Level, best: TriedLevel) -> Point:
    """The new level at the learning rate that was chosen for the best level."""
    configuration = state.problem.configure({factor: value})
    if factor != "learning_rate" and best.group.facts:
        rate = best.group.configuration.learning_rate
        configuration = configuration.with_values(learning_rate=rate)
    return Point(factor, value, configuration, best.control)
