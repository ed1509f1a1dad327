"""Auditing a hand-written record: from a path or a stream to the audit, and on to Markdown or JSON values."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from tunebook.audit.judge import AuditReport, audit
from tunebook.audit.read import MAX_BYTES, read_record
from tunebook.audit.write.document import audit_markdown
from tunebook.audit.write.values import audit_values
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
        return audit_markdown(self.report, language or self.report.record.language)

    def values(self) -> dict[str, Any]:
        """The audit as JSON values; the keys are those of docs/audit.md."""
        return audit_values(self.report)


def audit_path(path: str, examples: int | None = None, columns: Mapping[str, str] | None = None) -> AuditedRecord:
    """Audit a file; as `audit_stream`, which also raises a RecordTableError for one that cannot be read."""
    try:
        with Path(path).open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise RecordTableError(
            '{path}: cannot be read ({reason}); a record is a Markdown or CSV file. Give its path, or "-" to '
            "read standard input.",
            path=path,
            reason=reason(error),
        ) from None
    return audit_stream(io.BytesIO(content), os.path.basename(path) or path, examples, columns)


def audit_stream(
    stream: BinaryIO, source: str, examples: int | None = None, columns: Mapping[str, str] | None = None
) -> AuditedRecord:
    """Audit what a binary stream gives, a record in Markdown or separated by commas or tabs; at most `MAX_BYTES` + 1
    bytes are read.

    Args:
        source: the record's name.
        examples: the number of test examples, when known.
        columns: what columns are, by header: a factor, or accuracy, score, loss, label, place, setting, ignore.

    Raises: RecordTableError: it holds no table of trials.
    """
    if examples is not None and not 1 <= examples <= LARGEST_EXAMPLES:
        raise RecordTableError(
            "--examples: got {examples}; a test set has 1 to {largest_examples:,} examples. Give their number.",
            examples=examples,
            largest_examples=LARGEST_EXAMPLES,
        )
    return AuditedRecord(audit(read_record(stream.read(MAX_BYTES + 1), source, columns), examples))
