"""The check that is made on a card runs on a CPU too, every stage, so that the script itself does not fail there."""

from __future__ import annotations

import importlib.util
import json
import sys

import pytest
from forked import Forked

from benchmarks.gpu_check import STAGES, main
from benchmarks.gpu_checked import Checked
from benchmarks.gpu_processes import Schedule
from benchmarks.gpu_stages import PREPARE, RUN

LIKE_OTHERS = {"speed_1.5B", "speed_8B", "speed_long"}
"""Stages that do what `speed` and `quantised_8B` do, with other numbers."""
MORE_THAN_A_STAGE = "study"
"""Studies are run by other tests; CI runs this stage too, with all others."""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_stages_pass_at_toy_size(tmp_path):
    out = tmp_path / "check.json"
    names = [name for name in STAGES if name not in {*LIKE_OTHERS, MORE_THAN_A_STAGE}]
    options = ["--tiny", "--device", "cpu", "--one-process", "--seconds", "800", "--json", str(out)]
    options += ["--only", ",".join(names)]
    # a process of its own all the same: stages change what torch shares between tests
    process = Forked(lambda: main(options))
    assert process.wait() == 0, process.errors[-2000:]
    stages = json.loads(out.read_text(encoding="utf-8"))["stages"]
    assert list(stages) == names
    assert RUN.keys() == STAGES.keys() >= PREPARE.keys()
    assert not [name for name, stage in stages.items() if not stage["passed"]]


def test_a_stage_that_fails_in_its_process_is_told_with_its_last_lines(tmp_path, monkeypatch):
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\necho 'CUDA error: no such card' >&2\nexit 1\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    out = tmp_path / "check.json"
    assert main(["--tiny", "--seconds", "100", "--json", str(out), "--only", "facts,speed"]) == 1
    stages = json.loads(out.read_text(encoding="utf-8"))["stages"]
    assert [(stage["passed"], stage["error"]) for stage in stages.values()] == 2 * [(False, "CUDA error: no such card")]


def test_without_bitsandbytes_the_quantised_stage_says_why_it_did_not_run(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    checked = Checked("cpu", tiny=True, write=lambda values: None)
    RUN["quantised"](checked)
    assert checked.values["not_run"] == "bitsandbytes is not installed"
    assert not checked.problems


def test_stages_without_time_are_left_out_and_named(tmp_path):
    out = tmp_path / "check.json"
    assert main(["--tiny", "--device", "cpu", "--seconds", "0", "--json", str(out), "--only", "facts"]) == 0
    (stage,) = json.loads(out.read_text(encoding="utf-8"))["stages"].values()
    assert stage["passed"] is None
    assert "not run" in stage["error"]


STAGE = """
import json, pathlib, sys, time
options = dict(zip(sys.argv[2::2], sys.argv[3::2]))
log = pathlib.Path(sys.argv[1])
def note(what):
    with log.open("a") as out:
        out.write(f"{what}\\n")
name = pathlib.Path(options["--json"]).parent.name
if "--turn" in options:
    turn = pathlib.Path(options["--turn"])
    (turn / "ready").touch()
    while not (turn / "go").exists():
        time.sleep(0.01)
    note(f"{name} begins")
    time.sleep(0.1)
    note(f"{name} ends")
else:
    for _ in range(500):
        note("beside")
        time.sleep(0.01)
        if log.read_text().count("ends") == 2:
            break
pathlib.Path(options["--json"]).write_text(json.dumps({"name": name}))
"""


def test_what_is_timed_runs_alone_and_the_rest_beside(tmp_path):
    log, ended = tmp_path / "log", {}
    schedule = Schedule(
        lambda name: [sys.executable, "-c", STAGE, str(log)], tmp_path, dict.fromkeys("abc", 60), 3, lambda: 300.0,
        lambda name, found: ended.update({name: found}),
    )  # fmt: skip
    schedule.run(["a", "b"], ["c"])
    assert [ended[name]["values"] for name in "abc"] == [{"name": name} for name in "abc"]
    assert all(found["passed"] for found in ended.values())
    lines = log.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line != "beside"] == ["a begins", "a ends", "b begins", "b ends"]
    assert "beside" in lines
    for name in "ab":
        at = lines.index(f"{name} begins")
        assert lines[at + 1] == f"{name} ends", "something ran beside what was timed"


def test_a_stage_that_takes_too_long_is_stopped(tmp_path):
    program = "import time; time.sleep(60)"
    ended = {}
    Schedule(
        lambda name: [sys.executable, "-c", program], tmp_path, {"a": 0.2}, 1, lambda: 300.0,
        lambda name, found: ended.update({name: found}),
    ).run([], ["a"])  # fmt: skip
    assert ended["a"]["passed"] is False
    assert ended["a"]["error"].startswith("stopped after")
