"""The planner: from a study's history to its next wave of trials.

Pure and stateless: the same history gives the same answer, so a study that was interrupted plans what an unbroken one
would have planned. Each round has its own module; here is only their order.

A wave may have no trials: it then only closes its round (a bisection knows that it is over after its last answer).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tunebook.core.configuration import Configuration
from tunebook.core.facts import DataFacts, History, TrialFact
from tunebook.core.outlook import Outlook
from tunebook.core.ports import Calibration, Planner
from tunebook.core.space import Folding
from tunebook.core.study import Purpose, RoundKind, StudySpec, Trial, TrialState, Wave
from tunebook.planning.foresight import outlook
from tunebook.planning.problem import Problem
from tunebook.planning.rounds.boundary import boundary_wave
from tunebook.planning.rounds.combine import combine_wave, combined_claim_wave
from tunebook.planning.rounds.confirm import confirm_wave
from tunebook.planning.rounds.explore import chosen_rates_wave, explore_wave
from tunebook.planning.rounds.refine import refine_wave
from tunebook.planning.rounds.table import table_wave
from tunebook.planning.shares import Allowance
from tunebook.planning.state import PlanningState

__all__ = ["StudyPlanner", "foreseen", "kinds_in_order"]

AFTER_CONFIRM = (RoundKind.REFINE, RoundKind.COMBINE)
"""Rounds that more budget buys once the test split has been opened: on validation only, and no second confirm."""


class StudyPlanner:
    """Decides what to ask next; fulfils `core.ports.Planner`.

    Args:
        spec: the study.
        facts: counts and lengths of its data.
        folding: what the engine promises does not change the mathematics.
        table: configurations given by hand; they then make the first round.
        calibration: measured rates, to keep to a budget in hours; None: hours only stop what follows.
    """

    def __init__(
        self,
        spec: StudySpec,
        facts: DataFacts,
        folding: Folding,
        table: tuple[Configuration, ...] = (),
        calibration: Calibration | None = None,
    ) -> None:
        self._problem = Problem(spec, facts, folding, table, calibration)

    def next_wave(self, history: History) -> Wave | None:
        """The next trials with their contrasts, or None when the study is done."""
        state = PlanningState(self._problem, history)
        last = state.last_wave
        if last is None:
            return _reference_wave(self._problem)
        if not last.closes_round:
            return self._same_round(state, last)
        return self._next_round(state, last)

    def outlook(self, history: History) -> Outlook:
        """The rounds to come as far as they can be foreseen. While trials of the last wave are not final, or its round
        is not judged, the next wave is not known and its round is given by what it may take at most."""
        state = PlanningState(self._problem, history)
        if state.last_wave is None:
            return outlook(state, kinds_in_order(self._problem), None)
        kinds = _kinds_to_come(state)
        is_open = any(not fact.state.is_final for fact in history.trials.values())
        waits = state.last_wave.closes_round and state.last_wave.round not in history.closed_rounds
        return outlook(state, kinds, None if is_open or waits else self.next_wave(history))

    def _same_round(self, state: PlanningState, last: Wave) -> Wave | None:
        if last.kind is RoundKind.EXPLORE:
            return chosen_rates_wave(state, last)
        if last.kind is RoundKind.COMBINE:
            return combined_claim_wave(state, last, _room(state, last.kind))
        return boundary_wave(state, last.round, last.number + 1)

    def _next_round(self, state: PlanningState, last: Wave) -> Wave | None:
        skipped: list[tuple[str, dict[str, Any]]] = []
        for kind in _kinds_to_come(state):
            wave = self._first_wave(state, kind, last.round + 1)
            if wave is not None and wave.trials:
                notes = (*skipped, *wave.notes, *_budget_note(state, kind))
                return replace(wave, notes=notes)
            skipped.append(("round_skipped", {"kind": kind.value}))
        return None

    def _first_wave(self, state: PlanningState, kind: RoundKind, number: int) -> Wave | None:
        openers: dict[RoundKind, Callable[[], Wave | None]] = {
            RoundKind.TABLE: lambda: table_wave(state, number),
            RoundKind.EXPLORE: lambda: explore_wave(state, number),
            RoundKind.REFINE: lambda: refine_wave(state, number, _room(state, kind)),
            RoundKind.COMBINE: lambda: combine_wave(state, number, _room(state, kind)),
            RoundKind.BOUNDARY: lambda: boundary_wave(state, number, 1),
            RoundKind.CONFIRM: lambda: confirm_wave(state, number),
        }
        return openers[kind]()


def foreseen(planner: Planner, history: History) -> tuple[Wave, ...]:
    """The waves that are known already: the next one and, while that is the reference, the one after it: what is asked
    there does not depend on the reference's result."""
    wave = planner.next_wave(history)
    if wave is None or wave.kind is not RoundKind.REFERENCE:
        return () if wave is None else (wave,)
    fact = TrialFact(wave.trials[0], TrialState.COMPLETED)
    after = planner.next_wave(replace(history, waves=(wave,), trials={wave.trials[0].id: fact}))
    return (wave,) if after is None else (wave, after)


def kinds_in_order(problem: Problem) -> tuple[RoundKind, ...]:
    """The rounds of a study after the reference, in order."""
    first = RoundKind.TABLE if problem.table else RoundKind.EXPLORE
    return (first, RoundKind.REFINE, RoundKind.COMBINE, RoundKind.BOUNDARY, RoundKind.CONFIRM)


def _kinds_to_come(state: PlanningState) -> tuple[RoundKind, ...]:
    """The rounds that may still be opened. After the confirm round there are more only with more budget than before."""
    assert state.last_wave is not None
    order = kinds_in_order(state.problem)
    kind = state.last_wave.kind
    if not state.is_confirmed:
        return order[order.index(kind) + 1 :] if kind in order else order
    if kind in AFTER_CONFIRM[:-1]:
        return AFTER_CONFIRM[AFTER_CONFIRM.index(kind) + 1 :]
    return AFTER_CONFIRM if _has_grown(state) else ()


def _has_grown(state: PlanningState) -> bool:
    """Whether the budget is larger than when the last round was planned."""
    noted = [values for wave in state.history.waves for code, values in wave.notes if code == "budget"]
    if not noted:
        return False
    now, before = state.problem.spec.budget, noted[-1]
    limits = ((now.trials, before["trials"]), (now.hours, before["hours"]))
    return any(old is not None and (new is None or new > old) for new, old in limits)


def _room(state: PlanningState, kind: RoundKind) -> Allowance:
    """What a round may take: up to its share, and after the confirm round all that is left."""
    return state.allowance(RoundKind.CONFIRM if state.is_confirmed else kind)


def _budget_note(state: PlanningState, kind: RoundKind) -> tuple[tuple[str, dict[str, Any]], ...]:
    """From the confirm round on each round keeps the budget that it was planned with."""
    if kind is not RoundKind.CONFIRM and not state.is_confirmed:
        return ()
    budget = state.problem.spec.budget
    return (("budget", {"trials": budget.trials, "hours": budget.hours}),)


def _reference_wave(problem: Problem) -> Wave:
    """Round 0: the base model without adapter, and nothing trained."""
    asked = problem.spec.baseline.with_values(num_train_epochs=0)
    seed = problem.spec.seed * 1000
    trial = Trial(0, 0, RoundKind.REFERENCE, Purpose.REFERENCE, asked, problem.effective(asked), seed)
    return Wave(0, RoundKind.REFERENCE, 1, (trial,))
