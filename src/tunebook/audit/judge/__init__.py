"""Auditing a hand-written record: which of its claims its own numbers support.

    audit.read -- HandRecord --> audit --> AuditReport --> audit.write (Markdown, JSON values)

No outcomes of single examples are known here, so every verdict comes from bounds over all ways in which the examples of
two trials can pair (`bounds`).
"""

from tunebook.audit.judge.report import AuditReport, audit
from tunebook.audit.model import HandRecord

__all__ = ["AuditReport", "HandRecord", "audit"]
