"""Round refine by a model: what the trials so far say about settings that were not tried.

The model is a line in every factor and a square in the log learning rate, on the log of the validation loss, with its
coefficients held near zero (ridge: a normal prior); with few trials it says little and is not sure of it. Proposed is
what improves most on the best, counting how unsure the model is (expected improvement). Proposals claim nothing.
"""

from __future__ import annotations

import math
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import special

from tunebook.core.configuration import Configuration
from tunebook.core.factor import Level
from tunebook.core.study import Purpose, RoundKind, Wave
from tunebook.planning.balanced_design import model_columns
from tunebook.planning.balanced_plan import RATE, RATE_RATIO
from tunebook.planning.problem import Problem, SeedUse, seed_numbers
from tunebook.planning.round import Round, Shape
from tunebook.planning.state import PlanningState
from tunebook.planning.wave_builder import WaveBuilder

__all__ = ["Propose"]

Floats = NDArray[np.float64]

WAVE = 3
"""Trials proposed at once."""
MOST_WAVES = 3
MOST_CANDIDATES = 3000
FINE = 1.2
"""Ratio of neighbouring rates among the candidates, up to a step beyond those of the design."""
PRIOR = 0.3
"""Standard deviation of a coefficient beforehand: log loss from a factor's lowest to its highest level."""
NOISE_PRIOR = (0.05, 2.0)
"""Deviation of the log loss around the model beforehand, and the degrees of freedom that this is worth."""


class Propose(Round):
    """Settings that a model of all trials proposes."""

    kind = RoundKind.REFINE

    def applies(self, problem: Problem) -> bool:
        """Where explore is balanced."""
        return problem.is_balanced

    def first_wave(self, state: PlanningState, round_number: int) -> Wave | None:
        """The first proposals; None when there is no room or too little to go by."""
        wave = _wave(state, round_number, 1)
        return wave if wave.trials else None

    def next_wave(self, state: PlanningState, last: Wave) -> Wave:
        """Proposals from what the wave before showed."""
        return _wave(state, last.round, last.number + 1)

    def most(self, problem: Problem, control_seeds: int) -> Shape:
        """As many as all waves may take."""
        return Shape(kind=self.kind, n_trials=WAVE * MOST_WAVES, n_comparisons=0, m_treatment=1, m_control=1)


def _wave(state: PlanningState, round_number: int, number: int) -> Wave:
    builder = WaveBuilder(state, RoundKind.REFINE, round_number, number, state.room(RoundKind.REFINE))
    seeds = seed_numbers(state.problem.spec.seed, SeedUse.REFINE, 1, state.rounds_of(RoundKind.REFINE) - (number > 1))
    for configuration in _proposals(state, int(min(WAVE, builder.room.trials))):
        builder.replicates(configuration, seeds, Purpose.REFINE)
    return builder.wave(closes_round=builder.is_empty() or number >= MOST_WAVES or builder.room.trials < 1)


def _proposals(state: PlanningState, n: int) -> list[Configuration]:
    """The n candidates that improve most, each chosen as if the ones before had come out as expected."""
    problem = state.problem
    trials = [f.trial for f in state.history.trials.values() if f.trial.purpose is Purpose.DESIGN]
    asked = dict.fromkeys([*([RATE] if problem.rate_factor else []), *(factor.name for factor in problem.factors)])
    every = {name: list(dict.fromkeys(getattr(t.configuration, name) for t in trials)) for name in asked}
    levels = {name: values for name, values in every.items() if len(values) > 1}
    if not levels or n < 1:
        return []
    names = list(levels)
    full = [f for f in state.history.trials.values() if f.trial.units == 1 and f.trial.purpose is not Purpose.REFERENCE]
    seen = [f for f in full if f.state.did_train and math.isfinite(f.outcomes["validation"].loss)]
    inside = [f for f in seen if all(_is_inside(levels, name, getattr(f.trial.configuration, name)) for name in names)]
    candidates = [c for c in _candidates(problem, levels) if state.is_new(c)]
    if len(inside) < len(names) + 2 or not candidates:
        return []
    x = _features(names, levels, [f.trial.configuration for f in inside])
    y = np.log([max(1e-9, f.outcomes["validation"].loss) for f in inside])
    grid = _features(names, levels, candidates)
    chosen: list[Configuration] = []
    for _ in range(n):
        gain = _improvement(x, y, grid)
        gain[[i for i, c in enumerate(candidates) if c in chosen]] = -1.0
        best = int(np.argmax(gain))
        mean, _ = _predicted(x, y, grid[best : best + 1])
        chosen.append(candidates[best])
        x, y = np.vstack([x, grid[best]]), np.append(y, mean)
    return chosen


def _is_inside(levels: dict[str, list[Level]], name: str, value: Level) -> bool:
    if name != RATE:
        return value in levels[name]
    rates = [float(level) for level in levels[name]]  # type: ignore[arg-type]
    return min(rates) / RATE_RATIO <= float(value) <= max(rates) * RATE_RATIO  # type: ignore[arg-type]


def _candidates(problem: Problem, levels: dict[str, list[Level]]) -> list[Configuration]:
    """Every combination of the design's levels, at finer rates; a fixed draw where there are very many."""
    finer = dict(levels)
    if RATE in levels:
        rates = sorted(float(level) for level in levels[RATE])  # type: ignore[arg-type]
        n = 1 + round(math.log(rates[-1] / rates[0]) / math.log(FINE))
        finer[RATE] = [float(f"{rate:.2g}") for rate in np.geomspace(rates[0], rates[-1], n)]
    total = math.prod(map(len, finer.values()))
    names = list(finer)
    if total <= MOST_CANDIDATES:
        return [problem.configure(dict(zip(names, values, strict=True))) for values in product(*finer.values())]
    draw = np.random.Generator(np.random.Philox(key=problem.spec.seed))
    picks = [draw.integers(len(finer[name]), size=MOST_CANDIDATES) for name in names]
    return [
        problem.configure({name: finer[name][int(pick[i])] for name, pick in zip(names, picks, strict=True)})
        for i in range(MOST_CANDIDATES)
    ]


def _features(names: list[str], levels: dict[str, list[Level]], configurations: list[Configuration]) -> Floats:
    """An intercept and the model's columns; a rate between the design's rates lies between them."""
    parts = [np.ones((len(configurations), 1))]
    for name in names:
        values = [getattr(c, name) for c in configurations]
        if name == RATE:
            at = np.log([float(level) for level in levels[name]])  # type: ignore[arg-type]
            z = (np.log(np.array(values, dtype=float)) - at.min()) / (float(np.ptp(at)) or 1.0) - 0.5
            parts.append(np.stack([z, 4 * z**2], axis=1))
        else:
            table = dict(zip(levels[name], model_columns(name, levels[name], curved=False), strict=True))
            parts.append(np.array([table[value] for value in values]))
    return np.concatenate(parts, axis=1)


def _predicted(x: Floats, y: Floats, at: Floats) -> tuple[Floats, Floats]:
    """Mean and standard deviation of the log loss at new settings."""
    deviation, worth = NOISE_PRIOR
    prior = np.diag([1e-6, *[1 / PRIOR**2] * (x.shape[1] - 1)])
    variance = deviation**2
    centre = float(y.mean())
    for _ in range(3):  # the noise and the coefficients depend on each other
        inverse = np.linalg.inv(x.T @ x / variance + prior)
        beta = inverse @ x.T @ (y - centre) / variance
        residual = y - centre - x @ beta
        variance = (float(residual @ residual) + worth * deviation**2) / (len(y) + worth - 1)
    return centre + at @ beta, np.sqrt(np.einsum("ij,jk,ik->i", at, inverse, at))


def _improvement(x: Floats, y: Floats, at: Floats) -> Floats:
    """Expected improvement on the lowest log loss that the model gives to a trial so far."""
    mean, deviation = _predicted(x, y, at)
    own, _ = _predicted(x, y, x)
    gain = own.min() - mean
    z = gain / np.maximum(deviation, 1e-12)
    return np.asarray(gain * special.ndtr(z) + deviation * np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi))
