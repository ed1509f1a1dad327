"""Escapes sentences with bold marks for Markdown and HTML."""

from __future__ import annotations

from tunebook import escaping
from tunebook.words.marks import CLOSE, OPEN

__all__ = ["html_text", "markdown_text"]


def markdown_text(text: str) -> str:
    """Text for a Markdown paragraph or table cell, on one line; bold marks become **."""
    return escaping.markdown_text(text).replace(OPEN, "**").replace(CLOSE, "**")


def html_text(text: str) -> str:
    """Text for HTML content and quoted attributes; bold marks become <strong>."""
    return escaping.html_text(text).replace(OPEN, "<strong>").replace(CLOSE, "</strong>")
