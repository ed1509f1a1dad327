"""A damaged study through the command line: named, rescued into a new folder, run on to the end of an unbroken one."""

from __future__ import annotations

import sqlite3
import subprocess
from pathlib import Path

import pytest

from benchmarks.soak import compare
from tunebook.cli.main import main as command_line
from tunebook.ledger import open_ledger
from tunebook.testing.damage import change_scores

pytestmark = [pytest.mark.timeout(600), pytest.mark.usefixtures("few_pictures")]


@pytest.fixture
def damaged(study) -> Path:
    """A copy of the finished study's folder, with the results of two trials and a finding's row changed by hand."""
    folder = study.parent / "runs" / "soak"
    change_scores(folder, 3)
    connection = sqlite3.connect(folder / "ledger.sqlite")
    connection.execute("UPDATE trials SET reason = 'x' WHERE id = 5")
    connection.execute("UPDATE findings SET verdict = 'better' WHERE position = 0")
    connection.commit()
    connection.close()
    return folder


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_damaged_study_is_rescued_and_ends_like_an_unbroken_one(finished, damaged, tmp_path, capsys, monkeypatch):
    before = bytes_of(damaged)
    new = tmp_path / "elsewhere" / "rescued"
    (tmp_path / "scipy-99.0.dist-info").mkdir()  # another version: a run would note it in a sound ledger
    (tmp_path / "scipy-99.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: scipy\nVersion: 99.0\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert command_line(["run", str(damaged.parents[1] / "study.yaml"), "--quiet"]) == 75
    said = capsys.readouterr().err
    assert "tunebook doctor --ledger" in said
    assert "Nothing is lost" not in said, "a run does not go on from a damaged ledger"
    assert command_line(["doctor", "--ledger", str(damaged)]) == 1
    assert "--rescue" in capsys.readouterr().out
    assert command_line(["doctor", "--ledger", str(damaged), "--rescue", str(new)]) == 0
    assert "trained again by the next run: trials 3, 5" in capsys.readouterr().out
    assert {name: content for name, content in bytes_of(damaged).items() if name in before} == before
    assert command_line(["doctor", "--ledger", str(new)]) == 0
    assert command_line(["run", str(new), "--quiet"]) == 0
    found = compare(finished.folder, new)
    assert (found.trials_lost, found.trials_doubled) == (0, 0)
    assert found.differences == ()
    with open_ledger(new, write=False) as ledger:
        assert "rescued" in [code for code, _ in ledger.notes()]
    capsys.readouterr()


def test_a_rescue_is_whole_or_not_there(damaged, tmp_path, capsys):
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "tmpfs", str(place), "-o"]
    if subprocess.run([*mount, "size=300k"], capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        rescue = ["doctor", "--ledger", str(damaged), "--rescue", str(place / "rescued")]
        assert command_line(rescue) == 75
        assert "Free some space" in capsys.readouterr().err
        assert list(place.iterdir()) == []
        subprocess.run([*mount, "remount,size=50m"], check=True)
        assert command_line(rescue) == 0
    finally:
        subprocess.run(["umount", "-l", str(place)], check=False)


def test_a_rescue_overwrites_nothing_and_is_refused_where_nothing_is_wrong(finished, damaged, tmp_path, capsys):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep me")
    assert command_line(["doctor", "--ledger", str(damaged), "--rescue", str(tmp_path / "mine")]) == 75
    assert "never overwrites" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]
    assert command_line(["doctor", "--ledger", str(damaged), "--rescue", str(damaged)]) == 75
    assert command_line(["doctor", "--ledger", str(finished.folder), "--rescue", str(tmp_path / "new")]) == 2
    assert "nothing to rescue" in capsys.readouterr().err
    assert command_line(["doctor", "--ledger", str(tmp_path), "--rescue", str(tmp_path / "new")]) == 2
    assert command_line(["doctor", "--rescue", str(tmp_path / "new")]) == 2
    assert not (tmp_path / "new").exists()
    capsys.readouterr()
