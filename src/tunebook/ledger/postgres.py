"""Ledgers in one PostgreSQL database, for several machines: many studies, identified by name.

Each study has one runner. It holds an advisory lock as long as its connection lives, and has its nonce in table
`writers`, which each of its transactions checks. A runner that lost its connection and returns after another took over
finds the other's nonce and stops.

A transaction is repeated when the connection breaks, with growing pauses. The store's transactions write the same rows
when they run twice, also when only the answer to the first commit was lost.
"""

from __future__ import annotations

import logging
import math
import random
import re
import threading
import time
from collections.abc import Callable
from typing import TypeVar
from uuid import uuid4

from sqlalchemy import URL, Connection, Double, bindparam, cast, create_engine, func, make_url, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import NullPool

from tunebook.errors import (
    LedgerLocked,
    LedgerUnavailable,
    MissingExtraError,
    NotFoundError,
    TunebookError,
    UserError,
)
from tunebook.files import disk_full
from tunebook.ledger.lock import this_process
from tunebook.ledger.migrate import migrate, revision_of
from tunebook.ledger.schema import SCHEMA_REVISION, writers
from tunebook.phrases import Phrase

__all__ = ["PostgresDatabase"]

T = TypeVar("T")

_LOG = logging.getLogger(__name__)

_PATIENCE_SECONDS = 300.0
"""Seconds that a database may be unreachable before the study stops (exit 75): longer than a restart or a fail-over
takes."""
_OPENING_SECONDS = 5.0
"""The same while a ledger is being opened: a wrong address should be reported quickly."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 10.0
_TRY_AGAIN_AT_ONCE = frozenset({"40001", "40P01"})
"""Serialisation failure, deadlock: nothing was written, and trying again helps."""
_DISK_FULL, _OUT_OF_MEMORY = "53100", "53200"
_NOT_TRANSIENT = frozenset({"28P01", "28000", "3D000", "42501"})
"""Wrong password, no such user or database, missing privilege: waiting does not help."""
_REFUSED = "28000"
_REFUSED_AT_THE_DOOR = (
    "password authentication failed",
    "no password supplied",
    "no pg_hba.conf entry",
    "authentication failed for user",
    "is not permitted to log in",
)
_ABSENT = re.compile(r'(?:role|database) ".*" does not exist')
"""What a server says that does not let somebody in. The driver gives no code for an attempt to connect. A server that
does not speak English is asked again, as one that does not answer."""
_AWAY = ("08", "57P0", "53300")
"""Connection broken, server shutting down or starting, too many connections."""
_NOW = cast(func.extract("epoch", func.clock_timestamp()), Double)
_MARK = (
    select(writers.c.nonce, _NOW.label("now"))
    .where(writers.c.study_name == bindparam("study"))
    .with_for_update(read=True)
)


class PostgresDatabase:
    """One study in a PostgreSQL database.

    Args:
        address: `postgresql://user:password@host:port/database`; never printed.
        study: the study's name; required for a runner.
        write: whether to write, creating or migrating the tables if needed.
        patience_seconds: how long to keep trying while the database does not answer.
    """

    def __init__(
        self,
        address: str,
        *,
        study: str | None,
        write: bool,
        patience_seconds: float = _PATIENCE_SECONDS,
    ) -> None:
        url = _parsed(address)
        self.place = f"postgresql://{url.host or 'localhost'}{f':{url.port}' if url.port else ''}/{url.database}"
        self.writable = write
        self._study = study
        self._mark = uuid4().hex
        self._patience = patience_seconds
        self._guard = threading.RLock()
        self._is_away = False
        self._began_at = math.nan
        self._connection: Connection | None = None
        if write and study is None:
            raise UserError(
                "{place}: a study's name is needed to write there. Open the ledger with study=NAME.", place=self.place
            )
        arguments = {"application_name": f"tunebook: {this_process()}"[:63], "connect_timeout": 10}
        keep_alive = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
        self._engine = create_engine(
            url, connect_args={**arguments, **keep_alive}, poolclass=NullPool, hide_parameters=True
        )
        try:
            self._persist(self._prepare, min(_OPENING_SECONDS, patience_seconds))
        except BaseException:
            self.close()
            raise

    def transaction(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one transaction, and again if the connection breaks; see `Database`."""

        def fenced(connection: Connection) -> T:
            with connection.begin():
                if self.writable:
                    self._check_mark(connection)
                return work(connection)

        return self._persist(fenced, self._patience)

    def now(self, connection: Connection) -> float:
        """Seconds since 1970 by the server's clock, which is the same for every machine, when the transaction began."""
        return self._began_at

    def close(self) -> None:
        """Release the study and close the connection."""
        with self._guard:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            self._engine.dispose()

    # --- connection ----------------------------------------------------------------------------------------------

    def _persist(self, work: Callable[[Connection], T], patience: float) -> T:
        """Run `work` on the connection. On a temporary error, make a new connection and run it again."""
        started = time.monotonic()
        pause = _FIRST_PAUSE
        with self._guard:
            while True:
                try:
                    result = work(self._connected())
                    self._is_away = False
                    return result
                except DBAPIError as error:
                    self._after(error, patience, time.monotonic() - started)
                    if _code(error) not in _TRY_AGAIN_AT_ONCE:
                        # random, so that machines that lost the connection together do not retry together
                        time.sleep(pause * random.uniform(0.5, 1.0))
                        pause = min(2 * pause, _LONGEST_PAUSE)

    def _connected(self) -> Connection:
        if self._connection is None:
            connection = self._engine.connect()
            try:
                if self.writable:
                    self._take_lock(connection)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _after(self, error: DBAPIError, patience: float, waited: float) -> None:
        """Drop a broken connection; raise unless trying again makes sense."""
        code = _code(error)
        broken = error.connection_invalidated or code.startswith(_AWAY) or self._connection is None
        if broken and self._connection is not None:
            self._connection.invalidate()
            self._connection.close()
            self._connection = None
        if code in _TRY_AGAIN_AT_ONCE:
            return
        if code in _NOT_TRANSIENT or not broken:
            raise self._translated(error, code) or error from error
        if waited > patience:
            raise LedgerUnavailable(
                "{place}: the database has not answered for {waited:.0f} seconds ({first_line}). Nothing is lost. "
                "Check the address in TUNEBOOK_LEDGER, or run again when the database is back.",
                place=self.place,
                waited=waited,
                first_line=_first_line(error),
            ) from error
        if not self._is_away:
            self._is_away = True
            _LOG.warning("%s: the database does not answer; trying again for %.0f seconds", self.place, patience)

    def _translated(self, error: DBAPIError, code: str) -> TunebookError | None:
        if code in _NOT_TRANSIENT:
            return LedgerUnavailable(
                "{place}: the database refuses ({first_line}). Check user, password and database in TUNEBOOK_LEDGER.",
                place=self.place,
                first_line=_first_line(error),
            )
        if code == _OUT_OF_MEMORY:
            return LedgerUnavailable(
                "{place}: the database is out of memory ({first_line}). Nothing is lost; run again later.",
                place=self.place,
                first_line=_first_line(error),
            )
        if code == _DISK_FULL:
            return disk_full(self.place, reason=_first_line(error))
        if code == "42P01":
            return NotFoundError(
                "{place}: there is no ledger in this database yet. Start with `tunebook run`.", place=self.place
            )
        return None

    # --- one runner a study --------------------------------------------------------------------------------------

    def _take_lock(self, connection: Connection) -> None:
        """Take the session's advisory lock. The server releases it when this process or its connection ends."""
        key = func.hashtextextended(f"tunebook study {self._study}", 0)
        taken = connection.execute(select(func.pg_try_advisory_lock(key))).scalar_one()
        connection.commit()
        if not taken:
            raise self._held(connection)

    def _prepare(self, connection: Connection) -> None:
        with connection.begin():
            if not self.writable:
                if revision_of(connection) is None:
                    raise NotFoundError(
                        "{place}: there is no ledger here yet. Start with `tunebook run`.", place=self.place
                    )
                return
            if revision_of(connection) != SCHEMA_REVISION:
                connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('tunebook schema', 0))"))
                migrate(connection, self.place)
            self._leave_mark(connection)

    def _leave_mark(self, connection: Connection) -> None:
        values = {"study_name": self._study, "nonce": self._mark, "holder": this_process(), "since": _NOW}
        statement = insert(writers).values(values)
        statement = statement.on_conflict_do_update(index_elements=[writers.c.study_name], set_=values)
        connection.execute(statement)

    def _check_mark(self, connection: Connection) -> None:
        """Refuse to write if another runner took over; lock the row in `writers` until this transaction ends. Tells the
        time as well, which saves a round trip."""
        found = connection.execute(_MARK, {"study": self._study}).first()
        if found is None or found.nonce != self._mark:
            raise self._held(connection)
        self._began_at = found.now

    def _held(self, connection: Connection) -> LedgerLocked:
        who: object = Phrase("another process")
        if revision_of(connection) is not None:
            asked = select(writers.c.holder).where(writers.c.study_name == self._study)
            who = connection.execute(asked).scalar_one_or_none() or who
        return LedgerLocked(
            "{place}: study {study!r} is held by {who}; a study has one runner at a time. Wait for it to end, or "
            "stop it; then run again.",
            place=self.place,
            study=self._study,
            who=who,
        )


def _parsed(address: str) -> URL:
    try:
        import psycopg  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(
            'A ledger in PostgreSQL needs the package psycopg: pip install "tunebook[postgres]"'
        ) from error
    try:
        url = make_url(address)
    except (ArgumentError, ValueError) as error:
        raise UserError(
            "TUNEBOOK_LEDGER: cannot be read as an address (it is not shown here, as it may hold a password); it "
            "is postgresql://user:password@host:port/database. Correct it."
        ) from error
    return url.set(drivername="postgresql+psycopg")


def _code(error: DBAPIError) -> str:
    return getattr(error.orig, "sqlstate", None) or (_REFUSED if _is_refused(str(error.orig)) else "")


def _is_refused(message: str) -> bool:
    """Whether an attempt to connect ended with the server's refusal."""
    return any(said in message for said in _REFUSED_AT_THE_DOOR) or _ABSENT.search(message) is not None


def _first_line(error: DBAPIError) -> str:
    return (str(error.orig).strip() or "no message").splitlines()[0]
