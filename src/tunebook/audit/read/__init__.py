"""Hand-written tuning records: Markdown, HTML tables or CSV to `audit.model.HandRecord`.

documents -- tables and sentences --> columns -- what each column is --> tables -- rows, cells read strictly -->
reader; sentences -- claims -->. Nothing but `RecordTableError` leaves it, whatever the bytes.
"""

from tunebook.audit.read.reader import MAX_BYTES, read_record

__all__ = ["MAX_BYTES", "read_record"]
