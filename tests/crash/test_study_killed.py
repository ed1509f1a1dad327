"""Whole studies through the command line: killed, interrupted, out of room, run twice at once; the end is the same."""

from __future__ import annotations

import os
import pty
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from forked import fork
from sqlalchemy import Engine, event

from benchmarks.soak import Child, Soak, compare, make_real_study, make_simulated_study
from tunebook.cli.main import main as command_line
from tunebook.ledger import open_ledger

pytestmark = [pytest.mark.timeout(600), pytest.mark.usefixtures("few_pictures")]
N_TRIALS = 14


def assert_the_same(finished: Soak, folder: Path) -> None:
    found = compare(finished.folder, folder)
    assert found.trials_lost == 0
    assert found.trials_doubled == 0
    assert found.differences == ()


def test_a_study_killed_at_random_ends_like_an_unbroken_one(tmp_path, finished):
    harried = Soak(make_simulated_study(tmp_path, N_TRIALS), random.Random(4))
    harried.run(4, like=finished)
    assert harried.kills >= 2
    assert_the_same(finished, harried.folder)


@pytest.mark.slow
def test_real_training_killed_at_random_ends_like_an_unbroken_one(tmp_path, trained, one_processor):
    """Adapters bit for bit, of one worker as of two. Sometimes only the worker is killed. What each engine makes of a
    full disk, `test_engine_disk_full` shows, and what the executor does about it in a worker, its own test."""
    harried = Soak(make_real_study(tmp_path / "killed", 8, where="device: cpu"), random.Random(3))
    harried.run(1, like=trained)  # the soak kills one twenty times
    assert harried.kills >= 1
    assert_the_same(trained, harried.folder)


def test_killed_between_sealing_and_planning_the_confirm_is_the_same(tmp_path, finished):
    """Found by the soak: the order of the sealed roles numbers the trials."""
    file = make_simulated_study(tmp_path, N_TRIALS)
    seen = []

    def kill(connection, cursor, statement, *rest):
        if "INSERT INTO sealed" in statement:
            seen.append(statement)
        elif seen and "INSERT INTO" in statement:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "before_cursor_execute", kill)
    try:
        child = Child(file, tmp_path / "out.log")
    finally:
        event.remove(Engine, "before_cursor_execute", kill)
    assert child.wait(300) == -signal.SIGKILL
    again = Soak(file, random.Random(0))
    again.run()
    with open_ledger(again.folder, write=False) as ledger:
        assert ledger.history().sealed
    assert_the_same(finished, again.folder)


def begun(file: Path, at_least: int) -> Child:
    """A run that has finished at least so many trials and goes on."""
    child = Child(file, file.parent / "out.log")
    folder = file.parent / "runs" / "soak"
    until = time.monotonic() + 300
    while time.monotonic() < until:
        assert child.wait(0.01) is None, (file.parent / "out.log").read_text()
        if (folder / "ledger.sqlite").exists():
            with open_ledger(folder, write=False) as ledger:
                if ledger.spec() and sum(f.state.is_final for f in ledger.history().trials.values()) >= at_least:
                    return child
    raise AssertionError("the study does not get on")


@pytest.mark.parametrize(
    ("signals", "code"),
    [([signal.SIGINT], 130), ([signal.SIGINT, signal.SIGINT], 130), ([signal.SIGTERM], 143)],
    ids=["ctrl-c", "ctrl-c twice", "terminated"],
)
def test_a_signal_ends_the_run_with_its_code_and_it_goes_on(tmp_path, finished, signals, code):
    child = begun(make_simulated_study(tmp_path, N_TRIALS), at_least=2)
    for number in signals:
        os.kill(child.pid, number)
    assert child.wait(120) == code
    said = (tmp_path / "out.log").read_text()
    assert "Go on with: tunebook run" in said
    assert "Traceback" not in said
    again = Soak(tmp_path / "study.yaml", random.Random(0))
    again.run()
    assert_the_same(finished, again.folder)


def test_closing_the_terminal_ends_the_run_in_order_and_it_goes_on(tmp_path, finished):
    """A real terminal: its end both sends SIGHUP and makes every further write fail."""
    file = make_simulated_study(tmp_path, N_TRIALS)
    terminal, inside = pty.openpty()

    def in_terminal() -> int:
        os.close(terminal)  # else the terminal would not be gone when the test closes it
        os.login_tty(inside)
        return command_line(["run", str(file)])

    pid = fork(in_terminal, (0, 1, 2))
    os.close(inside)
    shown = b""
    while shown.count(b"trial ") < 4:
        shown += os.read(terminal, 1000)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 143
    again = Soak(file, random.Random(0))
    again.run()
    assert_the_same(finished, again.folder)


def test_under_nohup_a_hang_up_is_ignored(tmp_path, finished):
    previous = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        child = begun(make_simulated_study(tmp_path, N_TRIALS), at_least=2)
    finally:
        signal.signal(signal.SIGHUP, previous)
    os.kill(child.pid, signal.SIGHUP)
    assert child.wait(300) == 0
    assert_the_same(finished, tmp_path / "runs" / "soak")


def test_a_second_runner_is_turned_away_and_harms_nothing(tmp_path, finished, capsys):
    file = make_simulated_study(tmp_path, N_TRIALS)
    folder = tmp_path / "runs" / "soak"
    with open_ledger(folder, write=True):
        assert command_line(["run", str(file), "--quiet"]) == 75
        assert f"process {os.getpid()} on host" in capsys.readouterr().err
    again = Soak(file, random.Random(0))
    again.run()
    assert_the_same(finished, again.folder)


def test_a_study_copied_elsewhere_while_it_ran_goes_on_there(tmp_path, finished):
    child = begun(make_simulated_study(tmp_path / "here", N_TRIALS), at_least=3)
    child.kill()
    shutil.copytree(tmp_path / "here", tmp_path / "there" / "deeper")
    shutil.rmtree(tmp_path / "here")
    again = Soak(tmp_path / "there" / "deeper" / "study.yaml", random.Random(0))
    again.run()
    assert_the_same(finished, again.folder)


@pytest.mark.parametrize("kilobytes", [350, 900])
def test_a_full_disk_ends_the_run_with_75_and_it_goes_on(tmp_path, finished, kilobytes):
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "tmpfs", str(place), "-o"]
    answer = subprocess.run([*mount, f"size={kilobytes}k"], capture_output=True, text=True, check=False)
    if answer.returncode:
        pytest.skip(f"no file system can be mounted here: {answer.stderr.strip()}")
    try:
        file = make_simulated_study(place, N_TRIALS)
        child = Child(file, tmp_path / "out.log")
        assert child.wait(300) == 75, (tmp_path / "out.log").read_text()[-2000:]
        assert "Traceback" not in (tmp_path / "out.log").read_text()
        subprocess.run([*mount, "remount,size=200m"], check=True)
        again = Soak(file, random.Random(0))
        again.run()
        assert_the_same(finished, again.folder)
    finally:
        subprocess.run(["umount", "-l", str(place)], check=False)


def test_the_comparison_sees_what_it_is_for(tmp_path, finished):
    """A comparison that cannot fail proves nothing."""
    import sqlite3

    copy = tmp_path / "copy"
    shutil.copytree(finished.folder, copy)
    assert_the_same(finished, copy)
    adapter = next(copy.glob("adapters/*/adapter_model.safetensors"), None)
    if adapter is not None:
        contents = bytearray(adapter.read_bytes())
        contents[-1] ^= 1
        adapter.write_bytes(contents)
    connection = sqlite3.connect(copy / "ledger.sqlite")
    connection.execute("UPDATE attempts SET trial_id = 1 WHERE trial_id = 2")
    connection.commit()
    connection.close()
    found = compare(finished.folder, copy)
    assert found.trials_doubled == 1
    assert len(found.differences) == (adapter is not None)
