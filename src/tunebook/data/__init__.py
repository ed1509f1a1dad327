"""What people hand over as data: reading, form, splits, checks, token ids and description."""

from __future__ import annotations

from tunebook.data.inspect import write_study_file
from tunebook.data.prepare import PreparedData, ShownExample, may_exceed, prepare
from tunebook.data.reading import Reading, load_rows
from tunebook.data.splits import read_splits

__all__ = [
    "PreparedData",
    "Reading",
    "ShownExample",
    "load_rows",
    "may_exceed",
    "prepare",
    "read_splits",
    "write_study_file",
]
