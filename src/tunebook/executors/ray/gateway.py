"""The process between a runner and a Ray cluster; the only module that imports Ray.

It holds one relay for each seat. It decides nothing about trials: it passes on orders and messages, writes the adapters
that arrive, and says every two seconds that the cluster still answers.
"""

from __future__ import annotations

import os
import queue
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import ActorUnavailableError, GetTimeoutError, RayActorError, RayError

from tunebook.errors import EnvironmentStop, StudyFileError, TunebookError
from tunebook.executors.channel import Receiver, Sender
from tunebook.executors.faults import stops_the_study
from tunebook.executors.handle import GONE, PLACED
from tunebook.executors.job_queue import Death, DeathKind
from tunebook.executors.ray.arrivals import Arrivals, DamagedAdapter
from tunebook.executors.ray.messages import ADAPTER, ADDRESS, HOME, INSECURE, Node, SeatOrder, Wanted, is_safe
from tunebook.executors.ray.seat import Seat

__all__ = ["main"]

_ALIVE_SECONDS = 2.0
_WAIT_SECONDS = 5.0
_ANSWER_SECONDS = 60.0
"""A seat is asked for messages with a wait of 5 seconds; one that has not answered for so long is given up."""
_END_SECONDS = 3.0


class _UnusableNode(Exception):
    """Something is wrong with the node that a seat is on."""


class _Seat(Seat):
    """A seat as an actor."""

    def where(self) -> Node:
        """The node that it is on; answered once there is a device for it."""
        return Node(socket.gethostname(), ray.get_runtime_context().get_node_id())


class _Gateway:
    def __init__(self, sender: Sender, wanted: Wanted) -> None:
        self._sender, self._wanted = sender, wanted
        self._workloads: dict[int, Any] = {}
        self._relays: dict[int, _Relay] = {}
        self._refused: dict[str, str] = {}

    def tell(self, kind: str, value: Any = None) -> None:
        try:
            self._sender.send((kind, value))
        except (OSError, ValueError):
            self.end()

    def n_seats(self) -> int:
        """How many seats the nodes that can be used have room for, taken ones included."""
        return sum(self._room(node) for node in ray.nodes() if node["NodeID"] not in self._refused)

    def is_alive(self, node: str) -> bool:
        return any(each["NodeID"] == node and each["Alive"] for each in ray.nodes())

    def refuse(self, node: Node, why: str) -> BaseException | None:
        """No seat goes to this node any more. Returns: the study's end, when there is no other node."""
        self._refused[node.id] = f"{node.host}: {why}"
        if self.n_seats():
            return None
        return EnvironmentStop(
            "the Ray cluster has no node that can be used ({told}). Nodes need the runner's versions, and the model in "
            "the same folder. Correct this on at least one node, then run again.",
            told="; ".join(self._refused.values()),
        )

    def actor(self) -> Any:
        """A new seat, on a node that was not refused."""
        resources = {"num_gpus": 1, "num_cpus": 1} if self._wanted.gpu else {"num_cpus": self._wanted.cpus}
        elsewhere = {"ray.io/node-id": f"!in({','.join(self._refused)})"} if self._refused else None
        groups = {"orders": 1, "messages": 2}
        made = ray.remote(max_concurrency=2, concurrency_groups=groups)(_Seat)
        return made.options(max_restarts=0, max_task_retries=0, label_selector=elsewhere, **resources).remote()

    def workload(self, key: int) -> Any:
        return self._workloads[key]

    def serve(self, receiver: Receiver) -> None:
        """Follow the runner's orders until it ends."""
        threading.Thread(target=self._say_alive, daemon=True).start()
        with suppress(EOFError, OSError):
            while True:
                match receiver.receive():
                    case ("workload", (key, content)):
                        self._workloads[key] = ray.put(content)
                    case ("seat", order):
                        self._relays[order.seat] = _Relay(self, order)
                    case ("order", (seat, kind, value)) if seat in self._relays:
                        self._relays[seat].order(kind, value)
                    case ("end", seat) if seat in self._relays:
                        self._relays.pop(seat).end()
                    case ("exit", _):
                        break
        self.end()

    def end(self) -> None:
        """End all seats and this process."""
        with suppress(RayError):
            ray.wait([each for relay in self._relays.values() if (each := relay.ask_to_end())] or [ray.put(0)],
                     num_returns=max(1, len(self._relays)), timeout=_END_SECONDS)  # fmt: skip
        os._exit(0)

    def _room(self, node: dict[str, Any]) -> int:
        if not node["Alive"]:
            return 0
        gpus, cpus = (int(node["Resources"].get(name, 0)) for name in ("GPU", "CPU"))
        return min(gpus, cpus) if self._wanted.gpu else cpus // self._wanted.cpus

    def _say_alive(self) -> None:
        while True:
            time.sleep(_ALIVE_SECONDS)
            with suppress(Exception):  # what Ray raises when its head is gone is its own affair: silence tells it
                self.tell("alive", self.n_seats())


class _Relay:
    """A seat as the gateway sees it: one thread for its messages, one for the orders to it."""

    def __init__(self, gateway: _Gateway, order: SeatOrder) -> None:
        self._gateway, self._order = gateway, order
        self._actor = gateway.actor()
        self._orders: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._arrivals = Arrivals()
        self._node: Node | None = None
        self._ended = False
        threading.Thread(target=self._listen, daemon=True).start()

    def order(self, kind: str, value: Any) -> None:
        if kind == "jobs":
            for job in value:
                home = Path(job.folder)
                self._arrivals.expect(job.id, home)
                for _, other in job.checkpoints:
                    self._arrivals.expect(other, home.with_name(str(other)))
        elif kind == "use":
            value = self._gateway.workload(value)
        self._orders.put((kind, value))

    def ask_to_end(self) -> Any:
        self._ended = True
        return self._actor.end.remote() if self._node is not None else None

    def end(self) -> None:
        """End the seat; does not wait for it."""

        def kill() -> None:
            with suppress(RayError):
                asked = self.ask_to_end()
                if asked is not None:
                    ray.wait([asked], timeout=_END_SECONDS)
                ray.kill(self._actor, no_restart=True)

        threading.Thread(target=kill, daemon=True).start()

    def _tell(self, kind: str, value: Any = None) -> None:
        if not self._ended:
            self._gateway.tell("seat", (self._order.seat, kind, value))

    def _gone(self, kind: DeathKind, reason: str) -> None:
        self._tell(GONE, Death(kind, reason))
        self.end()

    def _listen(self) -> None:
        try:
            self._node = node = self._placed()
            self._tell(PLACED, node.host)
            why = ray.get(self._actor.open.remote(self._order, self._gateway.workload(self._order.workload)))
            if why:
                raise _UnusableNode(why)
            threading.Thread(target=self._send_orders, daemon=True).start()
            self._pass_on()
        except _UnusableNode as error:
            self._refuse(str(error))
        except DamagedAdapter as error:
            self._gone(DeathKind.NODE, f"an adapter was damaged on its way home: {error}")
        except TunebookError as error:
            self._tell("raised", error)
        except GetTimeoutError:
            self._gone(DeathKind.NODE, f"{self._where()} has not answered for {_ANSWER_SECONDS:.0f} seconds")
        except RayActorError as error:
            self._gone(*self._how(error))
        except RayError as error:
            self._gone(DeathKind.CRASH, f"Ray failed on {self._where()} ({_last_line(error)})")

    def _placed(self) -> Node:
        asked = self._actor.where.remote()
        while True:  # no device is free, or the cluster is about to grow
            with suppress(GetTimeoutError):
                found: Node = ray.get(asked, timeout=_WAIT_SECONDS)
                return found

    def _refuse(self, why: str) -> None:
        assert self._node is not None
        stop = self._gateway.refuse(self._node, why)
        if stop is not None:
            self._tell("raised", stop)
        self._gone(DeathKind.NODE, f"{self._node.host} cannot be used: {why}")

    def _pass_on(self) -> None:
        received, heard_at = 0, time.monotonic()
        while True:
            if time.monotonic() - heard_at > _ANSWER_SECONDS:
                raise GetTimeoutError
            asked = self._actor.messages.options(concurrency_group="messages").remote(received)
            try:
                number, messages = ray.get(asked, timeout=_ANSWER_SECONDS)
            except ActorUnavailableError:
                time.sleep(1.0)
                continue
            for kind, value in messages if number > received else ():
                if kind == GONE:
                    self._tell(GONE, value)
                    return
                self._one(kind, value)
            received, heard_at = number, time.monotonic()

    def _one(self, kind: str, value: Any) -> None:
        try:
            if kind == ADAPTER:
                self._arrivals.take(value)
            elif kind == HOME:
                self._arrivals.put_in_place(value)
            elif kind == "raised" and isinstance(value, EnvironmentStop):
                raise _UnusableNode(str(value))  # its disk is full, for one; the other nodes go on
            else:
                self._tell(kind, value)
        except OSError as error:
            raise stops_the_study(error) or EnvironmentStop(
                "an adapter could not be written ({error}). Mend that, then run again.", error=error
            ) from error

    def _send_orders(self) -> None:
        number = 0
        while True:
            kind, value = self._orders.get()
            number += 1
            while not self._ended:
                try:
                    ray.get(self._actor.order.options(concurrency_group="orders").remote(number, kind, value))
                    break
                except ActorUnavailableError:
                    time.sleep(1.0)
                except RayError:
                    return  # the other thread tells of the seat's end

    def _how(self, error: RayActorError) -> tuple[DeathKind, str]:
        """Of a seat that has died: its node with it, or it alone. Ray's own words are shown, never read."""
        if self._node is None:
            return DeathKind.CRASH, f"a seat could not be made ({_last_line(error)})"
        if not self._gateway.is_alive(self._node.id):
            return DeathKind.NODE, f"the node {self._node.host} is gone"
        return DeathKind.CRASH, f"the seat on {self._node.host} died ({_last_line(error)})"

    def _where(self) -> str:
        return self._node.host if self._node else "a node"


def main() -> None:
    """Entry point of the process; standard output is the pipe to the runner."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sender = Sender(os.fdopen(os.dup(1), "wb"))
    receiver = Receiver(os.fdopen(os.dup(0), "rb"))
    os.dup2(2, 1)
    wanted: Wanted = receiver.receive()
    try:
        _connect(wanted)
    except TunebookError as error:
        sender.send(("refused", error))
        sys.exit(1)
    gateway = _Gateway(sender, wanted)
    gateway.tell("connected", gateway.n_seats())
    gateway.serve(receiver)


def _connect(wanted: Wanted) -> None:
    """Join the cluster. Raises: EnvironmentStop, StudyFileError."""
    if wanted.address.startswith("ray://"):
        raise StudyFileError(
            "{variable}: found {address}, which is Ray's client server. Run tunebook on a machine of the cluster, with "
            "auto or HOST:PORT of the head.",
            variable=ADDRESS,
            address=wanted.address,
        )
    try:
        ray.init(address=wanted.address, log_to_driver=False, logging_level="error")
    except Exception as error:  # ConnectionError, RuntimeError, AuthenticationError and others, by the cause
        raise EnvironmentStop(
            "the Ray cluster at {address} cannot be used ({kind}: {error}). tunebook starts no cluster: start one, set "
            "{variable} to its address and Ray's token as it asks, and run again.",
            address=wanted.address,
            kind=type(error).__name__,
            error=_last_line(error),
            variable=ADDRESS,
        ) from error
    from ray._private.authentication.authentication_utils import is_token_auth_enabled

    head = ray.get_runtime_context().gcs_address.rpartition(":")[0]
    if not is_safe(head, is_token_auth_enabled(), wanted.insecure):
        raise EnvironmentStop(
            "the Ray cluster at {head} asks for no token: whoever reaches it can run programs on it. Start it with "
            "RAY_AUTH_MODE=token, or set {variable}=1 if its network is closed.",
            head=head,
            variable=INSECURE,
        )


def _last_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1][-200:] if lines else type(error).__name__
