"""A trial source and sink in one, without an executor: hands out jobs and records what the engine reports."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

from tunebook.core.events import EngineEvent, Failed, Finished, PartScored, Step
from tunebook.core.ports import TrialJob
from tunebook.core.trial_result import RawTrial

__all__ = ["EventRecorder"]

E = TypeVar("E")


class EventRecorder:
    """Implements `core.ports.TrialSource` and `core.ports.Sink`, for tests and benchmarks of engines.

    Args:
        jobs: the jobs to hand out, in this order.
        should_stop: decides, given this recorder, whether the engine should stop.
        cancelled: ids of the trials to cancel.

    Attributes:
        events: all events, in order.
        taken: ids of the jobs handed out for each request.
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

    def take(self, n: int, ahead: int = 0, has_room: bool = False) -> list[TrialJob]:
        """The next n jobs."""
        now, self._jobs = self._jobs[:n], self._jobs[n:]
        if n:
            self.taken.append([job.id for job in now])
        return now

    def divide(self, trial_id: int, most: int, rows: int) -> int:
        """Nobody scores with the engine."""
        return 1

    def parts(self) -> list[PartScored]:
        """None."""
        return []

    def emit(self, event: EngineEvent) -> None:
        """Record the event."""
        self.events.append(event)

    def should_stop(self) -> bool:
        """The result of the function given."""
        return self._should_stop(self)

    def is_cancelled(self, trial_id: int) -> bool:
        """Whether the trial is among `cancelled`."""
        return trial_id in self._cancelled

    def of(self, kind: type[E]) -> list[E]:
        """The events of one kind, in order."""
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def results(self) -> dict[int, RawTrial]:
        """The results by trial, in order of arrival."""
        return {event.trial: event.result for event in self.of(Finished) if isinstance(event.result, RawTrial)}

    @property
    def losses(self) -> dict[int, list[float]]:
        """The training losses by trial, in order."""
        losses: dict[int, list[float]] = {}
        for event in self.of(Step):
            losses.setdefault(event.trial, []).append(event.record.loss)
        return losses

    @property
    def failures(self) -> dict[int, Failed]:
        """The failures that the engine reported, by trial."""
        return {event.trial: event for event in self.of(Failed)}
