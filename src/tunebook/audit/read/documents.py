"""Files to tables and sentences: Markdown by markdown-it-py, tables in HTML by html.parser, the rest by csv.

Inline parsing of Markdown is left out: cells and sentences are cleaned by `cells.clean_text`, which never nests.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from html.parser import HTMLParser
from itertools import count, takewhile

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from tunebook.audit.read.cells import clean_text, has_failed
from tunebook.audit.read.mentions import settings
from tunebook.audit.words import columns as words
from tunebook.errors import RecordTableError

LONGEST_STATEMENT = 2_000
"""Characters of one line of text; a longer one is no sentence of a tuning record and is passed over."""
MAX_STATEMENTS = 5_000
"""Lines of text that are kept, to be looked at for claims."""
_MOST_SPANNED = 300
_LONGEST_ROW = 100_000
"""Characters of a row in a block of code."""
_FEWEST_LISTED = 3
"""Of items of a list that are trials."""
_BOLD_LINE = re.compile(r"(\*\*|__)(?!\s)[^*_\n]{1,80}\1\s?[:：]?")
"""A paragraph that is bold as a whole serves as a heading."""
_RULED_LINE = re.compile(r"(-{3,}|={3,})\s?(?P<title>[^-=\s][^\n]{0,80}?)\s?\1[ \t]*(?:\n|$)")
"""The title of a slide, "--- Slide 2: Setup ---", which serves as a heading."""
_GOES_ON = re.compile(r"(?<=[^\s.!?:;。！？：；])[ \t]*\n[ \t]*(?=[a-z])")
"""Where a sentence goes on in lower case on the next line."""
_FENCED = re.compile(r"^```[^\n]*\n((?:[ \t]*[|+][^\n]*\n)+)```[ \t]*$", re.MULTILINE)
"""A table as a block of code: the block's marks become blank lines."""
_RULING = re.compile(r"(\|[ \t]*\n)?^[ \t]*\+[-=+:]+\+[ \t]*$", re.MULTILINE)
"""A line such as "+----+----+" of a table that a program printed."""
_NO_TEXT = re.compile(r"<(head|style|script)\b.*?</\1>|<(?:thead|tbody|tr)\b.*?</table>|<!--.*?-->", re.DOTALL | re.I)
"""What is no sentence in HTML; the caption of a table is one."""
_TABULAR = re.compile(
    r"\\begin\{(tabular[xy*]?|longtable)\}(?:\{(?:[^{}]|\{[^{}]*\})*\}|\[[^\]\n]*\])*((?:(?!\\begin\{).)*?)\\end\{\1\}[^\n]*",
    re.DOTALL,
)
_RULE = re.compile(r"\\(?:(?:top|mid|bottom)rule|hline|c(?:mid)?(?:rule|line)(?:\([^)]*\))?\{[^}]*\}|addlinespace)")
_SPANNING = re.compile(r"\s*\\multi(column|row)\{(\d{1,3})\}(?:\[[^\]]*\])?\{[^{}]*\}\{(.*)\}\s*", re.DOTALL)
_PROMPTS = (">>> ", "In [", "$ ", "print(")
_COMMENT = re.compile(r"#\s*[^\W\d_]")
"""How a line of remarks in a delimited text begins."""
_REMARK = re.compile(r"#(?=\s|[^\W\d_])\s*(?:\d{1,2}[.、)]\s*|[-*]\s)?(?=\S)")
"""The same, where the line has not as many cells as the others; what stands behind the mark is text."""
_ITEM = re.compile(r"(?:[-*+•]\s)?\s?([^:,;。]{1,24}?)\s?:\s?(.+)")
_RESULT = re.compile(r"(.*?(?:[^\d\s=:为是.]|[A-Za-z]\d))[\s=:为是]*((?:\d+(?:\.\d+)?|\.\d+)\s?%?)。?")

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
    section: str = ""  # the heading under which what comes next stands

    def add_table(self, rows: Sequence[Line]) -> None:
        """A table, the header first."""
        if rows:
            self.grids.append(Grid(rows[0][1], tuple(rows[1:]), rows[0][0], self.section))

    def add_lines(self, content: str, first: int, is_code: bool = False) -> None:
        """The lines of a paragraph from a line number on; a sentence that goes on is one."""
        line = first
        for text in (content if is_code else _GOES_ON.sub("\r", content)).split("\n"):
            said = clean_text(text.replace("\r", " "))
            if said and len(text) <= LONGEST_STATEMENT and len(self.statements) < MAX_STATEMENTS:
                self.statements.append(Statement(said, line, self.section, is_code))
            line += 1 + text.count("\r")


def read_document(text: str, source: str) -> Document:
    """The tables of Markdown, HTML and LaTeX, else trials in a list, else delimited text. Raises as `_delimited`."""
    text = _RULING.sub(_piped_ruling, _FENCED.sub(r"\n\1", text))
    document = _markdown(_TABULAR.sub(_html_of_latex, text))
    if not document.grids:
        _take_listed(document)
    return document if document.grids else _delimited(text, source)


def _piped_ruling(found: re.Match[str]) -> str:
    """Below a row the line that Markdown has below its headers; blank above the table."""
    return f"{found[1]}|{'---|' * (found[0].count('+') - 1)}" if found[1] else ""


def _html_of_latex(found: re.Match[str]) -> str:
    """A table in LaTeX as one in HTML, each row on its own line of the file. Rows above a rule are headers."""
    html, tag = "<table>", "th"
    for chunk in re.split(r"\\\\(?:\[[^\]]*\])?", re.sub(r"(?<!\\)%[^\n]*", "", found[2])):
        tag = "td" if _RULE.search(chunk) and "<tr>" in html else tag
        row = escape(_RULE.sub("", chunk))
        html += "\n<wbr>" * row[: len(row) - len(row.lstrip())].count("\n")  # a blank line would end the HTML
        html += "<tr>" if row.strip() else ""
        for cell in re.split(r"(?<!\\)&amp;", row.strip()) if row.strip() else ():
            span = _SPANNING.fullmatch(cell)
            across = span[2] if span and span[1] == "column" else 1
            html += f"<{tag} colspan={across}>{(span[3] if span else cell)}".replace("\n", "\n<wbr>")
    return f"{html}</table>"


def _markdown(text: str) -> Document:
    parser = MarkdownIt("commonmark").enable("table")
    parser.core.ruler.disable(["inline"])
    document = Document()
    for node in SyntaxTreeNode(parser.parse(text)).walk(include_self=False):
        line = (node.map or (0,))[0] + 1
        if node.type == "heading" or (node.type == "paragraph" and _BOLD_LINE.fullmatch(node.children[0].content)):
            document.section = clean_text(node.children[0].content)[:300]
        if node.type == "table":
            document.add_table([_piped(row) for part in node.children for row in part.children])
        elif node.type == "html_block":
            tables = _Tables(line)
            tables.feed(node.content)
            tables.close()
            for table in tables.tables:
                document.add_table(_one_header(table))
            document.add_lines(_NO_TEXT.sub(lambda found: "\n" * found[0].count("\n"), node.content), line)
        elif node.type in ("fence", "code_block"):
            first = line + (node.type == "fence")
            rows = _printed(node.content, first)
            document.add_table(rows)
            document.add_lines("" if rows else node.content, first, is_code=True)
        elif node.type == "paragraph":
            content = node.children[0].content
            if ruled := _RULED_LINE.match(content):
                document.section = clean_text(ruled["title"])
                document.add_lines(ruled["title"], line)  # it may say what holds for the table below
                content, line = content[ruled.end() :], line + 1
            rows = _printed(content, line) if "\t" in content else []
            document.add_table(rows)
            document.add_lines("" if rows else content, line)
    return document


def _piped(row: SyntaxTreeNode) -> Line:
    return (row.map or (0,))[0] + 1, tuple(cell.children[0].content for cell in row.children)


def _printed(content: str, first: int) -> list[Line]:
    """A data frame printed in a block of code, without its index, or a delimited table there; [] for another block."""
    numbered = [
        (n, line)
        for n, line in enumerate(content.splitlines(), first)
        if line.strip() and len(line) < _LONGEST_ROW and not line.startswith(_PROMPTS) and not _COMMENT.match(line)
    ]
    mark = _delimiter(numbered[0][1]) if numbered else ""
    cut = (lambda text: next(csv.reader([text], delimiter=mark))) if mark and mark in numbered[0][1] else str.split
    (line, header), *rows = [(n, [cell.strip() for cell in cut(text)]) for n, text in numbered] or [(first, [])]
    known = any(map(words.factor_of_header, header)) and any(map(words.result_of, header))
    if not known or {len(row) - len(header) for _, row in rows} not in ({0}, {1}):
        return []
    return [(line, tuple(header)), *((n, tuple(row[-len(header) :])) for n, row in rows)]


def _take_listed(document: Document) -> None:
    """Makes items of lists that are trials a table: "A1: lr 5e-5, r=16, F1 0.792". Every item has a label of its own,
    settings, and the same results, or says that its training failed."""
    found: dict[str, tuple[int, str, dict[str, str], str]] = {}
    for statement in document.statements:
        item = _ITEM.fullmatch(statement.text)
        clauses = re.split(r"[,;]\s?(?!\d{3}\b)", item[2]) if item else []
        said = {c: m for c in clauses if (m := _RESULT.fullmatch(c)) and words.result_of(m[1]) and not settings(c)}
        failed = " ".join(c for c in clauses if c not in said and has_failed(c))
        change = ", ".join(c for c in clauses if c not in said and not has_failed(c))
        if item and bool(said) != bool(failed) and (settings(change) or words.BASELINE.search(change)):
            if item[1].strip() in found:
                return
            results = {m[1].strip(): m[2] for m in said.values()}
            found[item[1].strip()] = (statement.line, change, results, failed)
    names = {tuple(results) for _, _, results, _ in found.values() if results}
    if len(found) >= _FEWEST_LISTED and len(names) == 1:
        lines = {line for line, *_ in found.values()}
        document.statements[:] = [s for s in document.statements if s.line not in lines]
        rows = [
            (line, (label, change, *(results.get(name, failed) for name in min(names))))
            for label, (line, change, results, failed) in found.items()
        ]
        document.grids.append(Grid(("", "", *min(names)), tuple(rows), min(lines)))


@dataclass
class _Cell:
    is_header: bool
    down: int
    across: int
    text: list[str] = field(default_factory=list)


class _Tables(HTMLParser):
    """The rows of each table, with their lines of the file. Tags within cells are left to `clean_text`."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.tables: list[list[tuple[int, list[_Cell]]]] = []
        self._first = line
        self._cell: _Cell | None = None  # in which the text stands

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self.tables.append([])
        elif tag == "tr" and self.tables:
            self.tables[-1].append((self._first + self.getpos()[0] - 1, []))
        elif tag in ("td", "th") and self.tables and self.tables[-1]:
            spans = {name: int(said) for name, said in attrs if said and re.fullmatch(r"[1-9]\d{0,3}", said)}
            self._cell = _Cell(tag == "th", spans.get("rowspan", 1), min(spans.get("colspan", 1), _MOST_SPANNED))
            self.tables[-1][-1][1].append(self._cell)
        else:
            self.handle_data(f"<{tag}>")

    def handle_endtag(self, tag: str) -> None:
        self._cell = None if tag in ("td", "th", "tr", "table") else self._cell
        self.handle_data(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if self._cell is not None:
            self._cell.text.append(data)


def _one_header(table: Sequence[tuple[int, Sequence[_Cell]]]) -> list[Line]:
    """A table with spanned cells in each of their places (decision 067) and one row of headers: of several the lowest
    where it says what the column is, else all of them."""
    table = [row for row in table if row[1]]
    places: dict[tuple[int, int], str] = {}
    for i, (_, cells) in enumerate(table):
        j = 0
        for cell in cells:
            while (i, j) in places:
                j += 1
            down = range(i, min(i + cell.down, len(table)))
            places |= {(y, x): "".join(cell.text).strip() for y in down for x in range(j, j + cell.across)}
    rows = []
    for i, (line, _) in enumerate(table):
        width = next(j for j in count() if (i, j) not in places)
        rows.append((line, tuple(places[i, j] for j in range(width))))
    n_headers = len(list(takewhile(lambda row: all(cell.is_header for cell in row[1]), table)))
    if not 1 < n_headers < len(rows):
        return rows
    titles = []
    for texts in zip(*(cells for _, cells in rows[:n_headers]), strict=False):
        lowest = clean_text(texts[-1])
        read = (words.factor_of_header, words.factors_of_header, words.role_of, words.result_of)
        known = any(of(lowest) for of in read) or words.GROUP.fullmatch(clean_text(texts[0]))
        titles.append(lowest if known else " ".join(dict.fromkeys(texts)).strip())
    return [(rows[n_headers - 1][0], tuple(titles)), *rows[n_headers:]]


def _delimiter(header: str) -> str:
    return max(",\t;|", key=header.count)


def _delimited(text: str, source: str) -> Document:
    """The one table of a delimited text. The delimiter is the one of comma, tab, semicolon and bar that cuts the header
    into most cells. Blank lines are passed over.

    Raises: RecordTableError: quotes that are never closed, or a single cell of more than 128 KiB.
    """
    lines = text.split("\n")
    plain = [line for line in lines if line.strip() and not _REMARK.match(line)]
    delimiter = _delimiter(plain[0] if plain else text.strip().partition("\n")[0])
    n_marks = Counter(line.count(delimiter) for line in plain).most_common(1)[0][0] if plain else 0
    document, rows, line = Document(), list[Line](), 1
    for number, text in enumerate(lines, 1):
        if (remark := _REMARK.match(text)) and text.count(delimiter) != n_marks:
            document.add_lines(text[remark.end() :], number)
            lines[number - 1] = ""
    reader = csv.reader(io.StringIO("\n".join(lines), newline=""), delimiter=delimiter, skipinitialspace=True)
    try:
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
    if max((len(cells) for _, cells in rows), default=0) > 1:  # else running text
        document.add_table(rows)
    return document
