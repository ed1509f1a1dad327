"""Runs a study's rounds: plans a wave, trains it, judges the round, writes the record; continues where it stopped.

Everything is decided from the ledger, so starting again is the same as continuing. A trial's result is in the ledger
before anything depends on it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tunebook.core.events import (
    Failed,
    Finished,
    Noted,
    Recorded,
    Requeued,
    RoundClosed,
    Started,
    TrialEvent,
    WaveStarted,
)
from tunebook.core.facts import Cost, History, Outcomes, StudyFacts, TrialFact
from tunebook.core.findings import Finding
from tunebook.core.notice import Notice
from tunebook.core.ports import Executor, Ledger, Observer, Planner, TrialJob
from tunebook.core.study import StudySpec, Trial, TrialState, Wave
from tunebook.core.trial_result import JudgedTrial
from tunebook.errors import Interrupted, StaleLease
from tunebook.run.answers import as_fact
from tunebook.run.signals import StopRequest
from tunebook.statistics.judge_round import judge_round
from tunebook.words import words_for

__all__ = ["SPAN", "Runner", "RunnerParts", "TimeLine", "job_of"]

TEST = "test"


@dataclass(frozen=True)
class RunnerParts:
    """What the runner is made of.

    Attributes:
        make_executor: creates the executor for the splits that may be scored ("validation", later also "test").
        on_round: called after each closed round with its findings; writes the record and returns the paragraph for the
            terminal.
        stop: the stop request, set by signals.
    """

    spec: StudySpec
    facts: StudyFacts
    ledger: Ledger
    planner: Planner
    make_executor: Callable[[tuple[str, ...]], Executor]
    on_round: Callable[[History, Wave, tuple[Finding, ...]], str]
    observer: Observer
    stop: StopRequest
    adapters: Path


class Runner:
    """One run of a study, from whatever state its ledger is in."""

    def __init__(self, parts: RunnerParts) -> None:
        self._p = parts
        self._words = words_for(parts.spec.language)
        self._executor: Executor | None = None
        self._open: tuple[str, ...] = ()
        self._tokens: dict[int, int] = {}
        self._stop_shown = False
        self._line = TimeLine(parts.ledger, parts.ledger.notes())

    def run(self) -> History:
        """Run until the planner has no further question. Raises Interrupted after a signal."""
        try:
            self._requeue()
            while True:
                self._check_stop()
                history = self._p.ledger.history()
                if any(not fact.state.is_final for fact in history.trials.values()):
                    self._train(history)
                elif wave := _to_close(history):
                    self._close(history, wave)
                elif not self._plan(history):
                    return history
        finally:
            if self._executor is not None:
                self._executor.close()

    def stop(self, now: bool) -> None:
        """Ask for an end. Called from a signal handler."""
        if self._executor is not None:
            self._executor.stop(now)

    def _check_stop(self) -> None:
        if self._p.stop:
            raise Interrupted(self._p.stop.exit_code)

    def _requeue(self) -> None:
        """Put trials that a killed run left in state running back to planned."""
        self._p.ledger.release_running("runner_ended")

    def _plan(self, history: History) -> bool:
        wave = self._p.planner.next_wave(history)
        if wave is None:
            return False
        if wave.sealed and not history.sealed:
            self._p.ledger.seal(wave.sealed)
        self._p.ledger.add_wave(wave)
        return True

    def _close(self, history: History, wave: Wave) -> None:
        findings = judge_round(history, wave.round, self._p.spec, self._p.facts.data)
        self._p.ledger.close_round(wave.round, findings)
        closed = self._p.ledger.history()
        paragraph = self._p.on_round(closed, wave, findings)
        self._p.observer.event(RoundClosed(wave.kind, findings, paragraph))

    def _train(self, history: History) -> None:
        wave = history.waves[-1]
        self._p.observer.event(WaveStarted(wave, history))
        planned = [fact.trial for fact in history.trials.values() if not fact.state.is_final]
        executor = self._executor_for(planned)
        jobs = _jobs(planned, self._p.adapters)
        by_id = {trial.id: trial for trial in planned}
        untrained = _untrained_loss(history)
        state = _WaveState(by_id, untrained)
        self._check_stop()
        executor.run(jobs, lambda event: self._on_event(event, state))
        self._finish_orphans(state)

    def _executor_for(self, trials: list[Trial]) -> Executor:
        """The executor for the splits that these trials need. The test split is opened only here."""
        splits = ("validation", TEST) if any(TEST in trial.splits for trial in trials) else ("validation",)
        if self._executor is None or set(splits) - set(self._open):
            if self._executor is not None:
                self._executor.close()
            self._executor, self._open = self._p.make_executor(splits), splits
        return self._executor

    # -- events

    def _on_event(self, event: TrialEvent, state: _WaveState) -> None:
        if self._p.stop and not self._stop_shown:  # shown here, because a signal handler must not print
            self._stop_shown = True
            self._p.observer.phase(self._words.phase_stopping())
        match event:
            case Started(trial_id, worker):
                self._started(trial_id, worker, state)
            case Requeued(trial_id, reason):
                self._released(trial_id, reason, state)
            case Finished(JudgedTrial() as result):
                self._finished(result, state)
            case Failed(trial_id, message):
                self._failed(trial_id, message, state)
            case Noted(code, values):
                self._p.ledger.note(code, values)
        self._p.observer.event(event)

    def _started(self, trial_id: int, worker: str, state: _WaveState) -> None:
        self._line.started(trial_id, worker)
        for each in (trial_id, *state.checkpoints_of(trial_id)):
            if each not in self._tokens and each not in state.done:
                self._tokens[each] = self._p.ledger.start_trial(each, worker)

    def _released(self, trial_id: int, reason: str, state: _WaveState) -> None:
        self._line.dropped(trial_id)
        for each in (trial_id, *state.checkpoints_of(trial_id)):
            token = self._tokens.pop(each, None)
            if token is not None and each not in state.done:
                self._p.ledger.release_trial(each, token, reason)

    def _finished(self, judged: JudgedTrial, state: _WaveState) -> None:
        if judged.id in state.done:
            return  # a restarted worker may report a checkpoint twice
        fact = as_fact(state.trials[judged.id], judged, state.untrained_loss)
        if fact.trial.id == 0 and "validation" in fact.outcomes:
            state.untrained_loss = fact.outcomes["validation"].loss
        self._write(fact, state)
        if judged.broke_at_step is not None:  # its later checkpoints broke with it
            for each in state.checkpoints_of(judged.id):
                if each not in state.done:
                    self._write(replace(fact, trial=state.trials[each], cost=Cost()), state)

    def _failed(self, trial_id: int, message: str, state: _WaveState) -> None:
        for each in (trial_id, *state.checkpoints_of(trial_id)):
            if each not in state.done:
                self._write(TrialFact(state.trials[each], TrialState.FAILED, reason=message), state)

    def _write(self, fact: TrialFact, state: _WaveState) -> None:
        trial_id = fact.trial.id
        if trial_id not in self._tokens:
            self._tokens[trial_id] = self._p.ledger.start_trial(trial_id, "runner")
        try:
            self._p.ledger.finish_trial(fact, self._tokens.pop(trial_id))
        except StaleLease as error:
            late = Notice("late_result", {"trial": trial_id, "reason": str(error)})
            self._p.observer.warning(self._words.notice(late))
            return
        state.done.add(trial_id)
        self._line.ended(trial_id)
        self._p.observer.event(Recorded(fact))

    def _finish_orphans(self, state: _WaveState) -> None:
        """Release the trials that a stopped executor left running."""
        for trial_id in [each for each in self._tokens if each not in state.done]:
            self._p.ledger.release_trial(trial_id, self._tokens.pop(trial_id), "stopped")


class _WaveState:
    """What is known while a wave is being trained."""

    def __init__(self, trials: dict[int, Trial], untrained_loss: float | None) -> None:
        self.trials = trials
        self.untrained_loss = untrained_loss
        self.done: set[int] = set()

    def checkpoints_of(self, trial_id: int) -> list[int]:
        return [each.id for each in self.trials.values() if each.checkpoint_of == trial_id]


def _to_close(history: History) -> Wave | None:
    """The last wave of a round that is trained and not yet judged."""
    for wave in history.waves:
        if wave.closes_round and wave.round not in history.closed_rounds:
            return wave
    return None


def _jobs(trials: list[Trial], adapters: Path) -> list[TrialJob]:
    """One job for each trial that is trained; checkpoints are part of the job of the longer trial."""
    ids = {trial.id for trial in trials}
    jobs = []
    for trial in trials:
        if trial.checkpoint_of in ids:
            continue
        riders = tuple(
            (other.effective.num_train_epochs, other.id) for other in trials if other.checkpoint_of == trial.id
        )
        jobs.append(job_of(trial, adapters, riders))
    return jobs


def job_of(trial: Trial, adapters: Path, riders: tuple[tuple[int, int], ...] = ()) -> TrialJob:
    """A trial as an engine sees it; `riders` are its checkpoints, as (epochs, id of the trial that the checkpoint
    stands for)."""
    return TrialJob(trial.id, trial.effective, trial.seed, trial.splits, str(adapters / str(trial.id)), riders)


def _untrained_loss(history: History) -> float | None:
    fact = history.trials.get(0)
    outcomes: dict[str, Outcomes] = fact.outcomes if fact else {}
    return outcomes["validation"].loss if "validation" in outcomes else None


SPAN = "trial_span"


class TimeLine:
    """Records when each trial of a run used which slot.

    Args:
        ledger: the ledger in which the spans are noted.
        notes: the ledger's notes so far; new spans continue after the last one.
    """

    def __init__(
        self, ledger: Ledger, notes: Sequence[tuple[str, dict[str, Any]]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ledger, self._clock = ledger, clock
        before = max((values["end"] for code, values in notes if code == SPAN), default=0.0)
        self._zero = clock() - before
        self._running: dict[int, tuple[str, int, float]] = {}

    def started(self, trial_id: int, worker: str) -> None:
        """A trial takes the lowest free slot of its worker."""
        taken = {slot for name, slot, _ in self._running.values() if name == worker}
        slot = next(number for number in range(len(taken) + 1) if number not in taken)
        self._running[trial_id] = (worker, slot, self._clock() - self._zero)

    def ended(self, trial_id: int) -> None:
        """A trial leaves its slot with a result."""
        if trial_id in self._running:
            worker, slot, start = self._running.pop(trial_id)
            span = {
                "trial": trial_id,
                "worker": worker,
                "slot": slot,
                "start": start,
                "end": self._clock() - self._zero,
            }
            self._ledger.note(SPAN, span)

    def dropped(self, trial_id: int) -> None:
        """A trial leaves its slot without a result."""
        self._running.pop(trial_id, None)
