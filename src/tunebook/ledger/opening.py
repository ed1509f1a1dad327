"""Finds and opens a study's ledger.

The address of a PostgreSQL database is read from the environment (`TUNEBOOK_LEDGER`) because it contains a password; it
is never printed or stored.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from tunebook.errors import UserError
from tunebook.ledger.sqlite import SqliteDatabase
from tunebook.ledger.store import SqlLedger

__all__ = ["LEDGER_VARIABLE", "ledger_address", "open_ledger"]

LEDGER_VARIABLE = "TUNEBOOK_LEDGER"


def ledger_address(environment: Mapping[str, str] = os.environ) -> str | None:
    """The database address in the environment, or None if the ledger is in the study folder."""
    return environment.get(LEDGER_VARIABLE) or None


def open_ledger(
    address: str | Path,
    *,
    write: bool,
    study: str | None = None,
    clock: Callable[[], float] = time.time,
) -> SqlLedger:
    """Open a ledger.

    Args:
        address: the study folder, or `postgresql://user:password@host/database`. If `TUNEBOOK_LEDGER` is set, a
            folder's ledger is in that database, under the folder's name.
        write: whether to write to the ledger, creating or migrating it if needed. One writer per study.
        study: the study's name, if it is not the folder's.
        clock: seconds since 1970, for SQLite; PostgreSQL uses its own clock.

    Raises:
        LedgerLocked: another process is writing this study. LedgerDamaged: the file differs from what was written.
        UnwritableFolder, DiskFull: it cannot be written. LedgerUnavailable: the database does not answer, or is newer.
        NotFoundError: there is no ledger to read. UserError: the address has neither of the two forms.
    """
    database = str(address) if "://" in str(address) else ledger_address()
    if database is None:
        return SqlLedger(SqliteDatabase(Path(address), write=write, clock=clock), study)
    if "://" not in str(address):
        study = study or Path(address).resolve().name
    scheme = database.partition("://")[0]
    if scheme.split("+")[0] not in ("postgresql", "postgres"):
        raise UserError(
            "{ledger_variable}: got an address that begins with {scheme!r}; must be "
            "postgresql://user:password@host/database. Correct it, or leave it empty to use the study folder.",
            ledger_variable=LEDGER_VARIABLE,
            scheme=scheme[:20],
        )
    from tunebook.ledger.postgres import PostgresDatabase

    return SqlLedger(PostgresDatabase(database, study=study, write=write), study)
