"""What rounds that propose settings have in common: waves that grow, one seed a configuration, no contrasts.

A configuration that is proposed again gets a second seed.
"""

from __future__ import annotations

from abc import abstractmethod

from tunebook.core.configuration import Configuration
from tunebook.core.study import Purpose, RoundKind, Wave
from tunebook.planning.problem import Problem, SeedUse, seed_numbers
from tunebook.planning.round import Round, Shape
from tunebook.planning.state import PlanningState
from tunebook.planning.wave_builder import WaveBuilder

__all__ = ["Proposing"]

WIDEST = 8
"""Most trials proposed at once, from the third wave on; the first two waves are of two and four. A wide wave trains
several times faster for each trial than a narrow one, and knows less; at first that matters most (decision 124)."""
MOST_TRIALS = {"balanced": 9, "model": 60, "sampled": 60}
"""Trials of the round, by the study's design."""


class Proposing(Round):
    """A round that proposes settings until its share is used or there is nothing more to propose."""

    kind = RoundKind.REFINE

    def first_wave(self, state: PlanningState, round_number: int) -> Wave:
        """The first proposals; no trials when there is no room or nothing to propose."""
        return self._wave(state, round_number, 1)

    def next_wave(self, state: PlanningState, last: Wave) -> Wave:
        """Proposals from what the wave before showed."""
        return self._wave(state, last.round, last.number + 1)

    def most(self, problem: Problem, control_seeds: int) -> Shape:
        """As many as all waves may take."""
        n = MOST_TRIALS[problem.design]
        return Shape(kind=self.kind, n_trials=n, n_comparisons=0, m_treatment=1, m_control=1, noise_df=1)

    @abstractmethod
    def propose(self, state: PlanningState, n: int, builder: WaveBuilder) -> list[Configuration]:
        """Settings to train next: n of them, more while nothing has been trained, none when the round is to end."""

    def _wave(self, state: PlanningState, round_number: int, number: int) -> Wave:
        builder = WaveBuilder(state, self.kind, round_number, number, state.room(self.kind))
        left = MOST_TRIALS[state.problem.design] - len(state.history.of_round(round_number))
        n = int(min(2**number, WIDEST, builder.room.trials, left))
        again = state.rounds_of(self.kind) - (number > 1)
        seeds = seed_numbers(state.problem.spec.seed, SeedUse.REFINE, 2, again)
        for configuration in self.propose(state, n, builder) if n > 0 else ():
            fresh = [seed for seed in seeds if builder.missing(configuration, (seed,))]
            builder.replicates(configuration, fresh[:1], Purpose.REFINE)
        return builder.wave(closes_round=builder.is_empty() or builder.room.trials < 1)
