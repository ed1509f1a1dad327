"""One command that shows on a card what the packed engine does there: right, deterministic, fast, within memory.

    python -m benchmarks.gpu_check --seconds 460 --json FILE [--device cuda:0] [--only equality,speed] [--tiny]

Needs torch, transformers, peft, numpy and safetensors alone; nothing is downloaded: models have true shapes and random
weights. Each stage runs in a process of its own, so that a fault of the card does not take the others with it, and the
file is written anew after each. `--tiny --device cpu` runs every stage at toy size in about a minute; with
`--one-process`, where no card can fail, in half of that.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

__all__ = ["STAGES", "main"]

STAGES = {
    "facts": 15, "speed": 90, "equality": 130, "speed_1.5B": 90, "memory": 90, "determinism": 75, "speed_8B": 80,
    "out_of_memory": 40, "scoring": 40, "kill_and_resume": 60, "quantised": 40,
}  # fmt: skip
"""Stages in order of worth, with the seconds that each is given. On a new machine most of these go into compiling
kernels, and not all stages fit into eight minutes: a second run with `--only` does the rest."""
LONGEST = 1.5
"""A stage may take so many times its seconds while time is left."""
SHORTEST_SECONDS = 10.0
LAST_LINES = 20
NOT_RUN = {"seconds": 0.0, "passed": None, "values": {}, "error": "not run: the time was over"}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=460, help="of all stages together")
    parser.add_argument("--json", type=Path, default=Path("gpu_check.json"))
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--only", default=",".join(STAGES), help="stages, in this order, with commas between")
    parser.add_argument("--tiny", action="store_true", help="toy sizes")
    parser.add_argument("--one-process", action="store_true", help="no process of its own for each stage: faster")
    parser.add_argument("--stage", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.stage:
        return _run_stage(options)
    names = options.only.split(",")
    if unknown := set(names) - set(STAGES):
        parser.error(f"--only: got {', '.join(sorted(unknown))}; stages are {', '.join(STAGES)}")
    report: dict[str, Any] = {"versions": _versions(), "commit": _commit(), "device": options.device, "stages": {}}
    ends = time.monotonic() + options.seconds
    for name in names:
        run = _in_this_process if options.one_process else _in_a_process
        report["stages"][name] = run(name, options, ends - time.monotonic())
        _write(options.json, report)
        print(_line(name, report["stages"][name]), flush=True)
    print(_verdict(report))
    return int(any(stage["passed"] is False for stage in report["stages"].values()))


def _in_this_process(name: str, options: argparse.Namespace, left: float) -> dict[str, Any]:
    """Run a stage here; gives its entry in the file. A fault of the stage ends the whole check."""
    from benchmarks.gpu_stages import RUN, Checked

    began = time.monotonic()
    if left < SHORTEST_SECONDS:
        return dict(NOT_RUN)
    checked = Checked(options.device, options.tiny, lambda values: None)
    RUN[name](checked)
    problems = "\n".join(checked.problems) or None
    return _entry(began, not problems, json.loads(json.dumps(checked.values)), problems)


def _in_a_process(name: str, options: argparse.Namespace, left: float) -> dict[str, Any]:
    """Run a stage in a child process; gives its entry in the file."""
    began = time.monotonic()
    if left < SHORTEST_SECONDS:
        return dict(NOT_RUN)
    with tempfile.TemporaryDirectory(prefix="gpu-check-") as folder:
        out = Path(folder) / "values.json"
        command = [sys.executable, "-m", "benchmarks.gpu_check", "--stage", name, "--device", options.device]
        command += ["--json", str(out), *(["--tiny"] if options.tiny else [])]
        limit = min(left, LONGEST * STAGES[name] if not options.tiny else left)
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=limit)
            tail, code = done.stderr, done.returncode
        except subprocess.TimeoutExpired as late:
            said = late.stderr or b""
            tail = f"{said.decode(errors='replace') if isinstance(said, bytes) else said}\nstopped after {limit:.0f} s"
            code = 1
        values = json.loads(out.read_text(encoding="utf-8")) if out.exists() else {}
    return _entry(began, code == 0, values, "\n".join(str(tail).splitlines()[-LAST_LINES:]) if code != 0 else None)


def _entry(began: float, passed: bool, values: dict[str, Any], error: str | None) -> dict[str, Any]:
    seconds = round(time.monotonic() - began, 1)
    said = None if passed and values.get("not_run") else passed
    return {"seconds": seconds, "passed": said, "values": values, "error": error}


def _run_stage(options: argparse.Namespace) -> int:
    """In the child: run one stage; values are written as they come, so that a fault leaves those before it."""
    from benchmarks.gpu_stages import RUN, Checked

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
    return "\n".join(lines[:60])


if __name__ == "__main__":
    sys.exit(main())
