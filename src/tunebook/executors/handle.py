"""A worker as the pool sees it: a process of this machine, or one on a node of a cluster."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from tunebook.executors.job_queue import Death

__all__ = ["GONE", "PLACED", "OnMessage", "WorkerHandle"]

GONE = "gone"
"""The last message of a worker: its connection has ended."""
PLACED = "placed"
"""The message of a worker that waited for a device and has one now; its value is the name of the host."""

OnMessage = Callable[[str, Any], None]
"""Called with (kind, value) for each message of a worker."""


class WorkerHandle(Protocol):
    """A worker that was started. What can only be seen where the worker runs is answered there."""

    @property
    def is_waiting(self) -> bool:
        """Whether it still waits for a device; it has not begun to start then."""
        ...

    def listen(self, on_message: OnMessage) -> None:
        """Call `on_message` for each of the worker's messages, lastly with (GONE, None), from a thread of its own."""
        ...

    def send(self, kind: str, value: Any = None) -> None:
        """Send an order. That the worker has gone shows in its last message, not here."""
        ...

    def look(self) -> None:
        """Take note of what can be seen of it from outside; called about once a second."""
        ...

    def kill(self) -> None:
        """End the worker and everything that it started at once."""
        ...

    def ended(self) -> Death:
        """How it ended; called once its last message has come, or after `kill`."""
        ...

    def close(self) -> None:
        """Ask it to end, and see that it does."""
        ...
