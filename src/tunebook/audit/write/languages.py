"""Every sentence of the audit, once a language, behind one abstract class that the type checker holds both to."""

from __future__ import annotations

from tunebook.audit.write.words import AuditWords

__all__ = ["AuditWords", "audit_words"]


def audit_words(language: str) -> AuditWords:
    """The words of a language; English for one that is not known."""
    if language == "zh":
        from tunebook.audit.write.chinese import ChineseAudit

        return ChineseAudit()
    from tunebook.audit.write.english import EnglishAudit

    return EnglishAudit()
