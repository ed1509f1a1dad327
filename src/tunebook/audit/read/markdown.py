"""Markdown to grids and statements, by markdown-it-py (CommonMark with tables).

Inline parsing is left out: cells and sentences are cleaned by `numbers.clean_text`, which is faster and never nests.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tunebook.audit.read.grid import Document, Grid, Statement
from tunebook.audit.read.numbers import clean_text

__all__ = ["MAX_STATEMENTS", "looks_like_markdown", "read_markdown"]

LONGEST_STATEMENT = 2_000
"""Characters of one line of text; a longer one is no sentence of a tuning record and is passed over."""


def looks_like_markdown(text: str) -> bool:
    """Whether a text has a Markdown table: a line of dashes and bars under a line with bars."""
    previous = ""
    for line in text.splitlines():
        stripped = line.strip().lstrip("> ")
        if "-" in stripped and "|" in stripped + previous and set(stripped) <= set("|-: ") and "|" in previous:
            return True
        previous = stripped
    return False


MAX_STATEMENTS = 5_000
"""Lines of text that are kept, to be looked at for claims."""


@dataclass
class _Reading:
    grids: list[Grid] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)
    section: str = ""


_BOLD_LINE = re.compile(r"(\*\*|__)(?!\s)[^*_\n]{1,80}\1\s?[:：]?")
"""A paragraph that is bold as a whole serves as a heading."""


def read_markdown(text: str) -> Document:
    """All tables and statements of a Markdown text. Line numbers start at 1; headings make sections."""
    parser = MarkdownIt("commonmark").enable("table")
    parser.core.ruler.disable(["inline"])
    tokens = parser.parse(text)
    reading = _Reading()
    i = 0
    while i < len(tokens):
        token = tokens[i]
        if token.type == "heading_open":
            reading.section = clean_text(tokens[i + 1].content)[:300]
            i += 2
        elif token.type == "table_open":
            i = _read_table(tokens, i, reading)
        elif token.type in ("fence", "code_block"):
            _add_lines(token, reading, is_code=True)
        elif token.type == "inline" and _BOLD_LINE.fullmatch(token.content.strip()):
            reading.section = clean_text(token.content)[:300]
            _add_lines(token, reading, is_code=False)
        elif token.type == "inline":
            _add_lines(token, reading, is_code=False)
        i += 1
    return Document(tuple(reading.grids), tuple(reading.statements))


def _add_lines(token: Token, reading: _Reading, is_code: bool) -> None:
    start = (token.map[0] if token.map else 0) + (2 if token.type == "fence" else 1)
    for offset, line in enumerate(token.content.split("\n")):
        if line.strip() and len(line) <= LONGEST_STATEMENT and len(reading.statements) < MAX_STATEMENTS:
            reading.statements.append(Statement(clean_text(line), start + offset, reading.section, is_code))


def _read_table(tokens: Sequence[Token], start: int, reading: _Reading) -> int:
    """Reads one table and gives the index of its closing token."""
    header: tuple[str, ...] = ()
    rows: list[tuple[int, tuple[str, ...]]] = []
    cells: list[str] = []
    line = 1
    i = start
    while tokens[i].type != "table_close":
        token = tokens[i]
        if token.type == "tr_open":
            cells, line = [], (token.map[0] + 1 if token.map else line)
        elif token.type == "inline":
            cells.append(token.content)
        elif token.type == "tr_close":
            if header:
                rows.append((line, tuple(cells)))
            else:
                header = tuple(cells)
        i += 1
    first = tokens[start].map
    reading.grids.append(Grid(header, tuple(rows), first[0] + 1 if first else 1, reading.section))
    return i
