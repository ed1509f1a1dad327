"""What went wrong with a worker, from an exception or from how its process ended."""

from __future__ import annotations

import signal
import traceback
from pathlib import Path

import psutil

from tunebook.errors import EnvironmentStop, UserError, is_out_of_memory
from tunebook.executors.job_queue import Death, DeathKind
from tunebook.files import is_disk_full, said

__all__ = ["MemoryWatch", "death_by_exception", "death_by_exit", "stops_the_study"]

_LOW_SHARE = 0.03
"""Less free memory than this share of all counts as the host having run out."""
GIB = 2**30


def stops_the_study(error: BaseException) -> BaseException | None:
    """The error to raise in the runner, when an engine's exception concerns the whole study; else None."""
    if isinstance(error, UserError | EnvironmentStop):
        return error
    if is_disk_full(error):
        return said(error, "the study folder", "The trial under way was not saved; everything before it is safe.")
    return None


def death_by_exception(error: BaseException) -> Death:
    """How an engine's unexpected exception is written down: kind, and the last lines of its trace."""
    out_of_memory = is_out_of_memory(error)
    kind = DeathKind.MEMORY if out_of_memory else DeathKind.CRASH
    last = traceback.extract_tb(error.__traceback__)[-1:]
    where = f" at {Path(last[0].filename).name}:{last[0].lineno}" if last else ""
    what = "out of memory" if out_of_memory else "the engine broke"
    return Death(kind, f"{what}: {type(error).__name__}{where}: {str(error) or 'no message'}")


def death_by_exit(code: int | None, watch: MemoryWatch, last_lines: str) -> Death:
    """How the end of a process that reported nothing is written down."""
    tail = f"; its last lines: {last_lines}" if last_lines else ""
    if code is not None and code < 0:
        name = signal.Signals(-code).name
        if -code == signal.SIGKILL and watch.ran_out():
            return Death(DeathKind.MEMORY, f"host out of memory: the system killed the worker{watch.needed()}")
        return Death(DeathKind.CRASH, f"the worker was killed by {name}{tail}")
    return Death(DeathKind.CRASH, f"the worker ended with code {code}{tail}")


class MemoryWatch:
    """Looks for evidence that the system killed a process for its memory.

    The kernel counts such kills; where the counters cannot be read, free memory just before the end decides.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._kills = _kills_for_memory()
        self._least_free_share = 1.0
        self._peak_bytes = 0

    def look(self) -> None:
        """Take a sample; cheap enough for once a second."""
        memory = psutil.virtual_memory()
        try:
            used = psutil.Process(self._pid).memory_info().rss
        except psutil.Error:
            return
        self._least_free_share = memory.available / memory.total
        self._peak_bytes = max(self._peak_bytes, used)

    def ran_out(self) -> bool:
        """Whether a kill since the start was one for memory."""
        return _kills_for_memory() > self._kills or self._least_free_share < _LOW_SHARE

    def needed(self) -> str:
        """What the process was last seen to use, for a message."""
        return f" (it held {self._peak_bytes / GIB:.1f} GiB when last seen)" if self._peak_bytes else ""


def _kills_for_memory() -> int:
    counters = [Path("/proc/vmstat")]
    try:
        group = next(
            line
            for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
            if line.startswith("0::")
        )
        counters.append(Path("/sys/fs/cgroup") / group[3:].strip("/") / "memory.events")
    except (OSError, StopIteration):
        pass
    return sum(_counter(path) for path in counters)


def _counter(path: Path) -> int:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))
