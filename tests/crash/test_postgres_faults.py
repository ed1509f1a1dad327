"""PostgreSQL: a killed runner, one that was replaced, a server gone and back, a second runner, passwords."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from uuid import uuid4

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from ledger_driver import drive, fingerprint, in_child, killed_at

from tunebook.errors import LedgerLocked, LedgerUnavailable, UserError
from tunebook.ledger import open_ledger, postgres
from tunebook.ledger.postgres import PostgresDatabase
from tunebook.ledger.store import SqlLedger
from tunebook.testing.sample_study import sample_facts, sample_spec, sample_wave

ADDRESS = os.environ.get("TUNEBOOK_TEST_POSTGRES", "")

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(not ADDRESS, reason="TUNEBOOK_TEST_POSTGRES names no server"),
]


@pytest.fixture
def name() -> str:
    return f"study-{uuid4().hex[:12]}"


def planned(name: str, n_trials: int) -> None:
    with open_ledger(ADDRESS, write=True, study=name) as ledger:
        ledger.create_study(sample_spec(name), sample_facts())
        ledger.add_wave(sample_wave(1, n_trials=n_trials))


def test_a_killed_runner_is_followed_by_another_and_the_end_is_the_same(name):
    with open_ledger(ADDRESS, write=True, study=name) as ledger:
        drive(ledger, name)
        expected = fingerprint(ledger.history())
    rng = random.Random(1)
    for _ in range(6):
        other = f"{name}-{uuid4().hex[:6]}"
        status = killed_at(ADDRESS, rng.randrange(5, 400), study=other)
        assert status == -signal.SIGKILL
        with open_when_free(other) as ledger:
            drive(ledger, other)
            assert fingerprint(ledger.history()) == expected


def open_when_free(study: str):
    """The server needs a moment to see that a killed runner's connection is gone."""
    for _ in range(100):
        try:
            return open_ledger(ADDRESS, write=True, study=study)
        except LedgerLocked:
            time.sleep(0.1)
    raise AssertionError("the lock of a dead runner was never freed")


def test_a_second_runner_is_told_who_holds_the_study(name):
    with open_ledger(ADDRESS, write=True, study=name):
        with pytest.raises(LedgerLocked, match=f"process {os.getpid()} on host"):
            open_ledger(ADDRESS, write=True, study=name)
        open_ledger(ADDRESS, write=True, study=f"{name}-other").close()
    open_ledger(ADDRESS, write=True, study=name).close()


def end_connections() -> None:
    """As a firewall or an administrator does it: every connection of this test is cut by the server."""
    import psycopg

    with psycopg.connect(ADDRESS, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
            f"AND application_name LIKE 'tunebook: process {os.getpid()} %'"
        )


def test_connections_cut_again_and_again_lose_nothing_and_double_nothing(name):
    with open_ledger(ADDRESS, write=True, study=f"{name}-calm") as ledger:
        drive(ledger, f"{name}-calm")
        expected = fingerprint(ledger.history())
    done = threading.Event()
    cuts = []

    def cut() -> None:
        while not done.wait(0.1):
            end_connections()
            cuts.append(1)

    with open_ledger(ADDRESS, write=True, study=name) as ledger:
        cutter = threading.Thread(target=cut)
        cutter.start()
        try:
            drive(ledger, name)
            for number in range(30):
                ledger.note("count", {"number": number})
        finally:
            done.set()
            cutter.join()
        assert fingerprint(ledger.history()) == expected
        assert [values["number"] for _, values in ledger.notes()] == list(range(30))
        ends = [attempt["trial_id"] for attempt in ledger.attempts() if attempt["ended"] == "finished"]
        assert sorted(ends) == sorted(set(ends))
        assert len(ledger.attempts()) == len(ends), "a start was repeated as a second attempt"
    assert len(cuts) >= 2


def test_a_runner_that_was_replaced_while_it_was_away_stops(name):
    with open_ledger(ADDRESS, write=True, study=name) as old:
        old.create_study(sample_spec(name), sample_facts())
        end_connections()
        with open_when_free(name) as new:
            new.add_wave(sample_wave(1))
            with pytest.raises(LedgerLocked):
                old.add_wave(sample_wave(1, n_trials=5))
        with pytest.raises(LedgerLocked):
            old.add_wave(sample_wave(1, n_trials=5))
    with open_ledger(ADDRESS, write=False, study=name) as reader:
        assert len(reader.history().trials) == 3


START = Path(__file__).parents[2] / ".ci" / "start-postgres"


@pytest.fixture(scope="module")
def own_server(tmp_path_factory):
    """A server of this test alone, which it may stop."""
    root = f"/tmp/tunebook-postgres-{os.getpid()}"
    environment = {**os.environ, "TUNEBOOK_POSTGRES_ROOT": root, "TUNEBOOK_POSTGRES_PORT": "54377"}

    def control(*arguments: str) -> str:
        answer = subprocess.run([str(START), *arguments], env=environment, capture_output=True, text=True, check=True)
        return answer.stdout.strip()

    yield control
    control("stop")
    subprocess.run(["rm", "-rf", root], check=False)


@pytest.mark.slow
def test_a_server_that_goes_away_and_comes_back_is_waited_for(own_server, name):
    address = own_server()
    with open_ledger(address, write=True, study=name) as ledger:
        ledger.create_study(sample_spec(name), sample_facts())

        def restart() -> None:
            own_server("stop")
            time.sleep(2.0)
            own_server()

        restarting = threading.Thread(target=restart)
        restarting.start()
        time.sleep(0.3)
        drive(ledger, name)
        restarting.join()
        assert all(fact.state.is_final for fact in ledger.history().trials.values())
        assert len(ledger.attempts()) == 9


@pytest.mark.slow
def test_a_server_that_stays_away_ends_the_run_with_a_sentence(own_server, name):
    address = own_server()
    ledger = SqlLedger(PostgresDatabase(address, study=name, write=True, patience_seconds=1.0), name)
    ledger.create_study(sample_spec(name), sample_facts())
    own_server("stop")
    with pytest.raises(LedgerUnavailable, match="Nothing is lost") as caught:
        ledger.add_wave(sample_wave(1))
    assert "tunebook-test" not in str(caught.value)
    ledger.close()
    own_server()
    with open_ledger(address, write=True, study=name) as again:
        drive(again, name)


@pytest.mark.skipif("//tunebook:tunebook-test@" not in ADDRESS, reason="the server is not that of .ci/start-postgres")
@pytest.mark.parametrize(
    ("right", "wrong"),
    [(":tunebook-test@", ":wrong@"), (":tunebook-test@", "@"), ("//tunebook:", "//nobody:"), ("_test", "_absent")],
)
def test_a_refused_login_is_told_at_once(name, right, wrong):
    before, _, after = ADDRESS.rpartition(right)
    began = time.monotonic()
    with pytest.raises(LedgerUnavailable, match=r"the database refuses .*Check user, password and database"):
        open_ledger(before + wrong + after, write=True, study=name)
    assert time.monotonic() - began < 2.0


def test_the_password_is_nowhere(name, monkeypatch):
    """Neither in what is raised, nor in what is stored, nor in what is logged."""
    monkeypatch.setattr(postgres, "_OPENING_SECONDS", 0.5)
    secret = f"secret{uuid4().hex}"
    wrong = ADDRESS.replace(":tunebook-test@", f":{secret}@")
    if secret in wrong:
        with pytest.raises(LedgerUnavailable) as caught:
            open_ledger(wrong, write=True, study=name)
        error: BaseException | None = caught.value
        while error is not None:
            assert secret not in str(error)
            assert secret not in repr(error)
            error = error.__cause__
    with pytest.raises(UserError) as refused:
        open_ledger(f"postgresql://u:{secret}@host:port/db", write=True, study=name)
    assert secret not in str(refused.value)
    password = ADDRESS.partition("://")[2].partition("@")[0].partition(":")[2]
    with open_ledger(ADDRESS, write=True, study=name) as ledger:
        drive(ledger, name)
        assert password not in repr(vars(ledger))
    import psycopg

    with psycopg.connect(ADDRESS) as connection:
        tables = ["studies", "writers", "notes", "attempts", "trials", "waves"]
        for table in tables:
            for row in connection.execute(f"SELECT * FROM {table}"):
                assert password not in repr(row)


def test_studies_of_one_database_do_not_see_each_other(name):
    planned(name, 2)
    planned(f"{name}-b", 3)
    with open_ledger(ADDRESS, write=False, study=name) as ledger:
        assert len(ledger.history().trials) == 2
    with pytest.raises(UserError, match="say which one"), open_ledger(ADDRESS, write=False) as ledger:
        ledger.history()


def test_the_harness_reports_what_a_child_did():
    assert in_child(lambda: None) == 0
