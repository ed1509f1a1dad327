"""The runner's side of the gateway: starts it, gives workers of the cluster, and notices when the cluster is silent."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import replace
from itertools import count
from typing import Any, cast

from tunebook.core.ports import SECRET_VARIABLES, SinkWrapper, Workload
from tunebook.errors import EnvironmentStop
from tunebook.executors.channel import Receiver, Sender
from tunebook.executors.handle import GONE, PLACED, OnMessage
from tunebook.executors.job_queue import Death, DeathKind
from tunebook.executors.process import own_process
from tunebook.executors.ray.messages import ADDRESS, SeatOrder, Wanted, own_versions
from tunebook.executors.worker import Assignment
from tunebook.phrases import Phrase

__all__ = ["Cluster", "ClusterWorker"]

_CONNECT_SECONDS = 20.0
_SILENT_SECONDS = 20.0
"""The gateway says every two seconds that the cluster answers."""
_END_SECONDS = 6.0
_NO_WORKLOAD = cast(Workload, None)


class Cluster:
    """A Ray cluster that is already running.

    Args:
        wanted: the devices to ask for.
        model_hash: fingerprint that a node's model must have; empty: none is needed.

    Raises: EnvironmentStop: there is no such cluster, it does not answer, or it asks for no token.
    """

    def __init__(self, wanted: Wanted, model_hash: str) -> None:
        self._wanted, self._model_hash = wanted, model_hash
        self._numbers, self._keys = count(1), count(1)
        self._workloads: dict[int, tuple[tuple[Any, Any], int]] = {}
        self._workers: dict[int, ClusterWorker] = {}
        self._lock = threading.Lock()
        self._connected = threading.Event()
        self._trouble: BaseException | None = None
        self._closed = False
        self.n_seats = 0
        inherited = {name: value for name, value in os.environ.items() if name not in SECRET_VARIABLES}
        # without an address, Ray would start a cluster of its own
        environment = {**inherited, ADDRESS: wanted.address, "RAY_USAGE_STATS_ENABLED": "0"}
        self._process = own_process("tunebook.executors.ray.gateway", environment)
        assert self._process.stdin is not None
        self._sender = Sender(self._process.stdin)  # type: ignore[arg-type]
        self._printed: deque[bytes] = deque(maxlen=3)
        self._heard_at = time.monotonic()
        for target in (self._listen, self._keep_printed):
            threading.Thread(target=target, daemon=True).start()
        with suppress(OSError):
            self._sender.send(wanted)
        self._connect()

    def worker(self, assignment: Assignment) -> ClusterWorker:
        """A worker on whatever device gets free."""
        with self._lock:
            number = next(self._numbers)
            worker = self._workers[number] = ClusterWorker(self, number, assignment)
        return worker

    def open_seat(self, number: int, assignment: Assignment) -> None:
        """Ask for a seat for a worker that is ready to listen."""
        key = self.key_of(assignment.workload, assignment.transform)
        order = SeatOrder(
            seat=number,
            assignment=replace(assignment, workload=_NO_WORKLOAD, transform=None),
            workload=key,
            model_hash=self._model_hash,
            versions=own_versions(),
        )
        self.send("seat", order)
        if self._trouble is not None:
            self._tell_all(self._trouble)

    def key_of(self, workload: Workload, transform: SinkWrapper | None) -> int:
        """The key under which the cluster has this workload; it is sent when it is new."""
        with self._lock:
            known = self._workloads.get(id(workload))
            if known is not None and known[0][1] is transform:
                return known[1]
            key = next(self._keys)
            self._workloads[id(workload)] = ((workload, transform), key)  # kept, so that its id is not used again
        self.send("workload", (key, pickle.dumps((workload, transform), protocol=pickle.HIGHEST_PROTOCOL)))
        return key

    def send(self, kind: str, value: Any) -> None:
        """Send to the gateway. That it has gone shows elsewhere."""
        with suppress(OSError, ValueError):
            self._sender.send((kind, value))

    def forget(self, number: int) -> None:
        """A worker that was ended says nothing any more."""
        with self._lock:
            self._workers.pop(number, None)

    def close(self) -> None:
        """End all seats and the gateway."""
        self._closed = True
        self.send("exit", None)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_SECONDS)
        self._kill()

    def _connect(self) -> None:
        answered = self._connected.wait(_CONNECT_SECONDS)
        if self._trouble is None and answered:
            threading.Thread(target=self._watch, daemon=True).start()
            return
        self._closed = True
        self._kill()
        raise self._trouble or EnvironmentStop(
            "the Ray cluster at {address} has not answered for {seconds:.0f} seconds. Is it running, and is {variable} "
            "right? `ray status` tells. Run again when it is there; nothing is lost.",
            address=self._wanted.address,
            seconds=_CONNECT_SECONDS,
            variable=ADDRESS,
        )

    def _kill(self) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        receiver = Receiver(self._process.stdout)  # type: ignore[arg-type]
        with suppress(EOFError, OSError, ValueError):
            while True:
                self._heard(*receiver.receive())
        self._end_with(self._lost(Phrase("has ended the connection")))

    def _heard(self, kind: str, value: Any) -> None:
        self._heard_at = time.monotonic() if kind in ("alive", "connected") else self._heard_at
        if kind == "refused":
            self._end_with(value)
        elif kind == "seat":
            number, what, content = value
            with self._lock:
                worker = self._workers.get(number)
            if worker is not None:
                worker.heard(what, content)
        else:
            self.n_seats = value
            self._connected.set()

    def _watch(self) -> None:
        while not self._closed and self._trouble is None:
            time.sleep(1.0)
            if time.monotonic() - self._heard_at > _SILENT_SECONDS:
                self._end_with(
                    self._lost(Phrase("has not answered for {seconds:.0f} seconds", seconds=_SILENT_SECONDS))
                )
                self._kill()

    def _lost(self, what: Phrase) -> EnvironmentStop:
        printed = b" ".join(line.strip() for line in self._printed).decode(errors="replace")[-300:]
        return EnvironmentStop(
            "the Ray cluster at {address} {what}: its head may be gone (the last that was heard: {printed}). Every "
            "result that was told is kept. Run again when the cluster is there; the study goes on.",
            address=self._wanted.address,
            what=what,
            printed=printed or "-",
        )

    def _end_with(self, error: BaseException) -> None:
        if self._closed or self._trouble is not None:
            return
        self._trouble = error
        self._connected.set()
        self._tell_all(error)

    def _tell_all(self, error: BaseException) -> None:
        with self._lock:
            workers = list(self._workers.values())
        for worker in workers:
            worker.heard("raised", error)

    def _keep_printed(self) -> None:
        assert self._process.stderr is not None
        with suppress(OSError, ValueError):
            for line in self._process.stderr:
                self._printed.append(line[-300:])


class ClusterWorker:
    """A worker on a device of the cluster; fulfils `WorkerHandle`."""

    def __init__(self, cluster: Cluster, number: int, assignment: Assignment) -> None:
        self._cluster, self._number, self._assignment = cluster, number, assignment
        self._on_message: OnMessage | None = None
        self._death: Death | None = None
        self.is_waiting = True

    def listen(self, on_message: OnMessage) -> None:
        """Ask for a device, and pass on the worker's messages."""
        self._on_message = on_message
        self._cluster.open_seat(self._number, self._assignment)

    def heard(self, kind: str, value: Any) -> None:
        """A message of the worker, from the gateway's thread."""
        assert self._on_message is not None
        if kind == PLACED:
            self.is_waiting = False
        elif kind == GONE:
            self._death, value = value, None
        self._on_message(kind, value)

    def send(self, kind: str, value: Any = None) -> None:
        """Send an order."""
        if kind == "use":
            value = self._cluster.key_of(*value)
        self._cluster.send("order", (self._number, kind, value))

    def look(self) -> None:
        """Nothing can be seen of it from here."""

    def kill(self) -> None:
        """Give its device back."""
        self._cluster.forget(self._number)
        self._cluster.send("end", self._number)

    def ended(self) -> Death:
        """How it ended, as the node or the gateway tells."""
        self.kill()
        return self._death or Death(DeathKind.NODE, "it was given back")

    def close(self) -> None:
        """Give its device back."""
        self.kill()
