"""Rounds of trials that the user adds to a study that was begun.

Whatever planner a study has, the user's requests (`History.own`) come before its next round, once the baseline has been
measured. Such a round has contrasts of its own, outside the planner's families and outside its budget.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from tunebook.core.facts import History
from tunebook.core.notice import Notice
from tunebook.core.outlook import Outlook, RoundOutlook
from tunebook.core.ports import CancelsTrials, LooksAhead, Planner, PlansBeside, SaysWhyDone
from tunebook.core.study import OwnTrials, Purpose, RoundKind, Trial, Wave
from tunebook.planning.foresight import with_waiting
from tunebook.planning.levels import level_label
from tunebook.planning.problem import SPAN, Allowance, Problem, SeedUse
from tunebook.planning.rounds.table import changed_factor
from tunebook.planning.state import PlanningState
from tunebook.planning.wave_builder import WaveBuilder, with_checkpoint_folds

__all__ = ["with_own_trials"]

UNLIMITED = Allowance(math.inf, math.inf)


def with_own_trials(planner: Planner, problem: Problem) -> Planner:
    """The planner of a study to which the user may add trials."""
    return _Planner(planner, problem)


class _Planner:
    """A planner whose rounds have the user's between them; fulfils `core.ports.Planner`, `PlansBeside`,
    `LooksAhead`, `CancelsTrials` and `SaysWhyDone`."""

    def __init__(self, planner: Planner, problem: Problem) -> None:
        self._planner = planner
        self._problem = problem

    def next_wave(self, history: History) -> Wave | None:
        """The user's next round, if one is asked for and no other is open; else the planner's next wave."""
        asked = self._asked(history)
        if asked and not _is_open(history) and PlanningState(self._problem, history).baseline.facts:
            return _own_wave(self._problem, history, asked[0])
        wave = self._planner.next_wave(history)
        return _own_wave(self._problem, history, asked[0]) if wave is None and asked else wave

    def beside(self, history: History, devices: int) -> Wave | None:
        """What the planner has trained beside its own waves; nothing beside the user's."""
        return self._planner.beside(history, devices) if isinstance(self._planner, PlansBeside) else None

    def ahead(self, history: History) -> Sequence[Trial]:
        """What the planner guesses."""
        return self._planner.ahead(history) if isinstance(self._planner, LooksAhead) else ()

    def to_cancel(self, history: History) -> tuple[int, ...]:
        """What the planner cancels, of its own trials."""
        if not isinstance(self._planner, CancelsTrials):
            return ()
        return tuple(
            number
            for number in self._planner.to_cancel(history)
            if number in history.trials and history.trials[number].trial.purpose is not Purpose.OWN
        )

    def why_done(self, history: History) -> Notice | None:
        """As the planner says."""
        return self._planner.why_done(history) if isinstance(self._planner, SaysWhyDone) else None

    def outlook(self, history: History, *, effects: bool = True) -> Outlook:
        """The trials that wait, the rounds that the user has asked for, then the planner's outlook."""
        outlook = self._planner.outlook(history, effects=effects)
        own = tuple(
            RoundOutlook(RoundKind.OWN, len(each.configurations) * each.seeds, len(each.configurations), None)
            for each in self._asked(history)
        )
        left = outlook.trials_left
        left = None if left is None else left + sum(each.n_trials for each in own)
        return with_waiting(replace(outlook, rounds=(*own, *outlook.rounds), trials_left=left), history)

    def _asked(self, history: History) -> tuple[OwnTrials, ...]:
        """The requests that have not been planned yet: each becomes one round, in order."""
        planned = sum(wave.kind is RoundKind.OWN for wave in history.waves)
        return history.own[planned:] if history.waves else ()


def _is_open(history: History) -> bool:
    """Whether a round has not come to its end."""
    return any(wave.round not in history.closed_rounds for wave in history.waves)


def _own_wave(problem: Problem, history: History, asked: OwnTrials) -> Wave:
    """New seeds of each configuration, each compared with every trial of the baseline.

    Where the study ended before the baseline was trained, it is trained here.
    """
    state = PlanningState(problem, history)
    builder = WaveBuilder(state, RoundKind.OWN, state.next_round, 1, UNLIMITED)
    baseline = problem.spec.baseline
    control = state.baseline.ids or builder.replicates(
        baseline, _fresh_seeds(state, problem.effective(baseline), asked.seeds), Purpose.OWN
    )
    for effective, configuration in {problem.effective(each): each for each in asked.configurations}.items():
        ids = builder.replicates(configuration, _fresh_seeds(state, effective, asked.seeds), Purpose.OWN)
        factor = changed_factor(problem, configuration)
        label = effective.key[:8] if factor is None else level_label(factor, getattr(configuration, factor))
        builder.contrast(ids, control, label, factor)
    wave = with_checkpoint_folds(builder.wave())
    return replace(wave, notes=(*wave.notes, ("own", {"tags": list(asked.tags), "note": asked.note})))


def _fresh_seeds(state: PlanningState, effective: object, n: int) -> tuple[int, ...]:
    """The first n seeds of those kept for the user's trials with which this configuration has not been trained."""
    first = state.problem.spec.seed * SPAN + SeedUse.OWN + 1
    used = {seed for configuration, seed in state.by_setting if configuration == effective}
    seeds = (seed for seed in range(first, first + n + len(used)) if seed not in used)
    return tuple(seeds)[:n]
