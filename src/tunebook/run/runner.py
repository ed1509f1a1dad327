"""Runs a study's rounds: plans a wave, trains it, judges the round, writes the record; continues where it stopped.

Everything is decided from the ledger, so starting again is the same as continuing. A trial's result is in the ledger
before anything depends on it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tunebook.core.cost import expected_work
from tunebook.core.events import (
    Cancelled,
    Evaluation,
    Failed,
    Finished,
    Noted,
    Recorded,
    Requeued,
    RoundClosed,
    Started,
    Step,
    TrialEvent,
    WaveStarted,
    WorkerDied,
)
from tunebook.core.facts import (
    Cost,
    Curve,
    DataFacts,
    EvaluationRecord,
    History,
    Outcomes,
    StepRecord,
    StudyFacts,
    TrialFact,
)
from tunebook.core.findings import Finding
from tunebook.core.notice import Notice
from tunebook.core.ports import (
    CancelsTrials,
    Executor,
    Ledger,
    Observer,
    Planner,
    PlansBeside,
    TrainsAhead,
    TrialEnd,
    TrialJob,
)
from tunebook.core.study import SCORED_PART, TAKEN_AHEAD, TRAINED_AHEAD, StudySpec, Trial, TrialState, Wave
from tunebook.core.trial_result import JudgedTrial
from tunebook.errors import Interrupted
from tunebook.run.ahead import AheadFolder
from tunebook.run.requests.cancel_requests import CancelRequests
from tunebook.run.requests.meanwhile import meanwhile
from tunebook.run.scores.answers import as_fact
from tunebook.run.scores.other_metrics import with_limits
from tunebook.run.signals import StopRequest
from tunebook.run.study_words import study_words
from tunebook.statistics.judge_round import judge_round

__all__ = ["SPAN", "Runner", "RunnerParts", "TimeLine", "job_of"]

TEST = "test"
STOPPED = 143
"""Exit code of a run that a request ended, as after SIGTERM."""
_LOOK_SECONDS = 1.0
"""How often it is looked for requests to cancel a trial or to end the run."""


@dataclass(frozen=True, kw_only=True)
class RunnerParts:
    """What the runner is made of.

    Attributes:
        executor: trains the trials; the runner closes it.
        open_test: called once, before the first trial that is scored on the test split; makes the executor score it.
        on_round: called after each closed round with its findings; writes the record and returns the paragraph for the
            terminal.
        stop: the stop request, set by signals.
        requests: trials that the user wants cancelled.
        keep_requests: moves what the user asks for meanwhile into the ledger; called before each step of the run.
        devices: how many there are; with several, waves that do not depend on each other are trained together, and
            idle ones train ahead.
    """

    spec: StudySpec
    facts: StudyFacts
    ledger: Ledger
    planner: Planner
    executor: Executor
    open_test: Callable[[], None]
    on_round: Callable[[History, Wave, tuple[Finding, ...]], str]
    observer: Observer
    stop: StopRequest
    adapters: Path
    requests: CancelRequests
    keep_requests: Callable[[], None]
    devices: int = 1


class Runner:
    """One run of a study, from whatever state its ledger is in."""

    def __init__(self, parts: RunnerParts) -> None:
        self._p = parts
        self._words = study_words(parts.spec, parts.facts.scale)
        self._executor = parts.executor
        self._test_is_open = False
        self._tokens: dict[int, int] = {}
        self._starting: dict[str, list[int]] = {}
        self._stop_shown = False
        self._line = TimeLine(parts.ledger.notes())
        self._taken_ahead: set[int] = set()
        self._ahead = AheadFolder(parts.adapters.parent)

    def run(self) -> History:
        """Run until the planner has no further question. Raises Interrupted after a signal."""
        self._p.requests.forget_stop()
        try:
            self._requeue()
            while True:
                self._check_stop()
                self._p.keep_requests()
                history = with_limits(self._p.ledger.history(), self._p.spec, self._p.facts)
                if any(not fact.state.is_final for fact in history.trials.values()):
                    if not self._plan_beside(history):
                        self._train(history)
                elif wave := history.to_judge:
                    self._close(history, wave)
                elif not self._plan(history):
                    self._ahead.delete()
                    return history
        finally:
            self._p.requests.forget_stop()
            self._executor.close()  # before record and adapters are written: workers hold the device's memory

    def stop(self, now: bool) -> None:
        """Ask for an end. Called from a signal handler."""
        self._executor.stop(now)

    def _check_stop(self) -> None:
        self._obey_stop_request()
        if self._p.stop:
            raise Interrupted(self._p.stop.exit_code)

    def _obey_stop_request(self) -> None:
        """End the run, as after a signal, where the user asks for it by a file."""
        if not self._p.stop and self._p.requests.is_stop_asked():
            self._p.stop.ask(STOPPED)
            self._executor.stop()

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

    def _plan_beside(self, history: History) -> bool:
        planner = self._p.planner
        wave = planner.beside(history, self._p.devices) if isinstance(planner, PlansBeside) else None
        if wave is not None:
            self._p.ledger.add_wave(wave)
        return wave is not None

    def _close(self, history: History, wave: Wave) -> None:
        findings = judge_round(history, wave.round, self._p.spec, self._p.facts.data)
        self._p.ledger.close_round(wave.round, findings)
        closed = self._p.ledger.history()
        paragraph = self._p.on_round(closed, wave, findings)
        self._p.observer.event(RoundClosed(wave.kind, findings, paragraph))

    def _train(self, history: History) -> None:
        for wave in history.waves:
            if any(not history.trials[trial.id].state.is_final for trial in wave.trials):
                self._p.observer.event(WaveStarted(wave, history))
        planned = [fact.trial for fact in history.trials.values() if not fact.state.is_final]
        state = _WaveState(history, {trial.id: trial for trial in planned}, _untrained_loss(history))
        for trial_id in self._p.requests.read() & state.trials.keys():
            self._cancelled(trial_id, state)
        self._keep(state)
        left = [trial for trial in planned if trial.id not in state.done]
        if not left:
            return
        if any(TEST in trial.splits for trial in left) and not self._test_is_open:
            self._p.open_test()  # here and nowhere else
            self._test_is_open = True
        self._check_stop()
        jobs = _jobs(left, self._p.adapters, self._p.facts.data)
        self._use_idle_devices(history, jobs)
        with self._obeying_requests(state):
            self._executor.run(jobs, lambda events: self._on_events(events, state))
        self._finish_orphans(state)

    def _use_idle_devices(self, history: History, jobs: Sequence[TrialJob]) -> None:
        """Let devices train ahead for the last round while they have nothing else to do, and give what was trained so
        to the trials that ask for it."""
        self._taken_ahead = self._ahead.hand_over(history, jobs)
        if self._taken_ahead:
            self._p.ledger.note(TAKEN_AHEAD, {"trials": sorted(self._taken_ahead)})
        if self._p.devices > 1 and isinstance(self._executor, TrainsAhead):
            self._executor.offer(self._ahead.guesses(self._p.planner, history, self._p.facts.data))

    @contextmanager
    def _obeying_requests(self, state: _WaveState) -> Iterator[None]:
        """Meanwhile a thread looks for requests of the user's: trials may be silent for long."""
        told: set[int] = set()

        def look() -> None:
            self._obey_stop_request()
            for trial_id in (self._p.requests.read() & state.trials.keys()) - told:
                told.add(trial_id)
                self._executor.cancel(trial_id)

        with meanwhile(_LOOK_SECONDS, look):
            yield

    # -- events

    def _on_events(self, events: Sequence[TrialEvent], state: _WaveState) -> None:
        """Results that come together are written together, before a trial is released and before this returns."""
        for event in events:
            if isinstance(event, Requeued):
                self._keep(state)
            self._on_event(event, state)
        self._keep(state)

    def _on_event(self, event: TrialEvent, state: _WaveState) -> None:
        if self._p.stop and not self._stop_shown:  # shown here, because a signal handler must not print
            self._stop_shown = True
            self._p.observer.phase(self._words.phase_stopping())
        if not isinstance(event, Started):
            self._write_starts()
        match event:
            case Started(trial_id, worker):
                self._started(trial_id, worker, state)
            case Requeued(trial_id, reason):
                self._released(trial_id, reason, state)
            case Finished(JudgedTrial() as result):
                self._finished(result, state)
            case Failed(trial_id, message):
                self._failed(trial_id, message, state)
            case Step(trial_id, step):
                state.steps.setdefault(trial_id, []).append(step)
            case Evaluation(trial_id, record):
                state.evaluations.setdefault(trial_id, []).append(record)
                self._ask_what_is_unwanted(state)
            case Cancelled(trial_id, cost):
                self._cancelled(trial_id, state, cost)
            case Noted("trial_resumed", {"trial": trial_id}) if trial_id in self._taken_ahead:
                self._taken_ahead.discard(trial_id)  # it was not interrupted
            case Noted(code, values) if code in (TRAINED_AHEAD, SCORED_PART):
                self._p.ledger.note(code, values | self._line.until_now(values["seconds"]))
            case Noted(code, values):
                self._p.ledger.note(code, values)
            case WorkerDied(worker, reason, retired=True):
                self._p.ledger.note("worker_retired", {"worker": worker, "reason": reason})
            case WorkerDied(worker, reason):
                self._p.ledger.note("worker_died", {"worker": worker, "reason": reason})
        self._p.observer.event(event)

    def _started(self, trial_id: int, worker: str, state: _WaveState) -> None:
        self._line.started(trial_id, worker)
        for each in (trial_id, *state.checkpoints_of(trial_id)):
            if each not in self._tokens and not state.has_ended(each):
                self._starting.setdefault(worker, []).append(each)

    def _write_starts(self) -> None:
        """Trials that a worker takes together are written as started together, before anything else is told of them."""
        while self._starting:
            worker, each = self._starting.popitem()
            self._tokens.update(zip(each, self._p.ledger.start_trials(each, worker), strict=True))

    def _released(self, trial_id: int, reason: str, state: _WaveState) -> None:
        self._line.dropped(trial_id)
        state.forget_curve(trial_id)
        for each in (trial_id, *state.checkpoints_of(trial_id)):
            token = self._tokens.pop(each, None)
            if token is not None and each not in state.done:
                self._p.ledger.release_trial(each, token, reason)

    def _finished(self, judged: JudgedTrial, state: _WaveState) -> None:
        if state.has_ended(judged.id):
            return  # a restarted worker may report a checkpoint twice
        fact = as_fact(state.trials[judged.id], judged, state.untrained_loss)
        if fact.trial.id == 0 and "validation" in fact.outcomes:
            state.untrained_loss = fact.outcomes["validation"].loss
        self._ended(fact, state)
        if judged.broke_at_step is not None:  # its later checkpoints broke with it
            for each in state.checkpoints_of(judged.id):
                if not state.has_ended(each):
                    self._ended(replace(fact, trial=state.trials[each], cost=Cost()), state)

    def _failed(self, trial_id: int, message: str, state: _WaveState) -> None:
        self._end(trial_id, TrialState.FAILED, message, state)

    def _cancelled(self, trial_id: int, state: _WaveState, cost: Cost = Cost()) -> None:
        if trial_id in state.unwanted and trial_id in state.evaluations and not state.has_ended(trial_id):
            fact = TrialFact(
                trial=state.trials[trial_id], state=TrialState.STOPPED, curve=state.curve_of(trial_id), cost=cost
            )
            self._ended(fact, state)
        self._end(trial_id, TrialState.CANCELLED, "by_planner" if trial_id in state.unwanted else "by_user", state)

    def _end(self, trial_id: int, final: TrialState, reason: str, state: _WaveState) -> None:
        """A trial ends without a result, and with it the checkpoints that it did not come to."""
        for each in (trial_id, *state.checkpoints_of(trial_id)):
            if not state.has_ended(each):
                self._ended(TrialFact(trial=state.trials[each], state=final, reason=reason), state)

    def _ended(self, fact: TrialFact, state: _WaveState) -> None:
        """A trial has ended, and is to be written."""
        state.unwritten[fact.trial.id] = tuple(self._line.ended(fact.trial.id))
        state.recorded[fact.trial.id] = fact

    def _keep(self, state: _WaveState) -> None:
        """Write the results that have come, and tell of them."""
        if not state.unwritten:
            return
        notes, state.unwritten = state.unwritten, {}
        facts = {trial_id: state.recorded[trial_id] for trial_id in notes}
        unstarted = [trial_id for trial_id in facts if trial_id not in self._tokens]
        if unstarted:
            self._tokens.update(zip(unstarted, self._p.ledger.start_trials(unstarted, "runner"), strict=True))
        refused = self._p.ledger.finish_trials(
            [
                TrialEnd(fact=fact, token=self._tokens.pop(trial_id), notes=notes[trial_id])
                for trial_id, fact in facts.items()
            ]
        )
        for trial_id in refused:
            del state.recorded[trial_id]
            late = Notice("late_result", {"trial": trial_id})
            self._p.observer.warning(self._words.notice(late))
        for trial_id in [each for each in facts if each not in refused]:
            state.done.add(trial_id)
            self._p.requests.forget(trial_id)
            self._p.observer.event(Recorded(facts[trial_id]))
        self._ask_what_is_unwanted(state)

    def _ask_what_is_unwanted(self, state: _WaveState) -> None:
        """A planner that cancels trials is asked again with each evaluation and each result."""
        if not isinstance(self._p.planner, CancelsTrials):
            return
        unwanted = set(self._p.planner.to_cancel(state.history())) & state.trials.keys()
        for trial_id in {each for each in unwanted if not state.has_ended(each)} - state.unwanted:
            state.unwanted.add(trial_id)
            self._executor.cancel(trial_id)

    def _finish_orphans(self, state: _WaveState) -> None:
        """Release the trials that a stopped executor left running; those of which nothing but their start was told have
        not been written as started."""
        self._starting.clear()
        for trial_id in [each for each in self._tokens if each not in state.done]:
            self._p.ledger.release_trial(trial_id, self._tokens.pop(trial_id), "stopped")


class _WaveState:
    """What is known while a wave, and those beside it, are being trained."""

    def __init__(self, before: History, trials: dict[int, Trial], untrained_loss: float | None) -> None:
        self._before = before
        self.trials = trials
        self.untrained_loss = untrained_loss
        self.done: set[int] = set()
        self.unwritten: dict[int, tuple[tuple[str, dict[str, Any]], ...]] = {}
        self.unwanted: set[int] = set()
        self.recorded: dict[int, TrialFact] = {}
        self.steps: dict[int, list[StepRecord]] = {}
        self.evaluations: dict[int, list[EvaluationRecord]] = {}

    def has_ended(self, trial_id: int) -> bool:
        """Whether a trial has ended, written or not yet."""
        return trial_id in self.done or trial_id in self.unwritten

    def curve_of(self, trial_id: int) -> Curve:
        """Of a trial under way, as far as it was told in this run."""
        return Curve(tuple(self.steps.get(trial_id, ())), tuple(self.evaluations.get(trial_id, ())))

    def forget_curve(self, trial_id: int) -> None:
        """The trial begins again, or goes on from a saved state and tells what comes after it."""
        self.steps.pop(trial_id, None)
        self.evaluations.pop(trial_id, None)

    def history(self) -> History:
        """The history now, without asking the ledger: it is wanted with every evaluation."""
        trials = dict(self._before.trials) | self.recorded
        for trial_id, records in self.evaluations.items():
            if not self.has_ended(trial_id):
                curve = Curve((), tuple(records))
                trials[trial_id] = TrialFact(trial=self.trials[trial_id], state=TrialState.RUNNING, curve=curve)
        return replace(self._before, trials=trials)

    def checkpoints_of(self, trial_id: int) -> list[int]:
        return [each.id for each in self.trials.values() if each.checkpoint_of == trial_id]


def _jobs(trials: list[Trial], adapters: Path, facts: DataFacts) -> list[TrialJob]:
    """One job for each trial that is trained; checkpoints are part of the job of the longer trial."""
    ids = {trial.id for trial in trials}
    jobs = []
    for trial in trials:
        if trial.checkpoint_of in ids:
            continue
        riders = tuple(
            (other.effective.num_train_epochs, other.id) for other in trials if other.checkpoint_of == trial.id
        )
        work = expected_work(trial.effective, trial.splits, facts, n_checkpoints=len(riders))
        jobs.append(replace(job_of(trial, adapters, riders), work=work))
    return jobs


def job_of(trial: Trial, adapters: Path, riders: tuple[tuple[int, int], ...] = ()) -> TrialJob:
    """A trial as an engine sees it; `riders` are its checkpoints, as (epochs, id of the trial that the checkpoint
    stands for)."""
    return TrialJob(
        id=trial.id,
        configuration=trial.effective,
        seed=trial.seed,
        splits=trial.splits,
        folder=str(adapters / str(trial.id)),
        checkpoints=riders,
    )


def _untrained_loss(history: History) -> float | None:
    fact = history.trials.get(0)
    outcomes: dict[str, Outcomes] = fact.outcomes if fact else {}
    return outcomes["validation"].loss if "validation" in outcomes else None


SPAN = "trial_span"


class TimeLine:
    """When each trial of a run used which slot.

    Args:
        notes: the ledger's notes so far; new spans continue after the last one.
    """

    def __init__(
        self, notes: Sequence[tuple[str, dict[str, Any]]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        before = max((values["end"] for code, values in notes if code == SPAN), default=0.0)
        self._zero = clock() - before
        self._running: dict[int, tuple[str, int, float]] = {}

    def started(self, trial_id: int, worker: str) -> None:
        """A trial takes the lowest free slot of its worker."""
        taken = {slot for name, slot, _ in self._running.values() if name == worker}
        slot = next(number for number in range(len(taken) + 1) if number not in taken)
        self._running[trial_id] = (worker, slot, self._clock() - self._zero)

    def ended(self, trial_id: int) -> list[tuple[str, dict[str, Any]]]:
        """A trial leaves its slot with a result; gives the note to keep with it, if it had a slot."""
        if trial_id not in self._running:
            return []
        worker, slot, start = self._running.pop(trial_id)
        end = self._clock() - self._zero
        return [(SPAN, {"trial": trial_id, "worker": worker, "slot": slot, "start": start, "end": end})]

    def dropped(self, trial_id: int) -> None:
        """A trial leaves its slot without a result."""
        self._running.pop(trial_id, None)

    def until_now(self, seconds: float) -> dict[str, float]:
        """Start and end of what has taken so long and ends now."""
        end = self._clock() - self._zero
        return {"start": end - seconds, "end": end}
