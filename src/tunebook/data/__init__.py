"""What people hand over as data: reading, form, splits, checks, token ids and description."""

from __future__ import annotations

from tunebook.data.inspect import Findings, inspect_data, study_file_text
from tunebook.data.prepare import PreparedData, ShownExample, may_exceed, prepare
from tunebook.data.reading import Reading, load_rows
from tunebook.data.sources import check_source
from tunebook.data.splits import read_splits

__all__ = [
    "Findings",
    "PreparedData",
    "Reading",
    "ShownExample",
    "check_source",
    "inspect_data",
    "load_rows",
    "may_exceed",
    "prepare",
    "read_splits",
    "study_file_text",
]
