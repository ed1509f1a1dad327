"""What a study leaves behind and opens while it runs: no pickle, no secret, no listening socket, no stray path."""

from __future__ import annotations

import os
import pickletools
import sqlite3
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from benchmarks.soak import Child, make_simulated_study

pytestmark = [pytest.mark.timeout(600), pytest.mark.usefixtures("few_pictures")]
SECRET = "correct-horse-battery"
"""The hub's token while `trained` was made."""


def is_pickle(data: bytes) -> bool:
    """Whether the bytes are a whole pickle of protocol 2 or newer, as every library writes them."""
    if not data.startswith(b"\x80"):
        return False
    try:
        return any(opcode.name == "STOP" for opcode, _, _ in pickletools.genops(data))
    except ValueError:
        return False


def cells(file: Path) -> list[object]:
    with closing(sqlite3.connect(file)) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return [cell for table in tables for row in connection.execute(f'SELECT * FROM "{table}"') for cell in row]


@pytest.mark.slow
def test_a_study_that_really_trained_leaves_no_pickle_and_no_secret(trained):
    import pickle

    assert is_pickle(pickle.dumps({"a": 1}))
    files = [path for path in trained.file.parent.rglob("*") if path.is_file()]
    assert {".safetensors", ".sqlite", ".html", ".json"} <= {path.suffix for path in files}
    for path in files:
        data = path.read_bytes()
        assert not is_pickle(data), path
        assert SECRET.encode() not in data, path
    blobs = [cell for cell in cells(trained.folder / "ledger.sqlite") if isinstance(cell, bytes)]
    assert not [blob for blob in blobs if is_pickle(blob)]


def test_a_running_study_listens_nowhere(tmp_path):
    before = set(tmp_path.parent.iterdir())
    child = Child(make_simulated_study(tmp_path, 10), tmp_path / "out.log")
    looks, code = 0, None
    while code is None:
        try:
            family = [psutil.Process(child.pid), *psutil.Process(child.pid).children(recursive=True)]
            opened = [c for process in family for c in process.net_connections()]
        except psutil.Error:  # it has just ended
            opened = []
        assert [c for c in opened if c.status == psutil.CONN_LISTEN] == []
        looks += 1
        code = child.wait(0.05)
    assert code == 0
    assert looks > 5
    assert {path.name for path in tmp_path.iterdir()} == {
        "study.yaml", "train.jsonl", "validation.jsonl", "test.jsonl", "out.log", "runs",
    }  # fmt: skip
    assert os.listdir(tmp_path / "runs") == ["soak"]
    assert set(tmp_path.parent.iterdir()) == before
