"""Every sentence of the audit in two languages; the type checker refuses the use of one that a language lacks."""

from __future__ import annotations

from typing import TypeAlias

from tunebook.audit.write.chinese import ChineseAudit
from tunebook.audit.write.english import EnglishAudit

__all__ = ["AuditWords", "audit_words"]

AuditWords: TypeAlias = EnglishAudit | ChineseAudit


def audit_words(language: str) -> AuditWords:
    """The words of a language; English for one that is not known."""
    return ChineseAudit() if language == "zh" else EnglishAudit()
