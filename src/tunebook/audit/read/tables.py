"""Tables to rows of trials: grids spread out, tables of settings and of results joined, every cell read strictly."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate, pairwise

from tunebook.audit.model import Difference, MeasureKind, Note, Row, Score, TableKind, UnreadCell
from tunebook.audit.read import cells
from tunebook.audit.read.cells import Number, Why, clean_text, is_blank, read_level, read_number
from tunebook.audit.read.columns import LONGEST_CELL, PARTS, Columns, labels_of
from tunebook.audit.read.documents import Grid, Statement
from tunebook.audit.read.mentions import base_trial, is_fully_described, label_pattern, mentions, settings, trial_labels
from tunebook.audit.words import columns as words
from tunebook.core.factor import Level

LONGEST_NAME = 24
"""A longer remark that speaks of the baseline does not say that its row is it."""
_NEEDED = ("learning_rate", "lora_r")
"""A dash in one of these is none of a training."""
_SIGNED = re.compile(r"([-+]?\s?\d+(?:\.(\d+))?)\s?([%％]?)")
_POINTS = re.compile(r"\bpp\b|\bpts?\b|points?\b|百分点", re.IGNORECASE)
_IN_BRACKETS = re.compile(r"\s?[(\[（【][^()\[\]（）【】]*[)\]）】]")


def spread_grid(grid: Grid) -> Grid | None:
    """A table whose rows are levels of one factor and whose columns are levels of another, both named in its corner, as
    one row a trial; None for another table, and for the course of trainings epoch by epoch."""
    header = [clean_text(cell) for cell in grid.header]
    corner, levels = words.factors_of_header(header[0]) if header else (), header[1:]
    firsts = [clean_text(row[0]) for _, row in grid.rows if row]
    if len(corner) != 2 or len(levels) < 2 or corner[0] == corner[1]:
        return None
    for factor, said in zip(corner, (firsts, levels), strict=True):
        counted = len(said) > 2 and said == [str(i + 1) for i in range(len(said))]
        if (factor == "num_train_epochs" and counted) or any(
            isinstance(read_level(factor, text), Why) for text in said
        ):
            return None
    spread = tuple(
        (line, (f"{clean_text(row[0])} / {level}", row[0], level, cell.strip() or "?"))  # empty: not run
        for line, row in grid.rows
        for level, cell in zip(levels, row[1:], strict=False)
    )
    return Grid(("trial", *corner, grid.section or "result"), spread, grid.line, grid.section)


def turned_grid(grid: Grid) -> Grid | None:
    """A table whose columns are the trials and whose rows are their settings and results, as one row a trial."""
    names = [clean_text(row[0]) if row else "" for _, row in grid.rows]
    factors = {name for text in names if (name := words.factor_of_header(text))}
    header = [clean_text(cell) for cell in grid.header]
    known = any(words.factor_of_header(text) or words.result_of(text) for text in header[1:])
    if len(factors) < 2 or known or not any(map(words.result_of, names)):
        return None
    trials = ((grid.line, (cell, *grid.column(i))) for i, cell in enumerate(grid.header) if i)
    corner = header[0] if words.role_of(header[0]) == "trial" else "trial"
    return Grid((corner, *names), tuple(trials), grid.line, grid.section)


def joined_tables(tables: Sequence[tuple[Grid, Columns]]) -> tuple[list[Grid], list[Note]]:
    """Tables of results put together with the table of settings that has the same labels; others as they are."""
    grids, notes, used = list[Grid](), list[Note](), set[int]()
    labelled = [(grid, columns, labels_of(grid, columns)) for grid, columns in tables if "trial" in columns.roles]
    labelled = [found for found in labelled if len(found[2]) == len(set(found[2])) > 0]
    of_settings = [found for found in labelled if found[1].measure is None and found[1].has_settings]
    of_results = {id(grid): labels for grid, columns, labels in labelled if columns.measure is not None}
    for grid, _ in tables:
        labels = of_results.get(id(grid), ())
        found = next((s for s in of_settings if len(labels) > 1 and set(labels) <= set(s[2])), None)
        if found is None:
            grids.append(grid)
            continue
        other, columns, known = found
        used.add(other.line)
        more = [i for i in range(len(other.header)) if i != columns.roles["trial"]]
        rows = []
        for (line, row), label in zip(grid.rows, labels, strict=True):
            settings_row = _padded(other.rows[known.index(label)][1], len(other.header))
            rows.append((line, (*_padded(row, len(grid.header)), *(settings_row[i] for i in more))))
        grids.append(Grid((*grid.header, *(other.header[i] for i in more)), tuple(rows), grid.line, grid.section))
        notes.append(Note("tables_joined", {"line": grid.line, "settings": other.line}))
    return [grid for grid in grids if grid.line not in used], notes


def _padded(row: Sequence[str], width: int) -> tuple[str, ...]:
    return (*row, *[""] * (width - len(row)))[:width]


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
    failures: Sequence[str] = ()  # the sentences that say that a training diverged
    untrained: str = ""  # the clauses that say of something that it is the model without training
    rows: list[Row] = field(default_factory=list)
    unread: list[UnreadCell] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    remarks: list[Statement] = field(default_factory=list)  # beside rows that are no trials

    def __post_init__(self) -> None:
        grid, columns = self.grid, self.columns
        self._in_words = columns.kind is TableKind.CHANGES
        self._headers = [clean_text(cell)[:80] for cell in grid.header]
        padded = (_padded(row, len(grid.header)) for _, row in grid.rows)
        self._text = [[clean_text(cell[:LONGEST_CELL]) for cell in row] for row in padded]
        self._labels = [self._label(i) for i in range(len(self._text))]
        if self.blanks not in ("above", "baseline"):  # "as in the released model", where the first row is "released"
            first = self._labels[0].casefold() if self._labels else ""
            self.blanks = "baseline" if first and self.blanks.casefold().startswith(first) else ""
        self._fill_blanks()
        self._wordy = label_pattern(self._labels)
        scores = {index: self._scores(index) for index in columns.results}
        without: list[str] = []
        for i, (line, _) in enumerate(grid.rows):
            if self._is_reference(i):
                self.notes.append(Note("reference_row", {"trial": self._labels[i], "line": line}))
                continue
            row = self._row(i, {index: of[i] for index, of in scores.items()})
            if row.score is not None or row.failed:
                self.rows.append(row)
            else:
                without.append(row.trial)
                self.remarks.append(Statement(row.analysis, line, grid.section))
        self._telling_labels()
        if without:
            self.notes.append(Note("no_result_rows", {"trials": tuple(without), "line": grid.line}))
        if not self.labelled:
            self.notes.append(Note("rows_numbered", {"line": grid.line}))
        # spreadsheets drop trailing zeros, so the finest printed place of a column is taken for all of it
        units = [row.score.unit for row in self.rows if row.score and row.score.unit > 0]
        for i, row in enumerate(self.rows):
            if units and row.score and row.score.total is None:
                self.rows[i] = replace(row, score=replace(row.score, unit=min(units)))

    @property
    def labelled(self) -> bool:
        """Whether there is a column of labels."""
        return "trial" in self.columns.roles or "place" in self.columns.roles

    def is_another_study(self, before: Sequence[Table]) -> bool:
        """Whether this table gives settings of other trials than those before it, which are changes from a baseline of
        their own: nothing says what that baseline has to do with these."""
        rows = [row for table in before for row in table.rows]
        changes = any(row.is_baseline for row in rows) and all(row.kind is TableKind.CHANGES for row in rows)
        labels = {row.trial.casefold() for row in rows}
        return changes and not self._in_words and labels.isdisjoint(row.trial.casefold() for row in self.rows)

    def _telling_labels(self) -> None:
        """Where descriptions, or labels in words such as LoRA and DoRA, are all that tells two rows apart, or labels
        name base models, these are a setting."""
        for role in () if self._in_words else ("change", "trial"):
            told: dict[str, set[str]] = defaultdict(set)
            said = [(row.change if role == "change" else row.trial).casefold() for row in self.rows]
            for row, text in zip(self.rows, said, strict=True):
                if row.seed is None and (role == "change" or (len(text) > 1 and not re.search(r"\d", text))):
                    told[settings_of(row)].add(text)
            models = {m.group() for text in said if role == "trial" and (m := words.MODEL_NAME.search(text))}
            if role in self.columns.roles and (len(models) > 1 or any(len(texts) > 1 for texts in told.values())):
                header = self._headers[self.columns.roles[role]] or "1"
                pairs = zip(self.rows, said, strict=True)
                self.rows[:] = [replace(row, extra={**row.extra, header: text}) for row, text in pairs]
                self.notes.append(Note("label_is_setting", {"line": self.grid.line, "column": header}))

    # -- labels and remarks ------------------------------------------------------------------------

    def _cell(self, i: int, role: str) -> str:
        index = self.columns.roles.get(role)
        return self._text[i][index] if index is not None else ""

    def _label(self, i: int) -> str:
        if "trial" not in self.columns.roles and "place" in self.columns.roles:
            return re.sub(r"[^\d]", "", self._cell(i, "place")) or str(i + 1)
        text = _IN_BRACKETS.sub("", self._cell(i, "trial"))
        kept = "".join(c for c in text if c.isalnum() or c in " _-.#/+=,×")
        return " ".join(kept.split()).strip(" ,")[:60] or str(i + 1)

    def _is_reference(self, i: int) -> bool:
        """Whether a row is the model without training: of a kind "reference", or without settings and called so, or
        without settings among rows that have some and not called the baseline ("GPT-4", "average")."""
        columns, row = self.columns, self._text[i]
        unset = any(row[j] and is_blank(row[j]) for j, name in columns.factors.items() if name in _NEEDED)
        label = re.compile(rf"(?<![\w.]){re.escape(self._labels[i])}(?![\w.])", re.IGNORECASE | re.ASCII)
        if unset and label.search(self.untrained):
            return True
        if any(not is_blank(row[j]) for j in (*columns.factors, *columns.joined)):
            return self._cell(i, "kind").lower() == "reference"
        said = [self._cell(i, "trial"), self._cell(i, "change")]
        said += [row[j] for j in (*columns.extras, *columns.texts) if columns.factors]
        others = any(not is_blank(other[j]) for other in self._text for j in columns.factors)
        unsaid = others and not (self._in_words or self.said or self.blanks)
        named = self._names_baseline(i) and not words.UNTRAINED.fullmatch(self._labels[i])
        called = any(words.REFERENCE.fullmatch(cells.without_marks(text)) for text in said)
        return called or (unsaid and not named) or self._cell(i, "kind").lower() == "reference"

    def _remark(self, i: int) -> str:
        return " ".join(self._text[i][j] for j in self.columns.texts if self._text[i][j])

    def _names_baseline(self, i: int) -> bool:
        label, change, purpose = (self._cell(i, role) for role in ("trial", "change", "purpose"))
        remarks = [text for j in self.columns.texts if len(text := self._text[i][j]) <= LONGEST_NAME]
        name = words.AGAINST_BASELINE.sub(" ", " ".join([label, change, purpose, *remarks]))
        unchanged = self._in_words and words.UNCHANGED.fullmatch(change)
        marked = any(words.BASELINE.search(self._text[i][j]) for j in self.columns.factors)
        called = unchanged or marked or words.BASELINE.search(name) or self._labels[i].casefold() == "base"
        return bool(called)

    # -- settings ----------------------------------------------------------------------------------

    def _fill_blanks(self) -> None:
        """Ditto marks and merged cells take what stands above; blanks beside a named baseline take the baseline's.

        Blank cells are merged where they lead the row in every row and no baseline is named; they are "as in the
        baseline" where the first row is the baseline and complete. Where the two readings differ and neither is sure,
        blanks stay, and are not read.
        """
        columns = self.columns.settings
        for last, row in pairwise(self._text):
            for j in columns:
                row[j] = last[j] if cells.is_ditto(row[j]) else row[j]
        known = [[row[j] for j in columns] for row in self._text]
        blank = [[not cell for cell in row] for row in known]
        if self._in_words or not any(map(any, blank)):
            return
        above = list(accumulate(known, lambda last, row: [x or y for x, y in zip(row, last, strict=True)]))
        base = [[x or y for x, y in zip(row, known[0], strict=True)] for row in known]
        leads = all(flags == sorted(flags, reverse=True) for flags in blank)
        named, told_apart = self._names_baseline(0), len({*map(tuple, above)}) == len(above)
        how = self.blanks
        if not how and not any(blank[0]) and not any(map(all, blank)):
            merged = above == base or (leads and not named and told_apart)
            how = "above" if merged else "baseline" if named and not leads else ""
        for row, values in zip(self._text, above if how == "above" else base if how else known, strict=True):
            for j, value in zip(columns, values, strict=True):
                row[j] = value
        if how:
            self.notes.append(Note("blanks_filled", {"line": self.grid.line, "how": how}))

    def _values(self, i: int) -> tuple[dict[str, Level], list[str]]:
        """The settings of a row's columns, and the headers of those whose cell was not surely read."""
        values, unknown = dict[str, Level](), list[str]()
        for j, names in self.columns.joined.items():
            parts = PARTS.findall(self._text[i][j])
            levels = {n: level for n, part in zip(names, parts, strict=False)
                      if not isinstance(level := read_level(n, part), Why)}  # fmt: skip
            if len(parts) == len(names) == len(levels):
                values |= levels
            else:
                unknown.append(self._not_read(i, j, Why.WORDS))
        for j, factor in self.columns.factors.items():
            text = self._text[i][j]
            level = read_level(factor, text)
            if not isinstance(level, Why):
                values[factor] = level
            elif self.blanks == "baseline" and is_blank(text) and factor in self.said:
                values[factor] = self.said[factor]
            elif not self._in_words or not is_blank(text):
                unknown.append(self._not_read(i, j, Why.BLANK if is_blank(text) else level))
        return values, unknown

    def _not_read(self, i: int, column: int, why: Why, shown: str = "") -> str:
        cell = (shown or self._text[i][column])[:60]
        self.unread.append(UnreadCell(self.grid.rows[i][0], self._labels[i], self._headers[column], cell, why.value))
        return self._headers[column]

    # -- results -----------------------------------------------------------------------------------

    def _scores(self, index: int) -> list[Score | Why | None]:
        """A column's results; the column settles whether bare numbers are shares or per cents. None: it failed."""
        measure, header = self.columns.measure, self._headers[index]
        kinds = (measure.kind, *measure.other_kinds) if measure is not None else ()
        share = dict(zip(self.columns.results, kinds, strict=False)).get(index) is MeasureKind.SHARE
        read = [(row[index], read_number(row[index])) for row in self._text]
        numbers = [None if isinstance(n, Why) and cells.has_failed(cell) else n for cell, n in read]
        bare = sorted(n.value for n in numbers if isinstance(n, Number) and not n.percent and n.total is None)
        said, high = any(word in header.lower() for word in ("%", "percent", "百分")), bool(bare) and bare[-1] > 1
        total = words.total_of(header) if high and all(value == int(value) for value in bare) else None

        def score(n: Number | Why | None) -> Score | Why | None:
            if n is None or isinstance(n, Why):
                return n
            if n.total is not None:
                return Score(n.value, 0.0, n.correct, n.total)
            if not share:
                return Score(n.value, n.unit, spread=n.spread)
            if total and not n.percent:
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

    def _row(self, i: int, scores: Mapping[int, Score | Why | None]) -> Row:
        columns, label, change, analysis = self.columns, self._labels[i], self._cell(i, "change"), self._remark(i)
        named = trial_labels(change, self._wordy) if self._in_words else []
        plain = change
        for _, start, end in named:  # "r2 + dropout 0.1" gives no rank
            plain = plain[:start] + " " * (end - start) + plain[end:]
        described, built_on, is_baseline = settings(plain), base_trial(change, self._wordy), self._names_baseline(i)
        values, unknown = self._values(i)
        others = {name for name, _, _ in named} - {built_on, label}
        fully = bool(described) and not others and is_fully_described(change, self._wordy)
        if self._in_words and "change" in columns.roles and not unknown:
            index = columns.roles["change"]
            on_the_row_above = i and not built_on and words.PREVIOUS.search(self._headers[index])
            if change.startswith("+") or on_the_row_above:
                unknown.append(self._not_read(i, index, Why.STEP))
            elif not (fully or not i or is_baseline):
                unknown.append(self._not_read(i, index, Why.CHANGE))
        result, failed = self._outcome(i, scores)
        rounds = (self._cell(i, "round"), self.grid.section)
        return Row(
            trial=label,
            line=self.grid.rows[i][0],
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
            said_to_fail=cells.has_failed(f"{change} {analysis} {self._text[i][columns.results[0]]}"),
            change=change,
            analysis=analysis,
            is_baseline=is_baseline,
            seed=self._cell(i, "seed") or None,
            described=described,
            fully_described=fully,
            difference=self._difference(i),
            round=next((words.round_of(text) or text for text in rounds if text), ""),
        )

    def _outcome(self, i: int, scores: Mapping[int, Score | Why | None]) -> tuple[Score | None, bool]:
        """A row's result, None where it was not surely read or its run did not finish; and whether its training failed.
        Beside a blank result a remark, or the result on another test set, says so."""
        main = self.columns.results[0]
        cell, result, status = self._text[i][main], scores[main], self._cell(i, "status")
        ticked = cells.read_flag(status)  # a cross says no more than the result beside it
        ran = not status or words.DONE.search(status) or ticked is not None
        failed = cells.has_diverged(status) or bool(ran and (result is None or cells.has_failed(cell)))
        if not isinstance(result, Score) and cells.was_stopped(f"{cell} {self._remark(i)}"):
            failed, result = False, Why.STATUS
        elif is_blank(cell):
            failed = failed or cells.has_diverged(self._remark(i)) or any(score is None for score in scores.values())
        failed = failed or (not isinstance(result, Score) and self._is_said_to_fail(i, status))
        if not failed and status and not ticked and not words.DONE.fullmatch(cells.without_marks(status)):
            result = Why.STATUS
        shown = status if result is Why.STATUS else cell
        if isinstance(result, Why) and not failed and not is_blank(shown):
            self._not_read(i, main, result, shown)
        return (result if isinstance(result, Score) else None), failed

    def _is_said_to_fail(self, i: int, status: str) -> bool:
        """Whether the text says that the training failed in rows of this status ("FAIL: the loss became nan"), or at a
        level of this row at which none has a result."""
        broke = words.ERROR.fullmatch(status) and cells.has_diverged(self._text[i][self.columns.results[0]])
        if not status or not (broke or cells.has_failed(f"{status} {self._remark(i)}")):
            return False
        for sentence in self.failures:
            said = [mention for mention in mentions(sentence) if mention.values]
            named = re.search(rf"(?<![A-Za-z]){re.escape(status)}(?![A-Za-z])", sentence)
            if named and not said and words.OF_STATUS.search(sentence):
                return True
            if len(said) == 1 and len(said[0].values) == 1 and not said[0].side:
                above = words.ABOVE.search(sentence[: said[0].start]) is not None
                at = self._rows_at(said[0].factor, said[0].values[0], above)
                results = (read_number(self._text[k][self.columns.results[0]]) for k in at)
                if i in at and not any(isinstance(n, Number) for n in results):
                    return True
        return False

    def _rows_at(self, factor: str, level: Level, above: bool) -> list[int]:
        """The rows at a level of a factor, or at a higher one."""
        found = []
        for j in (j for j, name in self.columns.factors.items() if name == factor):
            for k, row in enumerate(self._text):
                own = read_level(factor, row[j])
                higher = isinstance(own, int | float) and isinstance(level, int | float) and own > level
                if higher if above else own == level:
                    found.append(k)
        return found

    def _difference(self, i: int) -> Difference | None:
        """A cell such as "+3.9%", "-0.7", "+1.4 pp"; None for blanks and words, and for a column that does not compare
        with the baseline."""
        text, index = self._cell(i, "delta"), self.columns.roles.get("delta")
        header = self._headers[index] if index is not None else ""
        match = _SIGNED.search(text)
        if match is None or words.PREVIOUS.search(header):
            return None
        points = True if _POINTS.search(f"{text} {header}") else False if match[3] or "%" in header else None
        return Difference(float(match[1].replace(" ", "")), 10.0 ** -len(match[2] or ""), points)


def settings_of(row: Row) -> str:
    """What a row says of its settings, to be compared with other rows."""
    return repr((sorted(row.values.items()), row.extra))


def put_together(
    tables: Sequence[Table], said: Mapping[str, Level], keeps_the_best: bool, notes: list[Note]
) -> tuple[list[Row], bool]:
    """The rows of all tables, and whether nothing says what tells two of them apart.

    Where tables vary settings that the others do not give, what they leave out is the baseline's: as the text says it
    (`said`), or of the baseline's row, which each table must have; given again with the same result it is one trial.
    Without either the table itself counts as a setting. Where the baseline does not give all of it, or each round keeps
    the best of the one before, a setting is the baseline's as long as no table before varied it.
    """
    unlabelled = [table for table in tables if not table.labelled]
    for number, table in enumerate(unlabelled, 1) if len(unlabelled) > 1 else ():
        table.rows[:] = [replace(row, trial=f"{number}.{row.trial}") for row in table.rows]
    rows = [row for table in tables for row in table.rows]
    given = {frozenset(name for row in table.rows for name in row.values) for table in tables} - {frozenset()}
    in_words = any(row.kind is TableKind.CHANGES for row in rows)
    contradict = not in_words and len(given) == 1 and _contradict(tables, rows)
    if contradict:
        notes.append(Note("tables_apart"))
    if in_words or not (contradict or len(given) > 1):
        return rows, False
    marked = [row for row in rows if row.is_baseline]
    base = {name: level for row in marked for name, level in row.values.items()}
    names = frozenset().union(*given)
    if not contradict and names <= said.keys() and not keeps_the_best:
        notes.append(Note("left_out"))
        rows = [replace(row, values={**said, **row.values}) for row in rows]
        return _once([replace(row, is_baseline=row.values == said) for row in rows]), False
    if not contradict and len(marked) == len({row.table for row in marked}) == len({row.table for row in rows}):
        return _once([replace(row, values=base) if row.is_baseline else row for row in rows]), False
    filled = rows if contradict else _as_unvaried(tables, rows, {n: v for n, v in said.items() if n in names})
    if filled != rows:
        notes.append(Note("left_out"))
        rows = filled
        if all(names <= row.values.keys() for row in rows if not row.unknown):
            return _once(rows), False
    place = {table.number: str(n) for n, table in enumerate(tables, 1)}
    return [replace(row, extra={**row.extra, "table": place[row.table]}) for row in rows], contradict


def _as_unvaried(tables: Sequence[Table], rows: Sequence[Row], said: Mapping[str, Level]) -> list[Row]:
    """Rows with the settings of the baseline that neither their table nor one before it varies."""
    found, left = list(rows), dict(said)
    for table in tables:
        of_table = [row for row in rows if row.table == table.number]
        given = {name for row in of_table for name in row.values}
        own = {name: level for name, level in left.items() if name not in given}
        found = [replace(r, values={**own, **r.values}) if r.table == table.number else r for r in found]
        left = {n: v for n, v in left.items() if all(row.values.get(n, v) == v for row in of_table)}
    return found


def _contradict(tables: Sequence[Table], rows: Sequence[Row]) -> bool:
    """Whether tables differ in something that only their headings say, such as the model or the data: most trials that
    two of them give with the same settings have other results; or the headings are others and no rounds, and the rows
    are numbered anew or not at all."""
    sections = [table.grid.section for table in tables]
    seen: dict[tuple[str, str | None], Row] = {}
    shared = [(seen.setdefault((settings_of(row), row.seed), row), row) for row in rows]
    shared = [(known, row) for known, row in shared if known.table != row.table]
    other = [(a, b) for a, b in shared if not _same(a.score, b.score)]
    named_anew = len(set(sections)) > 1 and any(a.trial != b.trial for a, b in other)
    if named_anew or (len(shared) > 1 and 2 * len(other) > len(shared)):
        return True
    if len(tables) < 2 or shared or len(set(sections)) < len(sections) or all(map(words.round_of, sections)):
        return False
    return not all(table.labelled for table in tables) or len({row.trial for row in rows}) < len(rows)


def _once(rows: Sequence[Row]) -> list[Row]:
    """Without the baselines that give the first one again, with its result."""
    first = next((row for row in rows if row.is_baseline), None)
    return [row for row in rows if row is first or not (first and row.is_baseline and _same(row.score, first.score))]


def _same(a: Score | None, b: Score | None) -> bool:
    """Whether a trial given again has the same result, as far as it is printed."""
    return a is b or (a is not None and b is not None and a.agrees(b))
