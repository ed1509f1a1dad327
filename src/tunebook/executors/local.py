"""Runs trials on the devices of this machine: one worker process each, spawned, watched, restarted.

A dead worker is noticed by its pipe, at once; a stuck one by the lack of progress on the monotonic clock. Its trials go
back to the queue, those of the other workers go on. What it does not know: what a trial is, and how it is judged.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tunebook.core.ports import Calibration, EngineOptions, Event, SinkWrapper, TrialJob, Workload
from tunebook.errors import EnvironmentStop, TrialFailed
from tunebook.executors.book import Death, DeathKind, JobBook, Limits
from tunebook.executors.faults import death_by_exit
from tunebook.executors.process import GONE, WorkerProcess
from tunebook.executors.worker import Assignment

__all__ = ["LocalExecutor", "options_by_device"]

_TICK_SECONDS = 0.5
_START_SECONDS = 300.0
"""A worker loads its libraries and the base model before it is ready; that shows no progress."""
_STARTS = 3
"""How often a worker that dies before it is ready is started again."""
_CALIBRATION_SECONDS = 300.0
"""How long the measurement of the machine may take, the start of its worker included."""


def options_by_device(options: EngineOptions, devices: Sequence[str]) -> tuple[EngineOptions, ...]:
    """The options of each device's worker. "cpu:0", "cpu:1", ... are equal parts of the processor's threads."""
    parts = sum(device.startswith("cpu") for device in devices) or 1
    return tuple(
        replace(options, device="cpu", threads=max(1, options.threads // parts))
        if device.startswith("cpu")
        else replace(options, device=device)
        for device in devices
    )


@dataclass
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
        self._workers = [_Worker(number, own) for number, own in enumerate(options)]
        self._inbox: queue.SimpleQueue[tuple[_Worker | None, WorkerProcess | None, str, Any]] = queue.SimpleQueue()
        self._book = JobBook(self._limits)
        self._on_event: Callable[[Event], None] = _nobody
        self._stop_level = 0

    # --- what the runner calls ---------------------------------------------------------------------------------

    def run(self, jobs: Sequence[TrialJob], on_event: Callable[[Event], None]) -> None:
        """Train all jobs; see `core.ports.Executor`.

        Raises: EnvironmentStop, UserError: what a worker met that concerns the whole study (no room on the disk, a
            model that cannot be used, a worker that cannot be started). All workers have been ended then.
        """
        self._book = JobBook(self._limits, n_workers=len(self._workers), most_together=self._book.most_together)
        self._book.add(jobs)
        self._on_event = on_event
        try:
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

    def calibrate(self, limit_seconds: float = _CALIBRATION_SECONDS) -> Calibration:
        """Let the first worker measure this machine; see `core.ports.Engine.calibrate`.

        Raises: TrialFailed: the measurement failed or took too long; trials may train all the same. ModelError: the
            model cannot be used. EnvironmentStop: no worker can be started. All workers have been ended then.
        """
        try:
            return self._measured(self._workers[0], limit_seconds)
        except BaseException:
            self._kill_all()
            raise

    def close(self) -> None:
        """End all workers."""
        for worker in self._workers:
            if worker.process is not None:
                worker.process.close()
                worker.process = None

    # --- measuring ---------------------------------------------------------------------------------------------

    def _measured(self, worker: _Worker, limit_seconds: float) -> Calibration:
        until = self._clock() + limit_seconds
        while self._clock() < until:
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
                return found
            elif kind == "raised":
                self._raised(worker, value)
            elif kind == GONE:
                was_ready, death = worker.is_ready, self._died(worker)
                if was_ready:
                    raise TrialFailed(f"the measurement of this machine failed: {death.reason}")
        raise TrialFailed(f"the measurement of this machine took more than {limit_seconds:.0f} seconds: it is busy")

    # --- the loop ----------------------------------------------------------------------------------------------

    def _is_over(self) -> bool:
        if self._stop_level > 1:
            return True
        if self._stop_level == 1:
            return not any(worker.is_running for worker in self._workers)
        return self._book.is_done and not any(worker.is_running for worker in self._workers)

    def _put_to_work(self) -> None:
        """Start workers and hand out orders, as long as trials wait."""
        if self._stop_level:
            for worker in self._workers:
                if worker.is_running and worker.process is not None and not worker.told_to_stop:
                    worker.told_to_stop = True
                    worker.process.send("stop")
            return
        for worker in self._workers:
            if not self._book.has_waiting:
                return
            if worker.process is None:
                self._start(worker)
            elif worker.is_ready and not worker.is_running:
                worker.is_running = True
                worker.last_progress = self._clock()
                worker.process.send("run")

    def _handle_next(self) -> None:
        try:
            worker, process, kind, value = self._inbox.get(timeout=_TICK_SECONDS)
        except queue.Empty:
            return
        if worker is None or process is not worker.process:
            return  # a stop request, or the last words of a worker that has been replaced
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
        jobs = [] if self._stop_level else self._book.take(worker.number, n)
        for job in jobs:
            self._tell("started", job.id, worker.name)
        worker.last_progress = self._clock()
        worker.process.send("jobs", jobs)

    def _handle_event(self, worker: _Worker, event: Event) -> None:
        name, arguments = event
        if name == "failed":
            worker.last_progress = self._clock()
            self._pass_on(self._book.failed(*arguments))
            return
        if name == "progress":
            trial_id, done, phase = arguments
            if worker.shares.get(trial_id) != (done, phase):
                worker.shares[trial_id] = (done, phase)
                worker.last_progress = self._clock()
        elif name != "note":
            worker.last_progress = self._clock()
        if name == "finished":
            self._book.finished(arguments[0].id)
        self._tell(name, *arguments)

    def _gone_idle(self, worker: _Worker) -> None:
        worker.is_running = False
        if self._book.running(worker.number) and not self._stop_level:
            reason = "the engine returned without a result for the trials that it had taken"
            self._pass_on(self._book.lost(worker.number, Death(DeathKind.CRASH, reason)))

    # --- deaths ------------------------------------------------------------------------------------------------

    def _raised(self, worker: _Worker, value: BaseException | Death) -> None:
        if isinstance(value, BaseException):
            raise value
        worker.death = value  # its process ends now; the trials are seen to when it has

    def _died(self, worker: _Worker) -> Death:
        """See to the trials of a worker whose pipe has ended; gives how it ended."""
        process, death = worker.process, worker.death
        assert process is not None
        code = process.exit_code()
        death = death or death_by_exit(code, process.memory, process.last_lines())
        was_ready = worker.is_ready
        worker.process, worker.death, worker.is_ready, worker.is_running = None, None, False, False
        if not was_ready:
            worker.failed_starts += 1
            if worker.failed_starts >= _STARTS:
                raise _no_start(worker, death.reason)
        if not self._stop_level:
            self._pass_on(self._book.lost(worker.number, death))
            self._lighten(worker)
        return death

    def _lighten(self, worker: _Worker) -> None:
        """Note that fewer trials fit together than the engine believes; it is handed no more than that from now on."""
        if self._book.most_together is not None:
            self._tell("note", "fewer_together", {"most_together": self._book.most_together, "worker": worker.name})

    def _look_after(self) -> None:
        """Kill what makes no progress; its death is then handled like any other."""
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
        worker.last_progress = self._clock()
        worker.shares.clear()
        process.listen(lambda kind, value: self._inbox.put((worker, process, kind, value)))

    def _pass_on(self, events: Sequence[Event]) -> None:
        for name, arguments in events:
            self._tell(name, *arguments)

    def _tell(self, name: str, *arguments: Any) -> None:
        self._on_event((name, arguments))


def _nobody(event: Event) -> None:
    """Before the first run there is nobody to tell."""


def _no_start(worker: _Worker, reason: str) -> EnvironmentStop:
    return EnvironmentStop(
        f"{worker.name}: died {_STARTS} times before it was ready ({reason}). Nothing was trained. "
        "`tunebook doctor` checks the machine; run again when it is mended."
    )
