"""Every sentence of the audit, once a language, behind one abstract class that the type checker holds both to."""

from __future__ import annotations

from tunebook.record.audit_words.base import AuditWords

__all__ = ["AuditWords", "audit_words"]


def audit_words(language: str) -> AuditWords:
    """The words of a language; English for one that is not known."""
    if language == "zh":
        from tunebook.record.audit_words.chinese import ChineseAudit

        return ChineseAudit()
    from tunebook.record.audit_words.english import EnglishAudit

    return EnglishAudit()
