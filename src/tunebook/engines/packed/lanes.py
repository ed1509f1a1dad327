"""Lanes: the processor's threads, each computing for other trials, side by side.

Two forwards on one thread each are faster than one forward on two threads: between the large multiplies lies small
work that a second thread cannot share (docs/engine.md). So a cohort on a CPU is computed in lanes of one thread. Only
the computing is done in a lane; what is decided, written and reported stays with the thread that owns the cohort. A
GPU has one lane.

While one lane computes alone, its multiplies by base weights take all threads, if they come out the same to the last
bit.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TypeVar

import torch

from tunebook.engines.packed.kernels import use_threads

_Result = TypeVar("_Result")

__all__ = ["MAX_LANES", "Done", "Lanes", "lane_count", "threads_agree"]

MAX_LANES = 4
"""More lanes would wait for one another: what each does between its multiplies is Python, one lane at a time."""
_WAIT_SECONDS = 1.0
_PROBED_ROWS = (16, 48, 128)
"""Batches are padded to a multiple of 16; libraries cut sums, if at all, where there are few rows."""


def lane_count(device: str, threads: int) -> int:
    """Lanes of a worker with so many threads."""
    return 1 if device.startswith("cuda") else max(1, min(MAX_LANES, threads))


def threads_agree(shapes: Sequence[tuple[int, int]], dtype: torch.dtype, threads: int) -> bool:
    """Whether one thread and all of them give the same bits in multiplies of a model's shapes, there and back.

    They do where the matrix library cuts rows and columns only; a library that cuts the sums does not.

    Args:
        shapes: inputs and outputs of the linear modules.
    """
    return all(_agree(n_in, n_out, dtype, threads) for n_in, n_out in sorted(set(shapes)))


def _agree(n_in: int, n_out: int, dtype: torch.dtype, threads: int) -> bool:
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(n_out, n_in, generator=generator).to(dtype)
    before = torch.get_num_threads()
    try:
        for rows in _PROBED_ROWS:
            x = torch.randn(rows, n_in, generator=generator).to(dtype)
            found = []
            for n in (1, threads):
                torch.set_num_threads(n)
                y = torch.nn.functional.linear(x, weight)
                found.append((y, y @ weight))
            if not all(torch.equal(a, b) for a, b in zip(*found, strict=True)):
                return False
        return True
    finally:
        torch.set_num_threads(before)


@dataclass(frozen=True)
class Done:
    """A piece of work that has ended: what was handed in with it, and what it gave or raised."""

    tag: Any
    result: Any
    error: BaseException | None


class Lanes:
    """Runs pieces of work, at most `n` at a time; used as a context, which waits for what is running.

    Args:
        threads: threads of all lanes together.
        may_widen: while one lane computes alone, its base multiplies may use all threads (`threads_agree`).
    """

    def __init__(self, n: int, threads: int, may_widen: bool) -> None:
        self.n, self._threads, self._may_widen = n, threads, may_widen
        self._pool = ThreadPoolExecutor(n, thread_name_prefix="lane")
        self._ended: queue.SimpleQueue[Done] = queue.SimpleQueue()
        self._running = 0
        self._clock_lock = threading.Lock()
        self._computing, self._shared, self._seen = 0, 0.0, time.perf_counter()

    def __enter__(self) -> Lanes:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._pool.shutdown(wait=True)

    @property
    def n_idle(self) -> int:
        """Lanes without work."""
        return self.n - self._running

    def start(self, work: Callable[[], Any], tag: Any) -> None:
        """Give an idle lane something to do."""
        assert self.n_idle > 0
        self._running += 1
        self._pool.submit(self._run, work, tag)

    def wait(self, seconds: float) -> list[Done]:
        """What has ended since the last call; waits for at most so long for the first."""
        done = []
        try:
            done.append(self._ended.get(timeout=seconds))
            while True:
                done.append(self._ended.get_nowait())
        except queue.Empty:
            self._running -= len(done)
            return done

    def each(self, work: Callable[[], _Result]) -> list[_Result]:
        """Do the same in every lane at once; what each gave. All must be idle.

        Raises: what a lane raised.
        """
        for _ in range(self.n):
            self.start(work, None)
        done: list[Done] = []
        while len(done) < self.n:
            done += self.wait(_WAIT_SECONDS)
        for one in done:
            if one.error is not None:
                raise one.error
        return [one.result for one in done]

    def clock(self) -> float:
        """Seconds, of which each lane that computes gets an equal part: what runs side by side costs the machine its
        time once."""
        with self._clock_lock:
            return self._advance()

    def _run(self, work: Callable[[], Any], tag: Any) -> None:
        own = max(1, self._threads // self.n)
        wide = self._threads if self._may_widen else own
        use_threads(own, lambda: wide if self._computing == 1 else own)
        self._count(1)
        result, error = None, None
        try:
            result = work()
        except BaseException as raised:  # handed to the thread that waits, which knows what to make of it
            error = raised
        self._count(-1)
        self._ended.put(Done(tag, result, error))

    def _count(self, change: int) -> None:
        with self._clock_lock:
            self._advance()
            self._computing += change

    def _advance(self) -> float:
        now = time.perf_counter()
        self._shared += (now - self._seen) / max(1, self._computing)
        self._seen = now
        return self._shared
