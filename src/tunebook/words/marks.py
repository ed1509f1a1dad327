"""Bold inside sentences: two private characters that every writer turns into its own marks, so that one sentence serves
Markdown, HTML and the terminal. `escaping.clean` takes them out of text from outside."""

from __future__ import annotations

__all__ = ["CLOSE", "OPEN", "plain_text", "strong"]

OPEN, CLOSE = "\ue000", "\ue001"


def strong(text: str) -> str:
    """Marks text as bold, for every writer."""
    return f"{OPEN}{text}{CLOSE}"


def plain_text(text: str) -> str:
    """The sentence without marks."""
    return text.replace(OPEN, "").replace(CLOSE, "")
