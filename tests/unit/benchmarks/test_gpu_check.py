"""The check that is made on a card runs on a CPU too, every stage, so that the script itself does not fail there."""

from __future__ import annotations

import json

import pytest

from benchmarks.gpu_check import STAGES, main


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_stage_passes_at_toy_size(tmp_path):
    out = tmp_path / "check.json"
    assert main(["--tiny", "--device", "cpu", "--seconds", "800", "--json", str(out)]) == 0
    stages = json.loads(out.read_text(encoding="utf-8"))["stages"]
    assert stages.keys() == set(STAGES)
    assert {name for name, stage in stages.items() if stage["passed"] is None} <= {"quantised"}


def test_stages_without_time_are_left_out_and_named(tmp_path):
    out = tmp_path / "check.json"
    assert main(["--tiny", "--device", "cpu", "--seconds", "0", "--json", str(out), "--only", "facts"]) == 0
    (stage,) = json.loads(out.read_text(encoding="utf-8"))["stages"].values()
    assert stage["passed"] is None
    assert "not run" in stage["error"]
