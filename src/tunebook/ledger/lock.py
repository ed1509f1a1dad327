"""One writer per study folder: a file lock, and a file that says who holds it.

The operating system releases the lock when its process ends, for whatever reason. The other file is for people only.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import warnings
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

from tunebook.errors import LedgerLocked
from tunebook.files import said
from tunebook.phrases import Phrase

__all__ = ["FolderLock", "holder_text", "system_lock", "this_process"]

LOCK_FILE = "ledger.lock"
HOLDER_FILE = "ledger.holder.json"


def this_process() -> str:
    """A description of this process for people: "process 4711 on host lab3"."""
    return f"process {os.getpid()} on host {socket.gethostname()}"


def system_lock(path: Path) -> BaseFileLock:
    """Take the operating system's lock on a file without waiting.

    On a file system without locks filelock uses a marker file or raises NotImplementedError, depending on its version.
    A marker file outlives a killed process, so it is refused here.

    Raises: Timeout: another process holds it. OSError: it cannot be taken; ENOSYS: this file system has no locks.
    """
    missing = OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    try:
        lock = _acquired(path)
    except NotImplementedError as error:
        raise missing from error
    if isinstance(lock, SoftFileLock):
        lock.release()
        raise missing
    return lock


def holder_text(holder: Mapping[str, Any]) -> Phrase:
    """What a lock's holder file says, in words. Raises KeyError: it says something else."""
    told = {key: holder[key] for key in ("pid", "host", "since")}
    return Phrase("process {pid} on host {host}, since {since}", **told)


def _acquired(path: Path) -> BaseFileLock:
    lock = FileLock(path, timeout=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the marker file, which is refused
        lock.acquire()
    return lock


class FolderLock:
    """The right to write one study folder. It is taken without waiting.

    Raises: LedgerLocked: another process holds it. UnwritableFolder: the folder cannot be locked.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            self._lock = system_lock(folder / LOCK_FILE)
        except Timeout:
            raise self._held() from None
        except OSError as error:
            raise said(error, folder) from error
        try:
            self._check_that_locks_work()
            self._write_holder()
        except BaseException:
            self._lock.release()
            raise

    def release(self) -> None:
        """Release the folder."""
        if self._lock.is_locked:
            with suppress(OSError):
                (self._folder / HOLDER_FILE).unlink(missing_ok=True)
            self._lock.release()

    def _check_that_locks_work(self) -> None:
        """Check that a second lock in this process is refused, because some network drives grant every lock."""
        try:
            second = system_lock(self._folder / LOCK_FILE)
        except Timeout:
            return
        second.release()
        raise said(OSError(errno.ENOLCK, "the same lock was granted twice"), self._folder)

    def _write_holder(self) -> None:
        since = datetime.now(UTC).isoformat(timespec="seconds")
        text = json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": since})
        try:
            (self._folder / HOLDER_FILE).write_text(text, encoding="utf-8")
        except OSError as error:
            raise said(error, self._folder) from error

    def _held(self) -> LedgerLocked:
        try:
            holder = json.loads((self._folder / HOLDER_FILE).read_text(encoding="utf-8"))
            who = holder_text(holder)
        except (OSError, ValueError, KeyError, TypeError):
            who = Phrase("another process (it left no name)")
        return LedgerLocked(
            "{folder}: held by {who}; a study has one writer at a time. Wait for it to end, or stop it; then run "
            "again. `tunebook status` reads without the lock.",
            folder=self._folder,
            who=who,
        )
