"""Hand-written tuning records: Markdown or CSV to `audit.model.HandRecord`.

Reads what people write: headers in English and Chinese, marks and emoji in cells, fractions and percentages, settings
in columns or in words, and the claims of the text. Nothing but `RecordTableError` leaves it, whatever the bytes.
"""

from tunebook.audit.read.reader import MAX_BYTES, read_record

__all__ = ["MAX_BYTES", "read_record"]
