"""Round refine by a model: what the trials so far say about settings that were not tried.

The model is `planning.surrogate`, over everything that was trained, stopped trials as far as they came. Proposed is
what improves most on the best for what it takes, counting how unsure the model is (expected improvement) and how likely
the settings train at all; of settings that differ from the best in the learning rate and at most one factor more, for
the model is as unsure of a far corner as of nothing else, and would begin there. The very first proposal moves the
learning rate alone: the pilots' rates lie far apart, and what changes two things tells neither (decision 125). Nothing
counts as cheaper than a pilot: else the cheapest settings are tried again and again (decision 120). The last wave gives
three of those that lead a second seed, for the first may have been lucky (decision 128). The round ends when its share
is used, or when little is left to gain: that any setting is better than the best so far by more than the margin has
then a small chance.
Proposals claim nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunebook.core.configuration import Configuration
from tunebook.core.divergence import tried_rates
from tunebook.core.study import RoundKind
from tunebook.planning.balanced_design import design_of, model_columns
from tunebook.planning.candidates import RATE, Space, middling, space_of
from tunebook.planning.problem import Problem
from tunebook.planning.proposing import Proposing
from tunebook.planning.state import PlanningState
from tunebook.planning.wave_builder import WaveBuilder
from tunebook.statistics.observations import accuracy_by_log_loss, has_ended, observations
from tunebook.statistics.response import chance_to_train
from tunebook.statistics.surrogate import Surrogate, expected_improvement

__all__ = ["Propose"]

Floats = NDArray[np.float64]

FIRST = 6
"""Trials of the first wave when nothing has been trained yet."""
FEWEST_FOR_GAIN = 4
"""Trials to their end before it is asked what is left to gain."""
LITTLE_CHANCE = 0.05
"""Of a gain beyond the margin, below which nothing more is proposed."""
FEWEST_WAVES = 2
"""Waves of proposals before leaders get a second seed."""
LEADERS = 3
"""Of these the single trial may have been lucky: the last wave gives them a second seed."""
WORLDS = 256
"""Draws of the whole surface by which that is answered."""
MOST_DRAWN = 300
"""Candidates in such a draw: those that promise most."""
STEP = 1
"""Factors beside the learning rate in which a proposal may differ from the best so far."""


class Propose(Proposing):
    """Settings that a model of all trials proposes."""

    def applies(self, problem: Problem) -> bool:
        """Where the design starts from a piloted rate."""
        return problem.design in ("balanced", "model")

    def propose(self, state: PlanningState, n: int, builder: WaveBuilder) -> list[Configuration]:
        """What the model expects most of, while there is something to gain."""
        if builder.number > FEWEST_WAVES:
            n = min(n, int(builder.room.trials) - LEADERS)
            if n < 1:
                return _leaders(state, min(LEADERS, int(builder.room.trials)))
        proposed, left = _proposals(state, n, rate_first=builder.number == 1 and state.problem.proposes_all)
        if left is None or left.chance >= LITTLE_CHANCE:
            return proposed
        values = {"gain": left.mean, "chance": left.chance, "margin": state.problem.spec.margin}
        builder.note("little_to_gain", values)
        return []


@dataclass(frozen=True)
class Left:
    """How much more accurate the best setting is than the best so far: on average over the surfaces that the model
    allows, and the share of them in which it is more than the study's margin."""

    mean: float
    chance: float


def _proposals(state: PlanningState, n: int, *, rate_first: bool) -> tuple[list[Configuration], Left | None]:
    """The candidates that promise most, each chosen as if the ones before had come out as expected; and what is left to
    gain, None while that is not known.

    Args:
        rate_first: whether the first one differs from the best so far in the learning rate alone.
    """
    space = space_of(state.problem)
    if not space.levels:
        return [], None
    seen = observations(state.history, state.problem.facts, space.levels)
    if not seen.ended and not state.problem.facts.prior:
        return _spread(state.problem, space, min(FIRST, int(state.room(RoundKind.REFINE).trials))), None
    candidates = [c for c in space.candidates if state.is_new(c)]
    if not candidates:
        return [], None
    model, at = seen.fitted(), space.places(candidates)
    trains = _chance_to_train(state, at)
    expected = model.mean(seen.ends if seen.ended else at)
    lowest, best = float(expected.min()), seen.ended[int(np.argmin(expected))] if seen.ended else None
    gain = expected_improvement(lowest, *model.mean_and_deviation(at)) * trains
    likely = np.argsort(-gain, kind="stable")[:MOST_DRAWN]
    left = _left_to_gain(state, model, at[likely], trains[likely], lowest)
    chosen: list[int] = []
    away, takes = _away(best, space, candidates), _takes(state.problem, candidates)
    while len(chosen) < min(n, len(candidates)):
        if chosen:
            model = model.with_expected(at[chosen[-1]])
            gain = expected_improvement(lowest, *model.mean_and_deviation(at)) * trains
        worth = gain / takes
        step = 0 if rate_first and not chosen and RATE in space.levels else STEP
        worth[away > step] -= worth.max() + 1.0  # after all near ones
        worth[chosen] = -math.inf
        chosen.append(int(np.argmax(worth)))
    return [candidates[i] for i in chosen], left


def _away(best: Configuration | None, space: Space, candidates: list[Configuration]) -> NDArray[np.int64]:
    """In how many factors beside the rate each candidate differs from the best so far; in none, while there is none."""
    others = [name for name in space.levels if name != RATE and best is not None]
    return np.array([sum(getattr(c, name) != getattr(best, name) for name in others) for c in candidates])


def _takes(problem: Problem, candidates: list[Configuration]) -> Floats:
    """What a training takes, in trainings of a pilot; never less than one."""
    pilot = problem.work(middling(problem))
    return np.maximum(1.0, np.array([problem.work(c) for c in candidates]) / pilot)


def _leaders(state: PlanningState, n: int) -> list[Configuration]:
    """What would be confirmed now, then those of lowest expected loss; of all these what was trained once, and well."""
    space = space_of(state.problem)
    once = [c for c in state.evidence.contenders if len(c.facts) == 1 and has_ended(c.facts[0])]
    model = observations(state.history, state.problem.facts, space.levels).fitted()
    expected = model.mean(space.places([c.configuration for c in once]))
    leads = np.array([state.leading is None or c.key != state.leading.key for c in once], dtype=bool)
    return [once[int(i)].configuration for i in np.lexsort((expected, leads))[:n]]


def _spread(problem: Problem, space: Space, n: int) -> list[Configuration]:
    """Settings that fill the space, while nothing has been trained."""
    columns = tuple(model_columns(name, levels, curved=False) for name, levels in space.levels.items())
    rows = design_of(columns, n, problem.spec.seed)
    made = [
        problem.configure({name: levels[i] for (name, levels), i in zip(space.levels.items(), row, strict=True)})
        for row in rows
    ]
    return list(dict.fromkeys(made))


def _chance_to_train(state: PlanningState, at: Floats) -> Floats:
    """By the rates at which trials broke and trained, whatever their other settings. What learned nothing because its
    rate was too low is left out."""
    if state.problem.rate_factor is None:
        return np.ones(len(at))
    return chance_to_train(tried_rates(state.history.trials.values()), at[:, 0])


def _left_to_gain(state: PlanningState, model: Surrogate, at: Floats, trains: Floats, lowest: float) -> Left | None:
    """By draws of the whole surface; from log loss to accuracy by the line through the trials so far."""
    slope = _accuracy_of_all(state)
    if slope is None:
        return None
    covariance = model.covariance(at) + 1e-9 * np.eye(len(at))
    draw = np.random.Generator(np.random.Philox(key=[state.problem.spec.seed, 1947]))
    worlds = model.mean(at) + draw.standard_normal((WORLDS, len(at))) @ np.linalg.cholesky(covariance).T
    gains = slope * (np.maximum(0.0, lowest - worlds) * trains).max(axis=1)
    return Left(float(gains.mean()), float((gains > state.problem.spec.margin).mean()))


def _accuracy_of_all(state: PlanningState) -> float | None:
    """Accuracy gained where the log loss falls by one, over the trials that were trained to their end."""
    seen = [f.outcomes["validation"] for f in state.history.trials.values() if has_ended(f)]
    if len(seen) < FEWEST_FOR_GAIN:
        return None
    slope = accuracy_by_log_loss(seen)
    return None if slope is None else max(0.0, slope)
