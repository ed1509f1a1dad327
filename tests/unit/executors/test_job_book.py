"""Which trial waits, which is tried again and which is given up: the book alone, without processes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunebook.core.configuration import Configuration
from tunebook.core.events import Cancelled, Failed, Requeued
from tunebook.core.ports import TrialJob
from tunebook.executors.book import Death, DeathKind, JobBook, Limits

CRASH, HANG, MEMORY = (Death(kind, kind.value) for kind in DeathKind)


def job(number: int, checkpoints=()) -> TrialJob:
    return TrialJob(
        id=number,
        configuration=Configuration(),
        seed=number,
        splits=("validation",),
        folder="/none",
        checkpoints=checkpoints,
    )


def book_of(n: int, n_workers: int = 1) -> JobBook:
    book = JobBook(Limits(), n_workers)
    book.add([job(number) for number in range(1, n + 1)])
    return book


def ids(jobs) -> list[int]:
    return [each.id for each in jobs]


def test_jobs_are_given_in_their_order():
    book = book_of(5)
    assert ids(book.take(0, 2)) == [1, 2]
    assert ids(book.take(0, 9)) == [3, 4, 5]
    assert book.take(0, 1) == []


def test_workers_that_had_nothing_yet_get_their_share():
    book = book_of(9, n_workers=3)
    assert ids(book.take(0, 9)) == [1, 2, 3]
    assert ids(book.take(1, 9)) == [4, 5, 6]
    assert ids(book.take(2, 9)) == [7, 8, 9]


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
    book = book_of(n_jobs, n_workers)
    for worker, share in enumerate(shares):
        taken = 0
        while jobs := book.take(worker, 64 - taken):
            taken += len(jobs)
        assert taken == share
        assert not book.may_take(worker)


def test_a_worker_takes_from_what_was_held_back_as_it_gets_free():
    book = book_of(4, n_workers=2)
    assert ids(book.take(0, 9)) == [1, 2]
    assert not book.may_take(0)
    book.finished(1)
    assert ids(book.take(0, 9)) == [3]
    assert ids(book.take(1, 9)) == [4]


def test_a_cohort_that_died_once_is_tried_again_together():
    book = book_of(3)
    book.take(0, 3)
    assert book.lost(0, CRASH) == [Requeued(n, "crash") for n in (1, 2, 3)]
    assert ids(book.take(0, 3)) == [1, 2, 3]


def test_the_guilty_trial_fails_and_its_cohort_does_not():
    book = book_of(3)
    for _ in range(2):
        book.take(0, 3)
        book.lost(0, CRASH)
    assert ids(book.take(0, 3)) == [1]
    assert book.lost(0, CRASH) == [Failed(1, "crash")]
    for number in (2, 3):
        assert ids(book.take(0, 3)) == [number]
        book.finished(number)
    assert book.is_done


def test_nothing_is_given_beside_a_trial_that_must_be_alone():
    book = book_of(3)
    book.take(0, 1)
    book.lost(0, HANG)
    assert ids(book.take(0, 2)) == [1]
    assert book.take(0, 2) == []
    book.finished(1)
    assert ids(book.take(0, 2)) == [2, 3]


def test_a_hanging_trial_gets_one_more_try():
    book = book_of(1)
    book.take(0, 1)
    assert book.lost(0, HANG) == [Requeued(1, "hang")]
    book.take(0, 1)
    assert book.lost(0, HANG) == [Failed(1, "hang")]


def test_when_the_host_runs_out_of_memory_cohorts_are_halved_until_one_is_left():
    book = book_of(8)
    sizes = []
    while book.has_waiting and len(sizes) < 20:
        taken = book.take(0, 8)
        sizes.append(len(taken))
        if 5 in ids(taken):
            book.lost(0, MEMORY)
        else:
            for each in taken:
                book.finished(each.id)
    assert sizes == [8, 4, 4, 2, 1, 1, 1, 1, 1]
    assert book.is_done


def test_what_does_not_fit_is_not_tried_again():
    book = book_of(1)
    book.take(0, 1)
    assert book.failed(Failed(1, "80 GiB", True)) == Failed(1, "80 GiB", True)
    assert book.is_done


def test_a_failing_trial_is_tried_three_times():
    book = book_of(1)
    events = []
    for _ in range(3):
        book.take(0, 1)
        events.append(book.failed(Failed(1, "no")))
    assert events == [Requeued(1, "no"), Requeued(1, "no"), Failed(1, "no")]


def test_a_checkpoint_that_was_scored_is_not_scored_again():
    book = JobBook(Limits())
    book.add([job(1, ((3, 17), (4, 18)))])
    book.take(0, 1)
    book.finished(17)
    book.lost(0, CRASH)
    [again] = book.take(0, 1)
    assert again.checkpoints == ((4, 18),)


def test_late_words_about_unknown_trials_change_nothing():
    book = book_of(1)
    assert book.failed(Failed(99, "?")) is None
    book.finished(99)
    assert not book.is_done


def test_a_cancelled_trial_is_taken_out_or_not_begun_again():
    book = book_of(2)
    book.take(0, 1)
    assert book.cancel(2) == Cancelled(2)
    assert book.cancel(1) is None
    assert book.lost(0, CRASH) == [Cancelled(1)]
    assert book.is_done


@given(st.data())
@settings(deadline=None, max_examples=150)
def test_whatever_happens_each_trial_ends_once(data):
    n_workers = data.draw(st.integers(1, 3))
    n = data.draw(st.integers(1, 7))
    book = book_of(n, n_workers)
    ended: list[int] = []
    for _ in range(500):
        if book.is_done:
            break
        worker = data.draw(st.integers(0, n_workers - 1))
        book.take(worker, data.draw(st.integers(1, 4)))
        running = book.running(worker)
        if not running:
            continue
        what = data.draw(st.sampled_from(["finish", "finish", "fail", "crash", "hang", "memory"]))
        if what == "finish":
            book.finished(running[0].id)
            ended.append(running[0].id)
            continue
        if what == "fail":
            events = [book.failed(Failed(running[0].id, "no"))]
        else:
            events = book.lost(worker, Death(DeathKind(what), what))
        ended += [event.trial for event in events if isinstance(event, Failed)]
    assert book.is_done
    assert sorted(ended) == list(range(1, n + 1))
