"""A worker process: builds one engine on one device, trains what it is given, and reports through its pipe.

It ends when its pipe ends, so that nothing outlives the runner. Ctrl-C is the runner's business and ignored here.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tunebook.core.facts import EvaluationRecord, StepRecord
from tunebook.core.ports import Engine, EngineOptions, RawTrial, SinkWrapper, TrialJob, Workload
from tunebook.executors.channel import Receiver, Sender
from tunebook.executors.faults import death_by_exception, stops_the_study
from tunebook.executors.references import resolve

__all__ = ["Assignment", "main"]


@dataclass(frozen=True)
class Assignment:
    """What a worker is for: handed over once, when it starts.

    Attributes:
        factory: "module:function", called with `options`; gives the engine.
        transform: wraps the sink in the worker.
    """

    factory: str
    options: EngineOptions
    workload: Workload
    transform: SinkWrapper | None = None


class _Line:
    """The connection to the runner; source and sink of the engine."""

    def __init__(self, sender: Sender, receiver: Receiver) -> None:
        self._sender = sender
        self._receiver = receiver
        self._stopping = threading.Event()
        self._jobs: queue.SimpleQueue[list[TrialJob]] = queue.SimpleQueue()
        self.orders: queue.SimpleQueue[str] = queue.SimpleQueue()

    def listen(self) -> None:
        """Take the runner's messages until its end of the pipe closes; then end everything started from here."""
        try:
            while True:
                kind, value = self._receiver.receive()
                if kind == "jobs":
                    self._jobs.put(value)
                elif kind == "stop":
                    self._stopping.set()
                else:
                    self.orders.put(kind)
        except (EOFError, OSError):
            _end_group()

    def tell(self, kind: str, value: Any = None) -> None:
        try:
            self._sender.send((kind, value))
        except OSError:
            _end_group()

    def take(self, n: int) -> Sequence[TrialJob]:
        if self.should_stop():
            return []
        self.tell("take", n)
        return self._jobs.get()

    def step(self, trial_id: int, record: StepRecord) -> None:
        self.tell("event", ("step", (trial_id, record)))

    def evaluation(self, trial_id: int, record: EvaluationRecord) -> None:
        self.tell("event", ("evaluation", (trial_id, record)))

    def progress(self, trial_id: int, done: float, phase: str) -> None:
        self.tell("event", ("progress", (trial_id, done, phase)))

    def finished(self, result: RawTrial) -> None:
        self.tell("event", ("finished", (result,)))

    def failed(self, trial_id: int, message: str, out_of_memory: bool = False) -> None:
        self.tell("event", ("failed", (trial_id, message, out_of_memory)))

    def note(self, code: str, values: dict[str, Any]) -> None:
        self.tell("event", ("note", (code, values)))

    def should_stop(self) -> bool:
        return self._stopping.is_set()


def main() -> None:
    """Entry point of the process. Standard output is the pipe; what libraries print goes to standard error."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sender = Sender(os.fdopen(os.dup(1), "wb"))
    receiver = Receiver(os.fdopen(os.dup(0), "rb"))
    os.dup2(2, 1)
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    assignment: Assignment = receiver.receive()
    line = _Line(sender, receiver)
    threading.Thread(target=line.listen, daemon=True).start()
    try:
        engine = resolve(assignment.factory)(assignment.options)
        _serve(line, engine, assignment)
    except Exception as error:  # told to the runner, which decides; this process is not used again
        line.tell("raised", stops_the_study(error) or death_by_exception(error))
        sys.exit(1)


def _serve(line: _Line, engine: Engine, assignment: Assignment) -> None:
    sink = assignment.transform.wrap(line) if assignment.transform else line
    line.tell("ready")
    while True:
        order = line.orders.get()
        if order == "exit":
            return
        if order == "calibrate":
            line.tell("calibration", engine.calibrate(assignment.workload))
        else:
            engine.run(line, assignment.workload, sink)
            line.tell("idle")


def _end_group() -> None:
    """End this process and everything it started, at once: nobody is left to report to."""
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os._exit(1)
