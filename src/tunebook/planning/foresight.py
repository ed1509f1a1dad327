"""What is still to come: rounds, trials, comparisons, and what the study could detect.

Trials of the next round are exact; those of later rounds are upper bounds, since what a round finds decides what the
next one asks. Effects come from `statistics.power`: with the stated priors before anything has run, later with the
noise that was measured.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from tunebook.core.factor import FACTOR_KINDS
from tunebook.core.outlook import Outlook, RoundOutlook
from tunebook.core.study import ERROR_SHARES, RoundKind, Wave
from tunebook.planning.explore_design import Design, fitted, full_design, price
from tunebook.planning.levels import is_ordered
from tunebook.planning.rounds.boundary import MOST_RATE_TRIALS, OUTWARD_FACTORS
from tunebook.planning.rounds.confirm import SEEDS as CONFIRM_SEEDS
from tunebook.planning.rounds.table import table_wave
from tunebook.planning.shares import SHARES
from tunebook.planning.state import PlanningState
from tunebook.statistics.noise import SEED_DEVIATION_PRIOR, pooled_noise
from tunebook.statistics.power import ContrastDesign, smallest_detectable_effect, smallest_margin

__all__ = ["outlook"]


@dataclass(frozen=True)
class _Shape:
    """One round as far as it can be foreseen: trials, comparisons, seeds of both sides."""

    kind: RoundKind
    n_trials: int
    n_comparisons: int
    m_treatment: int
    m_control: int


@dataclass(frozen=True)
class Sensitivity:
    """How well the study sees: examples, and noise with its degrees of freedom."""

    n_validation: int
    n_test: int
    seed_deviation: float
    df: float

    def effect(self, shape: _Shape) -> float | None:
        """The round's smallest detectable effect; None when it compares nothing."""
        return smallest_detectable_effect(self._design(shape)) if shape.n_comparisons else None

    def margin(self, shape: _Shape) -> float | None:
        """The smallest margin within which the round could show two configurations equivalent."""
        return smallest_margin(self._design(shape)) if shape.n_comparisons else None

    def _design(self, shape: _Shape) -> ContrastDesign:
        confirms = shape.kind is RoundKind.CONFIRM and self.n_test > 0
        return ContrastDesign(
            self.n_test if confirms else self.n_validation,
            shape.m_treatment,
            shape.m_control,
            self.seed_deviation,
            df=self.df,
            alpha=ERROR_SHARES[shape.kind],
            n_comparisons=shape.n_comparisons,
        )


def outlook(state: PlanningState, kinds: tuple[RoundKind, ...], wave: Wave | None) -> Outlook:
    """The rounds to come.

    Args:
        kinds: those that may still be opened, in order.
        wave: the next wave, when it is known to be more than the reference.
    """
    problem = state.problem
    design, cuts = fitted(problem, state.first_allowance)
    folds = design.folds
    if problem.table:
        folds, cuts = (), ()
        if state.last_wave is None:
            table = table_wave(state, 1)
            folds, cuts = table.folds, table.cuts
    wanted = full_design(problem)
    shapes = tuple(_shapes(state, design, kinds, wave))
    sensitivity = _sensitivity(state, design)
    margins = [margin for margin in map(sensitivity.margin, shapes) if margin is not None]
    uncut = _explore_shape(wanted, price(problem, wanted)[0])
    return Outlook(
        rounds=tuple(RoundOutlook(s.kind, s.n_trials, s.n_comparisons, sensitivity.effect(s)) for s in shapes),
        folds=_all(state, "folds") or folds,
        cuts=_all(state, "cuts") or cuts,
        detectable_without_cuts=None if problem.table else _sensitivity(state, wanted).effect(uncut),
        smallest_margin=min(margins, default=None),
        wanted_trials=math.ceil((_n_rows(state) if problem.table else uncut.n_trials) / SHARES[RoundKind.EXPLORE]),
    )


def _all(state: PlanningState, what: str) -> tuple[Any, ...]:
    return tuple(each for wave in state.history.waves for each in getattr(wave, what))


def _n_rows(state: PlanningState) -> int:
    """Trials of the user's own table and the baseline, nothing cut."""
    spec = state.problem.spec
    return len(state.problem.table) * spec.seeds.configuration + spec.seeds.baseline


def _sensitivity(state: PlanningState, design: Design) -> Sensitivity:
    """Measured noise when there are degrees of freedom for it, else the prior, believed as much as explore will pay
    for."""
    facts = state.problem.facts
    deviation, df, from_prior = pooled_noise(state.history)
    if from_prior or df <= 0:
        spread = sum(len(factor.levels) * (factor.seeds - 1) for factor in design.factors)
        deviation, df = SEED_DEVIATION_PRIOR, max(1, design.baseline_seeds - 1 + spread)
    return Sensitivity(facts.n_validation, facts.n_test, deviation, df)


def _shapes(state: PlanningState, design: Design, kinds: tuple[RoundKind, ...], wave: Wave | None) -> Iterator[_Shape]:
    """The rounds in order; each takes at most its most, and at most what its share leaves."""
    used: float = state.used_trials
    current = wave if wave is not None else state.last_wave
    if current is not None and (wave is not None or not current.closes_round):
        shape = _current_shape(state, design, current, is_planned=wave is None)
        used += shape.n_trials
        if shape.n_trials or wave is not None:
            yield shape
    for kind in kinds:
        if wave is not None and kind is wave.kind:
            continue
        most = _most(state, design, kind)
        room = max(0.0, state.share_until(kind) - used)
        n = int(min(most.n_trials, room))
        used += n
        if n > 0:
            compared = most.n_comparisons if kind is RoundKind.EXPLORE else min(most.n_comparisons, n)
            yield _Shape(kind, n, compared, most.m_treatment, most.m_control)


def _current_shape(state: PlanningState, design: Design, wave: Wave, is_planned: bool) -> _Shape:
    """The round under way: its next wave, if that is not planned yet, and the waves that may follow it."""
    own = sum(trial.costs_budget for trial in wave.trials)
    before = sum(fact.trial.costs_budget for fact in state.history.of_round(wave.round)) + (0 if is_planned else own)
    rest = 0
    if not wave.closes_round:
        most = _most(state, design, wave.kind).n_trials
        used = state.used_trials + (0 if is_planned else own)
        rest = int(min(max(0, most - before), max(0.0, state.share_until(wave.kind) - used)))
    shape = _shape_of(wave)
    compared = design.n_levels if wave.kind is RoundKind.EXPLORE else shape.n_comparisons
    return replace(shape, n_trials=rest + (0 if is_planned else own), n_comparisons=compared)


def _shape_of(wave: Wave) -> _Shape:
    n_trials = sum(trial.costs_budget for trial in wave.trials)
    sides = [(len(c.treatment), len(c.control)) for c in wave.contrasts] or [(1, 1)]
    return _Shape(wave.kind, n_trials, len(wave.contrasts), *min(sides, key=sum))


def _explore_shape(design: Design, n_trials: int) -> _Shape:
    seeds = min((factor.seeds for factor in design.factors), default=1)
    return _Shape(RoundKind.EXPLORE, n_trials, design.n_levels, seeds, design.baseline_seeds)


def _most(state: PlanningState, design: Design, kind: RoundKind) -> _Shape:
    """The most that a round of this kind would take if its share allowed."""
    problem = state.problem
    seeds, control = problem.spec.seeds.configuration, design.baseline_seeds
    if kind is RoundKind.EXPLORE:
        return _explore_shape(design, price(problem, design)[0])
    if kind is RoundKind.TABLE:
        return _shape_of(table_wave(state, 1))
    if kind is RoundKind.REFINE:
        points = 2 * sum(is_ordered(factor.name) for factor in problem.factors)
        return _Shape(kind, points * seeds, points, seeds, control)
    if kind is RoundKind.COMBINE:
        moves = any(FACTOR_KINDS[factor.name].moves_learning_rate for factor in problem.factors)
        cells = 1 + len(problem.factors)
        return _Shape(kind, (cells * seeds + 3 * moves) * (len(problem.factors) > 1), 1, seeds, control)
    if kind is RoundKind.BOUNDARY:
        outward = sum(factor.name in OUTWARD_FACTORS for factor in problem.factors)
        rate = MOST_RATE_TRIALS if problem.rate_factor is not None else 0
        return _Shape(kind, rate + outward * seeds, outward, seeds, control)
    n = CONFIRM_SEEDS[0]
    return _Shape(kind, 3 * n, 2, n, n)
