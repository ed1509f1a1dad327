"""Measures this machine in a process of its own, so that the runner keeps no model in memory.

A plain child process rather than `multiprocessing`, which would run the user's own script again.
"""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from dataclasses import asdict
from importlib import import_module

from tunebook.core.ports import Calibration, Engine, EngineOptions, Workload
from tunebook.errors import ModelError, TrialFailed

__all__ = ["calibrate_apart", "make_engine"]

TIMEOUT_SECONDS = 300
_MARK = "calibration:"


def make_engine(factory: str, options: EngineOptions) -> Engine:
    """The engine that "module:class" names."""
    module, _, name = factory.partition(":")
    made: Engine = getattr(import_module(module), name)(options)
    return made


def calibrate_apart(factory: str, options: EngineOptions, workload: Workload) -> Calibration:
    """The engine's calibration, measured in a child process.

    Raises: ModelError: the model cannot be used. TrialFailed: the measurement itself failed, with its last line.
    """
    command = [sys.executable, "-P", "-c", "from tunebook.run.calibrating import main; main()"]
    try:
        found = subprocess.run(
            command,
            input=pickle.dumps((factory, options, workload)),
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise TrialFailed(f"the measurement of this machine took more than {TIMEOUT_SECONDS} s: it is busy") from error
    lines = found.stdout.decode(errors="replace").splitlines()
    result = next((line.removeprefix(_MARK) for line in lines if line.startswith(_MARK)), None)
    if result is None:
        last = (found.stderr.decode(errors="replace").strip().splitlines() or ["no message"])[-1]
        raise TrialFailed(f"the measurement of this machine ended with exit code {found.returncode}: {last}")
    values = json.loads(result)
    if "error" in values:
        raise ModelError(values["error"])
    return Calibration(**values)


def main() -> None:
    """The child: work from standard input, result to standard output."""
    factory, options, workload = pickle.load(sys.stdin.buffer)
    try:
        values = asdict(make_engine(factory, options).calibrate(workload))
    except ModelError as error:
        values = {"error": str(error)}
    print(_MARK + json.dumps(values))
