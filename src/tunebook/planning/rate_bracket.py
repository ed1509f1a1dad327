"""Reads learning-rate brackets once their wave has been trained: the loss at each rate, and the rate that is chosen.

The choice is made by validation loss on selection seeds. The trials behind it never enter a claim.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from tunebook.core.configuration import Configuration
from tunebook.core.factor import Level
from tunebook.core.facts import TrialFact
from tunebook.core.study import ChosenRate, Purpose, Wave
from tunebook.planning.state import PlanningState
from tunebook.planning.wave_builder import WaveBuilder

__all__ = ["Bracket", "keep_choice", "read_brackets"]


@dataclass(frozen=True)
class Bracket:
    """One bracket: the factor and level it belongs to (None: the baseline, or a combination), and (rate, loss) pairs.

    The loss is the mean over validation examples in nats, infinite where training broke. A trial that failed or was
    cancelled says nothing about its rate and is left out; `configuration` is at the rate of the study's baseline.
    """

    factor: str | None
    value: Level
    configuration: Configuration
    losses: tuple[tuple[float, float], ...]


def read_brackets(state: PlanningState, wave: Wave) -> list[Bracket]:
    """The wave's brackets in order of planning."""
    grouped: dict[tuple[str | None, Configuration], list[TrialFact]] = {}
    own = state.problem.spec.baseline.learning_rate
    for trial in wave.trials:
        if trial.purpose is Purpose.BRACKET:
            key = (trial.factor, trial.configuration.with_values(learning_rate=own))
            grouped.setdefault(key, []).append(state.history.trials[trial.id])
    return [_bracket(factor, configuration, facts) for (factor, configuration), facts in grouped.items()]


def _bracket(factor: str | None, configuration: Configuration, facts: Iterable[TrialFact]) -> Bracket:
    answered = (fact for fact in facts if fact.state.is_answer)
    losses = tuple((fact.trial.configuration.learning_rate, _loss(fact)) for fact in answered)
    value = getattr(configuration, factor) if factor is not None else None
    return Bracket(factor, value, configuration, losses)


def _loss(fact: TrialFact) -> float:
    if not fact.state.did_train or "validation" not in fact.outcomes:
        return math.inf
    loss = fact.outcomes["validation"].loss
    return loss if math.isfinite(loss) else math.inf


def _lowest(bracket: Bracket) -> float:
    """The rate of lowest loss; where nothing trained the lowest tried, which is the likeliest to train; where nothing
    is known the baseline's own."""
    finite = [(loss, rate) for rate, loss in bracket.losses if math.isfinite(loss)]
    if finite:
        return min(finite)[1]
    return min((rate for rate, _ in bracket.losses), default=bracket.configuration.learning_rate)


def keep_choice(builder: WaveBuilder, bracket: Bracket) -> Configuration:
    """The bracket's configuration at the rate it led to; the wave keeps the choice."""
    rate = _lowest(bracket)
    losses = tuple((tried, loss if math.isfinite(loss) else None) for tried, loss in bracket.losses)
    builder.chosen_rates.append(ChosenRate(bracket.factor, bracket.value, rate, losses))
    return bracket.configuration.with_values(learning_rate=rate)
