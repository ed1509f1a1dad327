"""Files to tables and sentences: Markdown by markdown-it-py, tables in HTML by html.parser, the rest by csv.

Inline parsing of Markdown is left out: cells and sentences are cleaned by `cells.clean_text`, which never nests.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tunebook.audit.read.cells import clean_text
from tunebook.errors import RecordTableError

__all__ = ["MAX_STATEMENTS", "Document", "Grid", "Statement", "read_document"]

LONGEST_STATEMENT = 2_000
"""Characters of one line of text; a longer one is no sentence of a tuning record and is passed over."""
MAX_STATEMENTS = 5_000
"""Lines of text that are kept, to be looked at for claims."""
MOST_SPANNED = 1_000
_DELIMITERS = ",\t;|"
_BOLD_LINE = re.compile(r"(\*\*|__)(?!\s)[^*_\n]{1,80}\1\s?[:：]?")
"""A paragraph that is bold as a whole serves as a heading."""
_GOES_ON, _ENDS = re.compile(r"\s*[a-z]"), re.compile(r"[.!?:;。！？：；]\s*$|^\s*$")


@dataclass(frozen=True)
class Grid:
    """One table: header cells, and its lines with their line numbers in the file.

    Attributes:
        section: the nearest heading above.
        line: of the header.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    line: int
    section: str = ""

    def column(self, index: int) -> list[str]:
        """A column's cells, "" where a row is too short."""
        return [cells[index] if index < len(cells) else "" for _, cells in self.rows]


@dataclass(frozen=True)
class Statement:
    """A bullet, a paragraph's line or a line of a code block, with its place. `is_code`: from a fenced block."""

    text: str
    line: int
    section: str = ""
    is_code: bool = False


@dataclass
class Document:
    """What a file holds: its tables and its sentences, in order."""

    grids: list[Grid] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)


def read_document(text: str, source: str) -> Document:
    """Markdown where there is a table of Markdown or HTML in it, else delimited text. Raises as `_delimited`."""
    if _has_pipe_table(text) or "<table" in text.lower():
        return _markdown(text)
    return _delimited(text, source)


def _has_pipe_table(text: str) -> bool:
    """Whether a line of dashes and bars stands under a line with bars."""
    previous = ""
    for line in text.splitlines():
        stripped = line.strip().lstrip("> ")
        if "-" in stripped and "|" in stripped + previous and set(stripped) <= set("|-: ") and "|" in previous:
            return True
        previous = stripped
    return False


def _markdown(text: str) -> Document:
    parser = MarkdownIt("commonmark").enable("table")
    parser.core.ruler.disable(["inline"])
    tokens = parser.parse(text)
    document, section, i = Document(), "", 0
    while i < len(tokens):
        token = tokens[i]
        if token.type == "heading_open":
            section = clean_text(tokens[i + 1].content)[:300]
            i += 2
        elif token.type == "table_open":
            i = _pipe_table(tokens, i, document, section)
        elif token.type == "html_block" and "<table" in token.content.lower():
            document.grids += _html_tables(token.content, (token.map or [0])[0] + 1, section)
        elif token.type in ("fence", "code_block", "html_block"):
            _add_lines(token, document, section, is_code=token.type != "html_block")
        elif token.type == "inline":
            if _BOLD_LINE.fullmatch(token.content.strip()):
                section = clean_text(token.content)[:300]
            _add_lines(token, document, section, is_code=False)
        i += 1
    return document


def _add_lines(token: Token, document: Document, section: str, is_code: bool) -> None:
    """The lines of a paragraph; one that goes on in lower case on the next line is one sentence."""
    start = (token.map[0] if token.map else 0) + (2 if token.type == "fence" else 1)
    joined: list[tuple[int, str]] = []
    for offset, line in enumerate(token.content.split("\n")):
        if joined and not is_code and _GOES_ON.match(line) and not _ENDS.search(joined[-1][1]):
            joined[-1] = (joined[-1][0], f"{joined[-1][1]} {line.strip()}")
        else:
            joined.append((offset, line))
    for offset, line in joined:
        if line.strip() and len(line) <= LONGEST_STATEMENT and len(document.statements) < MAX_STATEMENTS:
            document.statements.append(Statement(clean_text(line), start + offset, section, is_code))


def _pipe_table(tokens: Sequence[Token], start: int, document: Document, section: str) -> int:
    """Reads one table and gives the index of its closing token."""
    rows: list[tuple[int, tuple[str, ...]]] = []
    cells: list[str] = []
    i = start
    while tokens[i].type != "table_close":
        token = tokens[i]
        if token.type == "tr_open":
            cells = []
            rows.append(((token.map or [0])[0] + 1, ()))
        elif token.type == "inline":
            cells.append(token.content)
        elif token.type == "tr_close":
            rows[-1] = (rows[-1][0], tuple(cells))
        i += 1
    document.grids.append(Grid(rows[0][1], tuple(rows[1:]), rows[0][0], section))
    return i


class _Tables(HTMLParser):
    """Tables with `rowspan` and `colspan` spread out: a spanned cell stands in each of its places."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.tables: list[list[tuple[int, tuple[str, ...]]]] = []
        self._first = line
        self._cells: list[tuple[str, int, int]] | None = None
        self._text: list[str] | None = None
        self._span = (1, 1)
        self._hanging: dict[int, tuple[str, int]] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self.tables.append([])
            self._hanging = {}
        elif tag == "tr" and self.tables:
            self._finish_row()
            self._cells = []
        elif tag in ("td", "th") and self._cells is not None:
            self._finish_cell()
            known = dict(attrs)
            self._text, self._span = [], (_span(known.get("rowspan")), _span(known.get("colspan")))
        elif tag == "br" and self._text is not None:
            self._text.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._finish_cell()
        elif tag in ("tr", "table"):
            self._finish_row()

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text.append(data)

    def _finish_cell(self) -> None:
        if self._text is not None and self._cells is not None:
            self._cells.append(("".join(self._text), *self._span))
        self._text = None

    def _finish_row(self) -> None:
        self._finish_cell()
        if self._cells is None:
            return
        row: list[str] = []
        waiting = list(self._cells)
        while waiting or len(row) in self._hanging:
            if len(row) in self._hanging:
                text, left = self._hanging.pop(len(row))
                if left > 1:
                    self._hanging[len(row)] = (text, left - 1)
                row.append(text)
                continue
            text, down, across = waiting.pop(0)
            for _ in range(across):
                if down > 1:
                    self._hanging[len(row)] = (text, down - 1)
                row.append(text)
        if row:
            self.tables[-1].append((self._first + self.getpos()[0] - 1, tuple(row)))
        self._cells = None


def _span(value: str | None) -> int:
    return min(int(value), MOST_SPANNED) if value and value.isdigit() and int(value) > 0 else 1


def _html_tables(content: str, line: int, section: str) -> list[Grid]:
    parser = _Tables(line)
    parser.feed(content)
    parser.close()
    return [Grid(rows[0][1], tuple(rows[1:]), rows[0][0], section) for rows in parser.tables if rows]


def _delimited(text: str, source: str) -> Document:
    """The one table of a delimited text. The delimiter is the one of comma, tab, semicolon and bar that cuts the header
    into most cells. Blank lines are passed over.

    Raises: RecordTableError: quotes that are never closed, or a single cell of more than 128 KiB.
    """
    first = next((line for line in text.splitlines() if line.strip()), "")
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=max(_DELIMITERS, key=first.count), skipinitialspace=True
    )
    rows: list[tuple[int, tuple[str, ...]]] = []
    try:
        line = 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((line, tuple(cells)))
            line = reader.line_num + 1
    except csv.Error as error:
        raise RecordTableError(
            f"{source}, line {reader.line_num}: cannot be read as a delimited table ({error}); a table has one line a "
            "trial and closes its quotes. Mend the line and audit again."
        ) from error
    return Document([Grid(rows[0][1], tuple(rows[1:]), rows[0][0])] if rows else [])
