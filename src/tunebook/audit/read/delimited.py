"""CSV, TSV and semicolon tables to a grid, by the csv module."""

from __future__ import annotations

import csv
import io

from tunebook.audit.read.grid import Document, Grid
from tunebook.errors import RecordTableError

__all__ = ["read_delimited"]

_DELIMITERS = ",\t;|"


def read_delimited(text: str, source: str) -> Document:
    """The one table of a delimited text. The delimiter is the one of comma, tab, semicolon and bar that cuts the header
    into most cells. Blank lines are passed over; lines before a line with at least two cells are not expected.

    Raises: RecordTableError: quotes that are never closed, or a single cell of more than 128 KiB.
    """
    lines = text.splitlines()
    first = next((line for line in lines if line.strip()), "")
    delimiter = max(_DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
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
    if not rows:
        return Document(())
    return Document((Grid(rows[0][1], tuple(rows[1:]), rows[0][0]),))
