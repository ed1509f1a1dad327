"""Escapes sentences with bold marks for Markdown and HTML, and lays out Markdown."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from tunebook import escaping
from tunebook.words.marks import CLOSE, OPEN

__all__ = ["html_text", "markdown_bullets", "markdown_heading", "markdown_table", "markdown_text"]


def markdown_text(text: str) -> str:
    """Text for a Markdown paragraph or table cell, on one line; bold marks become **."""
    return escaping.markdown_text(text).replace(OPEN, "**").replace(CLOSE, "**")


def markdown_heading(text: str) -> str:
    """A section's heading."""
    return f"## {markdown_text(text)}"


def markdown_bullets(sentences: Iterable[str]) -> str:
    """A list of the sentences that say something."""
    return "\n".join(f"- {markdown_text(sentence)}" for sentence in sentences if sentence)


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[str]], numeric: Collection[int]) -> str:
    """A table; columns that are `numeric` are aligned right."""
    rule = "|".join("---:" if i in numeric else "---" for i in range(len(columns)))
    lines = [f"| {' | '.join(map(markdown_text, row))} |" for row in (columns, *rows)]
    return "\n".join([lines[0], f"|{rule}|", *lines[1:]])


def html_text(text: str) -> str:
    """Text for HTML content and quoted attributes; bold marks become <strong>."""
    return escaping.html_text(text).replace(OPEN, "<strong>").replace(CLOSE, "</strong>")
