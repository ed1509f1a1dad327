"""Runs an engine in the runner's own process: for engines that train nothing, and for debugging.

There is no second process to watch it, so a hang is not noticed. `local` is the executor for real training.
"""

from __future__ import annotations

from collections.abc import Sequence

from tunebook.core.events import Cancelled, EngineEvent, Failed, Finished, PartScored, Started, TrialEvent
from tunebook.core.ports import Calibration, Engine, OnEvents, SinkWrapper, TrialJob, Workload
from tunebook.executors.faults import death_by_exception, stops_the_study
from tunebook.executors.job_queue import JobQueue, Limits
from tunebook.executors.references import wrapped

__all__ = ["InlineExecutor"]

_WORKER = "inline"


class InlineExecutor:
    """Executor without processes; fulfils `core.ports.Executor`.

    Args:
        engine: trains and scores.
        workload: the data to train and score on.
        transform: wraps the sink, e.g. to judge answers.
    """

    def __init__(self, engine: Engine, workload: Workload, *, transform: SinkWrapper | None = None) -> None:
        self._engine = engine
        self._workload = workload
        self._transform = transform
        self.is_stopping = False
        self.cancelled: set[int] = set()

    def run(self, jobs: Sequence[TrialJob], on_events: OnEvents) -> None:
        """Train all jobs; see `core.ports.Executor`."""
        queue = JobQueue(Limits())
        queue.add(jobs)
        source = InlineSink(queue, on_events, self)
        sink = wrapped(source, self._transform)
        while queue.has_waiting and not self.is_stopping:
            try:
                self._engine.run(source, self._workload, sink)
            except Exception as error:  # the trials under way are isolated from those that wait
                source.raise_what_stopped_us()
                stop = stops_the_study(error)
                if stop is not None:
                    raise stop from error
                source.lost(error)
            source.raise_what_stopped_us()
            if not self.is_stopping and queue.running(0):
                source.lost(RuntimeError("the engine returned without a result for the trials that it had taken"))

    def calibrate(self) -> Calibration:
        """What the engine measures."""
        return self._engine.calibrate(self._workload)

    def use(self, workload: Workload, transform: SinkWrapper | None) -> None:
        """Train and score on this workload from now on."""
        self._workload, self._transform = workload, transform

    def stop(self, now: bool = False) -> None:
        """End after the running step; there is no process that could be ended sooner."""
        self.is_stopping = True

    def cancel(self, trial_id: int) -> None:
        """End one trial; see `core.ports.Executor`."""
        self.cancelled.add(trial_id)

    def close(self) -> None:
        """Nothing to end."""


class InlineSink:
    """Source and sink of the engine. An error of the runner's callback waits until the engine has returned, because
    engines catch exceptions to isolate trials."""

    def __init__(self, queue: JobQueue, on_events: OnEvents, executor: InlineExecutor) -> None:
        self._jobs = queue
        self._on_events = on_events
        self._executor = executor
        self._error: BaseException | None = None

    def take(self, n: int, ahead: int = 0, has_room: bool = False) -> Sequence[TrialJob]:
        if self.should_stop():
            return []
        for trial_id in tuple(self._executor.cancelled):
            self._tell(self._jobs.cancel(trial_id))
        jobs = self._jobs.take(0, n)
        for job in jobs:
            self._tell(Started(job.id, _WORKER))
        return jobs

    def divide(self, trial_id: int, most: int, rows: int) -> int:
        """There is no other worker."""
        return 1

    def parts(self) -> Sequence[PartScored]:
        """None."""
        return ()

    def emit(self, event: EngineEvent) -> None:
        match event:
            case Finished() | Cancelled():
                self._jobs.finished(event.trial)
                self._tell(event)
            case Failed():
                self._tell(self._jobs.failed(event))
            case _:
                self._tell(event)

    def should_stop(self) -> bool:
        return self._executor.is_stopping or self._error is not None

    def is_cancelled(self, trial_id: int) -> bool:
        return trial_id in self._executor.cancelled

    def lost(self, error: BaseException) -> None:
        """The engine raised an error: queue its trials again or fail them."""
        for event in self._jobs.lost(0, death_by_exception(error)):
            self._tell(event)

    def raise_what_stopped_us(self) -> None:
        if self._error is not None:
            raise self._error

    def _tell(self, event: TrialEvent | None) -> None:
        if self._error is not None or event is None:
            return
        try:
            self._on_events([event])
        except BaseException as error:
            self._error = error
