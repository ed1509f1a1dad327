"""No room: on a real file system of a few hundred kilobytes, and under a limit of the file size."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from ledger_driver import drive, fingerprint, in_child

from tunebook.errors import DiskFull
from tunebook.ledger import examine, open_ledger


@pytest.fixture(scope="module")
def expected(tmp_path_factory) -> str:
    with open_ledger(tmp_path_factory.mktemp("unbroken"), write=True) as ledger:
        drive(ledger)
        return fingerprint(ledger.history())


@pytest.fixture
def small_disk(tmp_path):
    """A file system with room for so many kilobytes; grown by calling it again."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = []

    def size(kilobytes: int) -> Path:
        options = f"size={kilobytes}k" if not mounted else f"remount,size={kilobytes}k"
        answer = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], capture_output=True, text=True, check=False
        )
        if answer.returncode:
            pytest.skip(f"no file system can be mounted here: {answer.stderr.strip()}")
        mounted.append(place)
        return place

    yield size
    if mounted:
        subprocess.run(["umount", "-l", str(place)], check=False)


def fill(folder: Path) -> None:
    """Run the study, which may still fit, then write until there is no room."""
    with open_ledger(folder, write=True) as ledger:
        drive(ledger)
        for number in range(10_000):
            ledger.note("filler", {"n": number, "text": "x" * 2000})


@pytest.mark.parametrize("kilobytes", [64, 160, 220, 300, 420, 560])
def test_a_full_disk_is_named_and_the_study_goes_on_when_there_is_room(small_disk, kilobytes, expected):
    place = small_disk(kilobytes)
    folder = place / "study"
    with pytest.raises(DiskFull, match="Free some space"):
        fill(folder)
    small_disk(50_000)
    if (folder / "ledger.sqlite").exists():
        assert not any(problem.level == "missing" for problem in examine(folder).problems)
    with open_ledger(folder, write=True) as ledger:
        drive(ledger)
        assert fingerprint(ledger.history()) == expected


@pytest.mark.parametrize("closed", [True, False])
def test_a_full_disk_keeps_nobody_from_reading(small_disk, closed):
    """A reader's index of the log finds no place beside the ledger, so a copy is read."""
    place = small_disk(20_000)
    folder = place / "study"

    def left() -> None:
        ledger = open_ledger(folder, write=True)
        drive(ledger)
        if closed:
            ledger.close()
        os._exit(0)

    assert in_child(left) == 0
    (folder / "ledger.sqlite-shm").unlink(missing_ok=True)
    room = os.statvfs(place)
    (place / "filler").write_bytes(bytes(room.f_bavail * room.f_frsize))
    with open_ledger(folder, write=False) as ledger:
        read = fingerprint(ledger.history())
    report = examine(folder)
    assert report.summary.startswith("The ledger is sound")
    (place / "filler").unlink()
    with open_ledger(folder, write=True) as ledger:
        assert fingerprint(ledger.history()) == read


def test_a_file_that_may_not_grow_is_the_same(tmp_path, expected):
    """RLIMIT_FSIZE: the write fails in the middle of the log. Works without the right to mount."""

    def limited() -> None:
        import resource
        import signal

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        with open_ledger(tmp_path, write=True) as ledger:
            drive(ledger)
            resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
            try:
                for number in range(10_000):
                    ledger.note("filler", {"n": number, "text": "x" * 2000})
            except OSError as error:
                os._exit(17 if isinstance(error, DiskFull) else 18)
            except BaseException as error:
                print(repr(error), file=sys.stderr)
                os._exit(19)

    assert in_child(limited) == 17
    with open_ledger(tmp_path, write=True) as ledger:
        assert fingerprint(ledger.history()) == expected
        numbers = [values["n"] for code, values in ledger.notes() if code == "filler"]
        assert numbers == list(range(len(numbers)))
