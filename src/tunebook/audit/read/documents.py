"""Files to tables and sentences: Markdown by markdown-it-py, tables in HTML by html.parser, the rest by csv.

Inline parsing of Markdown is left out: cells and sentences are cleaned by `cells.clean_text`, which never nests.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from html.parser import HTMLParser

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tunebook.audit.read.cells import clean_text, has_failed
from tunebook.audit.read.mentions import settings
from tunebook.audit.words.columns import (
    BASELINE,
    GROUP,
    factor_of_header,
    factors_of_header,
    result_of,
    role_of,
)
from tunebook.errors import RecordTableError

LONGEST_STATEMENT = 2_000
"""Characters of one line of text; a longer one is no sentence of a tuning record and is passed over."""
MAX_STATEMENTS = 5_000
"""Lines of text that are kept, to be looked at for claims."""
MOST_SPANNED = 1_000
_FEWEST_LISTED = 3
"""Of items of a list that are trials."""
_STRUCK = ("s", "del", "strike")
_DELIMITERS = ",\t;|"
_BOLD_LINE = re.compile(r"(\*\*|__)(?!\s)[^*_\n]{1,80}\1\s?[:：]?")
"""A paragraph that is bold as a whole serves as a heading."""
_GOES_ON, _ENDS = re.compile(r"\s*[a-z]"), re.compile(r"[.!?:;。！？：；]\s*$|^\s*$")

Line = tuple[int, tuple[str, ...]]
"""A line number of the file, and the cells there."""


@dataclass(frozen=True)
class Grid:
    """One table."""

    header: tuple[str, ...]
    rows: tuple[Line, ...]
    line: int  # of the header
    section: str = ""  # the nearest heading above

    def column(self, index: int) -> list[str]:
        """A column's cells, "" where a row is too short."""
        return [cells[index] if index < len(cells) else "" for _, cells in self.rows]


@dataclass(frozen=True)
class Statement:
    """A bullet, a paragraph's line or a line of a code block, with its place."""

    text: str
    line: int
    section: str = ""
    is_code: bool = False  # from a fenced block


@dataclass
class Document:
    """What a file holds: its tables and its sentences, in order."""

    grids: list[Grid] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)


def read_document(text: str, source: str) -> Document:
    """Markdown where there is a table of Markdown or HTML in it, else delimited text. Raises as `_delimited`."""
    text = _TABULAR.sub(_html_table, _FENCED.sub(r"\n\1", text))
    text = _PRINTED.sub(_html_printed, _RULED.sub(_html_ruled, text))
    if _has_pipe_table(text) or "<table" in text.lower():
        return _markdown(text)
    return _listed(text) or _delimited(text, source)


_TABULAR = re.compile(
    r"\\begin\{(tabular[xy*]?|longtable)\}((?:\{(?:[^{}]|\{[^{}]*\})*\}|\[[^\]\n]*\])*)((?:(?!\\begin\{).)*?)\\end\{\1\}[^\n]*",
    re.DOTALL,
)
_RULE = re.compile(r"\\(?:(?:top|mid|bottom)rule|hline|c(?:mid)?(?:rule|line)(?:\([^)]*\))?\{[^}]*\}|addlinespace)")
_WIDE = re.compile(r"\s*\\multicolumn\{(\d{1,3})\}\{[^{}]*\}\{(.*)\}\s*", re.DOTALL)
_TALL = re.compile(r"\s*\\multirow\{(\d{1,3})\}(?:\[[^\]]*\])?\{[^{}]*\}\{(.*)\}\s*", re.DOTALL)


_NO_TEXT = re.compile(
    r"<(head|style|script)\b.*?</\1>|<(?:thead|tbody|tr)\b.*?</table>|<!--.*?-->", re.DOTALL | re.IGNORECASE
)
"""What is no sentence in HTML; the caption of a table is one."""
_FENCED = re.compile(r"^```[^\n]*\n((?:[ \t]*[|+][^\n]*\n)+)```[ \t]*$", re.MULTILINE)
"""A table as a block of code: the block's marks become blank lines."""
_RULED = re.compile(r"^[ \t]*\+[-=+:]+\+[ \t]*\n(?:[ \t]*[|+][^\n]*[|+][ \t]*(?:\n|\Z))+", re.MULTILINE)
_RULING = re.compile(r"\s*\+[-=+:]+\+\s*")


def _html_ruled(found: re.Match[str]) -> str:
    """A table that a program printed, with lines such as "+----+----+", as one in HTML on the same lines."""
    lines, tag, html = found[0].splitlines(), "th", []
    for i, line in enumerate(lines):
        if _RULING.fullmatch(line):
            tag = "td" if i else "th"
            html.append("<wbr>" if i else "<table>")
        else:
            cells = (f"<{tag}>{escape(cell.strip())}</{tag}>" for cell in line.strip().strip("|").split("|"))
            html.append(f"<tr>{''.join(cells)}</tr>")
    return "\n".join(html) + "</table>\n"


_PRINTED = re.compile(r"^```[^\n]*\n((?:(?![^\S\n]*\n)[^\n`|]*\n){3,})```[ \t]*$", re.MULTILINE)


_PROMPTS = (">>> ", "In [", "$ ", "print(")


def _html_printed(found: re.Match[str]) -> str:
    """A data frame printed as a block of text, as one in HTML on the same lines; its index is left out."""
    before = [line for line in found[1].splitlines() if line.startswith(_PROMPTS)]
    header, *rows = (line.split() for line in found[1].splitlines()[len(before) :])
    if all(len(row) == len(header) + 1 and row[0].isdigit() for row in rows):
        rows = [row[1:] for row in rows]
    known = any(map(factor_of_header, header)) and any(map(result_of, header))
    if not known or any(len(row) != len(header) for row in rows):
        return found[0]
    lines = [f"<th>{'</th><th>'.join(map(escape, header))}</th>"]
    lines += [f"<td>{'</td><td>'.join(map(escape, row))}</td>" for row in rows]
    return "\n".join(["<table>", *("<wbr>" for _ in before), *(f"<tr>{line}</tr>" for line in lines), "</table>"])


_ITEM = re.compile(r"(?:[-*+•]\s)?\s?([^:,;。]{1,24}?)\s?:\s?(.+)")
_RESULT = re.compile(r"(.*?(?:[^\d\s=:为是.]|[A-Za-z]\d))[\s=:为是]*((?:\d+(?:\.\d+)?|\.\d+)\s?%?)。?")


def _listed(text: str) -> Document | None:
    """A text without a table whose trials are items of lists: "A1: lr 5e-5, r=16, F1 0.792"; None for another. Every
    item has a label of its own, settings, and the same results, or says that its training failed."""
    document, rows, names = _markdown(text), list[tuple[int, str, str, dict[str, str], str]](), list[str]()
    for statement in document.statements:
        item = _ITEM.fullmatch(statement.text)
        clauses = re.split(r"[,;]\s?(?!\d{3}\b)", item[2]) if item else []
        said = {c: m for c in clauses if (m := _RESULT.fullmatch(c)) and result_of(m[1]) and not settings(c)}
        results = {m[1].strip(): m[2] for m in said.values()}
        failed = " ".join(c for c in clauses if c not in said and has_failed(c))
        change = ", ".join(c for c in clauses if c not in said and not has_failed(c))
        if item and bool(results) != bool(failed) and (settings(change) or BASELINE.search(change)):
            rows.append((statement.line, item[1].strip(), change, results, failed))
            names = names or list(results)
    labels = {label for _, label, *_ in rows}
    same = all(failed or list(results) == names for *_, results, failed in rows)
    if len(rows) < _FEWEST_LISTED or len(labels) < len(rows) or not names or not same:
        return None
    lines = {line for line, *_ in rows}
    document.statements[:] = [s for s in document.statements if s.line not in lines]
    cells = ((line, (label, change, *(r.get(n, failed) for n in names))) for line, label, change, r, failed in rows)
    document.grids.append(Grid(("", "", *names), tuple(cells), min(lines)))
    return document


def _html_table(found: re.Match[str]) -> str:
    """A table in LaTeX as one in HTML, each row on its own line of the file."""
    html, is_header, hanging = "<table>", True, dict[int, tuple[str, int]]()
    for chunk in re.split(r"\\\\(?:\[[^\]]*\])?", re.sub(r"(?<!\\)%[^\n]*", "", found[3])):
        is_header &= not (_RULE.search(chunk) and "<tr>" in html)
        content = _RULE.sub("", chunk).strip()
        html += "\n<wbr>" * (chunk.count("\n") - bool(content)) + ("\n" if content else "")
        row = ""
        for column, cell in enumerate(re.split(r"(?<!\\)&", content) if content else ()):
            wide, tall = _WIDE.fullmatch(cell), _TALL.fullmatch(cell)
            text, left = hanging.get(column, ("", 0))
            cell = wide[2] if wide else tall[2] if tall else text if left and not cell.strip() else cell
            hanging[column] = (cell, int(tall[1]) - 1) if tall else (text, max(0, left - 1))
            tag = "th" if is_header else "td"
            row += f"<{tag} colspan={wide[1] if wide else 1}>{escape(cell.strip())}</{tag}>"
        html += f"<tr>{row}</tr>" if row else ""
    return f"{html}</table>"


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
        token, line = tokens[i], (tokens[i].map or [0])[0] + 1
        if token.type == "heading_open":
            section = clean_text(tokens[i + 1].content)[:300]
            i += 2
        elif token.type == "table_open":
            i, rows = _pipe_table(tokens, i)
            document.grids += _grids([rows], section)
        elif token.type == "html_block" and "<table" in token.content.lower():
            tables = _Tables(line)
            tables.feed(token.content)
            tables.close()
            document.grids += _grids(map(_one_header, tables.tables, tables.header_rows), section)
            text = _NO_TEXT.sub(lambda found: "\n" * found[0].count("\n"), token.content)
            _add_lines(text, line, document, section, is_code=False)
        elif token.type in ("fence", "code_block", "html_block"):
            first = line + (token.type == "fence")
            _add_lines(token.content, first, document, section, is_code=token.type != "html_block")
        elif token.type == "inline":
            if _BOLD_LINE.fullmatch(token.content.strip()):
                section = clean_text(token.content)[:300]
            _add_lines(token.content, line, document, section, is_code=False)
        i += 1
    return document


def _grids(tables: Iterable[list[Line]], section: str) -> Iterator[Grid]:
    for rows in filter(None, tables):
        yield Grid(rows[0][1], tuple(rows[1:]), rows[0][0], section)


def _add_lines(content: str, first: int, document: Document, section: str, is_code: bool) -> None:
    """The lines of a paragraph; one that goes on in lower case on the next line is one sentence."""
    joined: list[tuple[int, str]] = []
    for number, line in enumerate(content.split("\n"), first):
        if joined and not is_code and _GOES_ON.match(line) and not _ENDS.search(joined[-1][1]):
            joined[-1] = (joined[-1][0], f"{joined[-1][1]} {line.strip()}")
        else:
            joined.append((number, line))
    for number, line in joined:
        if clean_text(line) and len(line) <= LONGEST_STATEMENT and len(document.statements) < MAX_STATEMENTS:
            document.statements.append(Statement(clean_text(line), number, section, is_code))


def _pipe_table(tokens: Sequence[Token], i: int) -> tuple[int, list[Line]]:
    """The index of a table's closing token, and its rows."""
    rows: list[Line] = []
    while tokens[i].type != "table_close":
        if tokens[i].type == "tr_open":
            rows.append(((tokens[i].map or [0])[0] + 1, ()))
        elif tokens[i].type == "inline":
            rows[-1] = (rows[-1][0], (*rows[-1][1], tokens[i].content))
        i += 1
    return i, rows


class _Tables(HTMLParser):
    """Tables with `rowspan` and `colspan` spread out: a spanned cell stands in each of its places (decision 067)."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.tables: list[list[Line]] = []
        self._first = line
        self._cells: list[tuple[list[str], int, int]] | None = None  # of the row: its text, rows down, columns across
        self._is_header = True  # the row has no cell but those of headers
        self.header_rows: list[int] = []  # how many rows each table's header has
        self._hanging: dict[int, tuple[str, int]] = {}  # column to a cell from above, and for how many rows more

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("table", "tr"):
            self._finish_row()
        if tag == "table":
            self.tables.append([])
            self.header_rows.append(0)
            self._hanging = {}
        elif tag == "tr" and self.tables:
            self._cells, self._is_header = [], True
        elif tag in ("td", "th") and self._cells is not None:
            known = dict(attrs)
            self._is_header &= tag == "th"
            self._cells.append(([], _span(known.get("rowspan")), _span(known.get("colspan"))))
        elif tag == "br":
            self.handle_data(" ")
        elif tag in _STRUCK:
            self.handle_data("~~")
        elif tag == "sup":  # a footnote's mark or a power, which `clean_text` tells apart
            self.handle_data("<sup>")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("tr", "table"):
            self._finish_row()
        elif tag == "sup":
            self.handle_data("</sup>")
        elif tag in _STRUCK:
            self.handle_data("~~")

    def handle_data(self, data: str) -> None:
        if self._cells:
            self._cells[-1][0].append(data)

    def _finish_row(self) -> None:
        row: list[str] = []
        waiting = list(self._cells or ())
        while self._cells is not None and (waiting or len(row) in self._hanging):
            column = len(row)
            if column in self._hanging:
                text, left = self._hanging.pop(column)
                row.append(text)
                if left > 1:
                    self._hanging[column] = (text, left - 1)
                continue
            parts, down, across = waiting.pop(0)
            for column in range(len(row), len(row) + across):
                row.append("".join(parts).strip())
                if down > 1:
                    self._hanging[column] = (row[-1], down - 1)
        if row:
            if self._is_header and self.header_rows[-1] == len(self.tables[-1]):
                self.header_rows[-1] += 1
            self.tables[-1].append((self._first + self.getpos()[0] - 1, tuple(row)))
        self._cells = None


def _one_header(rows: list[Line], header_rows: int) -> list[Line]:
    """A table with one row of headers: of several the lowest where it says what the column is, else all of them."""
    if not 1 < header_rows < len(rows):
        return rows
    titles = []
    for texts in zip(*(cells for _, cells in rows[:header_rows]), strict=False):
        lowest = clean_text(texts[-1])
        read = (factor_of_header, factors_of_header, role_of, result_of)
        known = any(of(lowest) for of in read) or GROUP.fullmatch(clean_text(texts[0]))
        titles.append(lowest if known else " ".join(dict.fromkeys(texts)).strip())
    return [(rows[header_rows - 1][0], tuple(titles)), *rows[header_rows:]]


def _span(value: str | None) -> int:
    return min(int(value), MOST_SPANNED) if value and value.isdigit() and int(value) > 0 else 1


def _delimited(text: str, source: str) -> Document:
    """The one table of a delimited text. The delimiter is the one of comma, tab, semicolon and bar that cuts the header
    into most cells. Blank lines are passed over.

    Raises: RecordTableError: quotes that are never closed, or a single cell of more than 128 KiB.
    """
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(_DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    rows: list[Line] = []
    try:
        line = 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((line, tuple(cells)))
            line = reader.line_num + 1
    except csv.Error as error:
        raise RecordTableError(
            "{source}, line {line_num}: cannot be read as a delimited table ({error}); a table has one line a "
            "trial and closes its quotes. Fix the line and audit again.",
            source=source,
            line_num=reader.line_num,
            error=error,
        ) from error
    if rows and max(len(cells) for _, cells in rows) < 2:
        rows = []  # running text
    return Document(list(_grids([rows], "")))
