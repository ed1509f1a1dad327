"""What the ledger needs from a database: transactions, a clock, and tunebook's own errors.

`sqlite.py` and `postgres.py` implement it; the rest of the ledger is written once and uses only this interface.
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
    """Its name in messages: the file, or host and database; never a password."""
    writable: bool

    def transaction(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one transaction. It is durable on return; after an error nothing of it remains.

        `work` may run more than once (PostgreSQL, after a broken connection), so it must write the same rows each time.
        """
        ...

    def now(self, connection: Connection) -> float:
        """Seconds since 1970 for people; nothing is ordered by it."""
        ...

    def close(self) -> None: ...
