"""Stages of a check in processes of their own: what is timed runs alone, the rest side by side.

A timed stage compiles first, says that it is ready, and waits for its turn. What runs beside others begins while these
compile, is paused while something is timed, and goes on after that.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["NOT_RUN", "SHORTEST_SECONDS", "Schedule", "entry", "wait_for_turn"]

LONGEST = 1.5
"""A stage may take so many times its seconds while time is left."""
WARM_SECONDS = 100.0
"""How long the timed stages may compile before the first one measures."""
KEPT_SECONDS = 90.0
"""Of all the time so much is kept for the stages that run side by side."""
SHORTEST_SECONDS = 10.0
LAST_LINES = 20
NOT_RUN = {"seconds": 0.0, "passed": None, "values": {}, "error": "not run: the time was over"}
_LOOK_SECONDS = 0.05


def entry(seconds: float, passed: bool, values: dict[str, Any], error: str | None) -> dict[str, Any]:
    """What the file says of a stage; one that noted `not_run` has neither passed nor failed."""
    said = None if passed and values.get("not_run") else passed
    return {"seconds": round(seconds, 1), "passed": said, "values": values, "error": error}


def wait_for_turn(folder: Path) -> None:
    """In a stage's process: everything is compiled; returns when it may measure."""
    check = os.getppid()
    (folder / "ready").touch()
    while not (folder / "go").exists():
        if os.getppid() != check:
            sys.exit("the check is gone")
        time.sleep(_LOOK_SECONDS)


class _Process:
    """A stage in a process group of its own. It writes values.json into its folder.

    Args:
        command: without the folder.
        folder: of its own, not there yet.
        waits: it compiles, then waits for `go`.
    """

    def __init__(self, name: str, command: Sequence[str], folder: Path, waits: bool) -> None:
        self.name, self._folder = name, folder
        folder.mkdir()
        more = ["--json", str(folder / "values.json"), *(["--turn", str(folder)] if waits else [])]
        with (folder / "errors").open("wb") as errors:
            self._process = subprocess.Popen(
                [*command, *more], stdout=subprocess.DEVNULL, stderr=errors, start_new_session=True
            )
        self._seconds, self._since = 0.0, None if waits else time.monotonic()
        self._stopped_after: float | None = None

    @property
    def seconds(self) -> float:
        """For how long it has run: without compiling before its turn, and without pauses."""
        return self._seconds + (0.0 if self._since is None else time.monotonic() - self._since)

    @property
    def is_ready(self) -> bool:
        return self.is_over or (self._folder / "ready").exists()

    @property
    def is_over(self) -> bool:
        return self._process.poll() is not None

    def go(self) -> None:
        self._since = time.monotonic()
        (self._folder / "go").touch()

    def pause(self) -> None:
        self._seconds, self._since = self.seconds, None
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._since = time.monotonic()
        self._signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it if it runs, with everything that it has started."""
        if not self.is_over:
            self._stopped_after = self.seconds
            self._signal(signal.SIGKILL)
            self._process.wait()

    def entry(self) -> dict[str, Any]:
        """What the file says of it once it is over."""
        out, passed = self._folder / "values.json", self._process.returncode == 0
        values = json.loads(out.read_text(encoding="utf-8")) if out.exists() else {}
        lines = (self._folder / "errors").read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_LINES:]
        if self._stopped_after is not None:
            lines.append(f"stopped after {self._stopped_after:.0f} s")
        return entry(self.seconds, passed, values, None if passed else "\n".join(lines))

    def _signal(self, number: int) -> None:
        if not self.is_over:
            os.killpg(self._process.pid, number)


class Schedule:
    """Runs stages until they are done or the time is over.

    Args:
        commands: how each stage is started.
        folder: for files of the stages.
        limits: seconds that each stage is given.
        most: so many processes at a time.
        left: seconds that are left of all.
        ended: is told of each stage that is over.
    """

    def __init__(
        self, commands: Callable[[str], Sequence[str]], folder: Path, limits: Mapping[str, float], most: int,
        left: Callable[[], float], ended: Callable[[str, dict[str, Any]], None],
    ) -> None:  # fmt: skip
        self._commands, self._folder, self._limits, self._most = commands, folder, limits, most
        self._left, self._ended = left, ended
        self._running: list[_Process] = []

    def run(self, timed: Sequence[str], others: Sequence[str]) -> None:
        """Timed stages one after another, then the others side by side."""
        kept = KEPT_SECONDS if others and timed else 0.0
        to_time, to_run = list(timed), list(others)
        try:
            waiting = self._started(to_time, self._most, True)
            beside = self._started(to_run, self._most - len(waiting) if self._most > 1 and waiting else 0, False)
            while waiting:
                self._warm_up(waiting if len(waiting) == self._most or not to_time else waiting[:1])
                for one in beside:
                    one.pause()
                self._alone(waiting.pop(0), kept)
                for one in beside:
                    one.go_on()
                waiting += self._started(to_time, 1, True)
            self._not_run(to_time)
            while beside or to_run:
                beside += self._started(to_run, self._most - len(beside), False)
                if self._left() < SHORTEST_SECONDS:
                    self._not_run(to_run)
                beside = self._still_running(beside)
                time.sleep(_LOOK_SECONDS)
        finally:
            for one in self._running:
                one.stop()

    def _started(self, names: list[str], most: int, wait: bool) -> list[_Process]:
        """Start the first of some stages, as long as time is left; they are taken off the list."""
        started = []
        while names and len(started) < most and self._left() >= SHORTEST_SECONDS:
            name = names.pop(0)
            started.append(_Process(name, self._commands(name), self._folder / name, wait))
        self._running += started
        return started

    def _not_run(self, names: list[str]) -> None:
        for name in names:
            self._ended(name, dict(NOT_RUN))
        names.clear()

    def _warm_up(self, waiting: Sequence[_Process]) -> None:
        """Until all have compiled, or have had their time."""
        until = time.monotonic() + min(WARM_SECONDS, self._left() / 3)
        while time.monotonic() < until and not all(one.is_ready for one in waiting):
            time.sleep(_LOOK_SECONDS)

    def _alone(self, one: _Process, kept: float) -> None:
        """Measure; `kept` seconds are left to others."""
        one.go()
        while not one.is_over and self._left() > kept and one.seconds < self._limits[one.name] * LONGEST:
            time.sleep(_LOOK_SECONDS)
        one.stop()
        self._ended(one.name, one.entry())

    def _still_running(self, some: list[_Process]) -> list[_Process]:
        for one in some:
            if self._left() < 1 or one.seconds > self._limits[one.name] * LONGEST:
                one.stop()
            if one.is_over:
                self._ended(one.name, one.entry())
        return [one for one in some if not one.is_over]
