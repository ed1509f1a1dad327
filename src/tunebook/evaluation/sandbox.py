"""Runs code that a model wrote, with its tests, in a process that can do little else.

The process has a group of its own, a clock and a limit of processor time, bounded memory, an empty environment, an
empty temporary folder, no standard output and none of our files. What it takes away from itself is in `sandboxed`:
files outside of its folder, processes, network, signals (Linux; elsewhere these stay, and `confinement` says so).
It is made against code that is wrong, not against code that attacks the kernel. Code that looks for its judge within
its own process can claim to have passed.
"""

from __future__ import annotations

import functools
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["KINDS", "Limits", "Verdict", "confinement", "run_code"]

KINDS = ("passed", "syntax", "assertion", "error", "timeout", "memory", "output", "exit")
"""How code can end: all tests hold; it does not compile; a test fails; it raises; it takes too long or too much; it
ends its process before the tests are over."""
START_SECONDS = 30.0
"""Python itself may take so long to start on a busy machine."""
TICK_SECONDS = 0.005
LOOK_SECONDS = 0.2
FILE_BYTES = 10_000_000
FOLDER_BYTES = 50_000_000
_LONGEST_RESULT = 1 << 16


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one run may take: processor seconds (and three times as many of clock), bytes of memory."""

    seconds: float = 5.0
    memory_bytes: int = 1_000_000_000


@dataclass(frozen=True)
class Verdict:
    """How a run ended: one of `KINDS`, and the error's class and text."""

    kind: str
    detail: str = ""

    @property
    def passed(self) -> bool:
        """Whether all tests held."""
        return self.kind == "passed"


def run_code(code: str, tests: str, limits: Limits) -> Verdict:
    """Run code and then its tests, in one namespace.

    Raises: OSError: no process can be started here.
    """
    found = _run({"code": code, "tests": tests}, limits)
    return found if isinstance(found, Verdict) else Verdict(found["kind"], found["detail"])


@functools.cache
def confinement() -> frozenset[str]:
    """What this machine takes away from the code: "files" outside of its folder, and "calls" (processes, network,
    signals). Starts one process, once."""
    found = _run({"probe": True}, Limits())
    return frozenset() if isinstance(found, Verdict) else frozenset(k for k, held in found["confined"].items() if held)


def _run(task: dict[str, Any], limits: Limits) -> Verdict | dict[str, Any]:
    """The process's own result, or why there is none."""
    word = secrets.token_hex(8)
    with tempfile.TemporaryDirectory(prefix="tunebook-code-", ignore_cleanup_errors=True) as folder:
        ours, theirs = os.pipe()
        try:
            process = _started(folder, theirs, limits)
            os.close(theirs)
            theirs = -1
            os.set_blocking(ours, False)
            task = {**task, "word": word}
            trouble = _watched(process, json.dumps(task).encode(), ours, Path(folder), limits)
            text = _read(ours)
        finally:
            for end in (ours, theirs):
                if end >= 0:
                    os.close(end)
    if trouble is not None:
        return Verdict(trouble)
    try:
        found: dict[str, Any] = json.loads(text)
        if found["word"] == word and found["kind"] in KINDS:
            return {**found, "detail": str(found["detail"])}
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    return Verdict(_killed_by(process.returncode))


def _started(folder: str, told: int, limits: Limits) -> subprocess.Popen[bytes]:
    seconds = max(1, round(limits.seconds))
    numbers = (seconds, limits.memory_bytes, FILE_BYTES)
    environment = {"HOME": folder, "TMPDIR": folder, "LANG": "C.UTF-8", "PYTHONHASHSEED": "0"}
    return subprocess.Popen(
        [sys.executable, "-s", "-P", "-B", str(Path(__file__).with_name("sandboxed.py")), str(told), folder,
         *map(str, numbers)],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder,
        env={**environment, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}, pass_fds=(told,),
        start_new_session=True,
    )  # fmt: skip


def _read(pipe: int) -> bytes:
    try:
        return os.read(pipe, _LONGEST_RESULT)
    except BlockingIOError:
        return b""


def _watched(process: subprocess.Popen[bytes], task: bytes, told: int, folder: Path, limits: Limits) -> str | None:
    """Wait until it ends; gives what it was ended for, if it was."""
    assert process.stdin is not None
    until, has_begun = time.monotonic() + START_SECONDS, False
    look = time.monotonic() + LOOK_SECONDS
    try:
        with suppress(OSError):  # it has died already
            process.stdin.write(task)
            process.stdin.close()
        while process.poll() is None:
            now = time.monotonic()
            if not has_begun and _read_one(told):
                until, has_begun = now + 3 * limits.seconds, True
            if now > until:
                return "timeout"
            if now > look:
                look = now + LOOK_SECONDS
                if _bytes_in(folder) > FOLDER_BYTES:
                    return "output"
            time.sleep(TICK_SECONDS)
        return None
    finally:
        with suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _read_one(pipe: int) -> bool:
    try:
        return bool(os.read(pipe, 1))
    except BlockingIOError:
        return False


def _bytes_in(folder: Path) -> int:
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += os.lstat(os.path.join(place, name)).st_size
    return total


def _killed_by(code: int | None) -> str:
    if code in (-signal.SIGXCPU, -signal.SIGKILL):
        return "timeout"
    if code == -signal.SIGXFSZ:
        return "output"
    return "error" if code is not None and code < 0 else "exit"
