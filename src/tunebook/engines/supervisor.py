"""Starts and ends an external program for tunebook: `python supervisor.py LOG BYTES PROGRAM ARG...`

Ends everything that the program started when the program ends, or when standard input ends (the sign that tunebook
wants it to end, or is dead). Prints the exit code ("missing" when it could not be started) and the peak memory.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import IO

import psutil

__all__ = ["main"]

_PR_SET_CHILD_SUBREAPER = 36
_TICK_SECONDS = 0.1
_CHUNK = 1 << 16
_TAIL_CHUNKS = 2
_GIVE_UP_SECONDS = 10.0


def main(arguments: list[str]) -> None:
    """Run the program; see the module."""
    log, limit, command = Path(arguments[0]), int(arguments[1]), arguments[2:]
    _adopt_orphans()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        program = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
        )
    except (OSError, ValueError):
        print("missing 0")
        return
    assert program.stdout is not None
    reader = threading.Thread(target=_keep_output, args=(program.stdout, log, limit), daemon=True)
    reader.start()
    peak = _watch(program)
    code = program.poll()
    _end_all(program.pid)
    program.wait()
    reader.join(timeout=2.0)
    print("ended" if code is None else code, peak)


def _watch(program: subprocess.Popen[bytes]) -> int:
    """Wait until the program or standard input has ended; gives the most memory that its processes used, in bytes."""
    peak, sampled = 0, 0.0
    while program.poll() is None:
        readable, _, _ = select.select([sys.stdin], [], [], _TICK_SECONDS)
        if readable and not os.read(sys.stdin.fileno(), 1):
            break
        if time.monotonic() - sampled > 1.0:
            sampled = time.monotonic()
            peak = max(peak, sum(_bytes_of(process) for process in _descendants()))
    return peak


def _keep_output(stream: IO[bytes], log: Path, limit: int) -> None:
    """Write the first `limit` bytes and the last chunks to the log; the bytes between are counted and dropped."""
    tail: deque[bytes] = deque(maxlen=_TAIL_CHUNKS)
    written = dropped = 0
    with _opened(log) as file:
        while chunk := os.read(stream.fileno(), _CHUNK):
            room = max(0, limit - written)
            with suppress(OSError):  # a full disk must not block the program on its own output
                file.write(chunk[:room])
                file.flush()
            written += len(chunk[:room])
            if chunk[room:]:
                dropped += len(chunk[room:])
                tail.append(chunk[room:])
        kept = b"".join(tail)
        if dropped > len(kept):
            kept = f"\n[tunebook: {dropped - len(kept)} bytes of output were dropped here]\n".encode() + kept
        with suppress(OSError):
            file.write(kept)


def _opened(log: Path) -> IO[bytes]:
    """The log, or the null device when it cannot be created: the program's output must be read in any case."""
    try:
        return log.open("wb", buffering=0)
    except OSError:
        return open(os.devnull, "wb")


def _adopt_orphans() -> None:
    """On Linux, become the parent of processes whose own parent has ended, so that they can be found and killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _descendants() -> list[psutil.Process]:
    with suppress(psutil.Error):
        found: list[psutil.Process] = psutil.Process().children(recursive=True)
        return found
    return []


def _bytes_of(process: psutil.Process) -> int:
    with suppress(psutil.Error):
        return int(process.memory_info().rss)
    return 0


def _end_all(group: int) -> None:
    """Kill the program's group and every descendant, repeatedly until none is left, because they may start others."""
    give_up = time.monotonic() + _GIVE_UP_SECONDS
    while time.monotonic() < give_up:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
        _reap()
        left = [process for process in _descendants() if _is_alive(process)]
        if not left:
            return
        for process in left:
            with suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(left, timeout=0.5)


def _reap() -> None:
    """Wait for adopted children that have ended, so that no zombies are left."""
    with suppress(ChildProcessError, AttributeError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _is_alive(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False


if __name__ == "__main__":
    main(sys.argv[1:])
