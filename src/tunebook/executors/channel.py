"""Values through a pipe between a runner and its own worker: length, then pickle. Never used for anything kept."""

from __future__ import annotations

import pickle
import struct
import threading
from typing import Any, BinaryIO

__all__ = ["Receiver", "Sender"]

_LENGTH = struct.Struct(">Q")


class Sender:
    """The writing end; may be used from several threads."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def send(self, value: Any) -> None:
        """Write one value. Raises OSError when the other side is gone."""
        body = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
        with self._lock:
            self._stream.write(_LENGTH.pack(len(body)) + body)
            self._stream.flush()

    def close(self) -> None:
        self._stream.close()


class Receiver:
    """The reading end."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def receive(self) -> Any:
        """The next value. Raises EOFError when the other side is gone, also in the middle of a value."""
        (length,) = _LENGTH.unpack(self._exactly(_LENGTH.size))
        return pickle.loads(self._exactly(length))

    def _exactly(self, n: int) -> bytes:
        data = self._stream.read(n)
        if len(data) < n:
            raise EOFError
        return data
