"""Which trial waits, which is tried again and which is given up: the queue alone, without processes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunebook.core.configuration import Configuration
from tunebook.core.events import Cancelled, Failed, Requeued
from tunebook.core.ports import TrialJob
from tunebook.executors.job_queue import Death, DeathKind, JobQueue, Limits

CRASH, HANG, MEMORY, NODE = (Death(kind, kind.value) for kind in DeathKind)


def job(number: int, checkpoints=()) -> TrialJob:
    return TrialJob(
        id=number,
        configuration=Configuration(),
        seed=number,
        splits=("validation",),
        folder="/none",
        checkpoints=checkpoints,
    )


def queue_of(n: int, n_workers: int = 1) -> JobQueue:
    queue = JobQueue(Limits(), n_workers)
    queue.add([job(number) for number in range(1, n + 1)])
    return queue


def ids(jobs) -> list[int]:
    return [each.id for each in jobs]


def test_jobs_are_given_in_their_order():
    queue = queue_of(5)
    assert ids(queue.take(0, 2)) == [1, 2]
    assert ids(queue.take(0, 9)) == [3, 4, 5]
    assert queue.take(0, 1) == []


def test_workers_that_had_nothing_yet_get_their_share():
    queue = queue_of(9, n_workers=3)
    assert ids(queue.take(0, 9)) == [1, 2, 3]
    assert ids(queue.take(1, 9)) == [4, 5, 6]
    assert ids(queue.take(2, 9)) == [7, 8, 9]


@pytest.mark.parametrize(
    ("n_jobs", "n_workers", "shares"),
    [
        (20, 2, [10, 10]),
        (20, 8, [3] * 6 + [2, 0]),
        (75, 2, [38, 37]),
        (5, 2, [3, 2]),
        (2, 2, [1, 1]),
        (1, 3, [1, 0, 0]),
    ],
)
def test_a_worker_that_asks_again_and_again_before_the_others_gets_its_part_only(n_jobs, n_workers, shares):
    queue = queue_of(n_jobs, n_workers)
    for worker, share in enumerate(shares):
        taken = 0
        while jobs := queue.take(worker, 64 - taken):
            taken += len(jobs)
        assert taken == share
        assert not queue.may_take(worker)


def test_a_worker_takes_from_what_was_held_back_as_it_gets_free():
    queue = queue_of(4, n_workers=2)
    assert ids(queue.take(0, 9)) == [1, 2]
    assert not queue.may_take(0)
    queue.finished(1)
    assert ids(queue.take(0, 9)) == [3]
    assert ids(queue.take(1, 9)) == [4]


def test_a_cohort_that_died_once_is_tried_again_together():
    queue = queue_of(3)
    queue.take(0, 3)
    assert queue.lost(0, CRASH) == [Requeued(n, "crash") for n in (1, 2, 3)]
    assert ids(queue.take(0, 3)) == [1, 2, 3]


def test_the_guilty_trial_fails_and_its_cohort_does_not():
    queue = queue_of(3)
    for _ in range(2):
        queue.take(0, 3)
        queue.lost(0, CRASH)
    assert ids(queue.take(0, 3)) == [1]
    assert queue.lost(0, CRASH) == [Failed(1, "crash")]
    for number in (2, 3):
        assert ids(queue.take(0, 3)) == [number]
        queue.finished(number)
    assert queue.is_done


def test_nothing_is_given_beside_a_trial_that_must_be_alone():
    queue = queue_of(3)
    queue.take(0, 1)
    queue.lost(0, HANG)
    assert ids(queue.take(0, 2)) == [1]
    assert queue.take(0, 2) == []
    queue.finished(1)
    assert ids(queue.take(0, 2)) == [2, 3]


def test_a_hanging_trial_gets_one_more_try():
    queue = queue_of(1)
    queue.take(0, 1)
    assert queue.lost(0, HANG) == [Requeued(1, "hang")]
    queue.take(0, 1)
    assert queue.lost(0, HANG) == [Failed(1, "hang")]


def test_when_the_host_runs_out_of_memory_cohorts_are_halved_until_one_is_left():
    queue = queue_of(8)
    sizes = []
    while queue.has_waiting and len(sizes) < 20:
        taken = queue.take(0, 8)
        sizes.append(len(taken))
        if 5 in ids(taken):
            queue.lost(0, MEMORY)
        else:
            for each in taken:
                queue.finished(each.id)
    assert sizes == [8, 4, 4, 2, 1, 1, 1, 1, 1]
    assert queue.is_done


def test_what_does_not_fit_is_not_tried_again():
    queue = queue_of(1)
    queue.take(0, 1)
    assert queue.failed(Failed(1, "80 GiB", True)) == Failed(1, "80 GiB", True)
    assert queue.is_done


def test_a_failing_trial_is_tried_three_times():
    queue = queue_of(1)
    events = []
    for _ in range(3):
        queue.take(0, 1)
        events.append(queue.failed(Failed(1, "no")))
    assert events == [Requeued(1, "no"), Requeued(1, "no"), Failed(1, "no")]


def test_a_checkpoint_that_was_scored_is_not_scored_again():
    queue = JobQueue(Limits())
    queue.add([job(1, ((3, 17), (4, 18)))])
    queue.take(0, 1)
    queue.finished(17)
    queue.lost(0, CRASH)
    [again] = queue.take(0, 1)
    assert again.checkpoints == ((4, 18),)


def test_late_words_about_unknown_trials_change_nothing():
    queue = queue_of(1)
    assert queue.failed(Failed(99, "?")) is None
    queue.finished(99)
    assert not queue.is_done


def test_a_cancelled_trial_is_taken_out_or_not_begun_again():
    queue = queue_of(2)
    queue.take(0, 1)
    assert queue.cancel(2) == Cancelled(2)
    assert queue.cancel(1) is None
    assert queue.lost(0, CRASH) == [Cancelled(1)]
    assert queue.is_done


@given(st.data())
@settings(deadline=None, max_examples=150)
def test_whatever_happens_each_trial_ends_once(data):
    n_workers = data.draw(st.integers(1, 3))
    n = data.draw(st.integers(1, 7))
    queue = queue_of(n, n_workers)
    ended: list[int] = []
    for _ in range(500):
        if queue.is_done:
            break
        worker = data.draw(st.integers(0, n_workers - 1))
        queue.take(worker, data.draw(st.integers(1, 4)))
        running = queue.running(worker)
        if not running:
            continue
        what = data.draw(st.sampled_from(["finish", "finish", "fail", "crash", "hang", "memory"]))
        if what == "finish":
            queue.finished(running[0].id)
            ended.append(running[0].id)
            continue
        if what == "fail":
            events = [queue.failed(Failed(running[0].id, "no"))]
        else:
            events = queue.lost(worker, Death(DeathKind(what), what))
        ended += [event.trial for event in events if isinstance(event, Failed)]
    assert queue.is_done
    assert sorted(ended) == list(range(1, n + 1))


def queue_of_work(*works: float, n_workers: int) -> JobQueue:
    queue = JobQueue(Limits(), n_workers)
    queue.add([replace(job(number), work=work) for number, work in enumerate(works, 1)])
    return queue


def test_work_is_dealt_in_equal_parts_not_trials():
    """One trial of ten units and ten of one: the long one alone, the short ones together."""
    queue = queue_of_work(10, *[1] * 10, n_workers=2)
    assert ids(queue.take(0, 64)) == [1]
    assert not queue.may_take(0)
    assert ids(queue.take(1, 64)) == list(range(2, 12))


def test_a_worker_without_a_trial_takes_what_comes_however_long():
    queue = queue_of_work(100, 1, n_workers=4)
    assert ids(queue.take(0, 64)) == [1]
    assert ids(queue.take(1, 64)) == [2]


def test_what_no_share_has_room_for_goes_to_the_least_busy_at_once():
    queue = queue_of_work(4, 4, 4, 4, n_workers=3)
    assert ids(queue.take(0, 64)) == [1]
    assert ids(queue.take(1, 64)) == [2]
    assert not queue.may_take(1)
    assert ids(queue.take(2, 1)) == [3]
    assert ids(queue.take(0, 64)) == [4]


def test_a_node_that_is_lost_again_and_again_blames_no_trial():
    queue = queue_of(2)
    for _ in range(9):
        assert len(queue.take(0, 2)) == 2
        lost = queue.lost(0, NODE)
        assert [type(event) for event in lost] == [Requeued, Requeued]
    assert len(queue.take(0, 2)) == 2, "and none of them has to be alone"
