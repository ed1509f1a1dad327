"""Keeps track of which trial waits, which runs where, and which is tried again after its worker died. No processes.

When a cohort dies, it is not known which of its trials was the cause. They are tried again together first (the worker
may have been killed from outside), and each alone before it is failed, so that no trial fails because of another.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from tunebook.core.events import Cancelled, Failed, Requeued
from tunebook.core.ports import TrialJob

__all__ = ["Death", "DeathKind", "JobQueue", "Limits"]

Ended = Failed | Requeued | Cancelled
"""How a trial's attempt ended without a result."""


class DeathKind(StrEnum):
    """What ended a worker, as far as is known."""

    CRASH = "crash"
    HANG = "hang"
    MEMORY = "memory"
    NODE = "node"
    """The machine that it ran on is gone, or cannot be used. No trial is the cause."""


@dataclass(frozen=True)
class Death:
    """How a worker ended, as a sentence for the ledger."""

    kind: DeathKind
    reason: str


@dataclass(frozen=True)
class Limits:
    """When to give up.

    Attributes:
        tries: how often a trial is begun before it is failed.
        hang_tries: the same for a trial that makes no progress; each costs `no_progress_seconds`.
        memory_tries: the same for a trial that alone needs more than the host's memory.
        no_progress_seconds: a worker without any progress for so long is killed. Steps, changed shares of a trial and
            evaluations are progress; a repeated sign of life is not.
    """

    tries: int = 3
    hang_tries: int = 2
    memory_tries: int = 2
    no_progress_seconds: float = 900.0


@dataclass(kw_only=True)
class _Entry:
    job: TrialJob
    place: int
    begun: int = 0
    hangs: int = 0
    alone_memory_deaths: int = 0
    alone: bool = False
    cancelled: bool = False


@dataclass
class JobQueue:
    """The jobs of one `Executor.run`.

    Attributes:
        limits: when to give up.
        n_workers: how many workers share the jobs, those that are still starting among them.
        most_together: most trials at once in one worker, once the host's memory has run out; None: as many as asked.
    """

    limits: Limits
    n_workers: int = 1
    most_together: int | None = None
    _waiting: list[_Entry] = field(default_factory=list)
    _running: dict[int, list[_Entry]] = field(default_factory=dict)

    def add(self, jobs: Sequence[TrialJob]) -> None:
        """Take jobs in, in the order in which they are to be begun."""
        self._waiting += [_Entry(job=job, place=place) for place, job in enumerate(jobs)]

    @property
    def is_done(self) -> bool:
        """Whether every job is finished or failed."""
        return not self._waiting and not any(self._running.values())

    @property
    def has_waiting(self) -> bool:
        return bool(self._waiting)

    def running(self, worker: int) -> list[TrialJob]:
        """The trials that a worker is running."""
        return [entry.job for entry in self._running.get(worker, [])]

    def take(self, worker: int, n: int) -> list[TrialJob]:
        """Up to n jobs for a worker, within its equal share."""
        mine = self._running.setdefault(worker, [])
        limit, taken = self._limit(worker), list[TrialJob]()
        while self._waiting and len(taken) < n and self._fits(self._waiting[0], mine, limit):
            entry = self._waiting.pop(0)
            entry.begun += 1
            mine.append(entry)
            taken.append(entry.job)
        return taken

    def may_take(self, worker: int) -> bool:
        """Whether `take` would give this worker something."""
        mine = self._running.get(worker, [])
        return bool(self._waiting) and self._fits(self._waiting[0], mine, self._limit(worker))

    def finished(self, trial_id: int) -> None:
        """A result has arrived: of a job, which is then done, or of a checkpoint, which is then not scored again."""
        for entries in self._running.values():
            for entry in entries:
                if entry.job.id == trial_id:
                    entries.remove(entry)
                    return
                left = tuple(pair for pair in entry.job.checkpoints if pair[1] != trial_id)
                entry.job = replace(entry.job, checkpoints=left)

    def cancel(self, trial_id: int) -> Cancelled | None:
        """Remove a waiting trial. One that is running is not started again if its worker dies."""
        for entry in self._waiting:
            if entry.job.id == trial_id:
                self._waiting.remove(entry)
                return Cancelled(trial_id)
        for entry in (entry for entries in self._running.values() for entry in entries):
            entry.cancelled = entry.cancelled or entry.job.id == trial_id
        return None

    def worker_of(self, trial_id: int) -> int | None:
        """The worker that is running a trial."""
        return next((w for w, entries in self._running.items() if any(e.job.id == trial_id for e in entries)), None)

    def failed(self, failure: Failed) -> Ended | None:
        """The engine failed a trial: try it again, unless it does not fit into memory."""
        for entries in self._running.values():
            for entry in entries:
                if entry.job.id == failure.trial:
                    entries.remove(entry)
                    if failure.out_of_memory or entry.begun >= self.limits.tries:
                        return failure
                    return self._back(entry, failure.message)
        return None

    def lost(self, worker: int, death: Death) -> list[Ended]:
        """A worker died: its trials are queued again or failed; gives the events in order."""
        entries = self._running.pop(worker, [])
        if death.kind is DeathKind.MEMORY and len(entries) > 1:
            self.most_together = max(1, len(entries) // 2)
        return [self._after_death(entry, death, alone=len(entries) == 1) for entry in reversed(entries)][::-1]

    def _after_death(self, entry: _Entry, death: Death, alone: bool) -> Ended:
        if death.kind is DeathKind.NODE:
            entry.begun -= 1
            return self._back(entry, death.reason)
        if death.kind is DeathKind.MEMORY:
            entry.alone_memory_deaths += alone
            if entry.alone_memory_deaths >= self.limits.memory_tries:
                return Failed(entry.job.id, death.reason, out_of_memory=True)
            return self._back(entry, death.reason)
        if death.kind is DeathKind.HANG:
            entry.hangs += 1
            entry.alone = True
            give_up = entry.hangs >= self.limits.hang_tries
        else:
            entry.alone = entry.alone or entry.begun >= self.limits.tries - 1
            give_up = entry.begun >= self.limits.tries
        if give_up and alone:
            return Failed(entry.job.id, death.reason)
        return self._back(entry, death.reason)

    def _back(self, entry: _Entry, reason: str) -> Ended:
        if entry.cancelled:
            return Cancelled(entry.job.id)
        self._waiting.append(entry)
        self._waiting.sort(key=lambda waiting: waiting.place)
        return Requeued(entry.job.id, reason)

    def _limit(self, worker: int) -> tuple[float, float]:
        """Up to how much work a worker may hold: its equal share of all that is not done, whether the others have asked
        for theirs or not; and what the least busy of the others holds, which may be more."""
        held = {number: _work(entries) for number, entries in self._running.items()}
        share = (_work(self._waiting) + sum(held.values())) / self.n_workers
        others = [work for number, work in held.items() if number != worker]
        least = min(others) if len(others) >= self.n_workers - 1 and others else 0.0
        return share * (1 + 1e-9), least

    def _fits(self, entry: _Entry, mine: list[_Entry], limit: tuple[float, float]) -> bool:
        """Whether a worker may take a trial beside those that it has: as many as fit into memory together, and as much
        work as comes nearest to its share; what is left over goes to the least busy. Without any it may take whatever
        comes."""
        if not mine:
            return True
        if entry.alone or any(own.alone for own in mine) or len(mine) >= (self.most_together or len(mine) + 1):
            return False
        (share, least), held = limit, _work(mine)
        return held + entry.job.work / 2 <= share or held <= least


def _work(entries: Iterable[_Entry]) -> float:
    return sum(entry.job.work for entry in entries)
