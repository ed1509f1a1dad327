"""A Ray actor that holds one device: starts the worker process there, and passes on orders, messages and adapters.

Trials are trained in a folder of the node. A trial's adapter goes home before its result, in pieces of which one at a
time is under way. The worker process ends when the seat does, because its pipe ends.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil

from tunebook.core.events import Finished
from tunebook.core.ports import TrialJob
from tunebook.executors.handle import GONE
from tunebook.executors.process import WorkerProcess
from tunebook.executors.ray.messages import ADAPTER, HOME, Piece, SeatOrder, own_versions
from tunebook.executors.ray.outbox import Outbox
from tunebook.executors.references import resolve
from tunebook.files import said

__all__ = ["Seat"]

PIECE_BYTES = 8 * 2**20
_POLL_SECONDS = 5.0
_LOOK_SECONDS = 1.0
_ALONE_SECONDS = 60.0
"""A seat that nobody has asked for so long ends: the gateway is gone or cannot reach it."""
_SCRATCH = "tunebook-seat-"
_FINGERPRINT = "tunebook.engines.base_model:fingerprint"
"""By name, as the engine itself: executors know nothing of models."""


class Seat:
    """One device of a node: `open`, then orders and messages, until the actor is ended. Independent of Ray."""

    def __init__(self) -> None:
        self._outbox = Outbox()
        self._last_order = 0
        self._asked_at = time.monotonic()
        self._process: WorkerProcess | None = None
        self._scratch: Path | None = None
        self._ended = threading.Event()

    def open(self, order: SeatOrder, workload: bytes) -> str:
        """Start the worker. Returns: why this node cannot be used, or nothing."""
        trouble = _other_versions(order) or _other_model(order)
        if trouble:
            return trouble
        try:
            _remove_abandoned()
            self._scratch = Path(tempfile.mkdtemp(prefix=f"{_SCRATCH}{os.getpid()}-"))
        except OSError as error:
            return str(said(error, "the folder for temporary files"))
        content, transform = pickle.loads(workload)
        self._process = WorkerProcess(replace(order.assignment, workload=content, transform=transform))
        self._process.listen(self._hear)
        self._asked_at = time.monotonic()
        threading.Thread(target=self._look_after, args=(self._process,), daemon=True).start()
        return ""

    def order(self, number: int, kind: str, value: Any) -> None:
        """Pass on an order to the worker; one that is repeated, because its answer was lost, only once."""
        if number <= self._last_order or self._process is None or self._scratch is None:
            return
        self._last_order = number
        if kind == "jobs":
            value = [_moved(job, self._scratch) for job in value]
        elif kind == "use":
            value = pickle.loads(value)
        self._process.send(kind, value)

    def messages(self, received: int) -> tuple[int, list[tuple[str, Any]]]:
        """What the worker said; see `Outbox.batch`."""
        self._asked_at = time.monotonic()
        return self._outbox.batch(received, _POLL_SECONDS)

    def end(self) -> None:
        """End the worker and remove what it has left."""
        self._ended.set()
        if self._process is not None:
            self._process.kill()
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)

    def _hear(self, kind: str, value: Any) -> None:
        if kind == GONE:
            assert self._process is not None
            value = self._process.ended()
        elif kind == "event" and isinstance(value, Finished):
            self._send_home(value.trial)
        self._outbox.put((kind, value))

    def _send_home(self, trial: int) -> None:
        assert self._scratch is not None
        folder = self._scratch / str(trial)
        files = sorted(path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []
        for path in files:
            for piece in _pieces(trial, path):
                self._outbox.put_and_wait((ADAPTER, piece))
        if files:
            self._outbox.put_and_wait((HOME, trial))
        shutil.rmtree(folder, ignore_errors=True)

    def _look_after(self, process: WorkerProcess) -> None:
        while not self._ended.wait(_LOOK_SECONDS):
            process.look()
            if time.monotonic() - self._asked_at > _ALONE_SECONDS:
                self.end()
                os._exit(1)


def _moved(job: TrialJob, scratch: Path) -> TrialJob:
    """A job whose adapters go to a folder of the node; those of its checkpoints lie beside its own."""
    return replace(job, folder=str(scratch / str(job.id)))


def _pieces(trial: int, path: Path) -> Iterator[Piece]:
    """A file in pieces; an empty one is one empty piece."""
    digest, offset, size = hashlib.sha256(), 0, path.stat().st_size
    with path.open("rb") as file:
        while True:
            data = file.read(PIECE_BYTES)
            digest.update(data)
            is_last = offset + len(data) >= size
            yield Piece(
                trial=trial, name=path.name, offset=offset, data=data, sha256=digest.hexdigest() if is_last else ""
            )
            if is_last:
                return
            offset += len(data)


def _other_versions(order: SeatOrder) -> str:
    here = dict(own_versions())
    other = [f"{name} {here.get(name)} instead of {version}" for name, version in order.versions
             if here.get(name) != version]  # fmt: skip
    return f"it has {', '.join(other)}" if other else ""


def _other_model(order: SeatOrder) -> str:
    if not order.model_hash:
        return ""
    options = order.assignment.options
    folder = Path(options.model)
    if not folder.is_dir():
        return f"the model's folder {folder} is not there"
    if resolve(_FINGERPRINT)(folder, options.quantization) != order.model_hash:
        return f"another model lies in {folder}"
    return ""


def _remove_abandoned() -> None:
    """Remove the folders of seats of this user that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_SCRATCH}*"):
        process = folder.name.removeprefix(_SCRATCH).partition("-")[0]
        if process.isdecimal() and not psutil.pid_exists(int(process)):
            shutil.rmtree(folder, ignore_errors=True)
