"""The design of the explore round: which levels, which brackets, how many seeds, and what is cut when it does not fit.

A design is a value, and its price is counted without building trials, so that fitting it to a budget takes
microseconds. The cuts come in a fixed order (decisions 021, 129): one end of the learning-rate bracket, the whole
bracket, levels in the middle, third and further seeds, baseline seeds (never fewer than three), the nearer of two end
levels, whole factors, and last of all second seeds, without which nothing is tested. Within each step the factors that
the study file names last are cut first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from tunebook.core.configuration import Configuration
from tunebook.core.factor import FACTOR_KINDS, Level
from tunebook.core.findings import SEEDS_TO_TEST
from tunebook.core.space import checkpoint_family
from tunebook.core.study import Cut, Fold
from tunebook.planning.levels import explored_levels, is_ordered, position, rate_limits
from tunebook.planning.problem import Allowance, Problem
from tunebook.planning.wave_builder import fold_of

__all__ = [
    "BASELINE_SEEDS_LEAST", "Design", "FactorDesign", "LevelDesign", "fitted", "full_design", "levels_by_factor",
    "most_doubtful",
]  # fmt: skip

BASELINE_SEEDS_LEAST = 3
"""Fewer seeds of the baseline leave the noise unknown."""


@dataclass(frozen=True)
class LevelDesign:
    """One level to try, with the configuration that tries it."""

    value: Level
    configuration: Configuration


@dataclass(frozen=True)
class FactorDesign:
    """One factor's levels, whether each has a learning-rate bracket, and the number of claiming seeds."""

    name: str
    levels: tuple[LevelDesign, ...]
    bracketed: bool
    seeds: int


@dataclass(frozen=True)
class Design:
    """What explore would run.

    Attributes:
        rates: the learning-rate bracket, the baseline's own rate among them; empty: none.
        folds: levels that cost nothing.
        doubtful: further seeds for each of the levels in doubt.
    """

    factors: tuple[FactorDesign, ...]
    baseline_seeds: int
    rates: tuple[float, ...]
    folds: tuple[Fold, ...] = ()
    doubtful: int = 0

    @property
    def has_brackets(self) -> bool:
        return bool(self.rates) and any(factor.bracketed for factor in self.factors)

    @property
    def n_levels(self) -> int:
        return sum(len(factor.levels) for factor in self.factors)

    @property
    def n_doubtful(self) -> int:
        """Levels for whose further seeds there is room."""
        return most_doubtful(self.n_levels) if self.doubtful else 0


def most_doubtful(n_levels: int) -> int:
    """How many of so many levels may get further seeds."""
    return max(1, n_levels // 3)


def full_design(problem: Problem) -> Design:
    """The design for everything that the study file asks for, whatever the budget."""
    folds: list[Fold] = []
    seen = {problem.effective(problem.spec.baseline): problem.spec.baseline}
    factors = []
    for factor in problem.factors:
        bracketed = bool(problem.rates) and FACTOR_KINDS[factor.name].moves_learning_rate
        levels = []
        for value in explored_levels(factor, problem.spec.baseline):
            level = LevelDesign(value, problem.configure({factor.name: value}))
            effective = problem.effective(level.configuration)
            if effective in seen:
                saved = problem.spec.seeds.configuration + (len(problem.rates) if bracketed else 0)
                folds.append(fold_of(problem, level.configuration, seen[effective], saved, factor.name))
            else:
                seen[effective] = level.configuration
                levels.append(level)
        if levels:
            factors.append(FactorDesign(factor.name, tuple(levels), bracketed, problem.spec.seeds.configuration))
    rates = problem.rates if any(factor.bracketed for factor in factors) else ()
    return Design(tuple(factors), problem.spec.seeds.baseline, rates, tuple(folds), problem.spec.seeds.doubtful)


def levels_by_factor(problem: Problem) -> dict[str, tuple[Level, ...]]:
    """Every factor that is asked about with its levels, the baseline's own among them: from low to high where they have
    an order, else the baseline's first. The learning rate has rules of its own and is left out."""
    found: dict[str, tuple[Level, ...]] = {}
    for factor in full_design(problem).factors:
        if factor.name == "learning_rate":
            continue
        levels = list(dict.fromkeys([getattr(problem.spec.baseline, factor.name), *(x.value for x in factor.levels)]))
        if is_ordered(factor.name):
            levels.sort(key=partial(position, factor.name))
        found[factor.name] = tuple(levels)
    return found


def price(problem: Problem, design: Design) -> tuple[int, float]:
    """Trials and predicted seconds of all waves. A checkpoint costs nothing beside its longer run; a baseline that
    moves to another rate is counted with the fewest seeds it may get, and levels in doubt as the dearest ones."""
    runs: dict[tuple[object, ...], float] = {}
    timed = problem.calibration is not None and problem.spec.budget.hours is not None
    for wave, configuration, rate, seed in _settings(problem, design):
        effective = problem.effective(configuration)
        family = checkpoint_family(effective) if problem.folding.checkpoints else None
        key = (wave, family or effective, rate, seed)
        runs[key] = max(runs.get(key, 0.0), problem.work(configuration) if timed else 0.0)
    further = design.n_doubtful * design.doubtful
    return len(runs) + further, sum(runs.values()) + further * max(runs.values(), default=0.0)


def _settings(problem: Problem, design: Design) -> Iterator[tuple[int, Configuration, float | None, int]]:
    """Every trial as (wave, configuration, bracket rate or None, number of its seed)."""
    baseline = problem.spec.baseline
    yield from ((1, baseline, None, seed) for seed in range(design.baseline_seeds))
    if design.has_brackets:
        yield from ((1, baseline, rate, -1) for rate in design.rates)
        yield from ((2, baseline, None, seed) for seed in range(_moved_seeds(design)))
    for factor in design.factors:
        bracketed = factor.bracketed and bool(design.rates)
        for level in factor.levels:
            if bracketed:
                yield from ((1, level.configuration, rate, -1) for rate in design.rates)
            yield from ((2 if bracketed else 1, level.configuration, None, seed) for seed in range(factor.seeds))


def _moved_seeds(design: Design) -> int:
    """Fewest new seeds that a baseline moved to another rate needs: the levels of the learning rate bring some."""
    rates = next((factor for factor in design.factors if factor.name == "learning_rate"), None)
    if rates is None:
        return min(BASELINE_SEEDS_LEAST, design.baseline_seeds)
    tried = {float(level.value) for level in rates.levels}  # type: ignore[arg-type]
    others = [rate for rate in design.rates if rate not in tried]
    shared = rates.seeds if len(others) <= 1 else 0  # one of them is the baseline's own rate
    return max(0, min(BASELINE_SEEDS_LEAST, design.baseline_seeds) - shared)


def most_trials(design: Design) -> int:
    """Trials of a design where none is shared and the baseline moves to another rate with all its seeds."""
    levels = sum(len(f.levels) * (f.seeds + len(design.rates) * f.bracketed) for f in design.factors)
    levels += design.n_doubtful * design.doubtful
    return levels + design.baseline_seeds + (design.baseline_seeds + len(design.rates)) * design.has_brackets


def fitted(problem: Problem, room: Allowance) -> tuple[Design, tuple[Cut, ...]]:
    """The largest design that the room covers, cut down step by step, with what was cut."""
    design = full_design(problem)
    cost = price(problem, design)
    cuts: dict[str, Cut] = {}
    for code, factor, step in _steps(problem, design):
        if room.covers(*cost):
            break
        smaller = step(design)
        if smaller == design:
            continue
        cheaper = price(problem, smaller)
        before = cuts.get(code, Cut(code, 0))
        factors = before.factors if factor is None else tuple(dict.fromkeys((*before.factors, factor)))
        cuts[code] = Cut(code, before.count + cost[0] - cheaper[0], factors)
        design, cost = smaller, cheaper
    return design, tuple(cuts.values())


_Step = Callable[[Design], Design]


def _steps(problem: Problem, full: Design) -> Iterator[tuple[str, str | None, _Step]]:
    names = [factor.name for factor in reversed(full.factors)]
    yield "bracket_ends", None, partial(_without_bracket_end, problem)
    for name in names:
        yield "bracket", name, partial(_without_bracket, name)
    for name in names:
        for _ in range(len(_factor(full, name).levels)):
            yield "middle_levels", name, partial(_without_middle, problem, name)
    for _ in range(full.doubtful):
        yield "second_seeds", None, _with_fewer_doubtful
    for _ in range(problem.spec.seeds.configuration - SEEDS_TO_TEST):
        for name in names:
            yield "second_seeds", name, partial(_with_fewer_seeds, name)
    for _ in range(full.baseline_seeds - BASELINE_SEEDS_LEAST):
        yield "baseline_seeds", None, _with_fewer_baseline_seeds
    for name in names:
        for _ in range(len(_factor(full, name).levels)):
            yield "end_levels", name, partial(_without_nearest, problem, name)
    for name in names[:-1]:
        yield "factors", name, partial(_without_factor, name)
    for name in names[-1:]:  # the only one left
        yield "second_seeds", name, partial(_with_fewer_seeds, name)


def _factor(design: Design, name: str) -> FactorDesign:
    return next(factor for factor in design.factors if factor.name == name)


def _changed(design: Design, new: FactorDesign) -> Design:
    factors = tuple(new if factor.name == new.name else factor for factor in design.factors)
    keep = any(factor.bracketed for factor in factors)
    return replace(design, factors=factors, rates=design.rates if keep else ())


def _without_bracket_end(problem: Problem, design: Design) -> Design:
    """Keep only the bracket end nearer the middle of the study's learning-rate range, the same end for every factor."""
    if len(design.rates) < 3 or problem.rate_factor is None:
        return design
    low, high = rate_limits(problem.rate_factor)
    upper = math.log(problem.spec.baseline.learning_rate) <= (math.log(low) + math.log(high)) / 2
    return replace(design, rates=design.rates[1:] if upper else design.rates[:-1])


def _without_bracket(name: str, design: Design) -> Design:
    factor = _factor(design, name)
    return _changed(design, replace(factor, bracketed=False)) if factor.bracketed else design


def _without_middle(problem: Problem, name: str, design: Design) -> Design:
    """Drop the middle level nearest to the baseline. The lowest and the highest level stay."""
    factor = _factor(design, name)
    if not is_ordered(name):
        return design
    own = getattr(problem.spec.baseline, name)
    values = [level.value for level in factor.levels]
    ends = {min([*values, own]), max([*values, own])}
    middle = [level for level in factor.levels if level.value not in ends]
    return _dropped(problem, design, factor, middle)


def _without_nearest(problem: Problem, name: str, design: Design) -> Design:
    """Keep only the level farthest from the baseline (of unordered levels: the first)."""
    factor = _factor(design, name)
    return _dropped(problem, design, factor, list(factor.levels)) if len(factor.levels) > 1 else design


def _dropped(problem: Problem, design: Design, factor: FactorDesign, among: list[LevelDesign]) -> Design:
    if not among:
        return design
    own = getattr(problem.spec.baseline, factor.name)
    if is_ordered(factor.name):
        nearest = min(among, key=lambda level: abs(position(factor.name, level.value) - position(factor.name, own)))
    else:
        nearest = among[-1]
    return _changed(design, replace(factor, levels=tuple(level for level in factor.levels if level is not nearest)))


def _with_fewer_seeds(name: str, design: Design) -> Design:
    factor = _factor(design, name)
    return _changed(design, replace(factor, seeds=factor.seeds - 1)) if factor.seeds > 1 else design


def _with_fewer_doubtful(design: Design) -> Design:
    return replace(design, doubtful=design.doubtful - 1)


def _with_fewer_baseline_seeds(design: Design) -> Design:
    return replace(design, baseline_seeds=design.baseline_seeds - 1)


def _without_factor(name: str, design: Design) -> Design:
    factors = tuple(factor for factor in design.factors if factor.name != name)
    keep = any(factor.bracketed for factor in factors)
    return replace(design, factors=factors, rates=design.rates if keep else ())
