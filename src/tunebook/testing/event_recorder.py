"""Source and sink of an engine in one, without an executor: hands out jobs and keeps what the engine reports."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

from tunebook.core.events import EngineEvent, Failed, Finished, Step
from tunebook.core.ports import TrialJob
from tunebook.core.trial_result import RawTrial

__all__ = ["EventRecorder"]

E = TypeVar("E")


class EventRecorder:
    """Fulfils `core.ports.TrialSource` and `core.ports.Sink`; for tests and benchmarks of engines.

    Args:
        jobs: handed out in this order.
        should_stop: asked by the engine whether to stop; given this recorder.
        cancelled: trials that the engine is told to end.

    Attributes:
        events: everything reported, in order.
        taken: ids of the jobs of each request.
    """

    def __init__(
        self,
        jobs: Sequence[TrialJob] = (),
        should_stop: Callable[[EventRecorder], bool] = lambda recorder: False,
        cancelled: Collection[int] = (),
    ) -> None:
        self._jobs, self._should_stop, self._cancelled = list(jobs), should_stop, cancelled
        self.events: list[EngineEvent] = []
        self.taken: list[list[int]] = []

    def take(self, n: int) -> list[TrialJob]:
        """The next n jobs."""
        now, self._jobs = self._jobs[:n], self._jobs[n:]
        self.taken.append([job.id for job in now])
        return now

    def emit(self, event: EngineEvent) -> None:
        """Keep it."""
        self.events.append(event)

    def should_stop(self) -> bool:
        """What the function given says."""
        return self._should_stop(self)

    def is_cancelled(self, trial_id: int) -> bool:
        """Whether it is among the cancelled."""
        return trial_id in self._cancelled

    def of(self, kind: type[E]) -> list[E]:
        """The events of one kind, in order."""
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def results(self) -> dict[int, RawTrial]:
        """The results by trial, in the order in which they came."""
        return {event.trial: event.result for event in self.of(Finished) if isinstance(event.result, RawTrial)}

    @property
    def losses(self) -> dict[int, list[float]]:
        """The training losses by trial, in order."""
        found: dict[int, list[float]] = {}
        for event in self.of(Step):
            found.setdefault(event.trial, []).append(event.record.loss)
        return found

    @property
    def failures(self) -> dict[int, Failed]:
        """What the engine gave up, by trial."""
        return {event.trial: event for event in self.of(Failed)}
