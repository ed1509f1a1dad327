"""Runs an external program without a shell, in a session of its own, with limits on its time and its output.

A small supervisor process starts the program. When tunebook ends, so does the supervisor's pipe, and it then ends the
program and everything that it started; on Linux it adopts orphaned children, so that even a daemon is found and ended.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunebook.core.ports import SECRET_VARIABLES
from tunebook.core.study import CommandLimits
from tunebook.engines import supervisor as supervisor_script
from tunebook.escaping import without_control_sequences

__all__ = ["Ended", "ProcessLimits", "run_program"]

_TICK_SECONDS = 0.2
_ALIVE_SECONDS = 2.0
_TAIL_BYTES = 4000
_LAST_LINES = 5


@dataclass(frozen=True)
class ProcessLimits:
    """How much a program may take; the study file's `command_limits`.

    Attributes:
        time_seconds: then it is ended and the trial fails. Its progress cannot be watched, so this is the only limit.
        output_bytes: what is kept of its output, in a file; the rest is dropped, the last lines are kept in any case.
    """

    time_seconds: float = 3600 * CommandLimits.hours
    output_bytes: int = int(1e6 * CommandLimits.output_megabytes)

    @classmethod
    def from_extra(cls, extra: Mapping[str, Any]) -> ProcessLimits:
        """From `EngineOptions.extra`; what is not given takes the default."""
        return cls(
            float(extra.get("time_limit_seconds", cls.time_seconds)),
            int(extra.get("output_limit_bytes", cls.output_bytes)),
        )


@dataclass(frozen=True)
class Ended:
    """How a program ended.

    Attributes:
        problem: why its result cannot be used, as a sentence; None: it ended with code 0.
        stopped: it was ended because `should_stop` said so.
        tail: its last lines.
        peak_bytes: most memory that it and its children held at once, as sampled; 0 where unknown.
    """

    problem: str | None
    stopped: bool
    tail: str
    peak_bytes: int = 0

    @property
    def tail_clause(self) -> str:
        """The last lines as the end of a message."""
        return f"; its last lines: {self.tail}" if self.tail else "; it printed nothing"


def run_program(
    arguments: list[str],
    folder: Path,
    limits: ProcessLimits,
    alive: Callable[[float], None],
    should_stop: Callable[[], bool],
) -> Ended:
    """Run a program in the current folder until it ends, its time is over, or the study stops.

    Args:
        folder: where its output is kept, as `output.log`.
        alive: called every two seconds with the share of the time limit that is gone.
    """
    log = folder / "output.log"
    supervisor = subprocess.Popen(
        [sys.executable, "-P", supervisor_script.__file__, str(log), str(limits.output_bytes), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={name: value for name, value in os.environ.items() if name not in SECRET_VARIABLES},
        start_new_session=True,
    )
    started, told, problem, stopped = time.monotonic(), 0.0, None, False
    while supervisor.poll() is None:
        passed = time.monotonic() - started
        if passed > limits.time_seconds:
            problem = f"the program was ended after {limits.time_seconds:.0f} seconds, its time limit"
        stopped = should_stop()
        if problem or stopped:
            break
        if passed - told >= _ALIVE_SECONDS:
            told = passed
            alive(passed / limits.time_seconds)
        with suppress(subprocess.TimeoutExpired):
            supervisor.wait(_TICK_SECONDS)
    assert supervisor.stdin is not None
    assert supervisor.stdout is not None
    supervisor.stdin.close()  # tells the supervisor to end everything
    verdict = supervisor.stdout.read().decode(errors="replace").split()
    supervisor.wait()
    supervisor.stdout.close()
    return _ended(verdict, problem, stopped, arguments[0], log)


def _ended(verdict: list[str], problem: str | None, stopped: bool, program: str, log: Path) -> Ended:
    word = verdict[0] if verdict else "lost"
    peak_bytes = int(verdict[1]) if len(verdict) > 1 else 0
    if problem is None and not stopped and word != "0":
        problem = _problem(word, program)
    return Ended(problem, stopped, _last_lines(log), peak_bytes)


def _problem(word: str, program: str) -> str:
    if word == "missing":
        return f"{program}: there is no such program, or it may not be started"
    if word == "lost":
        return "the program's supervisor was killed"
    if word.startswith("-"):
        return f"the program was killed by signal {word[1:]}"
    return f"the program ended with code {word}; 0 is success"


def _last_lines(log: Path) -> str:
    try:
        with log.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - _TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    plain = without_control_sequences(text)
    lines = [line.strip() for line in plain.splitlines() if line.strip()]
    return " | ".join(lines[-_LAST_LINES:])[-_TAIL_BYTES // 4 :]
