"""Loss of power (a log cut at any byte), flipped bits, a second runner."""

from __future__ import annotations

import random
import shutil
import sqlite3
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from ledger_driver import drive, fingerprint

from tunebook.core.study import TrialState
from tunebook.errors import LedgerDamaged, LedgerUnavailable, NotFoundError
from tunebook.ledger import examine, open_ledger, rescue
from tunebook.ledger.codec import encode
from tunebook.testing.damage import change_scores
from tunebook.testing.ledger_suite import same_fact

N_CUTS = 40
N_FLIPS = 80


@pytest.fixture(scope="module")
def with_log(tmp_path_factory):
    """A study folder as a loss of power leaves it: file and log; with the state after each commit by the log's size."""
    folder = tmp_path_factory.mktemp("power") / "study"
    left = folder.parent / "left"
    states = {}
    with open_ledger(folder, write=True) as ledger:

        def remember() -> None:
            size = (folder / "ledger.sqlite-wal").stat().st_size
            states[size] = fingerprint(ledger.history())

        drive(ledger, after_each=remember)
        left.mkdir()
        for name in ("ledger.sqlite", "ledger.sqlite-wal"):
            shutil.copyfile(folder / name, left / name)
    return left, states


def cut_copy(left: Path, target: Path, length: int) -> Path:
    target.mkdir()
    shutil.copyfile(left / "ledger.sqlite", target / "ledger.sqlite")
    (target / "ledger.sqlite-wal").write_bytes((left / "ledger.sqlite-wal").read_bytes()[:length])
    return target


def test_a_log_cut_anywhere_opens_at_the_last_whole_commit(tmp_path, with_log):
    left, states = with_log
    sizes = sorted(states)
    rng = random.Random(1)
    cuts = [0, 1, 31, 32, *(s + d for s in rng.sample(sizes, 12) for d in (-1, 0, 1))]
    cuts += [rng.randrange(sizes[-1]) for _ in range(N_CUTS)]
    for number, cut in enumerate(cuts):
        folder = cut_copy(left, tmp_path / str(number), cut)
        whole = [size for size in sizes if size <= cut]
        with open_ledger(folder, write=True) as ledger:
            if not whole:
                assert ledger.spec() is None
            else:
                assert fingerprint(ledger.history()) == states[whole[-1]], f"cut at byte {cut}"


def test_work_goes_on_from_where_the_log_was_cut(tmp_path, with_log):
    left, states = with_log
    sizes = sorted(states)
    for number, cut in enumerate((10, sizes[3] + 5, sizes[len(sizes) // 2] - 1, sizes[-1] - 1)):
        folder = cut_copy(left, tmp_path / str(number), cut)
        with open_ledger(folder, write=True) as ledger:
            drive(ledger)
            assert fingerprint(ledger.history()) == states[sizes[-1]]


def everything(folder: Path, write: bool) -> str:
    with open_ledger(folder, write=write) as ledger:
        return encode([ledger.spec(), ledger.facts(), ledger.notes()]) + fingerprint(ledger.history())


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("finished") / "study"
    with open_ledger(folder, write=True) as ledger:
        drive(ledger)
        ledger.note("made", {"n": 1})
    return folder


def test_a_flipped_bit_never_becomes_a_number(tmp_path, finished):
    """Anywhere in the file: the ledger is as it was, or named as damaged, and then not a byte of it changes."""
    original = (finished / "ledger.sqlite").read_bytes()
    expected = everything(finished, write=False)
    rng = random.Random(2)
    folder = tmp_path / "study"
    folder.mkdir()
    n_damaged = 0
    for number in range(N_FLIPS):
        place, bit = rng.randrange(len(original)), rng.randrange(8)
        flipped = bytearray(original)
        flipped[place] ^= 1 << bit
        path = folder / "ledger.sqlite"
        for leftover in folder.iterdir():
            leftover.unlink()
        path.write_bytes(flipped)
        try:
            assert everything(folder, write=number % 2 == 0) == expected, f"bit {bit} of byte {place}"
        except (LedgerDamaged, LedgerUnavailable, NotFoundError) as error:
            n_damaged += 1
            said = str(error)
        else:
            said = "ledger.sqlite"
        assert "ledger.sqlite" in said
        assert said == "ledger.sqlite" or path.read_bytes() == bytes(flipped)
    assert n_damaged > N_FLIPS / 10, "flips that hit nothing prove nothing"


@pytest.mark.parametrize("column", ["accuracy", "loss"])
@pytest.mark.parametrize("value", ["'x'", "NULL", "0.123"])
def test_a_summary_that_is_not_the_mean_of_its_outcomes_is_damage(tmp_path, finished, column, value):
    """tunebook reads the outcomes; people who ask the file in SQL read the summary."""
    folder = tmp_path / "study"
    shutil.copytree(finished, folder)
    with closing(sqlite3.connect(folder / "ledger.sqlite")) as connection:
        chosen = f"WHERE trial_id = 1 AND {column} IS NOT NULL"
        assert connection.execute(f"UPDATE scored_splits SET {column} = {value} {chosen}").rowcount >= 1
        connection.commit()
    with pytest.raises(LedgerDamaged, match="trial 1: its scores on"):
        everything(folder, write=False)
    report = examine(folder)
    assert (report.is_damaged, report.lost) == (True, (1,))


def test_examining_never_breaks_and_never_calls_damage_sound(tmp_path, finished):
    original = (finished / "ledger.sqlite").read_bytes()
    rng = random.Random(3)
    for number in range(40):
        folder = tmp_path / str(number)
        folder.mkdir()
        flipped = bytearray(original)
        for _ in range(rng.choice((1, 30))):
            flipped[rng.randrange(len(original))] ^= 1 << rng.randrange(8)
        (folder / "ledger.sqlite").write_bytes(flipped)
        found = examine(folder)
        assert found.summary
        try:
            everything(folder, write=False)
        except (LedgerDamaged, LedgerUnavailable):
            assert any(problem.level == "missing" for problem in found.problems)
        else:
            assert not any(problem.level == "missing" for problem in found.problems)


def test_what_is_sound_is_rescued_and_the_rest_trained_again(tmp_path, finished):
    with open_ledger(finished, write=False) as ledger:
        before = ledger.history()
        expected = fingerprint(before)
    folder = tmp_path / "study"
    shutil.copytree(finished, folder)
    path = folder / "ledger.sqlite"
    change_scores(folder, 2)
    connection = sqlite3.connect(path)
    connection.execute("UPDATE trials SET state = 'completed', reason = 'x' WHERE id = 5")
    connection.commit()
    connection.close()
    damaged = path.read_bytes()
    found = examine(folder)
    assert set(found.lost) == {2, 5}
    assert "finished trials that can be rescued: 7" in found.summary
    salvaged = rescue(folder, tmp_path / "rescued")
    assert len(salvaged.damage) == 2
    assert path.read_bytes() == damaged
    with open_ledger(tmp_path / "rescued", write=True) as ledger:
        history = ledger.history()
        assert history.sealed == before.sealed
        for number, fact in before.trials.items():
            if number in (2, 5):
                assert history.trials[number].state is TrialState.PLANNED
            else:
                assert same_fact(history.trials[number], fact)
        drive(ledger)
        assert fingerprint(replace(ledger.history(), spent_seconds=before.spent_seconds)) == expected


def test_what_is_said_to_be_rescued_is_what_a_rescue_writes(tmp_path, finished):
    """A trial that is gone takes its wave with it, and what was planned after that."""
    shutil.copytree(finished, tmp_path / "study")
    connection = sqlite3.connect(tmp_path / "study" / "ledger.sqlite")
    connection.execute("DELETE FROM trials WHERE id = 5")
    connection.commit()
    connection.close()
    found = examine(tmp_path / "study")
    salvaged = rescue(tmp_path / "study", tmp_path / "rescued")
    assert set(found.finished) == set(salvaged.finished) == {1, 2, 3}
    assert set(found.lost) == {4, 6, 7, 8, 9}
    with open_ledger(tmp_path / "rescued", write=False) as ledger:
        assert set(ledger.history().trials) == {1, 2, 3}


def test_a_newer_ledger_is_not_called_damaged(tmp_path, finished):
    shutil.copytree(finished, tmp_path / "study")
    connection = sqlite3.connect(tmp_path / "study" / "ledger.sqlite")
    connection.execute("UPDATE alembic_version SET version_num = '0999'")
    connection.commit()
    connection.close()
    found = examine(tmp_path / "study")
    assert not found.is_damaged
    assert "damaged" not in found.summary
    assert "newer version" in found.problems[0].found


def test_a_rescue_overwrites_nothing(tmp_path, finished):
    shutil.copytree(finished, tmp_path / "study")
    with pytest.raises(OSError, match="never overwrites"):
        rescue(finished, tmp_path / "study")
