"""Tables to rows of trials: grids spread out, tables of settings and of results joined, every cell read strictly."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from tunebook.audit.model import Difference, MeasureKind, Note, Row, Score, TableKind, UnreadCell
from tunebook.audit.read.cells import (
    Number,
    Why,
    clean_text,
    has_failed,
    is_blank,
    is_ditto,
    is_pending,
    read_number,
    without_marks,
)
from tunebook.audit.read.columns import ACCUMULATION, BATCH, LONGEST_CELL, Columns
from tunebook.audit.read.documents import Grid
from tunebook.audit.read.levels import read_level, read_product
from tunebook.audit.read.mentions import base_trial, is_fully_described, settings
from tunebook.audit.read.vocabulary import BASELINE, factor_of_header, factors_of_header, is_reference, round_of
from tunebook.core.factor import Level

__all__ = ["TableReading", "joined_tables", "key_values", "read_table", "spread_grid"]

_AGAINST_BASELINE = re.compile(
    r"\b(?:vs\.?|than|versus|over|above|below|against|from|to|with|as|match\w*|equals?|beats?|the|relative to|under)\s+"
    r"(?:the\s+|our\s+)?(?:base\s?line|defaults?)|"
    r"(?:比|与|和|于|较|相比|对比|低于|高于|优于|同|如|超过|过|跟|持平|离)\s?(?:基线|基准|默认)|(?:基线|基准)(?:相比|"
    r"持平|低|高|差|好|一样|相同|之)",
    re.IGNORECASE,
)
_EXTENDED_BASELINE = re.compile(
    r"(?:base\s?line|default\w*|基线|基准|默认\w*)\s*(?:[+]|with\b|but\b|plus\b|基础|上)", re.IGNORECASE
)
_SIGNED = re.compile(r"([-+]?)\s?(\d+(?:\.(\d+))?)\s?([%％]?)")
_POINTS = re.compile(r"\bpp\b|\bpts?\b|points?\b|百分点", re.IGNORECASE)
_PARTS = re.compile(r"(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d{1,3})?")
_DONE = re.compile(r"finished|completed?|terminated|done|success(?:ful)?|ok|成功|完成|已完成", re.IGNORECASE)
_BROKE = re.compile(r"diverged|collapsed|发散|崩溃", re.IGNORECASE)


@dataclass
class TableReading:
    """What came of a table: its trials in order, cells that were not read, and notes."""

    rows: list[Row] = field(default_factory=list)
    unread: list[UnreadCell] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)


def spread_grid(grid: Grid) -> Grid | None:
    """A table whose rows are levels of one factor and whose columns are levels of another, as one row a trial; None
    for another table. The corner names both factors, or each column's header names its own ("r=8")."""
    header = [clean_text(cell) for cell in grid.header]
    corner = factors_of_header(header[0]) if header else ()
    levels = header[1:]
    if not corner and header and (row_factor := factor_of_header(header[0])):
        named = [settings(cell) for cell in levels]
        if len(named) < 2 or any(len(n) != 1 for n in named) or len({*named[0]}.union(*named)) != 1:
            return None
        column_factor = next(iter(named[0]))
        corner, levels = (row_factor, column_factor), [str(n[column_factor]) for n in named]
    if len(corner) != 2 or len(levels) < 2 or corner[0] == corner[1]:
        return None
    if any(isinstance(read_level(corner[1], level), Why) for level in levels):
        if any(isinstance(read_level(corner[0], level), Why) for level in levels):
            return None
        corner = (corner[1], corner[0])  # "lr \\ rank" written the other way round
    if any(isinstance(read_level(corner[0], clean_text(cells[0])), Why) for _, cells in grid.rows if cells):
        return None
    rows = tuple(
        (line, (f"{clean_text(cells[0])} / {level}", cells[0], level, cell))
        for line, cells in grid.rows
        for level, cell in zip(levels, cells[1:], strict=False)
    )
    caption = grid.section or "result"
    return Grid(("trial", corner[0], corner[1], caption), rows, grid.line, grid.section)


def joined_tables(tables: Sequence[tuple[Grid, Columns]]) -> tuple[list[Grid], list[Note]]:
    """Tables of results put together with the table of settings that has the same labels; others as they are."""
    grids, notes = [], []
    of_settings = [(g, c) for g, c in tables if c.measure is None and c.n_factors and "trial" in c.roles]
    used: set[int] = set()
    for grid, columns in tables:
        found = None
        if columns.measure is not None and "trial" in columns.roles:
            labels = _labels(grid, columns)
            found = next((s for s in of_settings if len(labels) > 1 and set(labels) <= set(_labels(*s))), None)
            if found and (len(set(labels)) < len(labels) or len(set(_labels(*found))) < len(found[0].rows)):
                found = None
        if found is None:
            grids.append(grid)
            continue
        used.add(found[0].line)
        known = dict(zip(_labels(*found), (cells for _, cells in found[0].rows), strict=True))
        extra = [i for i in range(len(found[0].header)) if i != found[1].roles["trial"]]
        rows = tuple(
            (line, (*_padded(cells, len(grid.header)), *(_at(known[label], i) for i in extra)))
            for (line, cells), label in zip(grid.rows, labels, strict=True)
        )
        grids.append(Grid((*grid.header, *(found[0].header[i] for i in extra)), rows, grid.line, grid.section))
        notes.append(Note("tables_joined", {"line": grid.line, "settings": found[0].line}))
    return [grid for grid in grids if grid.line not in used], notes


def _labels(grid: Grid, columns: Columns) -> list[str]:
    return [without_marks(clean_text(_at(cells, columns.roles["trial"]))).casefold() for _, cells in grid.rows]


def _at(cells: Sequence[str], index: int) -> str:
    return cells[index] if index < len(cells) else ""


def _padded(cells: Sequence[str], width: int) -> tuple[str, ...]:
    return (*cells, *[""] * (width - len(cells)))[:width]


def read_table(grid: Grid, number: int, columns: Columns) -> TableReading:
    """The trials of a table with a result column and settings. `number`: which table of the document this is."""
    return _Table(grid, number, columns).read()


class _Table:
    def __init__(self, grid: Grid, number: int, columns: Columns) -> None:
        self.grid = grid
        self.number = number
        self.columns = columns
        self.reading = TableReading()
        self.headers = [clean_text(cell)[:80] for cell in grid.header]
        self.text = [
            [clean_text(_at(cells, i)[:LONGEST_CELL]) for i in range(len(grid.header))] for _, cells in grid.rows
        ]

    def read(self) -> TableReading:
        columns = self.columns
        self._fill_blanks()
        scores = {index: self._scores(index) for index in columns.results}
        pending = []
        for i, (line, _) in enumerate(self.grid.rows):
            label = self._label(i)
            if self._is_reference(i):
                self.reading.notes.append(Note("reference_row", {"trial": label, "line": line}))
            elif is_pending(self.text[i][columns.results[0]]):
                pending.append(label)
            else:
                self.reading.rows.append(self._row(i, line, label, {k: v[i] for k, v in scores.items()}))
        if pending:
            self.reading.notes.append(Note("planned_rows", {"trials": tuple(pending), "line": self.grid.line}))
        if "trial" not in columns.roles and "place" not in columns.roles:
            self.reading.notes.append(Note("rows_numbered", {"line": self.grid.line}))
        self.reading.rows = _same_precision(self.reading.rows, columns.results[0] if columns.results else 0)
        return self.reading

    # -- labels and remarks ------------------------------------------------------------------------

    def _cell(self, i: int, role: str) -> str:
        index = self.columns.roles.get(role)
        return self.text[i][index] if index is not None else ""

    def _label(self, i: int) -> str:
        if "trial" not in self.columns.roles and "place" in self.columns.roles:
            return re.sub(r"[^\d]", "", self._cell(i, "place")) or str(i + 1)
        text = re.sub(r"\s?[(\[（【][^()\[\]（）【】]*[)\]）】]", "", self._cell(i, "trial"))
        kept = "".join(c for c in text if c.isalnum() or c in " _-.#/+=,")
        return " ".join(kept.split()).strip(" ,")[:60] or str(i + 1)

    def _is_reference(self, i: int) -> bool:
        """Whether a row is the model without training: so called, and with no settings of its own or of a kind
        "reference"."""
        if self._cell(i, "kind").lower() == "reference":
            return True
        blank = all(is_blank(self.text[i][j]) for j in (*self.columns.factors, *self.columns.joined))
        words = [self._cell(i, "trial"), self._cell(i, "change")]
        return blank and any(is_reference(without_marks(word)) for word in words)

    # -- settings ----------------------------------------------------------------------------------

    def _fill_blanks(self) -> None:
        """Ditto marks and merged cells take what stands above; blanks beside a named baseline take the baseline's.

        Blank cells are merged where they lead the row in every row and no baseline is named; they are "as in the
        baseline" where the first row is the baseline and complete. Where the two readings differ and neither is sure,
        blanks stay, and are not read.
        """
        settings_columns = sorted((*self.columns.factors, *self.columns.joined, *self.columns.extras))
        for i, row in enumerate(self.text):
            for j in settings_columns:
                if i and is_ditto(row[j]):
                    row[j] = self.text[i - 1][j]
        if not settings_columns or self.columns.kind is TableKind.CHANGES:
            return
        blank = [[not row[j] for j in settings_columns] for row in self.text]
        if not any(map(any, blank)) or any(blank[0]) or any(all(flags) for flags in blank):
            return
        leads = all(flags == sorted(flags, reverse=True) for flags in blank)
        above = self._filled(settings_columns, from_above=True)
        base = self._filled(settings_columns, from_above=False)
        named = self._names_baseline(0)
        if above == base or (leads and not named and len({*map(tuple, above)}) == len(above)):
            meaning, filled = "above", above
        elif named and not leads:
            meaning, filled = "baseline", base
        else:
            return
        for row, values in zip(self.text, filled, strict=True):
            for j, value in zip(settings_columns, values, strict=True):
                row[j] = value
        self.reading.notes.append(Note("blanks_filled", {"line": self.grid.line, "how": meaning}))

    def _filled(self, columns: Sequence[int], from_above: bool) -> list[list[str]]:
        result: list[list[str]] = []
        for row in self.text:
            source = (result[-1] if from_above else result[0]) if result else [row[j] for j in columns]
            result.append([row[j] or source[k] for k, j in enumerate(columns)])
        return result

    def _names_baseline(self, i: int) -> bool:
        words = [self._cell(i, "trial"), self._cell(i, "change"), self._cell(i, "purpose")]
        words += [self.text[i][j] for j in self.columns.texts]
        name = _AGAINST_BASELINE.sub(" ", " ".join(words))
        # a bold or marked level in one table a factor: "r = 8 (base)"
        marked = any(re.search(r"[(（]\s?(?:base|baseline|default|基线|默认)\s?[)）]", self.text[i][j], re.I)
                     for j in self.columns.factors)  # fmt: skip
        called = self._label(i).casefold() == "base" or bool(BASELINE.search(name)) or marked
        return called and not _EXTENDED_BASELINE.search(_AGAINST_BASELINE.sub(" ", self._cell(i, "change")))

    def _values(self, i: int, line: int, label: str) -> tuple[dict[str, Level], list[str]]:
        values: dict[str, Level] = {}
        unknown: list[str] = []
        for j, names in self.columns.joined.items():
            parts = _PARTS.findall(self.text[i][j])
            levels = [read_level(n, part) for n, part in zip(names, parts, strict=False)]
            if len(parts) == len(names) and not any(isinstance(level, Why) for level in levels):
                values |= dict(zip(names, levels, strict=True))
            else:
                unknown.append(self._unread(line, label, j, self.text[i][j], Why.WORDS))
        for j, factor in self.columns.factors.items():
            text = self.text[i][j]
            product = (
                read_product(text) if factor == BATCH and ACCUMULATION not in self.columns.factors.values() else None
            )
            level = read_level(factor, text)
            if product:
                values |= {BATCH: product[0], ACCUMULATION: product[1]}
            elif not isinstance(level, Why):
                values[factor] = level
            elif self.columns.kind is TableKind.SETTINGS or not is_blank(text):
                unknown.append(self._unread(line, label, j, text, Why.BLANK if is_blank(text) else level))
        return values, unknown

    def _unread(self, line: int, label: str, column: int, text: str, why: Why) -> str:
        self.reading.unread.append(UnreadCell(line, label, self.headers[column], text[:60], why.value))
        return self.headers[column]

    # -- results -----------------------------------------------------------------------------------

    def _scores(self, index: int) -> list[Score | Why | None]:
        """A column's results; the column settles whether bare numbers are shares or per cents. None: it failed."""
        share = self.columns.measure is not None and self.columns.measure.kind is MeasureKind.SHARE
        cells = [row[index] for row in self.text]
        numbers = [None if has_failed(c) and isinstance(read_number(c), Why) else read_number(c) for c in cells]
        bare = [n.value for n in numbers if isinstance(n, Number) and not n.percent and n.total is None]
        header = self.headers[index]
        said = "%" in header or "percent" in header.lower() or "百分" in header
        high = bool(bare) and max(bare) > 1
        return [_score(n, share, said or high, said and not high, bare) for n in numbers]

    def _row(self, i: int, line: int, label: str, scores: Mapping[int, Score | Why | None]) -> Row:
        columns = self.columns
        change = self._cell(i, "change")
        analysis = " ".join(self.text[i][j] for j in columns.texts if self.text[i][j])
        described = settings(change)
        values, unknown = self._values(i, line, label)
        main = columns.results[0]
        result, status = scores[main], self._cell(i, "status")
        failed = (
            bool(_BROKE.search(status))
            or (result is None and not status)
            or (result is None and _DONE.search(status) is not None)
        )
        if status and not _DONE.fullmatch(without_marks(status)) and not failed:
            result = Why.STATUS
        if isinstance(result, Why) and not failed:
            why = Why.BLANK if is_blank(self.text[i][main]) and result is not Why.STATUS else result
            shown = status if result is Why.STATUS else self.text[i][main]
            self.reading.unread.append(UnreadCell(line, label, self.headers[main], shown[:60], why.value))
        others = {self.headers[j]: s for j, s in scores.items() if j != main and isinstance(s, Score)}
        delta = columns.roles.get("delta")
        return Row(
            trial=label,
            line=line,
            table=self.number,
            kind=columns.kind,
            section=self.grid.section,
            values={**described, **values},
            extra={name: self.text[i][j].casefold() for j, name in columns.extras.items()},
            unknown=tuple(unknown),
            builds_on=base_trial(change),
            score=result if isinstance(result, Score) else None,
            others=others,
            failed=failed,
            change=change,
            analysis=analysis,
            is_baseline=self._names_baseline(i),
            seed=self._cell(i, "seed") or None,
            described=described,
            fully_described=bool(described) and is_fully_described(change),
            difference=_difference(self.text[i][delta], self.headers[delta]) if delta is not None else None,
            said_to_fail=has_failed(f"{change} {analysis} {self.text[i][main]}"),
            round=round_of(self._cell(i, "round")) or self._cell(i, "round") or round_of(self.grid.section)
            or self.grid.section,
        )  # fmt: skip


def _score(
    number: Number | Why | None, share: bool, percent: bool, unsure: bool, bare: Sequence[float]
) -> Score | Why | None:
    if number is None or isinstance(number, Why):
        return number
    if number.total is not None:
        return Score(number.value, 0.0, number.correct, number.total)
    if number.signed and number.value < 0 and share:
        return Why.SIZE
    if not share:
        return Score(number.value, number.unit, spread=number.spread)
    if not number.percent and unsure and number.value > 0:
        return Why.SCALE
    if not number.percent and percent and 0 < number.value <= 1 and sorted(bare)[len(bare) // 2] > 5:
        return Why.SCALE
    scale = 100.0 if number.percent or percent else 1.0
    if number.value / scale > 1:
        return Why.SIZE
    spread = number.spread / scale if number.spread is not None else None
    return Score(number.value / scale, number.unit / scale, spread=spread)


def _same_precision(rows: Sequence[Row], column: int) -> list[Row]:
    """Spreadsheets drop trailing zeros, so the finest printed place of a column is taken for all of it."""
    units = [row.score.unit for row in rows if row.score and row.score.unit > 0]
    if not units:
        return list(rows)
    return [
        replace(row, score=replace(row.score, unit=min(units))) if row.score and row.score.total is None else row
        for row in rows
    ]


def _difference(text: str, header: str) -> Difference | None:
    """A cell such as "+3.9%", "-0.7", "+1.4 pp"; None for blanks and words, and for a column that does not compare with
    the baseline."""
    match = _SIGNED.search(text)
    if match is None or re.search(r"prev|best|上一|最佳", header, re.IGNORECASE):
        return None
    value = float(match[2]) * (-1 if match[1] == "-" else 1)
    in_points = bool(_POINTS.search(text) or _POINTS.search(header))
    in_percent = bool(match[4]) or "%" in header
    return Difference(value, 10.0 ** -len(match[3] or ""), True if in_points else False if in_percent else None)


def key_values(grid: Grid) -> dict[str, Level]:
    """Settings of a two-column table of parameter and value (a best-configuration block); empty for other tables."""
    found: dict[str, Level] = {}
    for _, cells in (*grid.rows, (grid.line, grid.header)):
        factor = factor_of_header(clean_text(cells[0])) if len(cells) >= 2 else None
        level = read_level(factor, clean_text(cells[1])) if factor else Why.WORDS
        if factor and not isinstance(level, Why):
            found.setdefault(factor, level)
    return found
