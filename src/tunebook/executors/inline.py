"""Runs an engine in the runner's own process: for engines that train nothing, and for debugging.

No second process, so no watchdog: what hangs, hangs. `local` is the executor for real training.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tunebook.core.facts import EvaluationRecord, StepRecord
from tunebook.core.ports import Engine, Event, RawTrial, SinkWrapper, TrialJob, Workload
from tunebook.executors.book import JobBook, Limits
from tunebook.executors.faults import death_by_exception, stops_the_study

__all__ = ["InlineExecutor"]

_WORKER = "inline"


class InlineExecutor:
    """Executor without processes; fulfils `core.ports.Executor`.

    Args:
        engine: trains and scores.
        workload: what on.
        transform: wraps the sink, e.g. to judge answers.
        limits: when to give a trial up.
    """

    def __init__(
        self, engine: Engine, workload: Workload, *, transform: SinkWrapper | None = None, limits: Limits | None = None
    ) -> None:
        self._engine = engine
        self._workload = workload
        self._transform = transform
        self._limits = limits or Limits()
        self._stopping = False

    def run(self, jobs: Sequence[TrialJob], on_event: Callable[[Event], None]) -> None:
        """Train all jobs; see `core.ports.Executor`."""
        book = JobBook(self._limits)
        book.add(jobs)
        desk = InlineSink(book, on_event, lambda: self._stopping)
        sink = self._transform.wrap(desk) if self._transform else desk
        while book.has_waiting and not self._stopping:
            try:
                self._engine.run(desk, self._workload, sink)
            except Exception as error:  # the trials under way are isolated from those that wait
                desk.raise_what_stopped_us()
                stop = stops_the_study(error)
                if stop is not None:
                    raise stop from error
                desk.lost(error)
            desk.raise_what_stopped_us()
            if not self._stopping and book.running(0):
                desk.lost(RuntimeError("the engine returned without a result for the trials that it had taken"))

    def stop(self, now: bool = False) -> None:
        """End after the running step; there is no process that could be ended sooner."""
        self._stopping = True

    def close(self) -> None:
        """Nothing to end."""


class InlineSink:
    """Source and sink of the engine. An error of the runner's callback waits until the engine has returned, because
    engines catch exceptions to isolate trials."""

    def __init__(self, book: JobBook, on_event: Callable[[Event], None], stopping: Callable[[], bool]) -> None:
        self._book = book
        self._on_event = on_event
        self._stopping = stopping
        self._error: BaseException | None = None

    def take(self, n: int) -> Sequence[TrialJob]:
        if self.should_stop():
            return []
        jobs = self._book.take(0, n)
        for job in jobs:
            self._tell("started", job.id, _WORKER)
        return jobs

    def step(self, trial_id: int, record: StepRecord) -> None:
        self._tell("step", trial_id, record)

    def evaluation(self, trial_id: int, record: EvaluationRecord) -> None:
        self._tell("evaluation", trial_id, record)

    def progress(self, trial_id: int, done: float, phase: str) -> None:
        self._tell("progress", trial_id, done, phase)

    def finished(self, result: RawTrial) -> None:
        self._book.finished(result.id)
        self._tell("finished", result)

    def failed(self, trial_id: int, message: str, out_of_memory: bool = False) -> None:
        self._pass_on(self._book.failed(trial_id, message, out_of_memory))

    def note(self, code: str, values: dict[str, Any]) -> None:
        self._tell("note", code, values)

    def should_stop(self) -> bool:
        return self._stopping() or self._error is not None

    def lost(self, error: BaseException) -> None:
        """The engine broke: see to the trials it had."""
        self._pass_on(self._book.lost(0, death_by_exception(error)))

    def raise_what_stopped_us(self) -> None:
        if self._error is not None:
            raise self._error

    def _pass_on(self, events: Sequence[Event]) -> None:
        for name, arguments in events:
            self._tell(name, *arguments)

    def _tell(self, name: str, *arguments: Any) -> None:
        if self._error is not None:
            return
        try:
            self._on_event((name, arguments))
        except BaseException as error:
            self._error = error
