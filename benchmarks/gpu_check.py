"""One command that shows on a card what the packed engine does there: right, deterministic, fast, within memory.

    python -m benchmarks.gpu_check --seconds 460 --json FILE [--device cuda:0] [--only equality,speed] [--tiny]

Needs torch, transformers, peft, numpy and safetensors, and bitsandbytes for quantised bases; nothing is downloaded:
models have true shapes and random weights. Each stage runs in a process of its own, so that a fault of the card does
not take the others with it, and the file is written anew whenever one ends.

Most of the time of a new machine goes into compiling kernels. So the stages that are timed compile side by side, wait,
and then measure one after another on a quiet machine; the others run side by side, before (paused while something is
timed) and after that, as many as the card has memory for. Where the time is over, what is left is named, and `--only`
does it in a second run, for which most kernels are on disk.

`--tiny --device cpu` runs every stage at toy size in less than two minutes; with `--one-process`, where no card can
fail, in half of that.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.gpu_processes import NOT_RUN, SHORTEST_SECONDS, Schedule, entry, wait_for_turn

__all__ = ["STAGES", "main"]

TIMED = {"speed": 55, "speed_1.5B": 40, "speed_8B": 45, "quantised_8B": 45, "speed_long": 35}
"""Stages that measure speed, in order of worth, with the seconds that each is given once its kernels are compiled."""
BESIDE = {
    "equality": 130, "determinism": 75, "memory": 90, "two_waves": 60, "kill_and_resume": 60, "quantised": 60,
    "study": 90, "scoring": 40, "out_of_memory": 40,
}  # fmt: skip
"""Stages that may run side by side, in order of worth, with the seconds that each takes about."""
STAGES = {"facts": 20, **TIMED, **BESIDE}
GB_EACH = 16
"""Memory of a card for each process that runs beside others."""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=460, help="of all stages together")
    parser.add_argument("--json", type=Path, default=Path("gpu_check.json"))
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--only", default=",".join(STAGES), help="stages, with commas between")
    parser.add_argument("--tiny", action="store_true", help="toy sizes")
    parser.add_argument("--one-process", action="store_true", help="no process of its own for each stage: faster")
    parser.add_argument("--stage", help=argparse.SUPPRESS)
    parser.add_argument("--turn", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.stage:
        return _run_stage(options)
    names = options.only.split(",")
    if unknown := set(names) - set(STAGES):
        parser.error(f"--only: got {', '.join(sorted(unknown))}; stages are {', '.join(STAGES)}")
    report: dict[str, Any] = {"versions": _versions(), "commit": _commit(), "device": options.device, "stages": {}}
    ends = time.monotonic() + options.seconds

    def left() -> float:
        return ends - time.monotonic()

    def ended(name: str, found: dict[str, Any]) -> None:
        report["stages"][name] = found
        _write(options.json, report)
        print(_line(name, found), flush=True)

    if options.one_process:
        for name in names:
            ended(name, _in_this_process(name, options) if left() >= SHORTEST_SECONDS else dict(NOT_RUN))
    else:
        with tempfile.TemporaryDirectory(prefix="gpu-check-") as folder:

            def run(most: int, timed: Sequence[str], others: Sequence[str]) -> None:
                Schedule(lambda name: _command(name, options), Path(folder), STAGES, most, left, ended).run(
                    [name for name in timed if name in names], [name for name in others if name in names]
                )

            run(1, (), ("facts",))
            run(_side_by_side(report, options), tuple(TIMED), tuple(BESIDE))
    print(_verdict(report))
    return int(any(stage["passed"] is False for stage in report["stages"].values()))


def _side_by_side(report: dict[str, Any], options: argparse.Namespace) -> int:
    """How many processes have room beside each other, as far as `facts` has found what the card has."""
    processors = os.cpu_count() or 1
    if options.device == "cpu":
        return processors
    memory = report["stages"].get("facts", {"values": {}})["values"].get("memory_gb", {"total": 0})
    return max(1, min(processors // 2, int(memory["total"]) // GB_EACH))


def _command(name: str, options: argparse.Namespace) -> list[str]:
    command = [sys.executable, "-m", "benchmarks.gpu_check", "--stage", name, "--device", options.device]
    return [*command, *(["--tiny"] if options.tiny else [])]


def _in_this_process(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Run a stage here; gives its entry in the file. A fault of the stage ends the whole check."""
    from benchmarks.gpu_stages import RUN, Checked

    began = time.monotonic()
    checked = Checked(options.device, options.tiny, lambda values: None)
    RUN[name](checked)
    problems = "\n".join(checked.problems) or None
    return entry(time.monotonic() - began, not problems, json.loads(json.dumps(checked.values)), problems)


def _run_stage(options: argparse.Namespace) -> int:
    """In the child: run one stage; values are written as they come, so that a fault leaves those before it."""
    from benchmarks.gpu_stages import PREPARE, RUN, Checked

    if options.turn is not None:
        if options.stage in PREPARE:
            PREPARE[options.stage](Checked(options.device, options.tiny, lambda values: None))
        wait_for_turn(options.turn)
    checked = Checked(options.device, options.tiny, lambda values: _write(options.json, values))
    RUN[options.stage](checked)
    for problem in checked.problems:
        print(problem, file=sys.stderr)
    return int(bool(checked.problems))


def _write(path: Path, values: dict[str, Any]) -> None:
    scratch = path.with_suffix(".writing")
    scratch.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
    scratch.replace(path)


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in ("torch", "transformers", "peft", "accelerate", "triton", "bitsandbytes", "numpy"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def _commit() -> str:
    try:
        done = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, cwd=Path(__file__).parent)
    except OSError:
        return "unknown"
    return done.stdout.strip() or "unknown"


def _line(name: str, stage: dict[str, Any]) -> str:
    said = {True: "passed", False: "FAILED", None: "not run"}[stage["passed"]]
    return f"{name:16} {said:8} {stage['seconds']:6.1f} s"


def _verdict(report: dict[str, Any]) -> str:
    lines = ["", f"device {report['device']}, commit {report['commit'][:12]}, torch {report['versions']['torch']}"]
    for name, stage in report["stages"].items():
        lines.append(_line(name, stage))
        if stage["error"]:
            lines.append(f"    {stage['error'].splitlines()[-1] if stage['error'].strip() else 'no message'}")
        for key, value in stage["values"].get("summary", {}).items():
            lines.append(f"    {key}: {value}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
