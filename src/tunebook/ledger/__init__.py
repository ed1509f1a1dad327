"""The durable record of a study, for programs: SQLite in the study folder, or PostgreSQL for several machines."""

from tunebook.ledger.opening import ledger_address, open_ledger
from tunebook.ledger.store import SqlLedger

__all__ = ["SqlLedger", "ledger_address", "open_ledger"]
