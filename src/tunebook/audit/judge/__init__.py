"""Auditing a hand-written record: which of its claims its own numbers support.

    audit.read -- HandRecord --> audit --> AuditReport --> record.audit (Markdown), run.audit (JSON)

`model` holds what a record says, `report` the one entry. No outcomes of single examples are known here, so every
verdict comes from bounds over all ways in which the examples of two trials can pair (`bounds`).
"""

from tunebook.audit.judge.report import AuditReport, audit
from tunebook.audit.model import HandRecord

__all__ = ["AuditReport", "HandRecord", "audit"]
