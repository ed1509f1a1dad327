"""What a balanced explore would run: factors and levels, the rates around the piloted one, how many trials.

A plan is a value; fitting it to a budget trains nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from tunebook.core.factor import Level
from tunebook.planning.balanced_design import Column, model_columns
from tunebook.planning.explore_design import levels_by_factor
from tunebook.planning.levels import rate_limits
from tunebook.planning.problem import Problem
from tunebook.statistics.balanced import FEWEST_DF

__all__ = ["RATE", "RATE_RATIO", "Plan", "plan_of", "rate_levels"]

RATE = "learning_rate"
RATE_STEPS = (-1.5, -0.5, 0.5, 1.5)
RATE_RATIO = 1.4
"""Ratio of neighbouring rates: close enough for a line and a square to fit."""
TOWARDS_LOW = 0.8
"""The rates lie around this share of the piloted one: falling off the cliff costs more than staying below the best."""
MOST_TRIALS = 64
BASELINE_SHARE = 8
"""One seed of the baseline for so many trials of the design; confirm trains more of them."""
LEAST_BASELINE = 1
FEWEST_FACTORS = 3
"""With fewer left than this it is no study of the factors: all are then varied, and nothing is claimed."""


@dataclass(frozen=True)
class Plan:
    """What explore would run.

    Attributes:
        factors: each with its levels, in the order of the study file.
        n: trials of the design; baseline: seeds of the baseline beside it.
        left_out: factors that the budget did not allow.
        claims: whether there are trials enough to judge the model.
    """

    factors: tuple[tuple[str, tuple[Level, ...]], ...]
    n: int
    baseline: int
    left_out: tuple[str, ...] = ()
    claims: bool = True

    @property
    def columns(self) -> tuple[Column, ...]:
        return tuple(model_columns(name, levels, name == RATE) for name, levels in self.factors)

    @property
    def n_coefficients(self) -> int:
        """Without the intercept."""
        return sum(len(column[0]) for column in self.columns)


def plan_of(problem: Problem, room: float, rate: float | None, broke_at: float | None) -> Plan:
    """The largest design that the room covers.

    Factors named last in the study file are left out until the model can be judged; where no number of factors makes
    that possible, all are varied and nothing is claimed.

    Args:
        room: trials, infinite without a limit.
        rate: that the pilots led to; None: the baseline's.
        broke_at: the lowest rate at which a pilot broke.
    """
    every = [(name, levels) for name, levels in _factors(problem, rate, broke_at) if len(levels) > 1]
    n = int(min(MOST_TRIALS, max(0.0, room - LEAST_BASELINE)))
    order = sorted(range(len(every)), key=lambda i: every[i][0] != RATE)
    least = min(FEWEST_FACTORS, len(every))
    kept = next((k for k in range(len(every), least - 1, -1) if _needs(every, order[:k]) <= n), None)
    inside = set(order if kept is None else order[:kept])
    factors = tuple(each for i, each in enumerate(every) if i in inside)
    left_out = tuple(name for i, (name, _) in enumerate(every) if i not in inside)
    baseline = max(LEAST_BASELINE, min(problem.spec.seeds.baseline, n // BASELINE_SHARE))
    size = int(min(MOST_TRIALS, max(0.0, room - baseline))) if factors else 0
    return Plan(factors, size, baseline, left_out, claims=kept is not None)


def _needs(every: list[tuple[str, tuple[Level, ...]]], which: list[int]) -> int:
    """Trials that a model of these factors takes."""
    return Plan(tuple(every[i] for i in which), 0, 0).n_coefficients + 1 + FEWEST_DF


def rate_levels(centre: float, low: float, high: float, broke_at: float | None) -> tuple[float, ...]:
    """Four rates a factor of 1.4 apart around 0.8 of the piloted one, moved together into the study's range and at
    least one step below the lowest rate at which a pilot broke."""
    middle = TOWARDS_LOW * centre
    top = min(high, math.inf if broke_at is None else broke_at / RATE_RATIO)
    middle = max(middle, low * RATE_RATIO ** -RATE_STEPS[0])
    middle = min(middle, top * RATE_RATIO ** -RATE_STEPS[-1])
    return tuple(float(f"{middle * RATE_RATIO**step:.2g}") for step in RATE_STEPS)


def _factors(problem: Problem, rate: float | None, broke_at: float | None) -> list[tuple[str, tuple[Level, ...]]]:
    """Every factor with its levels, the baseline's own among them (first, if they have no order)."""
    found: list[tuple[str, tuple[Level, ...]]] = []
    if problem.rate_factor is not None:
        centre = problem.spec.baseline.learning_rate if rate is None else rate
        found.append((RATE, rate_levels(centre, *rate_limits(problem.rate_factor), broke_at)))
    return [*found, *levels_by_factor(problem).items()]
