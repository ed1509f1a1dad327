"""Round pilot: finds a good learning rate, shared by all configurations, before anything is compared.

The first wave trains a middling configuration at up to six rates over the study's range, each to about a quarter of its
epochs with a schedule of its own. The second trains the two of lowest validation loss to their end: high rates catch up
late, so one is not enough. The last wave trains nothing: it keeps the rate, or that nothing was learned at any.

Pilots never enter a claim. Those that break also show from which rate on training diverges.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from tunebook.core.configuration import Configuration
from tunebook.core.factor import Level, is_ordered, position
from tunebook.core.facts import TrialFact
from tunebook.core.study import ChosenRate, Floor, Purpose, RoundKind, Wave
from tunebook.planning.explore_design import full_design
from tunebook.planning.levels import rate_limits
from tunebook.planning.problem import Problem, SeedUse, seed_numbers
from tunebook.planning.round import Round, Shape
from tunebook.planning.state import PlanningState
from tunebook.planning.wave_builder import WaveBuilder

__all__ = ["Pilot", "middling"]

MOST_RATES = 6
FINISHED = 2
SHORT = 0.25
"""Share of the epochs that a short pilot trains, rounded up to whole ones."""
CLOSEST = 1.4
"""Rates nearer than this ratio are not worth telling apart."""
SURE = 2.0
"""Standard errors by which a pilot must beat the bar for something to have been learned."""
LEAST_GAIN = 0.05
"""Share of the untrained model's loss by which a pilot must lower it: seeds alone may differ by less."""


class Pilot(Round):
    """Short trials over the range of learning rates."""

    kind = RoundKind.PILOT

    def applies(self, problem: Problem) -> bool:
        """Where explore is balanced around a rate that the study file leaves open."""
        return problem.is_balanced and problem.rate_factor is not None

    def first_wave(self, state: PlanningState, round_number: int) -> Wave:
        """Short trials over the range of rates; what the budget does not cover is left out from the ends."""
        builder = WaveBuilder(state, self.kind, round_number, 1, state.allowance(RoundKind.EXPLORE))
        short, units = _short(middling(state.problem))
        for rate in _rates(state.problem):
            builder.replicates(short.with_values(learning_rate=rate), self._seeds(state), Purpose.PILOT, units=units)
        return builder.wave(closes_round=False)

    def next_wave(self, state: PlanningState, last: Wave) -> Wave:
        """The two best at full length; then a wave without trials that keeps the result."""
        builder = WaveBuilder(state, self.kind, last.round, last.number + 1, state.allowance(RoundKind.EXPLORE))
        pilots = state.history.of_round(last.round)
        answered = [f for f in pilots if f.state.is_answer] or list(pilots)  # a cancelled pilot says nothing
        shorts = [f for f in answered if f.trial.units < 1]
        if last.number == 1 and shorts:
            for fact in sorted(shorts, key=_order)[:FINISHED]:
                rate = fact.trial.configuration.learning_rate
                full = middling(state.problem).with_values(learning_rate=rate)
                builder.replicates(full, self._seeds(state), Purpose.PILOT)
            if not builder.is_empty():
                return builder.wave(closes_round=False)
        finished = [f for f in answered if f.trial.units == 1]
        ranked = sorted(finished or shorts, key=_order)
        losses = tuple((f.trial.configuration.learning_rate, _finite(_loss(f))) for f in shorts)
        builder.chosen_rates.append(ChosenRate(None, None, ranked[0].trial.configuration.learning_rate, losses))
        builder.floor = _floor(state, ranked)
        return builder.wave()

    def most(self, problem: Problem, control_seeds: int) -> Shape:
        """Six short trials and two long ones; they compare nothing."""
        _, units = _short(middling(problem))
        n = math.ceil(len(_rates(problem)) * units) + FINISHED
        return Shape(kind=self.kind, n_trials=n, n_comparisons=0, m_treatment=1, m_control=1)

    @staticmethod
    def _seeds(state: PlanningState) -> tuple[int, ...]:
        return seed_numbers(state.problem.spec.seed, SeedUse.PILOT, 1)


def middling(problem: Problem) -> Configuration:
    """The baseline with every ordered factor but the learning rate at its middle level."""
    changes: dict[str, Level] = {}
    for factor in full_design(problem).factors:
        if factor.name == "learning_rate" or not is_ordered(factor.name):
            continue
        own = getattr(problem.spec.baseline, factor.name)
        levels = sorted({own, *(level.value for level in factor.levels)}, key=lambda v: position(factor.name, v))
        changes[factor.name] = levels[(len(levels) - 1) // 2]
    return problem.configure(changes)


def _short(configuration: Configuration) -> tuple[Configuration, float]:
    """The configuration over about a quarter of its epochs, and the share of a trial that this costs."""
    epochs = max(1, math.ceil(SHORT * configuration.num_train_epochs))
    return configuration.with_values(num_train_epochs=epochs), epochs / configuration.num_train_epochs


def _rates(problem: Problem) -> tuple[float, ...]:
    assert problem.rate_factor is not None
    low, high = rate_limits(problem.rate_factor)
    n = max(1, min(MOST_RATES, 1 + math.floor(math.log(high / low) / math.log(CLOSEST) + 1e-9)))
    return tuple(dict.fromkeys(float(f"{rate:.2g}") for rate in np.geomspace(low, high, n)))


def _loss(fact: TrialFact) -> float:
    if not fact.state.did_train or "validation" not in fact.outcomes:
        return math.inf
    loss = fact.outcomes["validation"].loss
    return loss if math.isfinite(loss) else math.inf


def _finite(loss: float) -> float | None:
    return loss if math.isfinite(loss) else None


def _order(fact: TrialFact) -> tuple[float, float]:
    """Lowest loss first; of those that broke the lowest rate, which is the likeliest to train."""
    return _loss(fact), fact.trial.configuration.learning_rate


def _floor(state: PlanningState, pilots: Iterable[TrialFact]) -> Floor | None:
    """None when a pilot that ran to its end scores above the bar beyond chance, or lowers the untrained model's loss
    beyond chance while it scores more than the commonest answer does."""
    reference = state.history.trials.get(0)
    scored = [f for f in pilots if f.state.did_train and "validation" in f.outcomes]
    if reference is None or "validation" not in reference.outcomes:
        return None
    untrained = reference.outcomes["validation"]
    common = state.problem.facts.score_of_commonest
    bar = max(untrained.accuracy, common)
    for fact in scored:
        outcome = fact.outcomes["validation"]
        n = max(1, len(outcome.scores))
        chance = SURE * math.sqrt(max(bar * (1 - bar), 1 / n) / n)
        if outcome.accuracy > bar + chance:
            return None
        gain = untrained.nll - outcome.nll
        error = float(np.std(gain)) / math.sqrt(n)
        above_common = outcome.accuracy > common + SURE * math.sqrt(max(common * (1 - common), 1 / n) / n)
        least = max(SURE * error, LEAST_GAIN * untrained.loss)
        if float(np.mean(gain)) > least and above_common:
            return None
    epochs = max((f.trial.configuration.num_train_epochs for f in pilots), default=0)
    highest = max((f.outcomes["validation"].accuracy for f in scored), default=0.0)
    rates = tuple(sorted(f.trial.configuration.learning_rate for f in pilots))
    return Floor(rates=rates, epochs=epochs, accuracy=highest, bar=bar)
