"""Grids to rows: which column is what, and what each cell says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tunebook.audit.model import Accuracy, Difference, Note, Row, TableKind
from tunebook.audit.read.grid import Grid
from tunebook.audit.read.numbers import (
    clean_text,
    is_failure,
    is_out_of_memory,
    read_accuracy,
    read_flag,
    read_number,
)
from tunebook.audit.read.settings import base_trial, level_of, settings
from tunebook.audit.read.vocabulary import (
    COLUMN_WORDS,
    RESULT_RANK,
    compact,
    factor_of_header,
    factors_of_header,
    is_effective_batch,
    round_of,
)
from tunebook.core.factor import FACTOR_KINDS, Level

__all__ = [
    "Columns",
    "TableReading",
    "columns_of",
    "has_results",
    "is_trial_table",
    "key_values",
    "read_table",
    "recognise",
]

_BATCH, _ACCUMULATION = "per_device_train_batch_size", "gradient_accumulation_steps"
_SAMPLE_ROWS = 30
_SETTINGS_COLUMNS = 2
"""A table with a description column and fewer factor columns than this gives its settings in words."""

LONGEST_CELL = 4_000
"""Characters of a cell that are looked at."""

MOST_COLUMNS = 300
"""A wider table is none of trials written by hand."""

_BASELINE = re.compile(r"\bbase\s?line\b|\bdefaults?\b|\breference\b|基线|基准|默认|初始配置|对照组", re.IGNORECASE)
_AGAINST_BASELINE = re.compile(
    r"\b(?:vs\.?|than|versus|over|above|below|against|from|to|with|as|match\w*|equals?|beats?|the|relative to|under)\s+"
    r"(?:the\s+|our\s+)?(?:base\s?line|defaults?)|"
    r"(?:比|与|和|于|较|相比|对比|低于|高于|优于|同|如|超过|过|跟|持平|离)\s?(?:基线|基准|默认)|(?:基线|基准)(?:相比|"
    r"持平|低|高|差|好|一样|相同|之)",
    re.IGNORECASE,
)
_DIFFERENCE = re.compile(
    r"(?:[Δδ]|\bdelta\b|\bdiff\w*|\bchange\b|\bgains?\b|\bimprov\w+|\bvs\b|提升|变化|之差|差值|相比|较).*"
    r"(?:base\s?line|\b(?:run|exp|trial)\s?#?1\b|基线|基准)|(?:base\s?line|基线|基准).*(?:[Δδ]|diff|gain|提升|之差|差值)",
    re.IGNORECASE,
)
"""A header of differences from the baseline; those from the run before or from the best so far are not read."""
_ONE_WORD = re.compile(r"[A-Za-z0-9_.+-]+")
_PARTS = re.compile(r"(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d{1,3})?")
_PRODUCT = re.compile(r"([1-9]\d{0,5})\s?[x×*]\s?([1-9]\d{0,5})(?:\s?=\s?\d+)?", re.IGNORECASE)
"""A batch size given as rows times accumulation: "2x4", "2 × 4 = 8"."""
_POINTS = re.compile(r"\bpp\b|\bpts?\b|points?\b|百分点", re.IGNORECASE)
_SIGNED = re.compile(r"([-+]?)\s?(\d+(?:\.(\d+))?)\s?([%％]?)")
_EXTENDED_BASELINE = re.compile(
    r"(?:base\s?line|default\w*|基线|基准|默认\w*)\s*(?:[+]|with\b|but\b|plus\b|基础|上)", re.IGNORECASE
)


@dataclass(frozen=True)
class Columns:
    """Which column of a grid is what, by index.

    Attributes:
        factors: index to factor name.
        joined: index to the two factors of a column such as "r/alpha".
        accuracy: the result column, None when there is none.
        unused: headers that stand for nothing known.
        doubled: factors that two columns name; the first is used.
    """

    factors: dict[int, str] = field(default_factory=dict)
    trial: int | None = None
    accuracy: int | None = None
    change: int | None = None
    analysis: int | None = None
    seed: int | None = None
    status: int | None = None
    delta: int | None = None
    unused: tuple[str, ...] = ()
    doubled: tuple[str, ...] = ()
    joined: dict[int, tuple[str, ...]] = field(default_factory=dict)
    round: int | None = None

    @property
    def kind(self) -> TableKind:
        """Whether rows give their settings in columns, or in words as changes."""
        described = self.change is not None and self.n_factors < _SETTINGS_COLUMNS
        return TableKind.CHANGES if described or not self.n_factors else TableKind.SETTINGS

    @property
    def n_factors(self) -> int:
        """How many factors have a column."""
        return len(self.factors) + sum(len(names) for names in self.joined.values())


@dataclass(frozen=True)
class TableReading:
    """What came of a table: its trials, and notes on what could not be read.

    Attributes:
        rows: in the table's order.
    """

    rows: tuple[Row, ...]
    notes: tuple[Note, ...]


def recognise(header: Sequence[str]) -> Columns:
    """What each column is, by its header. A header that is both a factor and a column word counts as a factor."""
    factors: dict[int, str] = {}
    doubled: list[str] = []
    roles: dict[str, int] = {}
    others: dict[int, str] = {}
    joined: dict[int, tuple[str, ...]] = {}
    effective: int | None = None
    for index, cell in enumerate(header):
        text = clean_text(cell)
        factor = factor_of_header(text)
        role = _role(text)
        if is_effective_batch(text):
            effective = index
        elif names := factors_of_header(text):
            joined[index] = names
        elif factor and factor in factors.values():
            doubled.append(factor)
        elif factor:
            factors[index] = factor
        elif role and role not in roles:
            roles[role] = index
        else:
            others[index] = text
    if effective is not None and not {_BATCH, _ACCUMULATION} <= {*factors.values(), *sum(joined.values(), ())}:
        # the product is what acts: it stands for the batch size, and what else is given of it is passed over
        factors = {i: name for i, name in factors.items() if name not in (_BATCH, _ACCUMULATION)} | {effective: _BATCH}
    accuracy = _result_column(others)
    delta = roles.get("delta")
    if delta is None:
        delta = next((i for i, text in others.items() if i != accuracy and _DIFFERENCE.search(text)), None)
    unused = tuple(text for index, text in others.items() if index not in (accuracy, delta) and text)
    return Columns(
        factors,
        roles.get("trial"),
        accuracy,
        roles.get("change"),
        roles.get("analysis"),
        roles.get("seed"),
        roles.get("status"),
        delta,
        unused,
        tuple(doubled),
        joined,
        roles.get("round"),
    )


def _role(text: str) -> str | None:
    word = compact(text)
    if text.strip() in ("#", "№", "No."):
        return "trial"
    return next((role for role, words in COLUMN_WORDS.items() if word in words), None)


def _result_column(others: dict[int, str]) -> int | None:
    for words in RESULT_RANK:
        for index, text in others.items():
            if compact(text) in words:
                return index
    return next((i for i, text in others.items() if re.search(r"accuracy|准确率|正确率", text, re.IGNORECASE)), None)


def columns_of(grid: Grid) -> Columns:
    """`recognise`, and where no header says what was changed, the column whose cells name settings."""
    columns = recognise(grid.header)
    if columns.trial is None and columns.change is not None and _are_names(grid, columns.change, columns.n_factors):
        columns = replace(columns, trial=columns.change, change=None)
    if columns.trial is None and not clean_text(grid.header[0]) and 0 not in (columns.change, columns.accuracy):
        names = [clean_text(row[0][:LONGEST_CELL]) for _, row in grid.rows if row]
        if all(names) and len(set(names)) == len(names):
            columns = replace(columns, trial=0)
    if columns.change is not None or columns.n_factors >= _SETTINGS_COLUMNS or columns.accuracy is None:
        return columns
    known = {
        *columns.factors,
        *columns.joined,
        columns.trial,
        columns.accuracy,
        columns.analysis,
        columns.seed,
        columns.status,
    }
    sample = grid.rows[:_SAMPLE_ROWS]
    named = {
        index: sum(bool(settings(clean_text(cells[index][:LONGEST_CELL]))) for _, cells in sample if index < len(cells))
        for index in range(len(grid.header))
        if index not in known
    }
    best = max(named, key=lambda index: named[index], default=None)
    if best is None or named[best] * 3 < max(1, len(sample)):
        return columns
    header = clean_text(grid.header[best])
    return replace(columns, change=best, unused=tuple(text for text in columns.unused if text != header))


def _are_names(grid: Grid, column: int, n_factors: int) -> bool:
    """Whether a column headed "config" beside columns of settings holds short names, such as "B" or "lr4-r16"."""
    cells = [clean_text(row[column][:LONGEST_CELL]) for _, row in grid.rows if column < len(row)]
    return (
        n_factors >= _SETTINGS_COLUMNS
        and len(set(cells)) == len(cells) == len(grid.rows)
        and all(0 < len(cell) <= 24 and (not settings(cell) or _ONE_WORD.fullmatch(cell)) for cell in cells)
    )


def is_trial_table(grid: Grid) -> bool:
    """Whether a grid has a result column and something that names settings."""
    if len(grid.header) > MOST_COLUMNS:
        return False
    columns = columns_of(grid)
    return columns.accuracy is not None and (columns.n_factors > 0 or columns.change is not None)


def has_results(grid: Grid) -> bool:
    """Whether a grid has a result column, whatever else it has."""
    return len(grid.header) <= MOST_COLUMNS and recognise(grid.header).accuracy is not None


def read_table(grid: Grid, number: int) -> TableReading:
    """The trials of a grid for which `is_trial_table` holds.

    Args:
        number: which table of the document this is.
    """
    columns = columns_of(grid)
    assert columns.accuracy is not None
    percent = _is_percent(grid, columns.accuracy)
    notes: list[Note] = []
    rows = [
        _read_row(cells, line, number, index, grid.section, columns, percent, notes, _header(grid, columns.delta))
        for index, (line, cells) in enumerate(grid.rows)
    ]
    notes += _unused_columns(grid, columns)
    if any("±" in cells[columns.accuracy] for _, cells in grid.rows if columns.accuracy < len(cells)):
        notes.append(Note("spread_unused", {"line": grid.line}))
    if columns.doubled:
        notes.append(Note("columns_doubled", {"factors": columns.doubled, "line": grid.line}))
    if columns.trial is None:
        notes.append(Note("rows_numbered", {"line": grid.line}))
    return TableReading(_same_precision(rows), tuple(notes))


def _unused_columns(grid: Grid, columns: Columns) -> list[Note]:
    """Columns of numbers are taken for results; one of a few words that come up again may be a setting that varied."""
    notes, numbers = [], []
    for header in columns.unused:
        index = next(i for i, cell in enumerate(grid.header) if clean_text(cell) == header)
        cells = [clean_text(row[index][:LONGEST_CELL]) for _, row in grid.rows if index < len(row)]
        words = tuple(
            dict.fromkeys(
                cell[:40]
                for cell in cells
                if any(c.isalnum() or read_flag(c) is not None for c in cell.strip("-/ "))
                and read_number(cell) is None
                and not is_failure(cell)
                and not is_out_of_memory(cell)
            )
        )
        if 1 < len(words) < len(cells):
            notes.append(Note("column_varies", {"column": header, "words": words, "line": grid.line}))
        else:
            numbers.append(header)
    if numbers:
        notes.append(Note("columns_unused", {"columns": tuple(numbers), "line": grid.line}))
    return notes


def _is_percent(grid: Grid, column: int) -> bool:
    header = clean_text(grid.header[column])
    said = "%" in header or "percent" in header.lower() or "百分" in header
    bare = [
        text
        for _, cells in grid.rows
        if column < len(cells)
        for text in [clean_text(cells[column])[:200]]
        if "%" not in text and "/" not in text
    ]
    numbers = [n for text in bare if (n := read_number(text)) is not None]
    return any(n > 1 for n in numbers) and (said or all(n <= 100 for n in numbers))


def _read_row(
    cells: Sequence[str],
    line: int,
    table: int,
    index: int,
    section: str,
    columns: Columns,
    percent: bool,
    notes: list[Note],
    header: str = "",
) -> Row:
    def cell(at: int | None) -> str:
        return clean_text(cells[at][:LONGEST_CELL]) if at is not None and at < len(cells) else ""

    label = _label(cell(columns.trial)) or str(index + 1)
    change, analysis = cell(columns.change), cell(columns.analysis)
    raw_result = cells[columns.accuracy] if columns.accuracy is not None and columns.accuracy < len(cells) else ""
    accuracy = read_accuracy(raw_result, percent)
    failed = is_failure(raw_result) or is_failure(cell(columns.status))
    described = settings(change)
    values = dict(described)
    values |= _column_values(cells, line, label, columns, notes)
    name = f"{cell(columns.trial)} {change} {_without_comparisons(analysis)}"
    called_base = label.casefold() == "base" or bool(_BASELINE.search(_without_comparisons(name)))
    if accuracy is None and not failed:
        notes.append(Note("no_result", {"trial": label, "line": line, "cell": clean_text(raw_result)[:60]}))
    return Row(
        label,
        line,
        table,
        columns.kind,
        section,
        values,
        base_trial(change),
        accuracy,
        failed,
        change,
        analysis,
        is_baseline=called_base and _is_baseline_itself(change),
        seed=cell(columns.seed) or None,
        described=described,
        difference=_difference(cell(columns.delta), header) if columns.delta is not None else None,
        said_to_fail=is_failure(f"{change} {analysis}"),
        round=round_of(cell(columns.round)) or cell(columns.round) or round_of(section) or section,
    )


def _header(grid: Grid, column: int | None) -> str:
    return clean_text(grid.header[column]) if column is not None else ""


def _difference(text: str, header: str) -> Difference | None:
    """A cell such as "+3.9%", "-0.7", "+1.4 pp"; None for blanks and words."""
    match = _SIGNED.search(text)
    if match is None:
        return None
    value = float(match[2]) * (-1 if match[1] == "-" else 1)
    in_points = bool(_POINTS.search(text) or _POINTS.search(header))
    in_percent = bool(match[4]) or "%" in header
    return Difference(value, 10.0 ** -len(match[3] or ""), True if in_points else False if in_percent else None)


def _is_baseline_itself(change: str) -> bool:
    """Whether a description that names the baseline *is* the baseline ("baseline: lr 2e-4"), not built on it."""
    text = _without_comparisons(change)
    return not _EXTENDED_BASELINE.search(text)


def _without_comparisons(text: str) -> str:
    return _AGAINST_BASELINE.sub(" ", text)


def _label(text: str) -> str:
    """A trial's label without emoji and remarks: "⭐ exp16 (best)" -> "exp16"."""
    text = re.sub(r"[(\[（【].*", "", text)
    kept = "".join(c for c in text if c.isalnum() or c in " _-.#/+")
    return " ".join(kept.split())[:60]


def _column_values(
    cells: Sequence[str],
    line: int,
    label: str,
    columns: Columns,
    notes: list[Note],
) -> dict[str, Level]:
    values: dict[str, Level] = {}
    for index, names in columns.joined.items():
        parts = _PARTS.findall(clean_text(cells[index][:LONGEST_CELL])) if index < len(cells) else []
        if len(parts) == len(names):
            levels = {name: _level(name, part) for name, part in zip(names, parts, strict=True)}
            values |= {name: level for name, level in levels.items() if level is not None}
    for index, factor in columns.factors.items():
        text = cells[index] if index < len(cells) else ""
        level = _level(factor, text)
        product = _PRODUCT.fullmatch(clean_text(text[:LONGEST_CELL])) if factor == _BATCH else None
        if product and _ACCUMULATION not in columns.factors.values():
            values |= {_BATCH: int(product[1]), _ACCUMULATION: int(product[2])}
        elif level is not None:
            values[factor] = level
        elif clean_text(text).strip("-/ ") and columns.kind is TableKind.SETTINGS:
            notes.append(
                Note("cell_unread", {"trial": label, "line": line, "factor": factor, "cell": clean_text(text)[:60]})
            )
    return values


def _level(factor: str, text: str) -> Level | None:
    kind = FACTOR_KINDS[factor]
    if kind.value_type is bool:
        return read_flag(text)
    if kind.value_type is str:
        word = clean_text(text)
        return word if word and kind.problem(word) is None else None
    number = read_number(text)
    return None if number is None else level_of(factor, number)


def _same_precision(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Spreadsheets drop trailing zeros, so the finest printed place of a column is taken for all of it."""
    units = [row.accuracy.unit for row in rows if row.accuracy and row.accuracy.unit > 0]
    if not units:
        return tuple(rows)
    finest = min(units)
    return tuple(
        replace(row, accuracy=Accuracy(row.accuracy.value, finest))
        if row.accuracy and row.accuracy.total is None
        else row
        for row in rows
    )


def key_values(grid: Grid) -> dict[str, Level]:
    """Settings of a two-column table of parameter and value (a best-configuration block); empty for other tables."""
    if len(grid.header) < 2:
        return {}
    found: dict[str, Level] = {}
    for _, cells in (*grid.rows, (grid.line, grid.header)):
        factor = factor_of_header(clean_text(cells[0])) if len(cells) >= 2 else None
        level = _level(factor, cells[1]) if factor else None
        if factor and level is not None:
            found.setdefault(factor, level)
    return found
