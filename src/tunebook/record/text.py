"""Bold in sentences, and strangers' text escaped for each place where the record shows it.

`clean` takes out what no place can show, the two private characters that mark bold inside sentences among it; the
escapers of `tunebook.escaping` make the rest literal. Sentences carry bold as `strong(...)`, so that one sentence
serves every writer.
"""

from __future__ import annotations

from tunebook import escaping
from tunebook.escaping import clean, csv_cell, json_block, markdown_code, shorten

__all__ = [
    "clean",
    "csv_cell",
    "html_text",
    "json_block",
    "markdown_code",
    "markdown_text",
    "plain_text",
    "shorten",
    "strong",
]

_OPEN, _CLOSE = "\ue000", "\ue001"


def strong(text: str) -> str:
    """Marks text as bold, for every writer."""
    return f"{_OPEN}{text}{_CLOSE}"


def plain_text(text: str) -> str:
    """The sentence without marks."""
    return text.replace(_OPEN, "").replace(_CLOSE, "")


def markdown_text(text: str) -> str:
    """Escaped for a Markdown paragraph or table cell; one line; bold marks become **."""
    return escaping.markdown_text(text).replace(_OPEN, "**").replace(_CLOSE, "**")


def html_text(text: str) -> str:
    """Escaped for HTML text and quoted attributes; bold marks become <strong>."""
    return escaping.html_text(text).replace(_OPEN, "<strong>").replace(_CLOSE, "</strong>")
