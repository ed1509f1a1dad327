"""JSON lines, JSON arrays and CSV as plain rows, each with its line; own readers, so that every error has its line."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from tunebook.data.examples import quoted
from tunebook.errors import DataError
from tunebook.phrases import Phrase

__all__ = ["Row", "decode", "read_csv", "read_json"]

Row = tuple[int, dict[str, Any]]
"""Line number (from 1) and the row's values."""

_PACKED = {
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "zip",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
}
"""How packed files begin."""
_TURNS = ("messages", "conversations", "conversation", "turns", "dialogue", "tools")
"""Lists of objects that stand in a row."""
_FIELD_LIMIT = 2**31 - 1
"""Longest CSV field; the csv module's own limit of 128 KiB is shorter than real texts."""


def decode(data: bytes, name: str) -> str:
    """The text of a data file: UTF-8, with or without byte-order mark.

    Raises:
        DataError: UTF-16, other encodings (with the line of the first wrong byte), nothing in it.
    """
    packed = next((how for magic, how in _PACKED.items() if data.startswith(magic)), None)
    if packed is not None:
        raise DataError(
            "{name}: the file is packed ({packed}), not text. Unpack it, and give the file in it.",
            name=name,
            packed=packed,
        )
    every_other_is_zero = len(data) > 3 and 0 in (data[0], data[1]) and data[0] != data[1]
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or every_other_is_zero:
        raise DataError(
            "{name}:1: the file is UTF-16; data files are UTF-8. Convert it: iconv -f UTF-16 -t UTF-8 old > new.",
            name=name,
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise DataError(
            "{name}:{line}: byte 0x{byte:02x} is not UTF-8; data files are UTF-8. It reads as GBK, as Chinese "
            "spreadsheets save it. Convert it: iconv -f GB18030 -t UTF-8 old > new."
            if _is_chinese(data)
            else "{name}:{line}: byte 0x{byte:02x} is not UTF-8; data files are UTF-8. Save the file as UTF-8.",
            name=name,
            line=line,
            byte=data[error.start],
        ) from None
    if not text.strip():
        raise DataError("{name}: the file is empty; it holds one row a line. Give a file with rows.", name=name)
    # carriage returns alone are the line breaks of old spreadsheets; within a JSON text they would be escaped
    return text.replace("\r", "\n") if "\r" in text and "\n" not in text else text


def _is_chinese(data: bytes) -> bool:
    """Whether bytes that are no UTF-8 read as GB18030 with Chinese characters for nearly all that is not ASCII."""
    try:
        other = [character for character in data.decode("gb18030") if ord(character) > 127]
    except UnicodeDecodeError:
        return False
    return sum("\u3000" <= c <= "\u9fff" or "\uff00" <= c <= "\uffef" for c in other) > 0.9 * len(other) > 0


def read_json(text: str, name: str, lines: bool) -> list[Row]:
    """Rows of JSON text: one object a line, or one array of objects.

    Args:
        lines: whether the file's name says one object a line; it only matters for the messages.
    """
    if text.lstrip()[:1] == "[":
        return list(_array(text, name))
    if not lines and text.lstrip()[:1] == "{" and (not _first_line_is_json(text) or _holds_the_rows(text)):
        return [_single(text, name)]
    return list(_lines(text, name))


def _first_line_is_json(text: str) -> bool:
    try:
        json.loads(text.lstrip().split("\n", 1)[0])
    except (ValueError, RecursionError):
        return False
    return True


def _holds_the_rows(text: str) -> bool:
    """Whether a text is one object, on one line, with a list of objects that are not the turns of a chat."""
    if "\n" in text.strip():
        return False
    return any(
        isinstance(value, list) and len(value) > 1 and all(isinstance(each, dict) for each in value)
        for name, value in json.loads(text).items()
        if name.casefold() not in _TURNS
    )


def _single(text: str, name: str) -> Row:
    """A .json file that is one object over several lines: never a data set of one row, so say what is in it."""
    value = _parse(text, name, 1, last=False)
    items = value.items() if isinstance(value, dict) else ()
    held = next((key for key, rows in items if isinstance(rows, list)), None)
    hint = (
        Phrase("Save the list under {key} as the whole file.", key=quoted(held))
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
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
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
