"""Asked again and again, as `status --watch` does, status reads and computes only what has changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.run.test_whole_simulated_study import StopAfter, write_study
from tunebook import Study
from tunebook.errors import Interrupted
from tunebook.ledger import blob, rows
from tunebook.run import reading


def test_status_asked_again_reads_and_judges_what_has_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write_study(tmp_path)
    with pytest.raises(Interrupted):
        Study.load(file).run(StopAfter(3))
    unpacked: list[int] = []
    judged: list[int] = []
    conclude = reading.conclude
    monkeypatch.setattr(rows, "unpack", lambda value: (unpacked.append(1), blob.unpack(value))[1])
    monkeypatch.setattr(reading, "conclude", lambda *given: (judged.append(1), conclude(*given))[1])
    watched = Study.load(file)
    first = watched.status()
    assert (len(unpacked), len(judged)) == (3, 1)
    assert watched.status() == first
    assert (len(unpacked), len(judged)) == (3, 1)
    with pytest.raises(Interrupted):
        Study.load(file).run(StopAfter(2))
    unpacked.clear(), judged.clear()
    again = watched.status()
    assert (len(unpacked), len(judged)) == (2, 1)
    assert again == Study.load(file).status() != first
