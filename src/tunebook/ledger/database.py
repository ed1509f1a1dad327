"""What the ledger needs of a database: transactions, a clock, and errors in tunebook's words.

`sqlite.py` and `postgres.py` fulfil it; everything else in the ledger is written once, against this.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from sqlalchemy import Connection

__all__ = ["Database"]

T = TypeVar("T")


class Database(Protocol):
    """One open database, for one study folder or one study name."""

    place: str
    """What messages call it: the file, or host and database; never a password."""
    writable: bool
    is_alone: bool
    """Whether no other process can have trials of this study under way."""

    def transaction(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one transaction, durable on return; on any error nothing of it remains.

        `work` may run more than once (PostgreSQL, after a broken connection): it must give the same rows each time.
        """
        ...

    def now(self, connection: Connection) -> float:
        """Seconds since 1970 by the clock that leases are judged by."""
        ...

    def close(self) -> None: ...
