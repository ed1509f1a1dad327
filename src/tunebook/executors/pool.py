"""Runs trials with one worker for each device: started, watched, started again.

A worker that died is noticed by its connection, a stuck one by a time without progress. Its trials are queued again;
the other workers go on. The pool knows neither what a trial does nor how answers are judged nor where workers run.
"""

from __future__ import annotations

import math
import queue
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Any

from tunebook.core.events import (
    Cancelled,
    EngineEvent,
    Failed,
    Finished,
    Noted,
    PartScored,
    Progress,
    Started,
    TrainedAhead,
    TrialEvent,
    WorkerDied,
)
from tunebook.core.ports import Calibration, EngineOptions, OnEvents, SinkWrapper, TrialJob, Workload, torch_device
from tunebook.core.study import SCORED_PART, TRAINED_AHEAD
from tunebook.errors import EnvironmentStop, TrialFailed
from tunebook.executors.ahead_jobs import AheadJobs, Stint
from tunebook.executors.handle import GONE, PLACED, WorkerHandle
from tunebook.executors.job_queue import Death, DeathKind, JobQueue, Limits
from tunebook.executors.part_jobs import Part, PartJobs
from tunebook.executors.worker import Assignment

__all__ = ["CALIBRATION_SECONDS", "MakeWorker", "PoolExecutor", "options_by_device"]

MakeWorker = Callable[[int, Assignment], WorkerHandle]
"""Starts the worker of that number."""

_TICK_SECONDS = 0.5
_MOST_AT_ONCE = 256
"""How many messages are handled before the runner is told of them."""
_LOOK_SECONDS = 1.0
"""How often workers are checked."""
_START_SECONDS = 300.0
"""A worker loads its libraries and the base model before it is ready; that shows no progress."""
_STARTS = 3
"""How often a worker that dies before it is ready is started again."""
_PLACING_SECONDS = 30.0
"""For how long a worker that waits for a device has its share of the trials held back; after that the others share
them."""
_WAITING_SECONDS = 60.0
"""When it is told that no worker has a device."""
CALIBRATION_SECONDS = 120.0
"""How long the measurement of the machine may take, the start of its worker included."""


def options_by_device(options: EngineOptions, devices: Sequence[str]) -> tuple[EngineOptions, ...]:
    """The options of each device's worker. The workers share the processor's threads in equal parts, those that compute
    on GPUs too, which prepare batches with them."""
    threads = max(1, options.threads // len(devices))
    return tuple(replace(options, device=torch_device(device), threads=threads) for device in devices)


class _State(Enum):
    """What a worker does, as far as it has been told and has answered."""

    ABSENT = auto()
    """It has no process."""
    STARTING = auto()
    FREE = auto()
    """It waits, and has not been asked to work in this run."""
    WORKING = auto()
    """It asks for trials as it gets room for them."""
    DRY = auto()
    """It works, and was told that nothing waits for it: it does not ask again before it is told otherwise."""
    LEAVING = auto()
    """It was asked to save what it does and leave it."""
    DONE = auto()
    """It waits, and has done in this run what there was for it."""

    @property
    def is_ready(self) -> bool:
        return self not in (_State.ABSENT, _State.STARTING)

    @property
    def is_running(self) -> bool:
        return self in (_State.WORKING, _State.DRY, _State.LEAVING)


@dataclass(kw_only=True)
class _Worker:
    """A worker and what is known of it."""

    number: int
    options: EngineOptions
    process: WorkerHandle | None = None
    host: str = ""
    asked_at: float = 0.0
    state: _State = _State.ABSENT
    has_room: bool = False
    failed_starts: int = 0
    last_progress: float = 0.0
    shares: dict[int, tuple[float, str]] = field(default_factory=dict)
    death: Death | None = None
    is_retired: bool = False
    workload: Workload | None = None

    @property
    def name(self) -> str:
        where = f" on {self.host}" if self.host else ""
        return f"worker {self.number} ({self.options.device}{where})"


class PoolExecutor:
    """Executor with one worker for each device; fulfils `core.ports.Executor` and `TrainsAhead`.

    Args:
        make: starts a worker.
        factory: "module:function" that gives the engine for `EngineOptions`; called in the worker.
        options: one for each worker; see `options_by_device`.
        workload: what trials are trained and scored on; sent to each worker once.
        transform: wraps the sink in the worker, e.g. to judge answers.
        limits: when to give a trial up.
        idle_seconds: a worker without work is ended after so long, so that others can use its device; None: never.
        one_disk: whether workers see the files of one another; only then do those with nothing else to do train ahead
            and score parts of others' trials.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        make: MakeWorker,
        factory: str,
        options: Sequence[EngineOptions],
        workload: Workload,
        *,
        transform: SinkWrapper | None = None,
        limits: Limits | None = None,
        idle_seconds: float | None = None,
        one_disk: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make = make
        self._factory = factory
        self._workload = workload
        self._transform = transform
        self._limits = limits or Limits()
        self._idle_seconds = idle_seconds
        self._one_disk = one_disk
        self._clock = clock
        self._workers: list[_Worker] = []
        self._set_workers(options)
        self._inbox: queue.SimpleQueue[tuple[_Worker | None, WorkerHandle | None, str, Any]] = queue.SimpleQueue()
        self._jobs = JobQueue(self._limits)
        self._offered: tuple[TrialJob, ...] = ()
        self._ahead = AheadJobs((), clock)
        self._parts = PartJobs(clock)
        self._told: list[TrialEvent] = []
        self._on_events: OnEvents = lambda events: None
        self._stop_level = 0
        self._looked_after = -math.inf
        self._told_to_wait = False

    # --- what the runner calls ---------------------------------------------------------------------------------

    def offer(self, jobs: Sequence[TrialJob]) -> None:
        """See `core.ports.TrainsAhead`."""
        self._offered = tuple(jobs) if self._one_disk else ()

    def run(self, jobs: Sequence[TrialJob], on_events: OnEvents) -> None:
        """Train all jobs; see `core.ports.Executor`.

        Raises: EnvironmentStop, UserError: what a worker met that concerns the whole study (no room on the disk, a
            model that cannot be used, a worker that cannot be started). All workers have been ended then.
        """
        self._jobs = JobQueue(self._limits, n_workers=len(self._usable()), most_together=self._jobs.most_together)
        self._jobs.add(jobs)
        self._ahead, self._offered = AheadJobs(self._offered, self._clock), ()
        self._parts = PartJobs(self._clock)
        for worker in self._workers:
            if worker.state is _State.DONE:
                worker.state = _State.FREE
        self._on_events = on_events
        try:
            while not self._is_over():
                try:
                    self._put_to_work()
                    self._handle_waiting()
                    self._look_after()
                finally:
                    self._pass_on()
        except BaseException:
            self._kill_all()
            raise
        if self._stop_level > 1:
            self._kill_all()

    def stop(self, now: bool = False) -> None:
        """Ask for an end after the running step, or at once. Takes no lock: signal handlers may call it."""
        self._stop_level = max(self._stop_level, 2 if now else 1)
        self._inbox.put((None, None, "stop", None))

    def cancel(self, trial_id: int) -> None:
        """End one trial; see `core.ports.Executor`."""
        self._inbox.put((None, None, "cancel", trial_id))

    def calibrate(self, limit_seconds: float = CALIBRATION_SECONDS) -> Calibration:
        """Let the first worker measure this machine; see `core.ports.Engine.calibrate`.

        Raises: TrialFailed: the measurement failed or took too long; trials may train all the same. ModelError: the
            model cannot be used. EnvironmentStop: no worker can be started. All workers have been ended then.
        """
        try:
            return self._measured(limit_seconds)
        except BaseException:
            self._kill_all()
            raise

    def use(self, workload: Workload, transform: SinkWrapper | None) -> None:
        """Train and score on this workload from the next run on; workers get it with their next order."""
        self._workload, self._transform = workload, transform

    def close(self) -> None:
        """End all workers."""
        for worker in self._workers:
            if worker.process is not None:
                worker.process.close()
                worker.process, worker.state = None, _State.ABSENT

    def _set_workers(self, options: Sequence[EngineOptions]) -> None:
        """Have workers with these options. Those that are there stay; none is taken away."""
        there = len(self._workers)
        self._workers += [_Worker(number=there + n, options=own) for n, own in enumerate(options[there:])]

    # --- measuring ---------------------------------------------------------------------------------------------

    def _measured(self, limit_seconds: float) -> Calibration:
        until = self._clock() + limit_seconds
        while self._clock() < until:
            worker = self._usable()[0]
            self._start(worker)
            try:
                _, process, kind, value = self._inbox.get(timeout=_TICK_SECONDS)
            except queue.Empty:
                continue
            if process is None or process is not worker.process:
                continue
            if kind == PLACED:
                self._placed(worker, value)
            elif kind == "ready":
                worker.state, worker.failed_starts = _State.FREE, 0
                process.send("calibrate")
            elif kind == "calibration":
                found: Calibration = value
                return replace(found, device=worker.options.device)  # the worker knows no other card than its own
            elif kind == "raised":
                self._raised(worker, value)
            elif kind == GONE:
                was_ready, death = worker.state.is_ready, self._died(worker)
                if was_ready:
                    raise TrialFailed("the measurement of this machine failed: {reason}", reason=death.reason)
        raise TrialFailed(
            "the measurement of this machine took more than {seconds:.0f} seconds: it is busy", seconds=limit_seconds
        )

    # --- the loop ----------------------------------------------------------------------------------------------

    def _is_over(self) -> bool:
        if self._stop_level > 1:
            return True
        if self._stop_level == 1:
            return not any(worker.state.is_running for worker in self._workers)
        return self._jobs.is_done and not any(worker.state.is_running for worker in self._workers)

    def _put_to_work(self) -> None:
        """Start workers and give them work while trials wait."""
        if self._stop_level:
            for worker in self._workers:
                self._ask_to_leave(worker)
            return
        self._let_go()
        if not self._jobs.has_waiting:
            self._let_train_ahead()
            return
        for worker in self._usable():
            if worker.process is None:
                self._start(worker)
            elif worker.state in (_State.FREE, _State.DONE):
                self._set_running(worker, worker.process)
            elif worker.state is _State.DRY and self._jobs.may_take(worker.number):
                worker.state = _State.WORKING
                worker.process.send("more")

    def _ask_to_leave(self, worker: _Worker) -> None:
        if worker.process is not None and worker.state in (_State.WORKING, _State.DRY):
            worker.state = _State.LEAVING
            worker.process.send("stop")

    def _let_go(self) -> None:
        """Ask workers that only train ahead to leave that where they are wanted, all once the jobs are done."""
        if self._jobs.is_done or self._jobs.has_waiting:
            for worker in [each for each in self._workers if self._ahead.holds(each.number)]:
                is_free = not self._jobs.running(worker.number) and not self._parts.holds(worker.number)
                if self._jobs.is_done or (is_free and self._jobs.may_take(worker.number)):
                    self._ask_to_leave(worker)

    def _let_train_ahead(self) -> None:
        """Set workers to work that no trial of the run was left for. None is started for that."""
        if self._jobs.is_done or not self._ahead.has_waiting:
            return
        for worker in self._usable():
            if worker.process is not None and worker.state is _State.FREE:
                self._set_running(worker, worker.process)

    def _tell_what_was_ahead(self, worker: _Worker, stint: Stint | None) -> None:
        if stint is not None:
            values = {"worker": worker.name, "trials": stint.n_trials, "seconds": stint.seconds}
            self._tell(Noted(TRAINED_AHEAD, values))

    def _set_running(self, worker: _Worker, process: WorkerHandle) -> None:
        if worker.workload is not self._workload:
            worker.workload = self._workload
            process.send("use", (self._workload, self._transform))
        worker.state, worker.has_room = _State.WORKING, False
        worker.last_progress = self._clock()
        process.send("run")

    def _handle_waiting(self) -> None:
        """Wait for a message, and handle it with all that have come meanwhile."""
        try:
            self._handle(*self._inbox.get(timeout=_TICK_SECONDS))
            for _ in range(_MOST_AT_ONCE):
                self._handle(*self._inbox.get_nowait())
        except queue.Empty:
            return

    def _handle(self, worker: _Worker | None, process: WorkerHandle | None, kind: str, value: Any) -> None:
        if kind == "cancel":
            self._cancel(value)
        if worker is None or process is not worker.process:
            return  # an order of the runner, or a last message of a worker that has been replaced
        if kind == "event":
            self._handle_event(worker, value)
        elif kind == "take":
            self._hand_out(worker, *value)
        elif kind == PLACED:
            self._placed(worker, value)
        elif kind == "room":
            worker.has_room = value
        elif kind == "divide":
            self._divide(worker, *value)
        elif kind == "ready":
            worker.state, worker.failed_starts = _State.FREE, 0
        elif kind == "idle":
            self._gone_idle(worker)
        elif kind == "raised":
            self._raised(worker, value)
        elif kind == GONE:
            self._died(worker)

    def _placed(self, worker: _Worker, host: str) -> None:
        worker.host, worker.last_progress = host, self._clock()
        self._told_to_wait = False
        self._share_out()

    def _share_out(self) -> None:
        """Trials are shared by the workers that have a device or may be about to get one."""
        late = self._clock() - _PLACING_SECONDS
        sharing = [w for w in self._usable() if w.process is None or not w.process.is_waiting or w.asked_at > late]
        self._jobs.n_workers = max(1, len(sharing))

    def _hand_out(self, worker: _Worker, n: int, ahead: int) -> None:
        assert worker.process is not None
        is_leaving = worker.state is _State.LEAVING or bool(self._stop_level)
        jobs = [] if is_leaving else self._jobs.take(worker.number, n)
        for job in jobs:
            self._tell(Started(job.id, worker.name))
        worker.last_progress = self._clock()
        if not is_leaving:
            worker.state = _State.WORKING if jobs else _State.DRY
        worker.process.send("jobs", jobs or ([] if is_leaving else self._to_train_ahead(worker, ahead)))

    def _to_train_ahead(self, worker: _Worker, n: int) -> list[TrialJob]:
        """None where memory has run out before, nor when the run is over."""
        if self._jobs.is_done or self._jobs.most_together is not None:
            return []
        return self._ahead.take(worker.number, n, self._jobs.n_workers)

    def _handle_event(self, worker: _Worker, event: EngineEvent) -> None:
        match event:
            case Progress(trial, done, phase):
                if worker.shares.get(trial) != (done, phase):
                    worker.shares[trial] = (done, phase)
                    worker.last_progress = self._clock()
            case Noted():
                pass
            case _:
                worker.last_progress = self._clock()
        if not isinstance(event, Noted) and event.trial < 0:
            if isinstance(event, TrainedAhead | PartScored | Failed | Cancelled):
                self._ended_beside(worker, event)
            return
        if isinstance(event, Noted) and event.values.get("trial", 0) < 0:
            return
        match event:
            case Failed():
                self._drop_parts([event.trial])
                self._tell(self._jobs.failed(event))
                return
            case Finished() | Cancelled():
                self._drop_parts([event.trial])
                self._jobs.finished(event.trial)
        self._tell(event)

    def _ended_beside(self, worker: _Worker, event: TrainedAhead | PartScored | Failed | Cancelled) -> None:
        """A worker has ended what it did beside the run's trials."""
        if (part := self._parts.ended(event.trial)) is None:
            self._tell_what_was_ahead(worker, self._ahead.ended(worker.number, event.trial))
        elif isinstance(event, PartScored):
            self._answer(part, replace(event, trial=part.trial))
            values = {"trial": part.trial, "worker": worker.name, "seconds": self._parts.seconds(part)}
            self._tell(Noted(SCORED_PART, values))
        else:
            self._answer(part, part.lost)

    # --- scoring in parts --------------------------------------------------------------------------------------

    def _divide(self, owner: _Worker, trial_id: int, most: int, rows: int) -> None:
        """Let workers that have room score parts of a trial."""
        assert owner.process is not None
        job = next((job for job in self._jobs.running(owner.number) if job.id == trial_id), None)
        parts = [] if job is None else self._parts.divide(owner.number, job, most, rows, self._with_room(owner))
        owner.process.send("divided", 1 + len(parts))
        for part in parts:
            worker = self._workers[part.worker]
            assert worker.process is not None
            if not worker.state.is_running:
                self._set_running(worker, worker.process)
            worker.process.send("score", part.job)

    def _with_room(self, owner: _Worker) -> list[int]:
        """Workers that can score parts of another's trial now; none while trials wait, or after memory ran out."""
        if not self._one_disk or self._stop_level or self._jobs.has_waiting or self._jobs.most_together is not None:
            return []
        others = [each for each in self._usable() if each is not owner and each.process is not None]
        waiting = (_State.FREE, _State.DONE)
        working = (_State.WORKING, _State.DRY)
        return [w.number for w in others if w.state in waiting or (w.state in working and w.has_room)]

    def _answer(self, part: Part, event: PartScored) -> None:
        """Tell the worker that has the trial what has become of a part."""
        if (process := self._workers[part.owner].process) is not None:
            process.send("part", event)

    def _drop_parts(self, trials: Sequence[int]) -> None:
        """The attempts of trials have ended: nobody waits for parts of them any more."""
        for part in self._parts.dropped(trials):
            if (process := self._workers[part.worker].process) is not None:
                process.send("cancel", part.job.id)

    def _leave_what_is_beside(self, worker: _Worker) -> None:
        """A worker has left what it did beside the run's trials, or has died."""
        self._tell_what_was_ahead(worker, self._ahead.left(worker.number))
        for part in self._parts.lost(worker.number):
            self._answer(part, part.lost)

    def _cancel(self, trial_id: int) -> None:
        self._tell(self._jobs.cancel(trial_id))
        number = self._jobs.worker_of(trial_id)
        if number is not None and (process := self._workers[number].process) is not None:
            process.send("cancel", trial_id)

    def _gone_idle(self, worker: _Worker) -> None:
        worker.state = _State.DONE
        self._leave_what_is_beside(worker)
        if self._jobs.running(worker.number) and not self._stop_level:
            reason = "the engine returned without a result for the trials that it had taken"
            self._lose(worker, Death(DeathKind.CRASH, reason))

    # --- deaths ------------------------------------------------------------------------------------------------

    def _raised(self, worker: _Worker, value: BaseException | Death) -> None:
        if isinstance(value, BaseException):
            raise value
        worker.death = value  # its process is ending; its trials are dealt with once it has

    def _died(self, worker: _Worker) -> Death:
        """Queue again or fail the trials of a worker whose pipe has ended; gives how it ended."""
        process, death = worker.process, worker.death
        assert process is not None
        how = process.ended()
        death = death or how
        was_ready = worker.state.is_ready
        worker.process, worker.death, worker.state = None, None, _State.ABSENT
        if self._ahead.holds(worker.number):  # it may have been the cause
            self._ahead.withdraw()
        if self._parts.holds(worker.number):
            self._parts.withdraw()
        self._leave_what_is_beside(worker)
        if not was_ready and death.kind is not DeathKind.NODE:
            self._count_failed_start(worker, death)
        if not self._stop_level:
            self._tell(WorkerDied(worker.name, death.reason, worker.is_retired))
            self._lose(worker, death)
            self._note_memory_limit(worker)
        return death

    def _count_failed_start(self, worker: _Worker, death: Death) -> None:
        """A worker that cannot be started is left out, as long as there is another one."""
        worker.failed_starts += 1
        if worker.failed_starts < _STARTS:
            return
        worker.is_retired = True
        if not self._usable():
            raise _no_start(worker, death.reason)
        self._share_out()

    def _usable(self) -> list[_Worker]:
        return [worker for worker in self._workers if not worker.is_retired]

    def _lose(self, worker: _Worker, death: Death) -> None:
        """A worker died: queue its trials again or fail them."""
        self._drop_parts([job.id for job in self._jobs.running(worker.number)])
        for event in self._jobs.lost(worker.number, death):
            self._tell(event)

    def _note_memory_limit(self, worker: _Worker) -> None:
        """Note that fewer trials fit into memory together than the engine assumed; it will get no more at once."""
        if self._jobs.most_together is not None:
            values = {"most_together": self._jobs.most_together, "worker": worker.name}
            self._tell(Noted("fewer_together", values))

    def _look_after(self) -> None:
        """Kill workers without progress; their end is then handled like any other. Not done at every message, because
        each check reads the system's process tables."""
        if time.monotonic() - self._looked_after < _LOOK_SECONDS:
            return
        self._looked_after = time.monotonic()
        self._share_out()
        self._tell_whether_all_wait()
        for worker in self._workers:
            if worker.process is None:
                continue
            worker.process.look()
            if worker.process.is_waiting or self._parts.waits(worker.number):
                worker.last_progress = self._clock()
            silent = self._clock() - worker.last_progress
            if worker.state in (_State.FREE, _State.DONE):
                self._give_back(worker, silent)
                continue
            limit = self._limits.no_progress_seconds
            if silent > (limit if worker.state.is_ready else max(limit, _START_SECONDS)) and worker.death is None:
                worker.death = Death(DeathKind.HANG, f"no progress for {silent:.0f} seconds; the worker was killed")
                worker.process.kill()

    def _tell_whether_all_wait(self) -> None:
        """Tell once that no device is free, so that a study that waits does not look as if it hung."""
        asked = [worker for worker in self._workers if worker.process is not None]
        late = self._clock() - _WAITING_SECONDS
        waits = bool(asked) and all(w.process is not None and w.process.is_waiting and w.asked_at < late for w in asked)
        if waits and not self._told_to_wait:
            self._told_to_wait = True
            self._tell(Noted("no_device_free", {"workers": len(asked)}))

    def _give_back(self, worker: _Worker, idle_seconds: float) -> None:
        """End a worker that has had nothing to do for long, as long as nothing waits."""
        if self._idle_seconds is None or idle_seconds <= self._idle_seconds or self._jobs.has_waiting:
            return
        assert worker.process is not None
        worker.process.close()
        worker.process, worker.state = None, _State.ABSENT

    def _kill_all(self) -> None:
        for worker in self._workers:
            if worker.process is not None:
                worker.process.kill()
                worker.process.ended()
                worker.process, worker.state = None, _State.ABSENT

    # --- inside ------------------------------------------------------------------------------------------------

    def _start(self, worker: _Worker) -> None:
        if worker.process is not None:
            return
        assignment = Assignment(self._factory, worker.options, self._workload, self._transform)
        process = self._make(worker.number, assignment)
        worker.process, worker.host, worker.state = process, "", _State.STARTING
        worker.workload = self._workload
        worker.asked_at = worker.last_progress = self._clock()
        worker.shares.clear()
        process.listen(lambda kind, value: self._inbox.put((worker, process, kind, value)))

    def _tell(self, event: TrialEvent | None) -> None:
        if event is not None:
            self._told.append(event)

    def _pass_on(self) -> None:
        """Tell the runner what has happened. Not one by one: it writes results that come together at once."""
        told, self._told = self._told, []
        if told:
            self._on_events(told)


def _no_start(worker: _Worker, reason: str) -> EnvironmentStop:
    return EnvironmentStop(
        "{name}: died {starts} times before it was ready ({reason}). Nothing was trained. `tunebook doctor` "
        "checks the machine; run again when it is mended.",
        name=worker.name,
        starts=_STARTS,
        reason=reason,
    )
