"""Parts of trials' scorings that workers with room do for the worker that has the trial. No processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from tunebook.core.events import PartScored
from tunebook.core.ports import ScoringPart, TrialJob

__all__ = ["Part", "PartJobs"]

_FIRST = -1_000_000
"""Parts are numbered downwards from here; trials that are trained ahead from -1."""


@dataclass(kw_only=True)
class Part:
    """A part of a scoring.

    Attributes:
        job: as the worker gets it that scores the part.
        trial: whose scoring it is.
        owner: the worker that has the trial.
        worker: the one that scores the part.
        since: when it was given to it.
    """

    job: TrialJob
    trial: int
    owner: int
    worker: int
    since: float

    @property
    def lost(self) -> PartScored:
        """What the owner is told when the part will not be scored."""
        assert self.job.part is not None
        return PartScored(self.trial, self.job.part.index)


class PartJobs:
    """The parts of one `Executor.run`.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._parts: dict[int, Part] = {}
        self._next = _FIRST
        self._is_withdrawn = False

    def divide(self, owner: int, job: TrialJob, most: int, rows: int, helpers: Sequence[int]) -> list[Part]:
        """Divide a trial's scoring among the worker that has it and some others, those with the fewest parts first;
        gives the others' parts."""
        held = [part.worker for part in self._parts.values()]
        chosen = sorted(helpers, key=held.count)[: 0 if self._is_withdrawn else max(0, most - 1)]
        given = []
        for index, worker in enumerate(chosen, start=1):
            own = replace(job, id=self._next, checkpoints=(), part=ScoringPart(index, 1 + len(chosen), rows))
            self._next -= 1
            given.append(Part(job=own, trial=job.id, owner=owner, worker=worker, since=self._clock()))
        self._parts |= {part.job.id: part for part in given}
        return given

    def holds(self, worker: int) -> bool:
        """Whether a worker is scoring parts."""
        return any(part.worker == worker for part in self._parts.values())

    def waits(self, owner: int) -> bool:
        """Whether others have parts of a worker's trials."""
        return any(part.owner == owner for part in self._parts.values())

    def ended(self, number: int) -> Part | None:
        """A part has ended, with scores or without; None where nobody waits for it any more."""
        return self._parts.pop(number, None)

    def seconds(self, part: Part) -> float:
        """How long a worker has had it."""
        return self._clock() - part.since

    def lost(self, worker: int) -> list[Part]:
        """Take back what a worker has not scored."""
        return self._taken_back(part for part in self._parts.values() if part.worker == worker)

    def dropped(self, trials: Sequence[int]) -> list[Part]:
        """Take back what is left of some trials' scorings: their attempt has ended."""
        return self._taken_back(part for part in self._parts.values() if part.trial in trials)

    def withdraw(self) -> None:
        """No further scoring is divided."""
        self._is_withdrawn = True

    def _taken_back(self, parts: Iterable[Part]) -> list[Part]:
        found = list(parts)
        for part in found:
            del self._parts[part.job.id]
        return found
