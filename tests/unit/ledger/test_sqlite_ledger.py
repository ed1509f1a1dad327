"""The SQLite ledger's own promises: the lock, readers, paths, damage, room. The rest is in the conformance suite."""

from __future__ import annotations

import ctypes.util
import errno
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tunebook.errors import (
    LedgerDamaged,
    LedgerLocked,
    LedgerUnavailable,
    NotFoundError,
    UserError,
)
from tunebook.ledger import ledger_address, open_ledger
from tunebook.testing.damage import change_scores
from tunebook.testing.ledger_suite import same_history
from tunebook.testing.sample_study import result_of, sample_facts, sample_spec, sample_wave


@pytest.fixture
def study(tmp_path) -> Path:
    """A closed study folder with one finished trial."""
    folder = tmp_path / "study"
    with open_ledger(folder, write=True) as ledger:
        ledger.create_study(sample_spec(), sample_facts())
        ledger.add_wave(sample_wave(1))
        ledger.finish_trial(result_of(sample_wave(1).trials[0]), ledger.start_trial(1, "here"))
    return folder


def test_a_commit_is_synced_to_the_disk(study):
    with open_ledger(study, write=True) as ledger:

        def pragmas(connection):
            return [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")]

        assert ledger._database.transaction(pragmas) == ["wal", 2]


def test_the_second_writer_is_told_who_holds_the_study(study):
    with open_ledger(study, write=True), pytest.raises(LedgerLocked, match=f"process {os.getpid()} on host"):
        open_ledger(study, write=True)


def test_the_lock_goes_with_its_process(study):
    body = (
        "import sys, time, tunebook.ledger as l; x = l.open_ledger(sys.argv[1], write=True); print('held', flush=True)"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", body + "; time.sleep(60)", str(study)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(LedgerLocked, match=f"process {holder.pid}"):
        open_ledger(study, write=True)
    with open_ledger(study, write=False) as reader:
        assert reader.spec() == sample_spec()
    holder.kill()
    holder.wait()
    open_ledger(study, write=True).close()


def test_a_closed_ledger_is_one_file(study):
    assert sorted(path.name for path in study.iterdir()) == ["ledger.lock", "ledger.sqlite"]


def test_reading_what_is_not_there_is_said(tmp_path):
    with pytest.raises(NotFoundError, match="tunebook run"):
        open_ledger(tmp_path, write=False)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_copied_elsewhere_opens_there(study, tmp_path):
    with open_ledger(study, write=False) as ledger:
        before = ledger.history()
    moved = tmp_path / "another machine" / "50% of #1?"
    shutil.copytree(study, moved)
    shutil.rmtree(study)
    with open_ledger(moved, write=True) as ledger:
        assert same_history(ledger.history(), before)
        ledger.start_trial(2, "there")
    assert str(study).encode() not in (moved / "ledger.sqlite").read_bytes()


AS_NOBODY = """
import os, sys, tunebook.ledger as ledger
ledger.open_ledger(sys.argv[2], write=True).close()  # loads everything, while the interpreter's files can be read
os.setuid(65534)
try:
    with ledger.open_ledger(sys.argv[1], write=sys.argv[3] == "write") as opened:
        print(len(opened.history().trials))
except Exception as error:
    print(type(error).__name__, error)
"""


def as_nobody(folder: Path, spare: Path, how: str) -> str:
    """Open a ledger as a user who may read everything here and write nothing."""
    command = [sys.executable, "-c", AS_NOBODY, str(folder), str(spare), how]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return answer.stdout.strip() or answer.stderr


needs_root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs to become another user")


@pytest.fixture
def open_to_all(study):
    """The study where another user can reach it, whatever the umask."""
    umask = os.umask(0o022)
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root) / "study"
        shutil.copytree(study, folder)
        for path in (Path(root), *Path(root).rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        yield folder
    os.umask(umask)


@needs_root
def test_a_reader_of_a_read_only_folder_reads(open_to_all, tmp_path):
    assert as_nobody(open_to_all, tmp_path / "spare", "read") == "3"


@needs_root
def test_a_reader_of_a_read_only_folder_reads_what_is_still_in_the_log(open_to_all, tmp_path):
    with open_ledger(open_to_all, write=True) as ledger:
        ledger.add_wave(sample_wave(2))
        copy = open_to_all.parent / "copied while it ran"
        shutil.copytree(open_to_all, copy)
    (copy / "ledger.sqlite-shm").unlink()
    assert as_nobody(copy, tmp_path / "spare", "read") == "6"


@needs_root
def test_a_folder_that_cannot_be_written_is_said_at_once(open_to_all, tmp_path):
    said = as_nobody(open_to_all, tmp_path / "spare", "write")
    assert said.startswith("UnwritableFolder")
    assert "Make the place writable" in said


WITHOUT_FLOCK = """
import ctypes, sys, tunebook.ledger as ledger
filter = ctypes.CDLL("libseccomp.so.2")
filter.seccomp_init.restype = ctypes.c_void_p
context = ctypes.c_void_p(filter.seccomp_init(0x7FFF0000))
answer, flock = 0x00050000 | int(sys.argv[2]), filter.seccomp_syscall_resolve_name(b"flock")
if filter.seccomp_rule_add(context, answer, flock, 0) or filter.seccomp_load(context):
    sys.exit(77)
try:
    ledger.open_ledger(sys.argv[1], write=True)
except Exception as error:
    print(type(error).__name__, error)
"""
"""The kernel itself answers every flock with an error number, or with success for 0."""


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (errno.ENOSYS, "no working locks"),
        (errno.ENOLCK, "no working locks"),
        (errno.EOPNOTSUPP, "no working locks"),
        (0, "granted twice"),
    ],
)
@pytest.mark.skipif(ctypes.util.find_library("seccomp") is None, reason="needs libseccomp")
def test_a_file_system_without_working_locks_is_said_at_once(tmp_path, answer, said):
    command = [sys.executable, "-c", WITHOUT_FLOCK, str(tmp_path / "study"), str(answer)]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    if told.returncode == 77:
        pytest.skip("system calls cannot be filtered here")
    assert told.stdout.startswith("UnwritableFolder"), told.stderr
    assert said in told.stdout
    assert not (tmp_path / "study" / "ledger.sqlite").exists()


@pytest.mark.parametrize("contents", [b"", b"not a database at all" * 100, b"SQLite format 3\x00" + b"\xff" * 5000])
@pytest.mark.parametrize("write", [True, False])
def test_a_file_that_is_no_ledger_is_named_and_kept(tmp_path, contents, write):
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(contents)
    with pytest.raises((LedgerDamaged, NotFoundError), match=r"ledger\.sqlite"):
        open_ledger(tmp_path, write=write).spec()
    assert path.read_bytes() == contents


def test_somebody_elses_database_is_not_taken_for_a_ledger(tmp_path):
    connection = sqlite3.connect(tmp_path / "ledger.sqlite")
    connection.execute("CREATE TABLE songs (title TEXT)")
    connection.close()
    before = (tmp_path / "ledger.sqlite").read_bytes()
    with pytest.raises(LedgerDamaged):
        open_ledger(tmp_path, write=True)
    assert (tmp_path / "ledger.sqlite").read_bytes() == before


def test_a_newer_ledger_is_refused_and_kept(study):
    connection = sqlite3.connect(study / "ledger.sqlite")
    connection.execute("UPDATE alembic_version SET version_num = '0999'")
    connection.commit()
    connection.close()
    for write in (True, False):
        with pytest.raises(LedgerUnavailable, match="newer version"):
            open_ledger(study, write=write)


def test_an_edit_by_hand_is_noticed(study):
    change_scores(study, 1)
    with open_ledger(study, write=False) as ledger, pytest.raises(LedgerDamaged, match="trial 1: the checksum"):
        ledger.history()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE trials SET state = 'failed' WHERE id = 1",
        "UPDATE trials SET seed = seed + 1 WHERE id = 2",
        "DELETE FROM trials WHERE id = 3",
        "UPDATE waves SET definition = replace(definition, 'lora_r=16', 'lora_r=61')",
        "UPDATE studies SET spec = replace(spec, '0.03', '0.30')",
        "UPDATE examples SET gold = 'other' WHERE position = 1",
    ],
)
def test_a_changed_row_never_becomes_a_fact(study, statement):
    connection = sqlite3.connect(study / "ledger.sqlite")
    connection.execute(statement)
    connection.commit()
    connection.close()
    with open_ledger(study, write=False) as ledger, pytest.raises(LedgerDamaged):
        _ = ledger.history(), ledger.facts()


def test_the_address_comes_from_the_environment():
    assert ledger_address({}) is None
    assert ledger_address({"TUNEBOOK_LEDGER": ""}) is None
    assert ledger_address({"TUNEBOOK_LEDGER": "postgresql://h/d"}) == "postgresql://h/d"


@pytest.mark.parametrize(
    "address", ["mysql://user:hunter2@host/db", "postgresql://user:hunter2@host:port/db", "redis://hunter2"]
)
def test_a_bad_address_is_refused_without_showing_it(address, tmp_path, monkeypatch):
    monkeypatch.setenv("TUNEBOOK_LEDGER", address)
    with pytest.raises(UserError) as caught:
        open_ledger(tmp_path / "s", write=True)
    assert "TUNEBOOK_LEDGER" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert not (tmp_path / "s").exists()


def test_the_holders_note_is_json_and_goes_with_the_lock(study):
    with open_ledger(study, write=True):
        assert json.loads((study / "ledger.holder.json").read_text())["pid"] == os.getpid()
    assert not (study / "ledger.holder.json").exists()
