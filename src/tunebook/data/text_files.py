"""JSON lines, JSON arrays and CSV as plain rows, each with its line; own readers, so that every error has its line."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Any

from tunebook.data.containers import lists_of_rows, rows_within
from tunebook.data.examples import quoted
from tunebook.errors import DataError
from tunebook.phrases import Phrase

__all__ = ["Row", "kind_of_text", "read_csv", "read_fasttext", "read_json"]

Row = tuple[int, dict[str, Any]]
"""Line number (from 1) and the row's values."""

LABEL = "__label__"
"""What stands before each label in a file for fastText."""
_FIELD_LIMIT = 2**31 - 1
"""Longest CSV field; the csv module's own limit of 128 KiB is shorter than real texts."""


def kind_of_text(text: str) -> str | None:
    """What the lines of a text are: rows of JSON, fastText's labels and texts, or a table; None: neither, or a tag for
    each token, with a blank line after each sentence."""
    lines = [line for line in text.splitlines() if line.strip()]
    if all(line.lstrip().startswith("{") for line in lines):
        return "jsonl"
    if all(line.startswith(LABEL) for line in lines):
        return "fasttext"
    return "csv" if _separator(lines) and "\n\n" not in text.strip().replace("\r", "") else None


def _separator(lines: Sequence[str]) -> str:
    """The tab or semicolon that every line has as often; empty: neither."""
    return next((mark for mark in "\t;" if mark in lines[0] and len({line.count(mark) for line in lines}) == 1), "")


def read_fasttext(text: str) -> list[Row]:
    """Rows of a file for fastText: the labels of a line, each behind its mark, and its text."""
    rows: list[Row] = []
    for i, line in enumerate(text.split("\n")):
        words = line.strip().split(" ")
        labels = [word.removeprefix(LABEL) for word in takewhile(lambda word: word.startswith(LABEL), words)]
        if labels:
            row = {"text": " ".join(words[len(labels) :]), **({"label": labels[0]} if len(labels) == 1 else {})}
            rows.append((i + 1, row | ({"labels": labels} if len(labels) > 1 else {})))
    return rows


def read_json(text: str, name: str, lines: bool) -> list[Row]:
    """Rows of JSON text: one object a line, or one array of objects.

    Args:
        lines: whether the file's name says one object a line; it only matters for the messages.
    """
    if text.lstrip()[:1] == "[":
        return list(_array(text, name))
    if not lines and text.lstrip()[:1] == "{" and (_is_one_line(text) or not _first_line_is_json(text)):
        return _within(text, name)
    return list(_lines(text, name))


def _first_line_is_json(text: str) -> bool:
    try:
        json.loads(text.lstrip().split("\n", 1)[0])
    except (ValueError, RecursionError):
        return False
    return True


def _is_one_line(text: str) -> bool:
    return "\n" not in text.strip()


def _within(text: str, name: str) -> list[Row]:
    """The rows in a .json file that is one object, by their numbers: its lines say nothing of them."""
    value = _parse(text.strip(), name, 1, last=False)
    rows = rows_within(value)
    if rows is not None:
        return [(number + 1, row) for number, row in enumerate(rows)]
    if _is_one_line(text):
        return list(_lines(text, name))
    held = lists_of_rows(value)
    hint = (
        Phrase("Save the list under {key} as the whole file.", key=quoted(held[0]))
        if len(held) == 1
        else Phrase(
            "Several lists stand in it ({keys}): save each as a file of its own.", keys=", ".join(map(quoted, held))
        )
        if held
        else Phrase("Write [ {...}, {...} ].")
    )
    raise DataError(
        "{name}:1: found one object; a data file is an array of rows, or one object a line. {hint}",
        name=name,
        hint=hint,
    )


def _lines(text: str, name: str) -> Iterator[Row]:
    lines = text.split("\n")
    n_filled = max((i for i, line in enumerate(lines) if line.strip()), default=-1)
    for i, line in enumerate(lines):
        if line.strip():
            value = _parse(line.strip(" \t\r"), name, i + 1, last=i == n_filled and i == len(lines) - 1)
            yield i + 1, _object(value, name, i + 1)


def _parse(text: str, name: str, line: int, last: bool) -> Any:
    try:
        return _DECODER.decode(text)
    except _DuplicateKey as error:
        raise _duplicate_key(name, line, error) from None
    except json.JSONDecodeError as error:
        raise _syntax(text, name, line, error, last) from None
    except (ValueError, RecursionError) as error:
        raise _unreadable(name, line, error) from None


def _unreadable(name: str, line: int, error: Exception) -> DataError:
    return DataError(
        "{name}:{line}: not readable as JSON ({error}). Correct or remove this row.",
        name=name,
        line=line,
        error=quoted(str(error)),
    )


def _syntax(text: str, name: str, line: int, error: json.JSONDecodeError, last: bool) -> DataError:
    if line == 1 and text[:1] not in ("{", "["):
        return DataError(
            "{name}:1: found {text}; every line is a JSON object. Is it a CSV file? Then let its name end in .csv.",
            name=name,
            text=quoted(text),
        )
    if last and error.pos >= len(text.rstrip()) - 1:
        return DataError(
            "{name}:{line}: the last line is cut off after {n} characters; every line is a whole JSON object. Copy the "
            "file again, or remove this line.",
            name=name,
            line=line,
            n=len(text),
        )
    if last and error.msg.startswith("Unterminated string"):
        return DataError(
            "{name}:{line}: the last line is cut off inside a text; every line is a whole JSON object. Copy the file "
            "again, or remove this line.",
            name=name,
            line=line,
        )
    return DataError(
        "{name}:{line}: not JSON at column {column}: {what}; every line is one JSON object. Correct or remove this "
        "line.",
        name=name,
        line=line + error.lineno - 1,
        column=error.colno,
        what=error.msg,
    )


def _object(value: Any, name: str, line: int) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise DataError(
        '{name}:{line}: found {value}; a row is a JSON object {{"prompt": ..., "completion": ...}}. Write '
        "every row so.",
        name=name,
        line=line,
        value=quoted(value),
    )


def _array(text: str, name: str) -> Iterator[Row]:
    position, line = text.index("[") + 1, 1
    seen = 0
    first = True
    while True:
        position = _skip_blanks(text, position)
        if not first and text[position : position + 1] == ",":
            position = _skip_blanks(text, position + 1)
        elif not first and position < len(text) and text[position] != "]":
            line += text.count("\n", seen, position)
            raise DataError(
                "{name}:{line}: found {text} between two rows; rows of an array are separated by a comma. Fix this "
                "line.",
                name=name,
                line=line,
                text=quoted(text[position]),
            )
        line += text.count("\n", seen, position)
        seen = position
        if position >= len(text):
            raise DataError(
                "{name}:{line}: the array is cut off; it ends with ]. Copy the file again.", name=name, line=line
            )
        if text[position] == "]":
            break
        value, position = _element(text, position, name, line)
        yield line, _object(value, name, line)
        first = False
    if text[position + 1 :].strip():
        raise DataError(
            "{name}:{line}: found {rest} after the array; a file holds one array, or one object a line. Remove "
            "the rest.",
            name=name,
            line=line,
            rest=quoted(text[position + 1 :].strip()),
        )


def _element(text: str, position: int, name: str, line: int) -> tuple[Any, int]:
    try:
        return _DECODER.raw_decode(text, position)
    except _DuplicateKey as error:
        raise _duplicate_key(name, line, error) from None
    except json.JSONDecodeError as error:
        raise DataError(
            "{name}:{line}: not JSON at column {column}: {what}; the file is an array of objects. Fix this line.",
            name=name,
            line=error.lineno,
            column=error.colno,
            what=error.msg,
        ) from None
    except (ValueError, RecursionError) as error:
        raise _unreadable(name, line, error) from None


def _skip_blanks(text: str, position: int) -> int:
    while position < len(text) and text[position] in " \t\r\n":
        position += 1
    return position


class _DuplicateKey(ValueError):
    pass


def _duplicate_key(name: str, line: int, error: _DuplicateKey) -> DataError:
    return DataError(
        "{name}:{line}: key {key} stands twice in one object; every key stands once. Remove one.",
        name=name,
        line=line,
        key=quoted(str(error)),
    )


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _DuplicateKey(next(key for key in keys if keys.count(key) > 1))
    return values


_DECODER = json.JSONDecoder(object_pairs_hook=_unique)


def read_csv(text: str, name: str) -> list[Row]:
    """Rows of a CSV file with a header; separated by comma, semicolon or tab, whichever the header shows."""
    if text.lstrip()[:1] in ("{", "["):
        raise DataError(
            "{name}:1: found {text}; a CSV file begins with its column names. Is it JSON? Then let its name "
            "end in .jsonl.",
            name=name,
            text=quoted(text.lstrip()[:20]),
        )
    old = csv.field_size_limit(_FIELD_LIMIT)
    try:
        return list(_csv_rows(text, name))
    finally:
        csv.field_size_limit(old)


def _csv_rows(text: str, name: str) -> Iterator[Row]:
    first_line = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first_line.count)
    lines = [line for line in text.splitlines() if line.strip()]
    if not name.lower().endswith(".csv"):
        delimiter = _separator(lines) or ("\t" if "\t" in first_line else delimiter)
    is_quoted = delimiter == "," or _is_quoted(lines, delimiter)
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=delimiter,
        strict=True,
        quoting=csv.QUOTE_MINIMAL if is_quoted else csv.QUOTE_NONE,
    )
    header: list[str] = []
    end = 0
    while True:
        start, row = end + 1, _next(reader, name, end + 1)
        if row is None:
            return
        end = reader.line_num
        if not row or (len(row) == 1 and not row[0].strip()):
            continue
        if not header:
            header = _header([cell.strip() for cell in row], name, start)
        elif len(row) != len(header):
            raise DataError(
                "{name}:{start}: found {n_row} fields; the header has {n_header}. Put texts with {delimiter} or line "
                "breaks in double quotes.",
                name=name,
                start=start,
                n_row=len(row),
                n_header=len(header),
                delimiter=quoted(delimiter),
            )
        else:
            yield start, dict(zip(header, row, strict=True))


def _is_quoted(lines: Sequence[str], delimiter: str) -> bool:
    """Whether quotes stand around cells, as where a cell has line breaks: not where every line has all cells, and one
    of them begins with a quote and does not end with one."""
    if _separator(lines) != delimiter:
        return True
    cells = (cell.strip() for line in lines for cell in line.split(delimiter))
    return all(len(cell) > 1 and cell.endswith('"') for cell in cells if cell.startswith('"'))


def _next(reader: Any, name: str, start: int) -> list[str] | None:
    try:
        row: list[str] | None = next(reader, None)
    except csv.Error as error:
        raise DataError(
            '{name}:{start}: not CSV: {error}; fields with quotes are written "like ""this""". Fix this row.',
            name=name,
            start=start,
            error=error,
        ) from None
    return row


def _header(names: list[str], name: str, line: int) -> list[str]:
    if len(set(names)) < len(names):
        double = next(column for column in names if names.count(column) > 1)
        raise DataError(
            "{name}:{line}: column {double} stands twice in the header; every column has its own name. Rename "
            "one of them.",
            name=name,
            line=line,
            double=quoted(double),
        )
    return names
