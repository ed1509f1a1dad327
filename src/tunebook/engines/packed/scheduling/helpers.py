"""Whether threads that help a lane wait for its next parallel loop awake (decision 136).

libgomp, which runs the parallel loops of oneDNN and of the native kernels, has a thread that waits for the next loop
spin for some milliseconds; but for a few microseconds only while more such threads are held, by all threads of the
process together, than there are processors. A thread that sleeps takes 40 microseconds to wake, two thousand times a
step. Threads that spin are as bad where others want the processor: each loop then waits until they are given it. So
they spin while the machine has room, and sleep, because the thread that owns the lanes holds some too, while it has
none.
"""

from __future__ import annotations

import time
from pathlib import Path

from tunebook.engines.packed.model.multiplies import end_threads, hold_threads

__all__ = ["Helpers"]

PRESSURE = Path("/proc/pressure/cpu")
LOOK_SECONDS = 1.0
CROWDED = 0.2
"""Share of the time in which some thread of the machine waited for a processor, from which on it has no room."""


class Helpers:
    """Decides it, again and again; for the thread that owns the lanes, and by what that thread holds.

    Args:
        threads: of the worker.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._awake = False
        self._looked = 0.0
        self._waited: float | None = None

    def begin(self) -> None:
        """Asleep, until it is known that there is room."""
        self._awake = False
        hold_threads(self._threads)
        self._looked, self._waited = time.perf_counter(), _waited()

    def look(self) -> None:
        """Look whether there is room, at most once a second."""
        now = time.perf_counter()
        if self._waited is None or now - self._looked < LOOK_SECONDS:
            return
        before, self._waited = self._waited, _waited()
        room = self._waited is not None and self._waited - before < CROWDED * (now - self._looked)
        self._looked = now
        if room != self._awake:
            self._awake = room
            if room:
                end_threads()
            else:
                hold_threads(self._threads)


def _waited() -> float | None:
    """Seconds in which some thread of the machine waited for a processor, or None where Linux does not count them."""
    try:
        line = PRESSURE.read_text(encoding="ascii").splitlines()[0]
        return int(line.rpartition("total=")[2]) / 1e6
    except (OSError, ValueError, IndexError):
        return None
