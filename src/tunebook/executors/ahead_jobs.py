"""Trials that workers may train ahead while they have nothing else to do, and for how long they did."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tunebook.core.ports import TrialJob

__all__ = ["AheadJobs", "Stint"]


@dataclass(frozen=True)
class Stint:
    """A time in which one worker trained ahead without a break."""

    n_trials: int
    seconds: float


class AheadJobs:
    """The jobs offered for one `Executor.run`. Each is begun once at most; what a worker leaves is not dealt again.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, jobs: Sequence[TrialJob], clock: Callable[[], float]) -> None:
        self._waiting = list(jobs)
        self._clock = clock
        self._held: dict[int, set[int]] = {}
        self._since: dict[int, float] = {}
        self._n_taken: dict[int, int] = {}

    @property
    def has_waiting(self) -> bool:
        return bool(self._waiting)

    def holds(self, worker: int) -> bool:
        """Whether a worker is training ahead."""
        return bool(self._held.get(worker))

    def take(self, worker: int, n: int, n_workers: int) -> list[TrialJob]:
        """Up to n jobs for a worker, of those that wait an equal part."""
        n = min(n, -(-len(self._waiting) // n_workers))
        taken, self._waiting = self._waiting[:n], self._waiting[n:]
        if taken:
            self._since.setdefault(worker, self._clock())
            self._held.setdefault(worker, set()).update(job.id for job in taken)
            self._n_taken[worker] = self._n_taken.get(worker, 0) + len(taken)
        return taken

    def ended(self, worker: int, trial_id: int) -> Stint | None:
        """A worker has trained one to its end, or cannot; gives what it did, if it was the last that it held."""
        self._held.get(worker, set()).discard(trial_id)
        return None if self.holds(worker) else self.left(worker)

    def left(self, worker: int) -> Stint | None:
        """A worker has left what it trained ahead; gives what it did."""
        self._held.pop(worker, None)
        if worker not in self._since:
            return None
        return Stint(self._n_taken.pop(worker), self._clock() - self._since.pop(worker))

    def withdraw(self) -> None:
        """No further job is begun."""
        self._waiting = []
