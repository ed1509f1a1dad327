"""What people hand over as data: reading, form, splits, checks, token ids and description."""

from __future__ import annotations

from tunebook.data.examples import DataExample, LoadedRows
from tunebook.data.inspect import write_study_file
from tunebook.data.prepare import PreparedData, ShownExample, may_exceed, prepare
from tunebook.data.reading import Reading, load_rows
from tunebook.data.splits import Splits, read_splits

__all__ = [
    "DataExample",
    "LoadedRows",
    "PreparedData",
    "Reading",
    "ShownExample",
    "Splits",
    "load_rows",
    "may_exceed",
    "prepare",
    "read_splits",
    "write_study_file",
]
