"""Messages on their way over a connection that may break: kept until the other side has said that it has them."""

from __future__ import annotations

import threading
from typing import Any

__all__ = ["Outbox"]

_MOST_AT_ONCE = 500


class Outbox:
    """Messages in batches with numbers. A batch is given again until a later call acknowledges it. May be used from
    several threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: list[Any] = []
        self._sent: list[Any] = []
        self._number = 0
        self._n_put = self._n_acknowledged = 0

    def put(self, message: Any) -> int:
        """Add a message; gives its number."""
        with self._changed:
            self._waiting.append(message)
            self._n_put += 1
            self._changed.notify_all()
            return self._n_put

    def put_and_wait(self, message: Any) -> None:
        """Add a message and wait until it was acknowledged, so that what is large is never held twice."""
        number = self.put(message)
        with self._changed:
            self._changed.wait_for(lambda: self._n_acknowledged >= number)

    def batch(self, received: int, seconds: float) -> tuple[int, list[Any]]:
        """The number of the last batch, and its messages; waits up to so long for the first one.

        Args:
            received: number of the last batch that has arrived.
        """
        with self._changed:
            if received == self._number:
                self._n_acknowledged += len(self._sent)
                self._sent = []
                self._changed.notify_all()
            if not self._sent:
                self._changed.wait_for(lambda: self._waiting or self._sent, seconds)
            if not self._sent and self._waiting:
                self._sent, self._waiting = self._waiting[:_MOST_AT_ONCE], self._waiting[_MOST_AT_ONCE:]
                self._number += 1
            return self._number, self._sent
