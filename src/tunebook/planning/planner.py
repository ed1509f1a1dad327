"""The planner: from a study's history to its next wave of trials.

Pure and stateless: the same history gives the same answer, so a study that was interrupted plans what an unbroken one
would have planned. Each round has its own module; here is only their order.

A wave without trials only closes its round: a bisection knows that it is done only after its last result.

With several devices a round may be trained beside others whose results it does not need (`Round.beside`). Waves that
are trained together are planned before any of them is trained, and the next ones when all are final: so the plan does
not depend on the order in which results come.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from tunebook.core.configuration import Configuration
from tunebook.core.facts import DataFacts, History, TrialFact
from tunebook.core.notice import Notice
from tunebook.core.outlook import Outlook
from tunebook.core.ports import Calibration, Planner
from tunebook.core.space import Folding
from tunebook.core.study import Purpose, RoundKind, StudySpec, Trial, TrialState, Wave
from tunebook.errors import StudyFileError
from tunebook.planning.foresight import outlook
from tunebook.planning.problem import Allowance, Problem
from tunebook.planning.round import Round
from tunebook.planning.rounds import round_of, rounds_of
from tunebook.planning.rounds.confirm import likely_confirmed
from tunebook.planning.rounds.sample import DEFAULT, sampler_of
from tunebook.planning.state import PlanningState, waves_apart
from tunebook.planning.wave_builder import WaveBuilder

__all__ = ["SampledPlanner", "StudyPlanner", "foreseen"]

AFTER_CONFIRM = (RoundKind.REFINE, RoundKind.COMBINE)
"""Rounds that more budget buys once the test split has been opened: on validation only, and no second confirm."""


class StudyPlanner:
    """Decides what to ask next; fulfils `core.ports.Planner`, `PlansBeside`, `LooksAhead`, `CancelsTrials` and
    `SaysWhyDone`.

    Args:
        spec: the study.
        facts: counts and lengths of its data.
        folding: what the engine promises does not change the mathematics.
        table: configurations given by hand; they then make the first round.
        calibration: measured speeds, for a budget in hours; None: predictions rest on the trials that have finished.
    """

    def __init__(
        self,
        spec: StudySpec,
        facts: DataFacts,
        folding: Folding,
        table: tuple[Configuration, ...] = (),
        calibration: Calibration | None = None,
    ) -> None:
        self._problem = Problem(
            spec=spec,
            facts=facts,
            folding=folding,
            table=table,
            calibration=calibration,
            sampler=self._sampler(spec, table),
        )

    def _sampler(self, spec: StudySpec, table: tuple[Configuration, ...]) -> str | None:
        """The sampler of Optuna that proposes; None: our own rounds do."""
        return None

    def next_wave(self, history: History) -> Wave | None:
        """The next trials with their contrasts, or None when the study is done."""
        state = PlanningState(self._problem, history)
        last = state.last_wave
        if last is None:
            return _reference_wave(self._problem)
        if self._is_stopped(state):
            beside = (wave for wave in state.going_on if wave is not state.last_in_line)
            return next((_ending(state, wave) for wave in beside), None)
        skipped: list[tuple[str, dict[str, Any]]] = []
        for kind in _turns(state):
            own = PlanningState(self._problem, history, self._apart(kind, state))
            going_on = _last_wave(state, kind)
            if going_on is not None:
                wave = round_of(kind, self._problem).next_wave(own, going_on)
                return None if wave is None else replace(wave, notes=(*skipped, *wave.notes))
            wave = round_of(kind, self._problem).first_wave(own, state.next_round)
            if wave is not None and wave.trials:
                keeps = kind is RoundKind.CONFIRM or state.is_confirmed
                return replace(wave, notes=(*skipped, *wave.notes), budget=self._problem.spec.budget if keeps else None)
            skipped += _skipped(state, kind)
        return None

    def beside(self, history: History, devices: int) -> Wave | None:
        """A wave to train beside the open ones; see `core.ports.PlansBeside`.

        A round waits for its turn where it would ask for something else if the others took less than they may; not
        beside their last waves, after which they take no more.
        """
        state = PlanningState(self._problem, history)
        if devices < 2 or not state.together or state.is_confirmed:
            return None
        first, together = state.together[0], {wave.kind for wave in state.together}
        rounds = rounds_of(self._problem)
        if first.number == 1 and first.kind in {each.kind for each in rounds if each.is_first}:
            return None
        for each in rounds:
            if first.kind not in each.beside or each.kind in together:
                continue
            apart = _apart_since(each, first, state)
            own, unhindered = (
                PlanningState(self._problem, history, apart, kept)
                for kept in (self._most_for(apart, each.kind, state), Allowance(0, 0))
            )
            scarce, ample = (self._wave_beside(each, state, seen) for seen in (own, unhindered))
            if scarce is not None and scarce.trials and (own.is_last_beside or scarce == ample):
                return replace(scarce, beside=True)
        return None

    def _most_for(self, kinds: tuple[RoundKind, ...], beside: RoundKind, state: PlanningState) -> Allowance:
        """The most that rounds of these kinds may take, what is planned of them included."""
        share = PlanningState(self._problem, state.history, (*kinds, beside)).share_left(kinds[-1])
        trials = 0
        for kind in kinds:
            of_kind = waves_apart(state.history, (kind,))
            planned = sum(trial.costs_budget for wave in of_kind for trial in wave.trials)
            ends = any(wave.closes_round for wave in of_kind)
            trials += planned if ends else max(planned, round_of(kind, self._problem).at_most(self._problem))
        return Allowance(min(share.trials, trials), share.seconds if math.isfinite(share.seconds) else 0)

    def _wave_beside(self, asks: Round, state: PlanningState, own: PlanningState) -> Wave | None:
        last = _last_wave(state, asks.kind)
        if last is not None:
            return asks.next_wave(own, last)
        if any(wave.kind is asks.kind for wave in state.history.waves):
            return None
        wave = asks.first_wave(own, state.next_round)
        note = ("begun_beside" if asks.waits else "beside", {"rounds": [kind.value for kind in own.apart]})
        return None if wave is None else replace(wave, notes=(note, *wave.notes))

    def _apart(self, kind: RoundKind, state: PlanningState) -> tuple[RoundKind, ...]:
        """Kinds of the rounds whose results one of this kind must not see, since they are trained beside it."""
        if state.is_confirmed:
            return ()
        if opened := _apart_since(round_of(kind, self._problem), None, state):
            return opened
        return tuple(each.kind for each in rounds_of(self._problem) if kind in each.beside)

    def ahead(self, history: History) -> tuple[Trial, ...]:
        """What the confirm round would train, and what else might lead by then."""
        state = PlanningState(self._problem, history)
        if state.last_wave is None or state.is_confirmed or self._is_stopped(state):
            return ()
        return likely_confirmed(state)

    def to_cancel(self, history: History) -> tuple[int, ...]:
        """Trials of the open wave that need not go on."""
        state = PlanningState(self._problem, history)
        last = state.last_wave
        if last is None or last.kind not in _kinds_in_order(self._problem) or last.beside:
            return ()
        return round_of(last.kind, self._problem).to_cancel(state, last)

    def outlook(self, history: History, *, effects: bool = True) -> Outlook:
        """The rounds to come as far as they can be foreseen. While trials of the last wave are not final, or its round
        is not judged, the next wave is not known and its round is given by what it may take at most."""
        state = PlanningState(self._problem, history)
        if state.last_wave is None:  # what the first round asks does not depend on the reference's result
            return self.outlook(_with_reference(history, _reference_wave(self._problem)), effects=effects)
        kinds = () if self._is_stopped(state) else _kinds_to_come(state)
        is_open = any(not fact.state.is_final for fact in history.trials.values())
        waits = history.to_judge is not None
        wave = None if is_open or waits else self.next_wave(history)
        ends = wave is None and not is_open and not waits  # the rounds that are left have no question
        return outlook(state, () if ends else kinds, wave, effects)

    def why_done(self, history: History) -> Notice | None:
        """What keeps a study from going on, other than its budget; see `core.ports.SaysWhyDone`."""
        state = PlanningState(self._problem, history)
        if state.last_wave is None or self.next_wave(history) is not None:
            return None
        if self._is_stopped(state):
            return Notice("done_nothing_learned")
        if not (state.is_confirmed and _has_grown(state)):
            return None
        notes: dict[str, dict[str, Any]] = {}
        for kind in _turns(state):
            wave = round_of(kind, self._problem).first_wave(state, state.next_round)
            notes.update(() if wave is None else wave.notes)
        if "little_to_gain" in notes:
            return Notice("done_little_to_gain", notes["little_to_gain"])
        return Notice("done_no_question")

    def _is_stopped(self, state: PlanningState) -> bool:
        """Whether nothing was learned, by the pilots or in the first round, and the study file does not say to go on.

        In the first round that is: no configuration is right more often than without any training.
        """
        last = state.last_in_line
        if self._problem.spec.floor != "ask" or last is None:
            return False
        if last.floor is not None:
            return True
        first_is_done = last.kind in (RoundKind.TABLE, RoundKind.EXPLORE) and last.round in state.history.closed_rounds
        if not first_is_done or state.leading is None:
            return False
        return state.leading.accuracy <= state.evidence.bar(self._problem.facts)[0]


class SampledPlanner(StudyPlanner):
    """`planner: optuna:NAME`: a sampler of Optuna proposes, and what it found is confirmed.

    Raises: StudyFileError: the sampler cannot be used, see `rounds.sample.sampler_of`; or the study has a table.
    """

    def _sampler(self, spec: StudySpec, table: tuple[Configuration, ...]) -> str | None:
        name = spec.planner.partition(":")[2] or DEFAULT
        sampler_of(name, 0)
        if table:
            raise StudyFileError(
                'planner: found "{planner}" beside a table of trials; a sampler chooses its own. Leave one out.',
                planner=spec.planner,
            )
        return name


def _apart_since(asks: Round, now: Wave | None, state: PlanningState) -> tuple[RoundKind, ...]:
    """Of the rounds that a round can do without, those that were not over when it was opened beside one of them.

    Args:
        now: the wave beside which it is opened now, if it is not open yet.
    """
    if now is None and asks.waits:
        return ()
    waves = state.history.waves
    at = next((i for i, wave in enumerate(waves) if wave.kind is asks.kind and wave.number == 1 and wave.beside), None)
    if at is not None:
        now = next(wave for wave in reversed(waves[:at]) if not wave.beside)
    return asks.beside[asks.beside.index(now.kind) :] if now is not None else ()


def _turns(state: PlanningState) -> tuple[RoundKind, ...]:
    """Kinds of the rounds that may be asked now, in order: the round that goes on; else those to come, and in its place
    among them one that goes on beside the others."""
    in_line = state.last_in_line
    beside = [wave.kind for wave in state.going_on if wave is not in_line]
    if in_line is not None and not in_line.closes_round:
        return (in_line.kind, *beside)
    order = _kinds_in_order(state.problem)
    return tuple(sorted((*_kinds_to_come(state), *beside), key=order.index))


def _skipped(state: PlanningState, kind: RoundKind) -> list[tuple[str, dict[str, Any]]]:
    """The note that a round had nothing to ask, unless a wave since the last round in line has it."""
    waves = state.history.waves
    since = waves[waves.index(state.last_in_line) + 1 :] if state.last_in_line is not None else ()
    note = ("round_skipped", {"kind": kind.value})
    return [] if any(note in wave.notes for wave in since) else [note]


def _ending(state: PlanningState, last: Wave) -> Wave:
    """A wave without trials, which ends a round that was trained beside one after which the study stops."""
    return WaveBuilder(state, last.kind, last.round, last.number + 1, state.room(last.kind)).wave()


def _last_wave(state: PlanningState, kind: RoundKind) -> Wave | None:
    """The last wave of a round of this kind that goes on, or None."""
    return next((wave for wave in state.going_on if wave.kind is kind), None)


def foreseen(planner: Planner, history: History) -> tuple[Wave, ...]:
    """The waves that are known already: the next one and, while that is the reference, the one after it, which does not
    depend on the reference's result."""
    wave = planner.next_wave(history)
    if wave is None or wave.kind is not RoundKind.REFERENCE:
        return () if wave is None else (wave,)
    after = planner.next_wave(_with_reference(history, wave))
    return (wave,) if after is None else (wave, after)


def _with_reference(history: History, wave: Wave) -> History:
    """A history that begins, as if the reference had been scored."""
    [trial] = wave.trials
    fact = TrialFact(trial=trial, state=TrialState.COMPLETED)
    return replace(history, waves=(wave,), trials={trial.id: fact}, closed_rounds=(wave.round,))


def _kinds_in_order(problem: Problem) -> tuple[RoundKind, ...]:
    return tuple(each.kind for each in rounds_of(problem))


def _kinds_to_come(state: PlanningState) -> tuple[RoundKind, ...]:
    """The rounds that may still be opened. After the confirm round there are more only with more budget than before."""
    assert state.last_in_line is not None
    order = _kinds_in_order(state.problem)
    kind = state.last_in_line.kind
    if not state.is_confirmed:
        opened = {wave.kind for wave in state.history.waves}
        to_come = order[order.index(kind) + 1 :] if kind in order else order
        return tuple(each for each in to_come if each not in opened)
    after = tuple(each for each in AFTER_CONFIRM if each in order)
    if kind in after[:-1]:
        return after[after.index(kind) + 1 :]
    return after if _has_grown(state) else ()


def _has_grown(state: PlanningState) -> bool:
    """Whether the budget is larger than when the last round was planned."""
    kept = [wave.budget for wave in state.history.waves if wave.budget is not None]
    if not kept:
        return False
    now, before = state.problem.spec.budget, kept[-1]
    limits = ((now.trials, before.trials), (now.hours, before.hours))
    return any(old is not None and (new is None or new > old) for new, old in limits)


def _reference_wave(problem: Problem) -> Wave:
    """Round 0: the base model without adapter, and nothing trained."""
    asked = problem.spec.baseline.with_values(num_train_epochs=0)
    seed = problem.spec.seed * 1000
    trial = Trial(
        id=0,
        round=0,
        kind=RoundKind.REFERENCE,
        purpose=Purpose.REFERENCE,
        configuration=asked,
        effective=problem.effective(asked),
        seed=seed,
    )
    return Wave(round=0, kind=RoundKind.REFERENCE, number=1, trials=(trial,))
