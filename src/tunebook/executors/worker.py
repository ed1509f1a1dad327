"""A worker process: makes one engine on one device, trains what it is given, and reports through its pipe.

It ends when its pipe ends, so that it never outlives the runner. It ignores Ctrl-C, which the runner handles.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from tunebook.core.events import EngineEvent, PartScored, Progress
from tunebook.core.ports import Engine, EngineOptions, SinkWrapper, TrialJob, Workload
from tunebook.executors.channel import Receiver, Sender
from tunebook.executors.faults import death_by_exception, stops_the_study
from tunebook.executors.references import resolve, wrapped

__all__ = ["Assignment", "main"]

_T = TypeVar("_T")

_PROGRESS_SECONDS = 1.0


@dataclass(frozen=True)
class Assignment:
    """What a worker is told once, when it starts.

    Attributes:
        factory: "module:function", called with `options`; gives the engine.
        transform: wraps the sink in the worker.
    """

    factory: str
    options: EngineOptions
    workload: Workload
    transform: SinkWrapper | None = None


class _Connection:
    """The connection to the runner; source and sink of the engine."""

    def __init__(self, sender: Sender, receiver: Receiver) -> None:
        self._sender = sender
        self._receiver = receiver
        self._stopping = threading.Event()
        self._cancelled: frozenset[int] = frozenset()
        self._jobs: queue.SimpleQueue[list[TrialJob]] = queue.SimpleQueue()
        self._nothing_waits = False
        self._none_ahead = False
        self._asks_ahead = False
        self._has_room = False
        self._answers: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._parts: queue.SimpleQueue[PartScored] = queue.SimpleQueue()
        self._to_score: queue.SimpleQueue[TrialJob] = queue.SimpleQueue()
        self._told: dict[int, tuple[str, float]] = {}
        self.orders: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()

    def listen(self) -> None:
        """Take the runner's messages until its end of the pipe closes; then end everything started from here."""
        try:
            while True:
                kind, value = self._receiver.receive()
                if kind == "jobs":
                    self._nothing_waits = all(job.ahead for job in value)
                    self._none_ahead = self._none_ahead or (self._asks_ahead and not value)
                    self._jobs.put(value)
                elif kind == "more":
                    self._nothing_waits = False
                elif kind == "score":
                    self._to_score.put(value)
                elif kind == "divided":
                    self._answers.put(value)
                elif kind == "part":
                    self._parts.put(value)
                elif kind == "stop":
                    self._stopping.set()
                elif kind == "cancel":
                    self._cancelled |= {value}
                else:
                    self._nothing_waits = self._none_ahead = self._has_room = False
                    if kind == "run":
                        self._stopping.clear()  # it may have been asked to leave what it trained ahead
                        _drained(self._to_score)  # parts that came when it had just ended its run
                    self.orders.put((kind, value))
        except (EOFError, OSError):
            _end_group()

    def tell(self, kind: str, value: Any = None) -> None:
        try:
            self._sender.send((kind, value))
        except OSError:
            _end_group()

    def take(self, n: int, ahead: int = 0, has_room: bool = False) -> Sequence[TrialJob]:
        ahead = 0 if self._none_ahead else ahead
        jobs: Sequence[TrialJob] = ()
        if not self.should_stop() and (ahead or (n and not self._nothing_waits)):  # else a round trip at every step
            self._asks_ahead = ahead > 0
            self.tell("take", (n, ahead))
            jobs = self._jobs.get()
        self._tell_room(has_room and all(job.ahead for job in jobs))
        return [*_drained(self._to_score), *jobs]

    def _tell_room(self, has_room: bool) -> None:
        """Tell when it changes whether another worker's scoring would find room here."""
        if has_room != self._has_room:
            self._has_room = has_room
            self.tell("room", has_room)

    def divide(self, trial_id: int, most: int, rows: int) -> int:
        if self.should_stop():
            return 1
        self.tell("divide", (trial_id, most, rows))
        return self._answers.get()

    def parts(self) -> list[PartScored]:
        return _drained(self._parts)

    def emit(self, event: EngineEvent) -> None:
        if not isinstance(event, Progress) or self._is_due(event):
            self.tell("event", event)

    def _is_due(self, event: Progress) -> bool:
        """One progress event a second is enough for a trial."""
        phase, at = self._told.get(event.trial, ("", 0.0))
        now = time.monotonic()
        if event.phase == phase and now - at < _PROGRESS_SECONDS:
            return False
        self._told[event.trial] = (event.phase, now)
        return True

    def should_stop(self) -> bool:
        return self._stopping.is_set()

    def is_cancelled(self, trial_id: int) -> bool:
        return trial_id in self._cancelled


def main() -> None:
    """Entry point of the process. Standard output is the pipe; what libraries print goes to standard error."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sender = Sender(os.fdopen(os.dup(1), "wb"))
    receiver = Receiver(os.fdopen(os.dup(0), "rb"))
    os.dup2(2, 1)
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    assignment: Assignment = receiver.receive()
    for package in assignment.options.unused:
        sys.modules.setdefault(package, None)  # type: ignore[arg-type]  # neither imported nor found any more
    line = _Connection(sender, receiver)
    threading.Thread(target=line.listen, daemon=True).start()
    try:
        engine = resolve(assignment.factory)(assignment.options)
        _serve(line, engine, assignment)
    except Exception as error:  # told to the runner, which decides; this process is not used again
        line.tell("raised", stops_the_study(error) or death_by_exception(error))
        sys.exit(1)


def _serve(line: _Connection, engine: Engine, assignment: Assignment) -> None:
    workload, sink = assignment.workload, wrapped(line, assignment.transform)
    line.tell("ready")
    while True:
        match line.orders.get():
            case ("exit", _):
                return
            case ("calibrate", _):
                line.tell("calibration", engine.calibrate(workload))
            case ("use", (workload, transform)):
                sink = wrapped(line, transform)
            case ("run", _):
                engine.run(line, workload, sink)
                line.tell("idle")


def _drained(waiting: queue.SimpleQueue[_T]) -> list[_T]:
    """What is in a queue now."""
    found = []
    with suppress(queue.Empty):
        while True:
            found.append(waiting.get_nowait())
    return found


def _end_group() -> None:
    """End this process and everything it started at once; the runner is gone."""
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os._exit(1)
