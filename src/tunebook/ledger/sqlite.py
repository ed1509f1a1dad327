"""The ledger in one SQLite file: WAL, `synchronous=FULL`, one writer under a file lock, any number of readers.

A new file is created under another name and renamed when its schema is complete, so `ledger.sqlite` is always complete
(decision 042). An existing file is checked as a whole, read-only, before anything is written to it, so that a damaged
file is not changed.
"""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from sqlalchemy import Connection, create_engine, event
from sqlalchemy import Engine as SqlEngine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from tunebook.errors import LedgerLocked, NotFoundError, TunebookError
from tunebook.files import disk_full, said, sync
from tunebook.ledger.digest import damaged
from tunebook.ledger.lock import FolderLock
from tunebook.ledger.migrate import migrate, revision_of
from tunebook.ledger.schema import SCHEMA_REVISION
from tunebook.phrases import Phrase

__all__ = ["LEDGER_FILE", "SqliteDatabase", "check_file", "connect_readonly", "readonly_engine", "translated"]

T = TypeVar("T")

LEDGER_FILE = "ledger.sqlite"
_MAKING_FILE = "ledger.sqlite.making"
_NO_INDEX = ("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_IOERR_SHM", "SQLITE_FULL")
"""SQLite's errors when a read-only folder or a full disk has no room for the index of the write-ahead log."""
_BUSY_SECONDS = 30.0
"""Seconds to wait for a reader that blocks a checkpoint or a migration."""


class SqliteDatabase:
    """The ledger file of one study folder.

    Args:
        folder: the study folder; created if it is missing and `write` is true.
        write: whether to take the folder's lock, create or migrate the file, and write. Otherwise nothing is changed.
        clock: seconds since 1970, for times shown to people.
    """

    def __init__(self, folder: Path, *, write: bool, clock: Callable[[], float] = time.time) -> None:
        self.place = str(folder / LEDGER_FILE)
        self.writable = write
        self._path = folder / LEDGER_FILE
        self._clock = clock
        self._lock: FolderLock | None = None
        self._copy: tempfile.TemporaryDirectory[str] | None = None
        if write:
            self._engine = self._open_for_writing(folder)
        else:
            self._engine = self._open_for_reading()

    def transaction(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one transaction; see `Database`."""
        try:
            with self._engine.begin() as connection:
                return work(connection)
        except DBAPIError as error:
            raise translated(error, self.place) or error from error

    def now(self, connection: Connection) -> float:
        """Seconds since 1970 by this machine's clock. SQLite has one writer, so no two clocks are compared."""
        return self._clock()

    def close(self) -> None:
        """Merge the write-ahead log into the file and release the lock."""
        self._engine.dispose()
        if self._copy is not None:
            self._copy.cleanup()
        if self._lock is not None:
            self._lock.release()

    def _open_for_writing(self, folder: Path) -> SqlEngine:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise said(error, folder) from error
        self._lock = FolderLock(folder)
        try:
            return self._prepared_for_writing(folder)
        except DBAPIError as error:
            self._lock.release()
            raise translated(error, self.place) or error from error
        except sqlite3.Error as error:
            self._lock.release()
            raise _translated_cause(error, self.place) or error from error
        except BaseException:
            self._lock.release()
            raise

    def _prepared_for_writing(self, folder: Path) -> SqlEngine:
        if not self._path.exists():
            self._make(folder / _MAKING_FILE)
        else:
            check_file(self._path)
            self._check_that_it_is_ours()
        engine = _engine(self._path)
        with engine.begin() as connection:
            migrate(connection, self.place)
        return engine

    def _check_that_it_is_ours(self) -> None:
        """Refuse a file without our tables: it was emptied or is something else, because a ledger gets its name only
        when its schema is complete."""
        engine = _engine(self._path, readonly=True)
        with engine.connect() as connection:
            revision = revision_of(connection)
        engine.dispose()
        if revision is None:
            raise damaged(self.place, "it is empty, or no ledger of tunebook")

    def _make(self, making: Path) -> None:
        for leftover in (making, *(making.with_name(making.name + suffix) for suffix in ("-wal", "-shm", "-journal"))):
            leftover.unlink(missing_ok=True)
        engine = _engine(
            making, journal="DELETE"
        )  # without a log, so that a full disk cannot leave the end of it unwritten
        try:
            with engine.begin() as connection:
                migrate(connection, self.place)
        finally:
            engine.dispose()
        making.replace(self._path)
        sync(self._path.parent)

    def _open_for_reading(self) -> SqlEngine:
        if not self._path.exists():
            raise NotFoundError(
                "{path}: there is no ledger here; a study has one as soon as it runs. Check the folder's name, or "
                "start the study with `tunebook run`.",
                path=self._path,
            )
        try:
            readable = self._readable_file()
            engine = _engine(readable, readonly=True)
            with engine.connect() as connection:
                revision = revision_of(connection)
        except (DBAPIError, sqlite3.Error) as error:
            self._forget_copy()
            raise translated(error, self.place) or error from error
        if revision is None:
            engine.dispose()
            self._forget_copy()
            raise damaged(self.place, "it is empty, or no ledger of tunebook")
        return engine if revision == SCHEMA_REVISION else self._migrated_copy(engine)

    def _readable_file(self) -> Path:
        """The ledger, or a copy of it if its folder cannot hold the index that readers of the log share."""
        return self._path if _has_index(self._path) else self._copied()

    def _copied(self) -> Path:
        self._copy = tempfile.TemporaryDirectory(prefix="tunebook-ledger-")
        return _copied(self._path, self._copy.name)

    def _migrated_copy(self, engine: SqlEngine) -> SqlEngine:
        """A migrated copy through which an older ledger is read; the file itself is not changed."""
        engine.dispose()
        copy = _engine(self._copied())
        try:
            with copy.begin() as connection:
                migrate(connection, self.place)
        except DBAPIError as error:
            copy.dispose()
            self._forget_copy()
            raise translated(error, self.place) or error from error
        return copy

    def _forget_copy(self) -> None:
        if self._copy is not None:
            self._copy.cleanup()


def connect_readonly(path: Path) -> sqlite3.Connection:
    """A connection that cannot change the file. The schema is read first, so that errors show here."""
    connection = sqlite3.connect(_address(path, "ro"), uri=True, timeout=_BUSY_SECONDS, check_same_thread=False)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error:
        connection.close()
        raise
    except UnicodeDecodeError as error:  # SQLite's own message quotes a damaged schema
        connection.close()
        raise sqlite3.OperationalError(str(error)) from error
    return connection


def _has_index(path: Path) -> bool:
    """Whether a reader finds or can create the index of the log. If not, a copy of the ledger is read."""
    try:
        connect_readonly(path).close()
    except sqlite3.OperationalError as error:
        if getattr(error, "sqlite_errorname", "").startswith(_NO_INDEX):
            return False
        raise
    return True


def _copied(path: Path, folder: str) -> Path:
    """A copy of the ledger with its log, in another folder."""
    for suffix in ("", "-wal"):
        source = path.with_name(path.name + suffix)
        if source.exists():
            shutil.copyfile(source, Path(folder) / source.name)
    return Path(folder) / path.name


def readonly_engine(path: Path) -> SqlEngine:
    """A SQLAlchemy engine that cannot change the file, for examining damaged ones."""
    return _engine(path, readonly=True)


def check_file(path: Path, place: str | None = None) -> None:
    """Read the whole file and raise LedgerDamaged if SQLite finds it inconsistent. Changes nothing.

    Args:
        place: its name in messages, in case `path` is a copy.
    """
    place = place or str(path)
    try:
        if not _has_index(path):
            with tempfile.TemporaryDirectory(prefix="tunebook-ledger-") as folder:
                return check_file(_copied(path, folder), place)
        connection = connect_readonly(path)
        try:
            answers = [row[0] for row in connection.execute("PRAGMA integrity_check(3)")]
            orphans = connection.execute("PRAGMA foreign_key_check")
            answers += [f"row {row[1]} of {row[0]} belongs to nothing" for row in orphans]
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise _translated_cause(error, place) or error from error
    if answers != ["ok"]:
        raise damaged(place, "; ".join(str(answer) for answer in answers[:3] if answer != "ok"))


def translated(error: BaseException, place: str) -> TunebookError | None:
    """A driver's error as one of tunebook's errors, or None if it is a bug of ours."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return _translated_cause(cause, place)


def _translated_cause(cause: BaseException | None, place: str) -> TunebookError | None:
    name = str(getattr(cause, "sqlite_errorname", ""))
    cannot_read = name in ("SQLITE_IOERR_READ", "SQLITE_IOERR_SHORT_READ", "SQLITE_IOERR_CORRUPTFS")
    if name == "SQLITE_FULL" or (name.startswith("SQLITE_IOERR") and not cannot_read and "LOCK" not in name):
        safe = "What was written before is safe; the last step was not written."
        return disk_full(
            place, safe, Phrase("{cause}; a quota or a limit on the size of files counts too", cause=cause)
        )
    if name.startswith(("SQLITE_READONLY", "SQLITE_PERM", "SQLITE_CANTOPEN", "SQLITE_IOERR_LOCK", "SQLITE_PROTOCOL")):
        no_locks = "LOCK" in name or "PROTOCOL" in name
        return said(OSError(errno.ENOLCK, str(cause)) if no_locks else OSError(str(cause)), place)
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return LedgerLocked(
            "{place}: another process holds the file ({cause}); waited {busy_seconds:.0f} seconds. Close the "
            "program that has it open, then run again.",
            place=place,
            cause=cause,
            busy_seconds=_BUSY_SECONDS,
        )
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_IOERR")) or isinstance(cause, UnicodeDecodeError):
        return damaged(place, str(cause))
    # Damage can also show as a schema without our tables, or as text that is not UTF-8.
    text = str(cause)
    if isinstance(cause, sqlite3.OperationalError) and ("no such" in text or "decode" in text or "malformed" in text):
        return damaged(place, text)
    return None


def _address(path: Path, mode: str) -> str:
    return f"file:{quote(os.fsencode(path.resolve()))}?mode={mode}"


def _engine(path: Path, *, readonly: bool = False, journal: str = "WAL") -> SqlEngine:
    def connect() -> sqlite3.Connection:
        if readonly:
            connection = connect_readonly(path)
        else:
            address = _address(path, "rwc")
            connection = sqlite3.connect(address, uri=True, timeout=_BUSY_SECONDS, check_same_thread=False)
            _set_up(connection, path, journal)
        connection.isolation_level = None  # we begin transactions ourselves
        return connection

    engine = create_engine("sqlite://", creator=connect, poolclass=QueuePool, pool_size=1, hide_parameters=True)
    begin = "BEGIN" if readonly else "BEGIN IMMEDIATE"

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _set_up(connection: sqlite3.Connection, path: Path, journal: str) -> None:
    """Configure the connection: durable on commit, as far as the disk can be trusted."""
    mode = connection.execute(f"PRAGMA journal_mode={journal}").fetchone()[0]
    if mode != journal.lower():
        connection.close()
        raise said(OSError(errno.ENOLCK, f"SQLite gives journal mode {mode} instead of {journal}"), path.parent)
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA cell_size_check=ON")
