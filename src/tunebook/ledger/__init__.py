"""The durable record of a study, for programs: SQLite in the study folder, or PostgreSQL shared by several machines."""

from tunebook.ledger.examination import examine
from tunebook.ledger.export import export_csv, export_jsonl
from tunebook.ledger.opening import ledger_address, open_ledger
from tunebook.ledger.salvage import rescue
from tunebook.ledger.store import KnownFacts, SqlLedger

__all__ = [
    "KnownFacts",
    "SqlLedger",
    "examine",
    "export_csv",
    "export_jsonl",
    "ledger_address",
    "open_ledger",
    "rescue",
]
