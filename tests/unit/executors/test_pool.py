"""The pool over workers that wait for a device; no processes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tunebook.core.configuration import Configuration
from tunebook.core.events import Cancelled, Failed, Finished, Noted, PartScored, Requeued, Started, Step, TrainedAhead
from tunebook.core.facts import Cost, Curve, StepRecord
from tunebook.core.ports import EngineOptions, Scoring, TrialJob, Workload
from tunebook.core.trial_result import RawTrial
from tunebook.errors import EnvironmentStop
from tunebook.executors import pool
from tunebook.executors.handle import GONE, PLACED
from tunebook.executors.job_queue import Death, DeathKind
from tunebook.executors.pool import PoolExecutor
from tunebook.testing.fake_clock import FakeClock

JOB = TrialJob(id=1, configuration=Configuration(), seed=0, splits=("validation",), folder="/none")


def result(job: TrialJob) -> Finished:
    return Finished(RawTrial(id=job.id, scores={}, curve=Curve(), cost=Cost()))


class Cluster:
    """Gives workers that train at once whatever they get, as soon as they have a device. `free` says whether a worker
    gets one; it is asked about once a second."""

    def __init__(self, free=lambda number: True, lost=()) -> None:
        self.free, self.lost, self.open = free, list(lost), []

    def make(self, number: int, assignment: Any) -> Worker:
        self.open.append(number)
        return Worker(self, number)


class Worker:
    def __init__(self, cluster: Cluster, number: int) -> None:
        self.cluster, self.number, self.is_waiting = cluster, number, True

    def listen(self, on_message) -> None:
        self.tell = on_message
        self.look()

    def look(self) -> None:
        if self.is_waiting and self.cluster.free(self.number):
            self.is_waiting = False
            self.tell(PLACED, f"host{self.number}")
            self.tell("ready", None)

    def send(self, kind: str, value: Any = None) -> None:
        if kind == "run":
            self.tell("take", (64, 0))
        elif kind == "jobs" and value and self.cluster.lost:
            self.cluster.lost.pop()
            self.tell(GONE, None)
        elif kind == "jobs":
            for job in value:
                self.tell("event", result(job))
            self.tell("take", (64, 0)) if value else self.tell("idle", None)

    def kill(self) -> None:
        if self.number in self.cluster.open:
            self.cluster.open.remove(self.number)

    close = kill

    def ended(self) -> Death:
        self.kill()
        return Death(DeathKind.NODE, "the node is gone")


@pytest.fixture
def run(monkeypatch):
    """Run so many jobs on so many workers; gives the events."""
    monkeypatch.setattr(pool, "_LOOK_SECONDS", 0.0)
    monkeypatch.setattr(pool, "_TICK_SECONDS", 0.01)

    def run(cluster: Cluster, n_jobs: int, n_workers: int, clock: FakeClock, **options) -> list:
        events: list = []
        executor = PoolExecutor(
            cluster.make, "none:none", [EngineOptions(model="m")] * n_workers, Workload((), {}, Scoring()),
            clock=clock, **options,
        )  # fmt: skip
        executor.run([replace(JOB, id=number) for number in range(1, n_jobs + 1)], events.extend)
        executor.close()
        return events

    return run


def test_a_study_that_waits_for_a_device_says_so_once_and_goes_on(run):
    clock, asked = FakeClock(), []

    def free(number: int) -> bool:
        asked.append(number)
        clock.advance(10.0)
        return len(asked) > 200  # hours later: no worker is taken for one that hangs

    events = run(Cluster(free), 3, 1, clock)
    assert [event.trial for event in events if isinstance(event, Finished)] == [1, 2, 3]
    assert [event.code for event in events if isinstance(event, Noted)] == ["no_device_free"]


def test_a_worker_without_a_device_has_its_share_held_back_for_a_while_only(run):
    clock = FakeClock()

    def started(n_seconds: float) -> list[str]:
        events = run(Cluster(lambda number: clock.advance(n_seconds) or number == 0), 4, 2, clock)
        return [type(event).__name__[0] for event in events if isinstance(event, Started | Finished)]

    assert started(0.0)[:3] == ["S", "S", "F"], "half of the trials, as if the other one came at once"
    assert started(40.0)[:4] == ["S", "S", "S", "S"], "all: the other one may never come"


def test_a_lost_node_blames_no_trial(run):
    events = run(Cluster(lost=range(7)), 2, 1, FakeClock())
    assert [event.trial for event in events if isinstance(event, Finished)] == [1, 2]
    assert sum(isinstance(event, Requeued) for event in events) == 14


def test_a_device_is_given_back_once_nothing_waits(run):
    clock, seen = FakeClock(), []
    cluster = Cluster()

    class Slow(Worker):
        jobs: tuple = ()

        def look(self) -> None:
            super().look()
            clock.advance(1.0)
            seen.append(list(cluster.open))
            if self.number == 0 and self.jobs and len(seen) > 200:
                self.tell("event", result(self.jobs[0]))
                self.jobs = ()
                self.tell("idle", None)

        def send(self, kind: str, value: Any = None) -> None:
            if kind == "jobs" and value and self.number == 0:
                self.jobs = tuple(value)
            else:
                super().send(kind, value)

    cluster.make = lambda number, assignment: cluster.open.append(number) or Slow(cluster, number)
    run(cluster, 2, 2, clock, idle_seconds=60.0)
    assert [0, 1] in seen
    assert seen[-1] == [0]


def test_what_has_come_meanwhile_is_told_at_once(monkeypatch):
    """And what was told before the study ends is told, also when a worker has raised what ends it."""

    class Raises(Worker):
        def send(self, kind: str, value: Any = None) -> None:
            if kind == "jobs" and not value:
                self.tell("raised", EnvironmentStop("the disk is full"))
            super().send(kind, value)

    cluster, told = Cluster(), []
    cluster.make = lambda number, assignment: Raises(cluster, number)
    executor = PoolExecutor(cluster.make, "none:none", [EngineOptions(model="m")], Workload((), {}, Scoring()))
    with pytest.raises(EnvironmentStop):
        executor.run([replace(JOB, id=number) for number in range(1, 7)], told.append)
    assert [sum(isinstance(event, Finished) for event in events) for events in told] == [6]


def test_idle_workers_train_ahead_and_leave_it_when_they_are_wanted(run):
    """Worker 0 gets the only trial, worker 1 has nothing to do but what is offered; when worker 0 dies, worker 1 is
    wanted for the trial."""
    said, clock, workers, holds = [], FakeClock(), {}, []
    step = Step(-1, StepRecord(1, 0.1, 1.0, 1e-3, 1.0))

    class Ahead(Worker):
        def send(self, kind: str, value: Any = None) -> None:
            said.append((self.number, kind))
            first = value[0] if kind == "jobs" and value else None
            if kind == "run":
                self.tell("take", (1, 64))
            elif first is None:
                self.tell("idle", None)
            elif first.ahead:
                clock.advance(2.0)
                self.tell("event", step)
                self.tell("event", TrainedAhead(first.id))
                if len(value) > 1:
                    workers[0].tell(GONE, None)
                else:
                    self.tell("take", (1, 64))
            elif not holds:
                self.tell("event", result(first))
                self.tell("take", (1, 0))
            else:
                holds.pop()

    def make(number: int, assignment: Any) -> Worker:
        workers[number] = Ahead(cluster, number)
        return workers[number]

    cluster = Cluster()
    options = [EngineOptions(model="m")] * 2
    executor = PoolExecutor(make, "none:none", options, Workload((), {}, Scoring()), clock=clock)
    executor.run([JOB, replace(JOB, id=2)], lambda events: None)
    said.clear()
    holds.append(True)
    events: list = []
    executor.offer([replace(JOB, id=-n, ahead=True) for n in (1, 2, 3)])
    executor.run([replace(JOB, id=7)], events.extend)
    executor.close()
    assert [event.trial for event in events if isinstance(event, Finished)] == [7]
    assert not any(isinstance(event, Step) for event in events), "nothing is told of what is trained ahead"
    notes = [event for event in events if isinstance(event, Noted)]
    assert {note.code for note in notes} == {"trained_ahead"}
    assert sum(note.values["seconds"] for note in notes) >= 2.0
    assert {note.values["worker"] for note in notes} == {"worker 1 (cpu on host1)"}
    assert (1, "stop") in said


class Shares(Worker):
    """The first worker has its only trial's scoring divided, and again when a part comes back, until there are no more
    parts; the second has room, and does with a part what `does` says."""

    def __init__(self, cluster: Cluster, number: int, does, heard: list) -> None:
        super().__init__(cluster, number)
        self.does, self.heard = does, heard
        if number == 0:
            cluster.first = self

    def send(self, kind: str, value: Any = None) -> None:
        self.heard.append((self.number, kind, value))
        if kind == "run":
            self.tell("room", self.number == 1)
            self.tell("take", (1, 0))
        elif kind == "score":
            self.does(self, value)
        elif kind == "cancel" or (kind == "jobs" and not value and (self.number == 0 or self.does is None)):
            self.tell("idle", None)
        elif (kind == "jobs" and value) or kind == "part":
            self.tell("divide", (7, 4, 32))
        elif (kind, value) == ("divided", 1):
            self.tell("event", result(replace(JOB, id=7)))
            self.tell("take", (1, 0))


@pytest.fixture
def shared(run):
    """Run a trial whose scoring is shared; gives what the study was told, and what the workers were."""

    def shared(does, **options) -> tuple[list, list]:
        heard: list = []
        cluster = Cluster()
        cluster.make = lambda number, assignment: Shares(cluster, number, does, heard)
        executor = PoolExecutor(
            cluster.make, "none:none", [EngineOptions(model="m")] * 2, Workload((), {}, Scoring()), **options
        )
        events: list = []
        executor.run([replace(JOB, id=7)], events.extend)
        executor.close()
        return events, heard

    return shared


def test_a_worker_with_room_scores_a_part_and_the_other_one_gets_it(shared):
    scores: dict = {"validation": None}

    def does(worker: Worker, job: TrialJob) -> None:
        assert (job.part.index, job.part.of, job.part.rows) == (1, 2, 32)
        worker.tell("room", False)
        worker.tell("event", PartScored(job.id, 1, scores, 2.0))
        worker.tell("idle", None)
        worker.look = lambda: None
        worker.does = lambda worker, job: worker.tell(GONE, None)

    events, heard = shared(does)
    parts = [value for number, kind, value in heard if kind == "part"]
    assert parts == [PartScored(7, 1, scores, 2.0), PartScored(7, 1)], "scored; then lost with the worker"
    assert [value for number, kind, value in heard if kind == "divided"] == [2, 2, 1], "none after a death in a part"
    assert [event.trial for event in events if isinstance(event, Finished)] == [7]
    [note] = [event for event in events if isinstance(event, Noted)]
    assert (note.code, note.values["trial"]) == ("scored_part", 7)
    assert not any(isinstance(event, Requeued) for event in events)


def test_a_part_that_is_left_or_fails_is_told_and_nothing_of_it_to_the_study(shared):
    def does(worker: Worker, job: TrialJob) -> None:
        worker.tell("event", Failed(job.id, "out of memory"))
        worker.tell("idle", None)
        worker.does = leaves

    def leaves(worker: Worker, job: TrialJob) -> None:
        worker.tell("idle", None)
        worker.does = lambda worker, job: worker.tell(GONE, None)

    events, heard = shared(does)
    assert [value for number, kind, value in heard if kind == "part"] == [PartScored(7, 1)] * 3
    assert {type(event).__name__ for event in events} == {"Started", "Finished", "WorkerDied"}


def test_parts_of_a_trial_that_ended_are_cancelled(shared):
    def does(worker: Worker, job: TrialJob) -> None:
        worker.cluster.first.tell("event", Cancelled(7))
        worker.cluster.first.tell("take", (1, 0))

    _, heard = shared(does)
    [(given, cancelled)] = [
        (job.id, number) for _, kind, job in heard if kind == "score" for _, other, number in heard if other == "cancel"
    ]
    assert given == cancelled
    assert not any(kind == "part" for _, kind, _ in heard)


def test_nothing_is_divided_where_workers_do_not_see_the_same_files(shared):
    _, heard = shared(None, one_disk=False)
    assert [value for _, kind, value in heard if kind == "divided"] == [1]
