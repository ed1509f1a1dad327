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
    has_diverged,
    has_failed,
    is_blank,
    is_ditto,
    read_level,
    read_number,
    was_stopped,
    without_marks,
)
from tunebook.audit.read.columns import LONGEST_CELL, PARTS, Columns, labels_of
from tunebook.audit.read.documents import Grid, Statement
from tunebook.audit.read.mentions import base_trial, is_fully_described, label_pattern, settings, trial_labels
from tunebook.audit.words.columns import (
    AGAINST_BASELINE,
    BASELINE,
    DONE,
    MODEL_NAME,
    PREVIOUS,
    REFERENCE,
    UNCHANGED,
    UNTRAINED,
    factor_of_header,
    factors_of_header,
    result_of,
    role_of,
    round_of,
    total_of,
)
from tunebook.core.factor import Level

LONGEST_NAME = 24
"""A longer remark that speaks of the baseline does not say that its row is it."""
_SIGNED = re.compile(r"([-+]?\s?\d+(?:\.(\d+))?)\s?([%％]?)")
_POINTS = re.compile(r"\bpp\b|\bpts?\b|points?\b|百分点", re.IGNORECASE)


def spread_grid(grid: Grid) -> Grid | None:
    """A table whose rows are levels of one factor and whose columns are levels of another, as one row a trial; None
    for another table. The corner names both factors, or each column's header names its own ("r=8")."""
    header = [clean_text(cell) for cell in grid.header]
    corner = factors_of_header(header[0]) if header else ()
    levels = header[1:]
    firsts = [clean_text(cells[0]) for _, cells in grid.rows if cells]
    column_factor = _named_factor(levels)
    row_factor = factor_of_header(header[0]) if header[0] else _named_factor(firsts)
    if len(corner) < 2 and row_factor and column_factor:
        corner, levels = (row_factor, column_factor), [str(settings(cell)[column_factor]) for cell in levels]
    if len(corner) != 2 or len(levels) < 2 or corner[0] == corner[1]:
        return None
    epochs = (firsts, levels)[corner.index("num_train_epochs")] if "num_train_epochs" in corner else []
    if len(epochs) > 2 and epochs == [str(i + 1) for i in range(len(epochs))]:
        return None  # the course of trainings, epoch by epoch
    if any(isinstance(read_level(corner[1], level), Why) for level in levels):
        corner = (corner[1], corner[0])  # "lr \\ rank" written the other way round
    for factor, cells in zip(corner, (firsts, levels), strict=True):
        if any(isinstance(read_level(factor, cell), Why) for cell in cells):
            return None
    spread = tuple(
        (line, (f"{clean_text(cells[0])} / {level}", cells[0], level, cell.strip() or "?"))  # empty: not run
        for line, cells in grid.rows
        for level, cell in zip(levels, cells[1:], strict=False)
    )
    return Grid(("trial", *corner, grid.section or "result"), spread, grid.line, grid.section)


def _named_factor(cells: Sequence[str]) -> str | None:
    """The one factor of which each cell names a level: "r=8", "r=16"."""
    named = [settings(cell) for cell in cells]
    names = {name for found in named for name in found}
    return names.pop() if len(named) > 1 and len(names) == 1 and all(len(found) == 1 for found in named) else None


def turned_grid(grid: Grid) -> Grid | None:
    """A table whose columns are the trials and whose rows are their settings and results, as one row a trial."""
    names = [clean_text(cells[0]) if cells else "" for _, cells in grid.rows]
    factors = {name for text in names if (name := factor_of_header(text))}
    in_header = any(factor_of_header(clean_text(cell)) or result_of(clean_text(cell)) for cell in grid.header[1:])
    if len(factors) < 2 or in_header or not any(map(result_of, names)):
        return None
    trials = ((grid.line, (cell, *grid.column(i))) for i, cell in enumerate(grid.header) if i)
    corner = clean_text(grid.header[0])
    return Grid((corner if role_of(corner) == "trial" else "trial", *names), tuple(trials), grid.line, grid.section)


def joined_tables(tables: Sequence[tuple[Grid, Columns]]) -> tuple[list[Grid], list[Note]]:
    """Tables of results put together with the table of settings that has the same labels; others as they are."""
    grids, notes = [], []
    of_settings = [
        (grid, columns, labels)
        for grid, columns in tables
        if columns.measure is None and columns.has_settings and "trial" in columns.roles
        for labels in [labels_of(grid, columns)]
        if len(set(labels)) == len(labels)
    ]
    used: set[int] = set()
    for grid, columns in tables:
        labels = labels_of(grid, columns) if columns.measure is not None and "trial" in columns.roles else []
        alone = len(labels) > 1 and len(set(labels)) == len(labels)
        found = next((s for s in of_settings if alone and set(labels) <= set(s[2])), None)
        if found is None:
            grids.append(grid)
            continue
        other, its_columns, its_labels = found
        used.add(other.line)
        its_rows = [_padded(cells, len(other.header)) for _, cells in other.rows]
        known = dict(zip(its_labels, its_rows, strict=True))
        more = [i for i in range(len(other.header)) if i != its_columns.roles["trial"]]
        rows = tuple(
            (line, (*_padded(cells, len(grid.header)), *(known[label][i] for i in more)))
            for (line, cells), label in zip(grid.rows, labels, strict=True)
        )
        grids.append(Grid((*grid.header, *(other.header[i] for i in more)), rows, grid.line, grid.section))
        notes.append(Note("tables_joined", {"line": grid.line, "settings": other.line}))
    return [grid for grid in grids if grid.line not in used], notes


def _padded(cells: Sequence[str], width: int) -> tuple[str, ...]:
    return (*cells, *[""] * (width - len(cells)))[:width]


@dataclass
class Table:
    """Reads the trials of one table with a result column and settings.

    Args:
        number: which table of the document this is.
    """

    grid: Grid
    number: int
    columns: Columns
    blanks: str = ""  # what a note says that blank cells mean: "above", "baseline", or as in the trial so called
    said: Mapping[str, Level] = field(default_factory=dict)  # the baseline's settings as the text gives them
    rows: list[Row] = field(default_factory=list)
    unread: list[UnreadCell] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    remarks: list[Statement] = field(default_factory=list)  # beside rows that are no trials
    labelled: bool = True  # there is a column of labels

    def __post_init__(self) -> None:
        grid, columns = self.grid, self.columns
        self._headers = [clean_text(cell)[:80] for cell in grid.header]
        cells = [_padded(cells, len(grid.header)) for _, cells in grid.rows]
        self._text = [[clean_text(cell[:LONGEST_CELL]) for cell in row] for row in cells]
        if self.blanks not in ("above", "baseline"):  # "as in the released model", where the first row is "released"
            first = self._label(0).casefold() if self._text else ""
            self.blanks = "baseline" if first and self.blanks.casefold().startswith(first) else ""
        self._fill_blanks()
        self._wordy = label_pattern(self._label(i) for i in range(len(self._text)))
        scores = {index: self._scores(index) for index in columns.results}
        without: list[str] = []
        for i, (line, _) in enumerate(grid.rows):
            label = self._label(i)
            if self._is_reference(i):
                self.notes.append(Note("reference_row", {"trial": label, "line": line}))
                continue
            row = self._row(i, line, label, {k: v[i] for k, v in scores.items()})
            if row.score is not None or row.failed:
                self.rows.append(row)
            else:
                without.append(label)
                self.remarks.append(Statement(row.analysis, line, grid.section))
        self._telling_labels()
        if without:
            self.notes.append(Note("no_result_rows", {"trials": tuple(without), "line": grid.line}))
        self.labelled = "trial" in columns.roles or "place" in columns.roles
        if not self.labelled:
            self.notes.append(Note("rows_numbered", {"line": grid.line}))
        # spreadsheets drop trailing zeros, so the finest printed place of a column is taken for all of it
        units = [row.score.unit for row in self.rows if row.score and row.score.unit > 0]
        for i, row in enumerate(self.rows):
            if units and row.score and row.score.total is None:
                self.rows[i] = replace(row, score=replace(row.score, unit=min(units)))

    def is_another_study(self, before: Sequence[Table]) -> bool:
        """Whether this table gives settings of other trials than those before it, which are changes from a baseline of
        their own: nothing says what that baseline has to do with these."""
        labels = {row.trial.casefold() for table in before for row in table.rows}
        return (
            bool(labels)
            and self.columns.kind is TableKind.SETTINGS
            and all(table.columns.kind is TableKind.CHANGES for table in before)
            and any(row.is_baseline for table in before for row in table.rows)
            and labels.isdisjoint(row.trial.casefold() for row in self.rows)
        )

    def _telling_labels(self) -> None:
        """Where labels in words, such as LoRA and DoRA, or descriptions are all that tells two rows apart, these are a
        setting."""
        for role in ("change", "trial"):
            index = self.columns.roles.get(role)
            told: dict[str, set[str]] = {}
            for row in self.rows if index is not None and self.columns.kind is TableKind.SETTINGS else ():
                words = row.change if role == "change" else row.trial
                if row.seed is None and (role == "change" or (len(words) > 1 and not re.search(r"\d", words))):
                    told.setdefault(repr((sorted(row.values.items()), row.extra)), set()).add(words)
            models = {m.group().casefold() for row in self.rows if (m := MODEL_NAME.search(row.trial))}
            of_models = role == "trial" and self.columns.kind is TableKind.SETTINGS and len(models) > 1
            if index is not None and (of_models or any(len(labels) > 1 for labels in told.values())):
                header = self._headers[index] or "1"
                said = [(row.change if role == "change" else row.trial).casefold() for row in self.rows]
                self.rows[:] = [
                    replace(row, extra={**row.extra, header: words}) for row, words in zip(self.rows, said, strict=True)
                ]
                self.notes.append(Note("label_is_setting", {"line": self.grid.line, "column": header}))

    # -- labels and remarks ------------------------------------------------------------------------

    def _cell(self, i: int, role: str) -> str:
        index = self.columns.roles.get(role)
        return self._text[i][index] if index is not None else ""

    def _label(self, i: int) -> str:
        if "trial" not in self.columns.roles and "place" in self.columns.roles:
            return re.sub(r"[^\d]", "", self._cell(i, "place")) or str(i + 1)
        text = re.sub(r"\s?[(\[（【][^()\[\]（）【】]*[)\]）】]", "", self._cell(i, "trial"))
        kept = "".join(c for c in text if c.isalnum() or c in " _-.#/+=,×")
        return " ".join(kept.split()).strip(" ,")[:60] or str(i + 1)

    def _is_reference(self, i: int) -> bool:
        """Whether a row is the model without training: so called, and with no settings of its own or of a kind
        "reference"."""
        if self._cell(i, "kind").lower() == "reference":
            return True
        blank = all(is_blank(self._text[i][j]) for j in (*self.columns.factors, *self.columns.joined))
        words = [self._cell(i, "trial"), self._cell(i, "change")]
        if self.columns.factors:
            words += [self._text[i][j] for j in (*self.columns.extras, *self.columns.texts)]
        if blank and any(REFERENCE.fullmatch(without_marks(word)) for word in words):
            return True
        unsaid = self.columns.kind is TableKind.SETTINGS and not self.said and not self.blanks
        named = self._names_baseline(i) and not UNTRAINED.fullmatch(self._label(i))
        others = any(not is_blank(row[j]) for row in self._text for j in self.columns.factors)
        return blank and unsaid and others and not named and bool(self.columns.factors)  # "GPT-4", "human", "average"

    def _remark(self, i: int) -> str:
        return " ".join(self._text[i][j] for j in self.columns.texts if self._text[i][j])

    def _is_cumulative(self) -> bool:
        """Whether the header of the changes says that each builds on the row above."""
        return PREVIOUS.search(self._headers[self.columns.roles["change"]]) is not None

    def _names_baseline(self, i: int) -> bool:
        words = [self._cell(i, role) for role in ("trial", "change", "purpose")]
        remarks = [text for j in self.columns.texts if len(text := self._text[i][j]) <= LONGEST_NAME]
        name = AGAINST_BASELINE.sub(" ", " ".join(words + remarks))
        marked = any(BASELINE.search(self._text[i][j]) for j in self.columns.factors)
        unchanged = self.columns.kind is TableKind.CHANGES and UNCHANGED.fullmatch(words[1])
        return bool(unchanged) or self._label(i).casefold() == "base" or bool(BASELINE.search(name)) or marked

    # -- settings ----------------------------------------------------------------------------------

    def _fill_blanks(self) -> None:
        """Ditto marks and merged cells take what stands above; blanks beside a named baseline take the baseline's.

        Blank cells are merged where they lead the row in every row and no baseline is named; they are "as in the
        baseline" where the first row is the baseline and complete. Where the two readings differ and neither is sure,
        blanks stay, and are not read.
        """
        columns = self.columns.settings
        for above, row in zip(self._text, self._text[1:], strict=False):
            for j in columns:
                row[j] = above[j] if is_ditto(row[j]) else row[j]
        blank = [[not row[j] for j in columns] for row in self._text]
        if self.columns.kind is TableKind.CHANGES or not any(map(any, blank)):
            return
        if not self.blanks and (any(blank[0]) or any(map(all, blank))):
            return
        leads = all(flags == sorted(flags, reverse=True) for flags in blank)
        named = self._names_baseline(0)
        from_above: list[list[str]] = []
        from_base: list[list[str]] = []
        for row in self._text:
            known = [row[j] for j in columns]
            from_above.append([x or y for x, y in zip(known, from_above[-1] if from_above else known, strict=True)])
            from_base.append([x or y for x, y in zip(known, from_base[0] if from_base else known, strict=True)])
        told_apart = len({*map(tuple, from_above)}) == len(from_above)
        sure = from_above == from_base or (leads and not named and told_apart)
        if self.blanks == "above" or (not self.blanks and sure):
            meaning, filled = "above", from_above
        elif self.blanks or (named and not leads):
            meaning, filled = "baseline", from_base
        else:
            return
        for row, values in zip(self._text, filled, strict=True):
            for j, value in zip(columns, values, strict=True):
                row[j] = value
        self.notes.append(Note("blanks_filled", {"line": self.grid.line, "how": meaning}))

    def _values(self, i: int, line: int, label: str) -> tuple[dict[str, Level], list[str]]:
        values: dict[str, Level] = {}
        unknown: list[str] = []
        for j, names in self.columns.joined.items():
            parts = PARTS.findall(self._text[i][j])
            levels = [read_level(n, part) for n, part in zip(names, parts, strict=False)]
            if len(parts) == len(names) and not any(isinstance(level, Why) for level in levels):
                values |= dict(zip(names, levels, strict=True))
            else:
                unknown.append(self._not_read(line, label, j, self._text[i][j], Why.WORDS))
        for j, factor in self.columns.factors.items():
            text = self._text[i][j]
            level = read_level(factor, text)
            if not isinstance(level, Why):
                values[factor] = level
            elif self.blanks == "baseline" and is_blank(text) and factor in self.said:
                values[factor] = self.said[factor]
            elif self.columns.kind is TableKind.SETTINGS or not is_blank(text):
                unknown.append(self._not_read(line, label, j, text, Why.BLANK if is_blank(text) else level))
        return values, unknown

    def _not_read(self, line: int, label: str, column: int, text: str, why: Why) -> str:
        self.unread.append(UnreadCell(line, label, self._headers[column], text[:60], why.value))
        return self._headers[column]

    # -- results -----------------------------------------------------------------------------------

    def _scores(self, index: int) -> list[Score | Why | None]:
        """A column's results; the column settles whether bare numbers are shares or per cents. None: it failed."""
        measure = self.columns.measure
        kinds = (measure.kind, *measure.other_kinds) if measure is not None else ()
        share = dict(zip(self.columns.results, kinds, strict=False)).get(index) is MeasureKind.SHARE
        read = [(cell, read_number(cell)) for cell in (row[index] for row in self._text)]
        numbers = [None if isinstance(n, Why) and has_failed(cell) else n for cell, n in read]
        bare = sorted(n.value for n in numbers if isinstance(n, Number) and not n.percent and n.total is None)
        header, total = self._headers[index].lower(), total_of(self._headers[index])
        counted = total is not None and bool(bare) and all(value == int(value) for value in bare) and bare[-1] > 1
        said, high = any(word in header for word in ("%", "percent", "百分")), bool(bare) and bare[-1] > 1

        def score(n: Number | Why | None) -> Score | Why | None:
            if n is None or isinstance(n, Why):
                return n
            if n.total is not None:
                return Score(n.value, 0.0, n.correct, n.total)
            if not share:
                return Score(n.value, n.unit, spread=n.spread)
            if counted and total and not n.percent:
                return Score(n.value / total, 0.0, int(n.value), total) if n.value <= total else Why.SIZE
            odd = said and not high and n.value > 0  # "0.71" under a header with %
            odd = odd or (high and 0 < n.value <= 1 and bare[len(bare) // 2] > 5)  # a share among per cents
            if not n.percent and odd:
                return Why.SCALE
            scale = 100.0 if n.percent or said or high else 1.0
            if not 0 <= n.value / scale <= 1:
                return Why.SIZE
            return Score(n.value / scale, n.unit / scale, spread=n.spread / scale if n.spread is not None else None)

        return [score(n) for n in numbers]

    def _row(self, i: int, line: int, label: str, scores: Mapping[int, Score | Why | None]) -> Row:
        columns = self.columns
        change = self._cell(i, "change")
        analysis = self._remark(i)
        named = trial_labels(change, self._wordy) if columns.kind is TableKind.CHANGES else []
        described = settings(_without(change, named))
        values, unknown = self._values(i, line, label)
        if columns.kind is TableKind.CHANGES and change.startswith("+"):
            unknown.append(self._not_read(line, label, columns.roles["change"], change, Why.STEP))
        built_on = base_trial(change, self._wordy)
        if columns.kind is TableKind.CHANGES and i and not built_on and not unknown and self._is_cumulative():
            unknown.append(self._not_read(line, label, columns.roles["change"], change, Why.STEP))
        others = {name for name, _, _ in named} - {built_on, label}
        fully = bool(described) and not others and is_fully_described(change, self._wordy)
        sure = fully or not i or self._names_baseline(i)
        if "change" in columns.roles and columns.kind is TableKind.CHANGES and not sure and not unknown:
            unknown.append(self._not_read(line, label, columns.roles["change"], change, Why.CHANGE))
        result, failed = self._outcome(i, line, label, scores)
        round_named = self._cell(i, "round")
        return Row(
            trial=label,
            line=line,
            table=self.number,
            kind=columns.kind,
            section=self.grid.section,
            values={**described, **values},
            extra={name: self._text[i][j].casefold() for j, name in columns.extras.items()},
            unsettled={self._headers[j]: self._text[i][j].casefold() for j in columns.unsettled},
            unknown=tuple(unknown),
            builds_on=built_on,
            score=result,
            others={self._headers[j]: s for j, s in scores.items() if j != columns.results[0] and isinstance(s, Score)},
            failed=failed,
            said_to_fail=has_failed(f"{change} {analysis} {self._text[i][columns.results[0]]}"),
            change=change,
            analysis=analysis,
            is_baseline=self._names_baseline(i),
            seed=self._cell(i, "seed") or None,
            described=described,
            fully_described=fully,
            difference=self._difference(i),
            round=round_of(round_named) or round_named or round_of(self.grid.section) or self.grid.section,
        )

    def _outcome(
        self, i: int, line: int, label: str, scores: Mapping[int, Score | Why | None]
    ) -> tuple[Score | None, bool]:
        """A row's result, None where it was not surely read or its run did not finish; and whether its training failed.
        Beside a blank result a remark, or the result on another test set, says so."""
        main = self.columns.results[0]
        cell, result, status = self._text[i][main], scores[main], self._cell(i, "status")
        failed = has_diverged(status)
        if not status or DONE.search(status):
            failed = failed or result is None or has_failed(cell)
        if not isinstance(result, Score) and was_stopped(f"{cell} {self._remark(i)}"):
            failed, result = False, Why.STATUS
        elif is_blank(cell):
            failed = failed or has_diverged(self._remark(i)) or any(score is None for score in scores.values())
        if not failed and status and not DONE.fullmatch(without_marks(status)):
            result = Why.STATUS
        shown = status if result is Why.STATUS else cell
        if isinstance(result, Why) and not failed and not is_blank(shown):
            self._not_read(line, label, main, shown, result)
        return (result if isinstance(result, Score) else None), failed

    def _difference(self, i: int) -> Difference | None:
        """A cell such as "+3.9%", "-0.7", "+1.4 pp"; None for blanks and words, and for a column that does not compare
        with the baseline."""
        delta = self.columns.roles.get("delta")
        match = _SIGNED.search(self._text[i][delta]) if delta is not None else None
        if delta is None or match is None or PREVIOUS.search(self._headers[delta]):
            return None
        in_points = bool(_POINTS.search(self._text[i][delta]) or _POINTS.search(self._headers[delta]))
        in_percent = bool(match[3]) or "%" in self._headers[delta]
        value = float(match[1].replace(" ", ""))
        return Difference(value, 10.0 ** -len(match[2] or ""), True if in_points else False if in_percent else None)


def _without(text: str, named: Sequence[tuple[str, int, int]]) -> str:
    """A text without the labels of trials in it: "r2 + dropout 0.1" gives no rank."""
    for _, start, end in named:
        text = text[:start] + " " * (end - start) + text[end:]
    return text


def put_together(tables: Sequence[Table], said: Mapping[str, Level], notes: list[Note]) -> tuple[list[Row], bool]:
    """The rows of all tables, and whether nothing says what tells two of them apart.

    Where tables vary settings that the others do not give, what they leave out is the baseline's: as the text says it
    (`said`), or of the baseline's row, which each table must have; given again with the same result it is one trial.
    Without either the table itself counts as a setting.
    """
    rows = [list(table.rows) for table in tables]
    unlabelled = [i for i, table in enumerate(tables) if not table.labelled]
    for number, i in enumerate(unlabelled, 1) if len(unlabelled) > 1 else ():
        rows[i] = [replace(row, trial=f"{number}.{row.trial}") for row in rows[i]]
    given = [frozenset(name for row in group for name in row.values) for group in rows]
    every = frozenset().union(*given)
    in_words = any(row.kind is TableKind.CHANGES for group in rows for row in group)
    uneven = len(set(filter(None, given))) > 1 and not in_words
    contradict = not in_words and not uneven and _contradict(tables, rows)
    if contradict:
        notes.append(Note("tables_apart"))
    elif uneven and every <= said.keys():
        notes.append(Note("left_out"))
        rows = [[replace(row, values={**said, **row.values}) for row in group] for group in rows]
        rows = _once([[replace(row, is_baseline=row.values == said) for row in group] for group in rows])
        uneven = False
    elif uneven and all(sum(row.is_baseline for row in group) == 1 for group in rows if group):
        bases = [row for group in rows for row in group if row.is_baseline]
        union = {name: level for row in bases for name, level in row.values.items()}
        rows = [[replace(row, values=union) if row.is_baseline else row for row in group] for group in rows]
        rows, uneven = _once(rows), False
    if contradict or uneven:
        rows = [[replace(r, extra={**r.extra, "table": str(n)}) for r in group] for n, group in enumerate(rows, 1)]
    return [row for group in rows for row in group], contradict


def _contradict(tables: Sequence[Table], rows: Sequence[Sequence[Row]]) -> bool:
    """Whether tables differ in something that only their headings say, such as the model or the data: most trials that
    two of them give with the same settings have other results; or the headings are others and no rounds, and the rows
    are numbered anew or not at all."""
    sections = [table.grid.section for table in tables]
    seen: dict[str, Row] = {}
    shared = [
        (known, row)
        for group in rows
        for row in group
        if (known := seen.setdefault(repr((sorted(row.values.items()), row.extra, row.seed)), row)).table != row.table
    ]
    other = [(a, b) for a, b in shared if not _same(a.score, b.score)]
    named_anew = len(set(sections)) > 1 and any(a.trial != b.trial for a, b in other)
    if named_anew or (len(shared) > 1 and 2 * len(other) > len(shared)):
        return True
    if len(tables) < 2 or shared or len(set(sections)) < len(sections) or all(map(round_of, sections)):
        return False
    labels = [row.trial for group in rows for row in group]
    return not all(table.labelled for table in tables) or len(set(labels)) < len(labels)


def _once(rows: list[list[Row]]) -> list[list[Row]]:
    """Without the baselines that give the first one again, with its result."""
    first = next((row for group in rows for row in group if row.is_baseline), None)
    return [
        [row for row in group if first in (None, row) or not row.is_baseline or not _same(row.score, first.score)]
        for group in rows
    ]


def _same(a: Score | None, b: Score | None) -> bool:
    """Whether a trial given again has the same result, as far as it is printed."""
    return a is b or (a is not None and b is not None and abs(a.value - b.value) <= (a.unit + b.unit) / 2 + 1e-9)
