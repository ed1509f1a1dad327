"""Lanes: the processor's threads, each computing for other trials, side by side.

Two forwards on one thread each are faster than one forward on two threads: between the large multiplies lies small
work that a second thread cannot share (docs/engine.md). So a cohort on a CPU is computed in lanes of one thread. Only
the computing is done in a lane; what is decided, written and reported stays with the thread that owns the cohort. A
GPU has one lane.

A lane with independent pieces of work spreads them (`Lanes.spread`): lanes that have nothing else to do take some of
them. While one lane computes alone all the same, its multiplies by base weights and its native work take all threads,
if they come out the same to the last bit.
"""

from __future__ import annotations

import queue
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TypeVar

import torch

from tunebook.engines.packed.model.multiplies import (
    base_input_grad,
    base_linear,
    end_threads,
    use_threads,
)
from tunebook.engines.packed.scheduling.helpers import Helpers
from tunebook.engines.packed.spread import one_by_one
from tunebook.errors import is_out_of_memory

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

__all__ = ["MAX_LANES", "Done", "Lanes", "lane_count", "released", "threads_agree"]

MAX_LANES = 4
"""More lanes would wait for one another: what each does between its multiplies is Python, one lane at a time."""
_WAIT_SECONDS = 1.0
_PROBED_ROWS = (2, 16, 48, 128)
"""Libraries cut sums, if at all, where there are few rows."""


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
    module = torch.nn.Linear(n_in, n_out, bias=False, dtype=dtype).requires_grad_(False)
    module.weight.copy_(torch.randn(n_out, n_in, generator=generator))
    before = torch.get_num_threads()
    try:
        for rows in _PROBED_ROWS:
            x = torch.randn(rows, n_in, generator=generator).to(dtype)
            found = []
            for n in (1, threads):
                torch.set_num_threads(n)
                y = base_linear(module, x)
                found.append((y, base_input_grad(module, y)))
            if not all(torch.equal(a, b) for a, b in zip(*found, strict=True)):
                return False
        return True
    finally:
        torch.set_num_threads(before)


def released(error: BaseException) -> BaseException:
    """The same error, without what its traceback holds if memory ran out: the activations of the failed forward."""
    if is_out_of_memory(error):
        one: BaseException | None = error
        while one is not None:
            traceback.clear_frames(one.__traceback__)
            one.__traceback__ = None
            one = one.__cause__ or one.__context__
    return error


@dataclass(frozen=True)
class Done:
    """A piece of work that has ended: what was handed in with it, and what it gave or raised."""

    tag: Any
    result: Any
    error: BaseException | None


_Taken = tuple[int, Any]
"""A piece that a lane has taken: its index, and the item."""


class _Pieces:
    """Pieces of one lane's work, of which other lanes may take some.

    Attributes:
        results: by index, where they are there.
        error: what the first piece that failed raised; none is begun after it.
        helped: seconds (`Lanes.clock`) that other lanes computed.
    """

    def __init__(self, work: Callable[[Any], Any], items: Sequence[Any]) -> None:
        self._work = work
        self._left = deque(enumerate(items))
        self._changed = threading.Condition()
        self._in_work = 0
        self.results: dict[int, Any] = {}
        self.error: BaseException | None = None
        self.helped = 0.0

    def take(self) -> _Taken | None:
        """The next piece; whoever takes it must do it."""
        with self._changed:
            if not self._left:
                return None
            self._in_work += 1
            return self._left.popleft()

    def work_off(self, taken: _Taken | None, clock: Callable[[], float] | None = None) -> None:
        """Do a piece that was taken and all that are left. `clock`: given by a lane that helps."""
        while taken is not None:
            index, item = taken
            began = clock() if clock is not None else 0.0
            result, error = None, None
            try:
                result = self._work(item)
            except BaseException as raised:  # raised again by the lane whose work it is
                error = released(raised)
            with self._changed:
                self.results[index] = result
                self.helped += clock() - began if clock is not None else 0.0
                if error is not None:
                    self.error = self.error or error
                    self._left.clear()
                self._in_work -= 1
                self._changed.notify_all()
            taken = self.take()

    def wait(self) -> None:
        """Until those that other lanes took have ended."""
        with self._changed:
            self._changed.wait_for(lambda: not self._in_work)


class Lanes:
    """Runs pieces of work, at most `n` at a time; used as a context, which waits for what is running.
    Inside it the thread that enters computes with one thread.

    Args:
        threads: threads of all lanes together.
        may_widen: while one lane computes alone, its exact work may use all threads (`threads_agree`).
    """

    def __init__(self, n: int, threads: int, may_widen: bool) -> None:
        self.n, self._threads_each = n, max(1, threads // n)
        self._threads_alone = threads if may_widen else self._threads_each
        self._pool = ThreadPoolExecutor(n, thread_name_prefix="lane")
        self._ended: queue.SimpleQueue[Done | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._running, self._closed = 0, False
        self._spread: list[_Pieces] = []
        self._computing, self._shared, self._seen = 0, 0.0, time.perf_counter()
        self._own = threading.local()
        self._helpers = Helpers(threads) if self._threads_alone > self._threads_each else None

    def __enter__(self) -> Lanes:
        self._threads_outside = torch.get_num_threads()
        if self._helpers is not None:
            torch.set_num_threads(1)
            self._helpers.begin()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with self._lock:
            self._closed = True
        self._pool.shutdown(wait=True)
        torch.set_num_threads(self._threads_outside)

    @property
    def n_idle(self) -> int:
        """Lanes without work."""
        return max(0, self.n - self._running)

    def narrow(self) -> None:
        """Drop to one lane once the current work has finished, because memory ran out."""
        self.n = 1

    def start(self, work: Callable[[], Any], tag: Any) -> None:
        """Give a lane something to do: at once, or, if the last idle one has just begun to help, after that."""
        with self._lock:
            self._running += 1
            self._pool.submit(self._run, work, tag)

    def wait(self, seconds: float) -> list[Done]:
        """What has ended since the last call; waits for at most so long for the first, or for a lane to get idle."""
        done: list[Done | None] = []
        with suppress(queue.Empty):
            done.append(self._ended.get(timeout=seconds))
            while True:
                done.append(self._ended.get_nowait())
        ended = [one for one in done if one is not None]
        with self._lock:
            self._running -= len(ended)
        if self._helpers is not None:
            self._helpers.look()
        return ended

    def spread(self, work: Callable[[_Item], _Result], items: Sequence[_Item]) -> list[_Result]:
        """Do some work for each item, in the calling lane and in those that are idle; results in the items' order.

        Raises: what the first piece that failed raised; those after it are left.
        """
        if self.n == 1 or len(items) < 2:
            return one_by_one(work, items)
        pieces = _Pieces(work, items)
        own = pieces.take()
        with self._lock:
            self._spread.append(pieces)
        self.help()
        pieces.work_off(own)
        with self._lock:
            self._spread.remove(pieces)
        self._count(-1)
        began = self.clock()
        pieces.wait()
        self._own.more = self._more() + pieces.helped - (self.clock() - began)
        self._count(1)
        if pieces.error is not None:
            raise pieces.error
        return [pieces.results[index] for index in range(len(items))]

    def help(self) -> None:
        """Have idle lanes take pieces of what others have spread."""
        with self._lock:
            for pieces in self._spread:
                while self._running < self.n and not self._closed and (taken := pieces.take()) is not None:
                    self._running += 1
                    self._pool.submit(self._help, pieces, taken)

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
        time once. What other lanes compute of the calling lane's pieces counts as its own."""
        with self._lock:
            return self._advance() + self._more()

    def _more(self) -> float:
        """What the calling lane's clock is ahead of the shared one."""
        return float(getattr(self._own, "more", 0.0))

    def _run(self, work: Callable[[], Any], tag: Any) -> None:
        result, error = None, None
        self._begin()
        try:
            result = work()
        except BaseException as raised:  # handed to the thread that waits, which knows what to make of it
            error = released(raised)
        end_threads()
        self._count(-1)
        self._ended.put(Done(tag, result, error))

    def _help(self, pieces: _Pieces, taken: _Taken) -> None:
        self._begin()
        pieces.work_off(taken, self.clock)
        self._count(-1)
        with self._lock:
            self._running -= 1
        self._ended.put(None)  # a lane is idle

    def _begin(self) -> None:
        use_threads(self._threads_each, lambda: self._threads_alone if self._computing == 1 else self._threads_each)
        self._count(1)

    def _count(self, change: int) -> None:
        with self._lock:
            self._advance()
            self._computing += change

    def _advance(self) -> float:
        now = time.perf_counter()
        self._shared += (now - self._seen) / max(1, self._computing)
        self._seen = now
        return self._shared
