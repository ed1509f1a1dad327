"""Round pilot: finds a good learning rate, shared by all configurations, before anything is compared.

One wave trains a middling configuration at five or six rates over the study's range. They race: all have the schedule
of a whole training, and those that fall far behind are stopped at half of it (`planning.racing`). Where the curves of
those that ended crossed, the best of the stopped ones are trained anew, to their end. A wave without trials then keeps
the rate, or that nothing was learned at any. Pilots with a short schedule of their own chose worse
rates, for a rate that is good for few steps is high for many (decision 038).

Pilots never enter a claim. Those that break also show from which rate on training diverges. Where a model proposes what
comes after them, they are its first trials, and one of them may lead.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from tunebook.core.facts import TrialFact
from tunebook.core.study import ChosenRate, Floor, Purpose, RoundKind, TrialState, Wave
from tunebook.planning.candidates import RATE, middling, space_of
from tunebook.planning.levels import rate_limits
from tunebook.planning.problem import Allowance, Problem, SeedUse, seed_numbers
from tunebook.planning.racing import FINISHED, LOOKS, RACED_EPOCHS, curves_cross, losers, loss_at
from tunebook.planning.round import Round, Shape
from tunebook.planning.state import PlanningState
from tunebook.planning.wave_builder import WaveBuilder
from tunebook.statistics.observations import observations

__all__ = ["Pilot", "piloted_units"]

MOST_RATES = {"balanced": 6, "model": 5}
"""By design: where a model goes on looking, one fewer."""
NEAR_RATES = 3
"""Raced first around the rate that an earlier study found best."""
FEWEST_RATES = 3
"""Before a balanced explore, a third of the room is for pilots, but so many at least."""
PRIOR_RATIO = 2.0
"""Of neighbouring rates around the one that an earlier study found best."""
CLOSEST = 1.4
"""Rates nearer than this ratio are not worth telling apart."""
SURE = 2.0
"""Standard errors by which a pilot must beat the bar for something to have been learned."""
LEAST_GAIN = 0.05
"""Share of the untrained model's loss by which a pilot must lower it: seeds alone may differ by less."""


class Pilot(Round):
    """The learning rate by a race."""

    kind = RoundKind.PILOT

    def applies(self, problem: Problem) -> bool:
        """Where the study file leaves the rate open and the design starts from a good one."""
        return problem.design in ("balanced", "model") and problem.rate_factor is not None

    def first_wave(self, state: PlanningState, round_number: int) -> Wave:
        """The race, with as many rates as the room covers."""
        builder = WaveBuilder(state, self.kind, round_number, 1, self.room(state))
        rates = _rates(state.problem, builder.room.trials)
        near = _near_prior(state)
        _race(builder, near or rates)
        return builder.wave(closes_round=False)

    def next_wave(self, state: PlanningState, last: Wave) -> Wave:
        """A wave without trials that keeps the result. Where an earlier study said where to look and the best rate is
        not between others there, all rates are raced first: a wrong prior costs its pilots, no more."""
        builder = WaveBuilder(state, self.kind, last.round, last.number + 1, self.room(state))
        raced = state.history.of_round(last.round)
        if last.number == 1 and state.problem.facts.prior and not _is_between(raced):
            tried = [fact.trial.configuration.learning_rate for fact in raced]
            rates = _rates(state.problem, builder.room.trials)
            _race(builder, [r for r in rates if all(abs(math.log(r / t)) > math.log(CLOSEST) for t in tried)])
            if not builder.is_empty():
                return builder.wave(closes_round=False)
        again = _worth_finishing(raced)
        if again and curves_cross(raced):
            _race(builder, again, ANEW)
            if not builder.is_empty():
                builder.note("curves_cross", {"rates": list(again)})
                return builder.wave(closes_round=False)
        ranked = sorted([f for f in raced if _says_something(f)] or raced, key=_order)  # a cancelled pilot does not
        losses = tuple((f.trial.configuration.learning_rate, _finite(_loss(f))) for f in raced if f.state.is_answer)
        builder.chosen_rates.append(ChosenRate(None, None, ranked[0].trial.configuration.learning_rate, losses))
        builder.floor = _floor(state, [f for f in ranked if f.state is not TrialState.STOPPED])
        return builder.wave()

    def most(self, problem: Problem, control_seeds: int) -> Shape:
        """What a race takes where its trials run side by side; they compare nothing."""
        n = math.ceil(piloted_units(len(_rates(problem, problem.allowance(_up_to(problem)).trials))))
        return Shape(kind=self.kind, n_trials=n, n_comparisons=0, m_treatment=1, m_control=1, noise_df=1)

    def at_most(self, problem: Problem) -> int:
        """All rates, and those that were stopped anew, after those that an earlier study named."""
        return 2 * MOST_RATES[problem.design] + (NEAR_RATES if problem.facts.prior else 0)

    def least(self, n: int) -> float:
        """All but the first ones may be stopped at the first look."""
        return min(n, FINISHED) + LOOKS[0] * max(0, n - FINISHED)

    def room(self, state: PlanningState) -> Allowance:
        """The share of the round that the rate is for too."""
        return state.allowance(_up_to(state.problem))

    def to_cancel(self, state: PlanningState, last: Wave) -> tuple[int, ...]:
        """Those that fall behind; not those that are trained anew."""
        if any(trial.seed in _seeds(state.problem, ANEW) for trial in last.trials):
            return ()
        return losers([state.history.trials[trial.id] for trial in last.trials])


ANEW = 1
"""Which seed of pilots those have that were stopped and are trained anew to their end."""


def _race(builder: WaveBuilder, rates: Sequence[float], repeat: int = 0) -> None:
    """A middling configuration at these rates, with the first or second seed of pilots."""
    problem = builder.state.problem
    purpose = Purpose.PILOT if problem.is_balanced else Purpose.FIRST_RATE
    for rate in rates:
        builder.replicates(middling(problem).with_values(learning_rate=rate), _seeds(problem, repeat), purpose)


def _seeds(problem: Problem, repeat: int) -> Sequence[int]:
    return seed_numbers(problem.spec.seed, SeedUse.PILOT, 1, repeat)


def _worth_finishing(raced: Sequence[TrialFact]) -> tuple[float, ...]:
    """Rates whose pilots were stopped, the lowest losses at the look first; none that has been trained anew."""
    stopped = sorted((f for f in raced if f.state is TrialState.STOPPED), key=_order)
    known = [f.trial.configuration.learning_rate for f in raced if f.state is not TrialState.STOPPED]
    rates = (f.trial.configuration.learning_rate for f in stopped)
    return tuple(rate for rate in rates if rate not in known)[:FINISHED]


def _near_prior(state: PlanningState) -> tuple[float, ...]:
    """The rate that is best by an earlier study, and one below and above it; empty without such a study."""
    problem = state.problem
    if not problem.facts.prior or problem.rate_factor is None:
        return ()
    space = space_of(problem)
    rates = [float(rate) for rate in space.levels[RATE]]  # type: ignore[arg-type]
    grid = [middling(problem).with_values(learning_rate=rate) for rate in rates]
    model = observations(state.history, problem.facts, space.levels).fitted()
    best = rates[int(np.argmin(model.mean(space.places(grid))))]
    low, high = rate_limits(problem.rate_factor)
    near = (max(low, min(high, float(f"{best * ratio:.2g}"))) for ratio in (1 / PRIOR_RATIO, 1.0, PRIOR_RATIO))
    return tuple(dict.fromkeys(near))


def _is_between(raced: Sequence[TrialFact]) -> bool:
    """Whether the best of the race lies between two others."""
    rates = sorted(fact.trial.configuration.learning_rate for fact in raced)
    best = min(raced, key=_order)
    return math.isfinite(_loss(best)) and rates[0] < best.trial.configuration.learning_rate < rates[-1]


def _up_to(problem: Problem) -> RoundKind:
    """The round whose share pilots may use too."""
    return RoundKind.EXPLORE if problem.is_balanced else RoundKind.REFINE


def piloted_units(n: int) -> float:
    """What a race of so many pilots takes when its losers are stopped at the first look."""
    first = math.ceil(LOOKS[0] * RACED_EPOCHS) / RACED_EPOCHS
    return min(n, FINISHED) + first * max(0, n - FINISHED)


def _rates(problem: Problem, room: float) -> tuple[float, ...]:
    assert problem.rate_factor is not None
    low, high = rate_limits(problem.rate_factor)
    n = min(MOST_RATES[problem.design], 1 + math.floor(math.log(high / low) / math.log(CLOSEST) + 1e-9))
    most = max(FEWEST_RATES, room // 3) if problem.is_balanced else room
    n = max(1, int(min(n, room, most)))
    return tuple(dict.fromkeys(float(f"{rate:.2g}") for rate in np.geomspace(low, high, n)))


def _loss(fact: TrialFact) -> float:
    """At the end of training; infinite for one that broke or was stopped."""
    if not fact.state.did_train or "validation" not in fact.outcomes:
        return math.inf
    loss = fact.outcomes["validation"].loss
    return loss if math.isfinite(loss) else math.inf


def _says_something(fact: TrialFact) -> bool:
    return fact.state.is_answer or fact.state is TrialState.STOPPED


def _finite(loss: float) -> float | None:
    return loss if math.isfinite(loss) else None


def _order(fact: TrialFact) -> tuple[float, float, float]:
    """Lowest loss first; of those without one that which was lower on the way, then the lowest rate, which is the
    likeliest to train."""
    early = loss_at(fact, LOOKS[0])
    return _loss(fact), math.inf if early is None else early, fact.trial.configuration.learning_rate


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
