"""Strangers' text made safe for each place where the record shows it.

Dataset text, model output and names come from outside. `clean` takes out what no place can show (control characters,
and the two private characters of `words.marks` that mark bold inside sentences); the escapers then make the rest
literal in HTML, Markdown tables and CSV.
"""

from __future__ import annotations

import html as _html
import json
import re
import unicodedata
from typing import Any

from tunebook.words.marks import CLOSE, OPEN

__all__ = [
    "clean",
    "csv_cell",
    "html_text",
    "json_block",
    "markdown_code",
    "markdown_text",
    "shorten",
]

_MARKDOWN_SPECIAL = re.compile(r"([\\`*\[\]<|~$]|(?<!\w)_|_(?!\w)|&(?=#?\w+;))")
_FORMULA_START = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def clean(text: str) -> str:
    """The text without control, private-use, surrogate and direction-changing characters; line breaks are kept."""
    kept = (c for c in text.replace("\r\n", "\n") if c == "\n" or c == "\t" or unicodedata.category(c)[0] != "C")
    return "".join(kept)


def shorten(text: str, limit: int) -> str:
    """Cleaned text of at most `limit` characters; what was cut is marked."""
    text = clean(text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def markdown_text(text: str) -> str:
    """Escaped for a Markdown paragraph or table cell; one line."""
    escaped = _MARKDOWN_SPECIAL.sub(r"\\\1", " ".join(text.split()))
    return escaped.replace(OPEN, "**").replace(CLOSE, "**")


def markdown_code(text: str) -> str:
    """As inline code, fenced with more backticks than the text has in a row. Text with a pipe becomes escaped text
    instead: how a pipe inside code is read within a table differs between Markdown readers."""
    flat = " ".join(clean(text).split())
    if "|" in flat:
        return markdown_text(flat)
    fence = "`" * (max((len(run) for run in re.findall(r"`+", flat)), default=0) + 1)
    padding = " " if "`" in flat else ""
    return f"{fence}{padding}{flat}{padding}{fence}" if flat else ""


def html_text(text: str) -> str:
    """Escaped for HTML text and quoted attributes; bold marks become <strong>."""
    return _html.escape(text, quote=True).replace(OPEN, "<strong>").replace(CLOSE, "</strong>")


def json_block(value: Any) -> str:
    """JSON for a <script type="application/json"> block: nothing in it can end the block or open a comment."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def csv_cell(value: Any) -> Any:
    """A value for a CSV cell. Text that a spreadsheet would run as a formula gets an apostrophe in front; numbers,
    also negative ones, stay numbers."""
    if not isinstance(value, str):
        return "" if value is None else value
    text = clean(value)
    if text.startswith(_FORMULA_START) and not _NUMBER.fullmatch(text):
        return "'" + text
    return text
