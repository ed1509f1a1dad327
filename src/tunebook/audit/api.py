"""Auditing a hand-written record: from a path or a stream to the audit, and on to Markdown or JSON values."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from tunebook.audit.judge import AuditReport, audit
from tunebook.audit.read import MAX_BYTES, read_record
from tunebook.errors import RecordTableError
from tunebook.files import reason

__all__ = ["AuditedRecord", "audit_path", "audit_stream"]

LARGEST_EXAMPLES = 100_000_000


@dataclass(frozen=True)
class AuditedRecord:
    """An audit with its two outputs."""

    report: AuditReport

    def markdown(self, language: str | None = None) -> str:
        """The audit as a record. `language`: "en" or "zh"; None: the audited record's own."""
        from tunebook.audit.write.document import audit_markdown

        return audit_markdown(self.report, language or self.report.record.language)

    def values(self) -> dict[str, Any]:
        """The audit as JSON values, the keys are those of docs/audit.md."""
        from tunebook.audit.write.values import audit_values

        return audit_values(self.report)


def audit_path(path: str, examples: int | None = None, columns: Mapping[str, str] | None = None) -> AuditedRecord:
    """Audit a file.

    Args:
        path: a Markdown, CSV or TSV file; tables may be in HTML.
        examples: the number of test examples, when known.
        columns: what columns are, by header: a factor, or accuracy, score, loss, label, place, setting, ignore.

    Raises: RecordTableError: the file cannot be read, or holds no table of trials.
    """
    name = os.path.basename(path) or path
    try:
        with Path(path).open("rb") as stream:
            return audit_stream(stream, name, examples, columns)
    except (OSError, ValueError) as error:
        if isinstance(error, RecordTableError):
            raise
        raise RecordTableError(
            '{path}: cannot be read ({reason}); a record is a Markdown or CSV file. Give its path, or "-" to '
            "read standard input.",
            path=path,
            reason=reason(error),
        ) from None


def audit_stream(
    stream: BinaryIO, source: str, examples: int | None = None, columns: Mapping[str, str] | None = None
) -> AuditedRecord:
    """Audit what a binary stream gives; at most `MAX_BYTES` + 1 bytes are read. Raises as `audit_path`."""
    if examples is not None and not 1 <= examples <= LARGEST_EXAMPLES:
        raise RecordTableError(
            "--examples: got {examples}; a test set has 1 to {largest_examples:,} examples. Give their number.",
            examples=examples,
            largest_examples=LARGEST_EXAMPLES,
        )
    record = read_record(stream.read(MAX_BYTES + 1), source, columns)
    return AuditedRecord(audit(record, examples))
