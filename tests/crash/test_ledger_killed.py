"""A runner killed at every commit point, and at random: what was finished stays, nothing doubled, the end is equal."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from pathlib import Path

import pytest
from forked import Forked

sys.path.insert(0, str(Path(__file__).parent))

from ledger_driver import count_events, drive, fingerprint, in_child, killed_at

from tunebook.ledger import open_ledger

N_POINTS = 12
"""At how many of the database events the runner is killed; with TUNEBOOK_EVERY_COMMIT_POINT set, at every one."""


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    """Fingerprint of a study that nothing disturbed, and the number of its database events."""
    folder = tmp_path_factory.mktemp("unbroken")
    n = count_events(folder)
    with open_ledger(folder, write=False) as ledger:
        return fingerprint(ledger.history()), n


def check_kill_at(folder: Path, n: int, expected: str) -> None:
    status = killed_at(folder, n)
    assert status == -signal.SIGKILL
    if (folder / "ledger.sqlite").exists():
        with open_ledger(folder, write=False) as reader:
            before = reader.history().trials if reader.spec() else {}
            finished = {number: fact.state for number, fact in before.items() if fact.state.is_final}
    else:
        finished = {}
    with open_ledger(folder, write=True) as ledger:
        kept = ledger.history().trials if ledger.spec() else {}
        assert {number: kept[number].state for number in finished} == finished
        drive(ledger)
        assert fingerprint(ledger.history()) == expected
        ends = [attempt["trial_id"] for attempt in ledger.attempts() if attempt["ended"] == "finished"]
        assert sorted(ends) == sorted(ledger.history().trials), "a trial was finished twice, or never"
        assert len(ledger.attempts()) - len(ends) <= 1, "more than the trial under way was lost"


def test_killed_at_commit_points_the_study_ends_the_same(tmp_path, unbroken):
    expected, n = unbroken
    for point in sorted(random.Random(5).sample(range(1, n), N_POINTS)):
        check_kill_at(tmp_path / str(point), point, expected)


@pytest.mark.timeout(3600)
@pytest.mark.skipif(not os.environ.get("TUNEBOOK_EVERY_COMMIT_POINT"), reason="TUNEBOOK_EVERY_COMMIT_POINT is not set")
def test_killed_at_every_commit_point_the_study_ends_the_same(tmp_path, unbroken):
    expected, n = unbroken
    for point in range(1, n):
        check_kill_at(tmp_path / str(point), point, expected)


def test_killed_again_and_again_at_random_the_study_ends_the_same(tmp_path, unbroken):
    """From outside, by the clock of the day: no hook in the process that is killed."""
    expected, _ = unbroken

    def slowly() -> int:
        with open_ledger(tmp_path, write=True) as ledger:
            drive(ledger, after_each=lambda: time.sleep(0.02))
        return 0

    rng = random.Random(7)
    kills = 0
    for _ in range(12):
        child = Forked(slowly)
        time.sleep(rng.uniform(0.0, 0.3))
        os.kill(child.pid, signal.SIGKILL)
        kills += child.wait() == -signal.SIGKILL
    with open_ledger(tmp_path, write=True) as ledger:
        drive(ledger)
        assert fingerprint(ledger.history()) == expected
    assert kills >= 3


def test_a_child_that_is_not_killed_ends_by_itself(tmp_path, unbroken):
    """The harness can tell: a kill that never comes is no kill."""
    assert killed_at(tmp_path / "late", unbroken[1] + 1000) == 0
    assert in_child(lambda: 1 / 0) == 1
