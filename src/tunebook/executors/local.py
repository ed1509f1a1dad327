"""Runs trials on the devices of this machine: one worker process each, spawned, watched, restarted.

A worker that died is noticed at once by its pipe, a stuck one by a time without progress. Its trials are queued again;
the other workers go on. The executor knows neither what a trial does nor how answers are judged.
"""

from __future__ import annotations

import math
import queue
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tunebook.core.events import (
    Cancelled,
    EngineEvent,
    Failed,
    Finished,
    Noted,
    Progress,
    Started,
    TrialEvent,
    WorkerDied,
)
from tunebook.core.ports import Calibration, EngineOptions, SinkWrapper, TrialJob, Workload, torch_device
from tunebook.errors import EnvironmentStop, TrialFailed
from tunebook.executors.faults import death_by_exit
from tunebook.executors.job_queue import Death, DeathKind, JobQueue, Limits
from tunebook.executors.process import GONE, WorkerProcess
from tunebook.executors.worker import Assignment

__all__ = ["LocalExecutor", "options_by_device"]

_TICK_SECONDS = 0.5
_LOOK_SECONDS = 1.0
"""How often workers are checked."""
_START_SECONDS = 300.0
"""A worker loads its libraries and the base model before it is ready; that shows no progress."""
_STARTS = 3
"""How often a worker that dies before it is ready is started again."""
_CALIBRATION_SECONDS = 120.0
"""How long the measurement of the machine may take, the start of its worker included."""


def options_by_device(options: EngineOptions, devices: Sequence[str]) -> tuple[EngineOptions, ...]:
    """The options of each device's worker. The workers share the processor's threads in equal parts, those that compute
    on GPUs too, which prepare batches with them."""
    threads = max(1, options.threads // len(devices))
    return tuple(replace(options, device=torch_device(device), threads=threads) for device in devices)


@dataclass(kw_only=True)
class _Worker:
    """A worker and what is known of it."""

    number: int
    options: EngineOptions
    process: WorkerProcess | None = None
    is_ready: bool = False
    is_running: bool = False
    failed_starts: int = 0
    last_progress: float = 0.0
    shares: dict[int, tuple[float, str]] = field(default_factory=dict)
    death: Death | None = None
    told_to_stop: bool = False
    told_nothing_waits: bool = False
    is_retired: bool = False
    workload: Workload | None = None

    @property
    def name(self) -> str:
        return f"worker {self.number} ({self.options.device})"


class LocalExecutor:
    """Executor with one worker process for each device; fulfils `core.ports.Executor`.

    Args:
        factory: "module:function" that gives the engine for `EngineOptions`; called in the worker.
        options: one for each worker; see `options_by_device`.
        workload: what trials are trained and scored on; sent to each worker once.
        transform: wraps the sink in the worker, e.g. to judge answers.
        limits: when to give a trial up.
        logs: folder for what workers print, one file each; None: nothing is kept but the last lines for messages.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        factory: str,
        options: Sequence[EngineOptions],
        workload: Workload,
        *,
        transform: SinkWrapper | None = None,
        limits: Limits | None = None,
        logs: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._factory = factory
        self._workload = workload
        self._transform = transform
        self._limits = limits or Limits()
        self._logs = logs
        self._clock = clock
        self._workers = [_Worker(number=number, options=own) for number, own in enumerate(options)]
        self._inbox: queue.SimpleQueue[tuple[_Worker | None, WorkerProcess | None, str, Any]] = queue.SimpleQueue()
        self._jobs = JobQueue(self._limits)
        self._before_the_run: list[TrialEvent] = []
        self._on_event: Callable[[TrialEvent], None] = self._before_the_run.append
        self._stop_level = 0
        self._looked_after = -math.inf

    # --- what the runner calls ---------------------------------------------------------------------------------

    def run(self, jobs: Sequence[TrialJob], on_event: Callable[[TrialEvent], None]) -> None:
        """Train all jobs; see `core.ports.Executor`.

        Raises: EnvironmentStop, UserError: what a worker met that concerns the whole study (no room on the disk, a
            model that cannot be used, a worker that cannot be started). All workers have been ended then.
        """
        self._jobs = JobQueue(self._limits, n_workers=len(self._usable()), most_together=self._jobs.most_together)
        self._jobs.add(jobs)
        self._on_event = on_event
        try:
            while self._before_the_run:
                self._tell(self._before_the_run.pop(0))
            while not self._is_over():
                self._put_to_work()
                self._handle_next()
                self._look_after()
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

    def calibrate(self, limit_seconds: float = _CALIBRATION_SECONDS) -> Calibration:
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
                worker.process = None

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
            if kind == "ready":
                worker.is_ready, worker.failed_starts = True, 0
                process.send("calibrate")
            elif kind == "calibration":
                found: Calibration = value
                return replace(found, device=worker.options.device)  # the worker knows no other card than its own
            elif kind == "raised":
                self._raised(worker, value)
            elif kind == GONE:
                was_ready, death = worker.is_ready, self._died(worker)
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
            return not any(worker.is_running for worker in self._workers)
        return self._jobs.is_done and not any(worker.is_running for worker in self._workers)

    def _put_to_work(self) -> None:
        """Start workers and give them work while trials wait."""
        if self._stop_level:
            for worker in self._workers:
                if worker.is_running and worker.process is not None and not worker.told_to_stop:
                    worker.told_to_stop = True
                    worker.process.send("stop")
            return
        if not self._jobs.has_waiting:
            return
        for worker in self._usable():
            if worker.process is None:
                self._start(worker)
            elif worker.is_ready and not worker.is_running:
                self._set_running(worker, worker.process)
            elif worker.told_nothing_waits and self._jobs.may_take(worker.number):
                worker.told_nothing_waits = False
                worker.process.send("more")

    def _set_running(self, worker: _Worker, process: WorkerProcess) -> None:
        if worker.workload is not self._workload:
            worker.workload = self._workload
            process.send("use", (self._workload, self._transform))
        worker.is_running, worker.told_nothing_waits = True, False
        worker.last_progress = self._clock()
        process.send("run")

    def _handle_next(self) -> None:
        try:
            worker, process, kind, value = self._inbox.get(timeout=_TICK_SECONDS)
        except queue.Empty:
            return
        if kind == "cancel":
            self._cancel(value)
        if worker is None or process is not worker.process:
            return  # an order of the runner, or a last message of a worker that has been replaced
        if kind == "event":
            self._handle_event(worker, value)
        elif kind == "take":
            self._hand_out(worker, value)
        elif kind == "ready":
            worker.is_ready, worker.failed_starts = True, 0
        elif kind == "idle":
            self._gone_idle(worker)
        elif kind == "raised":
            self._raised(worker, value)
        elif kind == GONE:
            self._died(worker)

    def _hand_out(self, worker: _Worker, n: int) -> None:
        assert worker.process is not None
        jobs = [] if self._stop_level else self._jobs.take(worker.number, n)
        for job in jobs:
            self._tell(Started(job.id, worker.name))
        worker.last_progress = self._clock()
        worker.told_nothing_waits = not jobs
        worker.process.send("jobs", jobs)

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
        match event:
            case Failed():
                self._tell(self._jobs.failed(event))
                return
            case Finished() | Cancelled():
                self._jobs.finished(event.trial)
        self._tell(event)

    def _cancel(self, trial_id: int) -> None:
        self._tell(self._jobs.cancel(trial_id))
        number = self._jobs.worker_of(trial_id)
        if number is not None and (process := self._workers[number].process) is not None:
            process.send("cancel", trial_id)

    def _gone_idle(self, worker: _Worker) -> None:
        worker.is_running = False
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
        code = process.exit_code()
        death = death or death_by_exit(code, process.memory, process.last_lines())
        was_ready = worker.is_ready
        worker.process, worker.death, worker.is_ready, worker.is_running = None, None, False, False
        if not was_ready:
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
        self._jobs.n_workers = len(self._usable())

    def _usable(self) -> list[_Worker]:
        return [worker for worker in self._workers if not worker.is_retired]

    def _lose(self, worker: _Worker, death: Death) -> None:
        """A worker died: queue its trials again or fail them."""
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
        for worker in self._workers:
            if worker.process is None:
                continue
            worker.process.end_leftovers()
            if worker.is_ready and not worker.is_running:
                continue
            worker.process.memory.look()
            silent = self._clock() - worker.last_progress
            limit = self._limits.no_progress_seconds
            if silent > (limit if worker.is_ready else max(limit, _START_SECONDS)) and worker.death is None:
                worker.death = Death(DeathKind.HANG, f"no progress for {silent:.0f} seconds; the worker was killed")
                worker.process.kill()

    def _kill_all(self) -> None:
        for worker in self._workers:
            if worker.process is not None:
                worker.process.kill()
                worker.process.exit_code()
                worker.process, worker.is_ready, worker.is_running = None, False, False

    # --- inside ------------------------------------------------------------------------------------------------

    def _start(self, worker: _Worker) -> None:
        if worker.process is not None:
            return
        assignment = Assignment(self._factory, worker.options, self._workload, self._transform)
        log = None if self._logs is None else self._logs / f"worker-{worker.number}.log"
        process = WorkerProcess(assignment, log)
        worker.process = process
        worker.told_to_stop = False
        worker.workload = self._workload
        worker.last_progress = self._clock()
        worker.shares.clear()
        process.listen(lambda kind, value: self._inbox.put((worker, process, kind, value)))

    def _tell(self, event: TrialEvent | None) -> None:
        if event is not None:
            self._on_event(event)


def _no_start(worker: _Worker, reason: str) -> EnvironmentStop:
    return EnvironmentStop(
        "{name}: died {starts} times before it was ready ({reason}). Nothing was trained. `tunebook doctor` "
        "checks the machine; run again when it is mended.",
        name=worker.name,
        starts=_STARTS,
        reason=reason,
    )
