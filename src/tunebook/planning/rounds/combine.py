"""Round combine: train the levels that helped together.

Where a combined factor moves the best learning rate, and the budget share has room, a first wave lets the combination
choose its rate (one selection seed at each of up to three rates); the claim then gets fresh seeds. What is left goes to
"cells", which show whether the effects add up: the combination without one of its changes, for each change.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from tunebook.core.configuration import Configuration
from tunebook.core.factor import FACTOR_KINDS, Level
from tunebook.core.findings import Verdict
from tunebook.core.study import Purpose, RoundKind, Wave
from tunebook.planning.combination import combined, helping_levels, highest_trained
from tunebook.planning.levels import RATE_STEP
from tunebook.planning.problem import Allowance, Problem, SeedUse, seed_numbers
from tunebook.planning.rate_bracket import keep_choice, read_brackets
from tunebook.planning.round import Round, Shape
from tunebook.planning.state import LevelSeen, PlanningState
from tunebook.planning.wave_builder import WaveBuilder

__all__ = ["Combine"]

FINE_RATE_STEP = math.sqrt(RATE_STEP)
"""Ratio of the rates that a combination chooses from: explore and refine have narrowed the rate to about this."""
MOST_RATES = 3
"""Learning rates that a combination chooses from."""
SAME_RATE = math.log(1.05)
"""Rates nearer than this on the log scale are not worth telling apart."""


class Combine(Round):
    """The levels that helped, together."""

    kind = RoundKind.COMBINE

    def applies(self, problem: Problem) -> bool:
        """Only where explore moves one factor at a time: a model proposes otherwise."""
        return problem.design == "one_factor"

    def first_wave(self, state: PlanningState, round_number: int) -> Wave | None:
        """The round's first wave, or None when there is nothing to combine or no room for it."""
        helped = helping_levels(state)
        if helped is None:
            return None
        room = state.room(self.kind)
        builder = WaveBuilder(state, self.kind, round_number, 1, room)
        if only_leading := [name for name, level in helped.items() if not level.helps]:
            builder.note("only_leading", {"factors": only_leading})
        if by_loss := [name for name, level in helped.items() if level.helps and level.verdict is not Verdict.BETTER]:
            builder.note("only_by_loss", {"factors": by_loss})
        together = combined(state, helped)
        rates = _rates(state, helped, together, room)
        if len(rates) < 2:
            return _claims(builder, helped, together)
        seeds = seed_numbers(state.problem.spec.seed, SeedUse.SELECTION, 1, 1 + state.rounds_of(self.kind))
        for rate in rates:
            builder.replicates(together.with_values(learning_rate=rate), seeds, Purpose.BRACKET)
        return builder.wave(closes_round=False)

    def next_wave(self, state: PlanningState, last: Wave) -> Wave:
        """The round's second wave: the combination at the rate it chose, with fresh seeds."""
        builder = WaveBuilder(state, self.kind, last.round, last.number + 1, state.room(self.kind))
        together = keep_choice(builder, read_brackets(state, last)[0])
        wave = _claims(builder, helping_levels(state) or {}, together)
        return wave if wave is not None else builder.wave()

    def most(self, problem: Problem, control_seeds: int) -> Shape:
        """The combination, a cell for each factor, and three rates to choose from."""
        seeds, names = problem.spec.seeds.configuration, {factor.name for factor in problem.factors}
        moves = any(FACTOR_KINDS[name].moves_learning_rate for name in names)
        changes = names | ({"learning_rate"} if problem.rate_factor is not None else set())
        n_trials = (1 + len(changes)) * seeds + MOST_RATES * moves if len(names) > 1 else 0
        return Shape(kind=self.kind, n_trials=n_trials, n_comparisons=1, m_treatment=seeds, m_control=control_seeds)


def _rates(
    state: PlanningState, helped: Mapping[str, LevelSeen], together: Configuration, room: Allowance
) -> tuple[float, ...]:
    """The rates the combination chooses from: its own, a step below and a step above, as the room allows."""
    problem = state.problem
    moves = any(FACTOR_KINDS[name].moves_learning_rate for name in helped)
    if problem.rate_factor is None or not moves:
        return ()
    own = together.learning_rate
    below, above = (_known_or_rounded(state, rate) for rate in (own / FINE_RATE_STEP, own * FINE_RATE_STEP))
    wanted = [below, own] + ([above] if above <= highest_trained(state, own) else [])
    seconds = state.seconds(together)
    claims = problem.spec.seeds.configuration
    for rates in (wanted, wanted[:2]):
        n = len(rates) + claims
        if room.covers(n, n * seconds):
            return tuple(rates)
    return ()


def _known_or_rounded(state: PlanningState, rate: float) -> float:
    """The nearest rate that was trained, if within a few per cent, so that its trials can be reused; else rounded."""
    known = {fact.trial.effective.learning_rate for fact in state.history.trials.values()}
    nearest = min(known, key=lambda other: abs(math.log(other / rate)))
    return nearest if abs(math.log(nearest / rate)) < SAME_RATE else float(f"{rate:.2g}")


def _claims(builder: WaveBuilder, helped: Mapping[str, LevelSeen], together: Configuration) -> Wave | None:
    """The claim about the combination, and the cells; None when there is no room for a single trial."""
    state = builder.state
    spec = state.problem.spec
    n = spec.seeds.configuration
    seeds = seed_numbers(spec.seed, SeedUse.COMBINE, n, state.rounds_of(RoundKind.COMBINE) - (builder.number > 1))
    affordable = [k for k in range(n, 0, -1) if builder.covers(together, seeds[:k], ("validation",))]
    if not affordable:
        return None
    if affordable[0] < n:
        builder.cut("second_seeds", n - affordable[0])
    ids = builder.replicates(together, seeds[: affordable[0]], Purpose.COMBINE)
    builder.contrast(ids, state.baseline.ids, "combined")
    levels = _levels_of(state, helped, together)
    builder.combined = levels
    for name in reversed(levels):
        rest = {other: value for other, value in levels.items() if other != name}
        cell = state.problem.configure(rest)
        if affordable[0] == n and builder.covers(cell, seeds, ("validation",)):
            builder.replicates(cell, seeds, Purpose.COMBINE, next(iter(rest)) if len(rest) == 1 else None)
    return builder.wave()


def _levels_of(state: PlanningState, helped: Mapping[str, LevelSeen], together: Configuration) -> dict[str, Level]:
    """What the combination changes, factor by factor. A learning rate that moved is one of the changes, whether it was
    combined or chosen afterwards: otherwise cells would differ in the rate without saying so."""
    levels = {name: level.value for name, level in helped.items() if name != "learning_rate"}
    if together.learning_rate != state.problem.spec.baseline.learning_rate:
        levels["learning_rate"] = together.learning_rate
    return levels
