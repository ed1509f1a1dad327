"""A file's bytes to a `HandRecord`: decoding, settling columns, reading rows, and putting text and tables together."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tunebook.audit.labels import key_of
from tunebook.audit.model import (
    Claim,
    ClaimKind,
    ColumnUse,
    HandRecord,
    Measure,
    MeasureKind,
    Note,
    Row,
    Said,
    TableKind,
    UnreadCell,
)
from tunebook.audit.read.cells import clean_text, has_diverged
from tunebook.audit.read.columns import ROLES_TO_NAME, Columns, labels_of, refused, settle
from tunebook.audit.read.documents import MAX_STATEMENTS, Document, Grid, Line, Statement, read_document
from tunebook.audit.read.mentions import base_trial, label_pattern, mentions, settings, trial_labels
from tunebook.audit.read.said import Said as SaidSettings
from tunebook.audit.read.said import blanks_said, grounds_said, said_of_settings
from tunebook.audit.read.sentences import Context, claims_of, said_of
from tunebook.audit.read.tables import Table, joined_tables, put_together, scaled_grid, spread_grid, turned_grid
from tunebook.audit.words.columns import (
    BASELINE_TRIAL,
    DECIDES,
    OTHER_DIFFERENCE,
    SPEAKS_OF_ACCURACY,
    compact,
    examples_said,
    is_averaged,
    result_named,
    round_of,
    seeds_said,
)
from tunebook.audit.words.sentences import SENTENCE_ENDS
from tunebook.core.factor import ALIASES, FACTOR_KINDS, Level
from tunebook.errors import RecordTableError
from tunebook.phrases import Phrase

MAX_BYTES = 10 * 1024 * 1024
"""Largest input read. A record of five hundred trials has some fifty kilobytes."""
MAX_LINES = 50_000
MAX_TRIALS = 500
MAX_CLAIMS = 300

_EXPECTED = (
    "expected a header with a result column (accuracy, result, 准确率, 结果) and columns of settings (learning_rate, "
    "r, 学习率, 秩) or of changes (change, 参数修改策略)"
)
_MEND = "Name the columns with --columns, for example --columns 'Step size=learning_rate' or --columns score=accuracy."
_REFUSED = {
    "expected": "holds expected values, which are no results",
    "training": "holds results on training data or tokens, which are no share of held-out examples",
    "smoothed": "holds smoothed values, which are no results of a trial",
    "difference": "holds differences, which are no results by themselves",
    "bound": "holds bounds or spreads, which are no results",
    "objective": "holds an optimiser's objective, of which it is not known what it is",
    "counts": "holds counts of right answers without their total; write them as 173/200",
    "size": "holds numbers that cannot be accuracies",
    "unread": "holds nothing that could be read as a number",
}


def read_record(content: bytes, source: str, columns: Mapping[str, str] | None = None) -> HandRecord:
    """A hand-written record from a file's bytes.

    Args:
        content: Markdown, HTML tables or delimited text; UTF-8, UTF-16 with a mark, or GB 18030.
        source: the file's name, for messages.
        columns: what columns are, by header: a factor or its alias, or one of `columns.ROLES_TO_NAME`.

    Raises: RecordTableError: too large, no text, no table of trials in it, or an unknown role in `columns`.
    """
    text, notes = _decode(content, source)
    if not text.strip():
        raise RecordTableError(
            "{source}: the record is empty; a record has a table of trials. Give the file with the table.",
            source=source,
        )
    if text.count("\n") > MAX_LINES:
        raise RecordTableError(
            "{source}: {count:,} lines; a hand-written record has at most {max_lines:,}. Cut it down to the "
            "tables and their text.",
            source=source,
            count=text.count(chr(10)),
            max_lines=MAX_LINES,
        )
    named = _named(columns or {})
    return _Reading(read_document(text, source), text, source, named, columns or {}, notes).record()


def _named(columns: Mapping[str, str]) -> dict[str, str]:
    for header, said in columns.items():
        if ALIASES.get(said, said) not in FACTOR_KINDS and said not in ROLES_TO_NAME:
            raise RecordTableError(
                '--columns {header}={said}: got "{said}"; a column is a factor ({names}, …) or {roles_to_name}. Name '
                "one of them.",
                header=header,
                said=said,
                names=", ".join(list(ALIASES)[:6]),
                roles_to_name=", ".join(ROLES_TO_NAME),
            )
    return {compact(header): said for header, said in columns.items()}


def _decode(content: bytes, source: str) -> tuple[str, list[Note]]:
    if len(content) > MAX_BYTES:
        raise RecordTableError(
            "{source}: {n_content:,} bytes; a record is at most {max_bytes:,} bytes. Cut it down to the tables "
            "and their text.",
            source=source,
            n_content=len(content),
            max_bytes=MAX_BYTES,
        )
    marked = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ["utf-16"] if marked else ["utf-8-sig", "gb18030"]:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" in text:
            break
        notes = [] if encoding == "utf-8-sig" else [Note("decoded", {"encoding": encoding.upper()})]
        return text.replace("\r\n", "\n").replace("\r", "\n"), notes
    raise RecordTableError(
        "{source}: not a text file (it begins with {hex}); a record is Markdown or CSV in UTF-8. Export the "
        "table as CSV, or save the file as UTF-8.",
        source=source,
        hex=content[:8].hex(" "),
    )


@dataclass
class _Reading:
    document: Document
    text: str
    source: str
    named: Mapping[str, str]  # what columns are, by compact header
    columns: Mapping[str, str]  # the same by the header that the caller gave
    notes: list[Note]
    uses: list[ColumnUse] = field(default_factory=list)
    unread: list[UnreadCell] = field(default_factory=list)
    other_study: int | None = None  # the line of a table of another study, which was left out
    apart: bool = False  # nothing says what tells the trials of two tables apart: no sentence is surely of one of them
    remarks: list[Statement] = field(default_factory=list)  # beside rows that are no trials

    def __post_init__(self) -> None:
        self.prose = [statement for statement in self.document.statements if not statement.is_code]

    def record(self) -> HandRecord:
        settled = self._settled()
        measure = self._measure(settled)
        self.said: SaidSettings = said_of_settings(self.document.statements, [grid for grid, _ in settled])
        tables = self._tables(settled, measure)
        rows = self._rows(tables)
        if not rows:
            raise RecordTableError(self._no_table())
        labels = _labels(rows)
        claims = self._claims(rows, measure, labels)
        seeds = None if any(row.seed for row in rows) else seeds_said(self.text)
        spread = any(row.score is not None and row.score.spread is not None for row in rows)
        ranges = any(re.fullmatch(r"\d{1,4}-\d{1,4}", row.trial) for row in rows)  # "1-5" may be the mean of five
        averaged = seeds is None and (spread or ranges or is_averaged(measure.name))
        if averaged:
            self.notes.append(Note("seeds_unsaid"))
        return HandRecord(
            source=self.source,
            language=_language(self.text),
            measure=measure,
            rows=rows,
            claims=claims,
            stated_examples=examples_said(self.text, measure.split),
            seeds=seeds,
            averaged=averaged,
            columns=tuple(self.uses),
            unread_cells=(*(cell for table in tables for cell in table.unread), *self.unread),
            notes=tuple(self.notes),
            said=self._said(labels) if measure.kind is MeasureKind.SHARE else (),
        )

    # -- tables ------------------------------------------------------------------------------------

    def _settled(self) -> list[tuple[Grid, Columns]]:
        """The tables of trials, with what their columns are."""
        speaks = SPEAKS_OF_ACCURACY.search(self.text) is not None
        grids = [self._spread(scaled_grid(grid)) for grid in map(_without_blank_rows, self.document.grids)]
        sentences = [part for s in self.prose for part in SENTENCE_ENDS.split(s.text)]
        clauses = [part for s in sentences for part in re.split("[,，;；]", s) if DECIDES.search(part)]
        decides = "\n".join(clauses or [sentence for sentence in sentences if DECIDES.search(sentence)])
        self._check_named(grids)
        settled = [(grid, settle(grid, speaks, self.named, decides)) for grid in grids]
        settled += [(listed, settle(listed, speaks, {})) for listed in self._listed_settings(settled)]
        joined, notes = joined_tables(settled)
        self.notes += notes
        tables = [(grid, settle(grid, speaks, self.named, decides)) for grid in joined]
        apart = any(c.settings and c.measure is None and "trial" in c.roles for _, c in tables)
        kept = [(grid, c) for grid, c in tables if c.measure is not None and c.has_settings]
        for grid, columns in tables:
            if columns.measure is not None and not columns.has_settings:
                headers = tuple(clean_text(cell)[:30] for cell in grid.header[:12])
                code = "results_apart" if apart else "table_skipped"
                self.notes.append(Note(code, {"line": grid.line, "columns": headers}))
                if apart and not kept:
                    raise RecordTableError(
                        "{source}, line {line}: results and settings stand in two tables whose labels do not "
                        "match; an audit needs both in one row. Put them into one table, or give both the same labels.",
                        source=self.source,
                        line=grid.line,
                    )
            elif columns.measure is None and len(columns.settings) > 1 and "trial" in columns.roles and kept:
                self.notes.append(Note("settings_apart", {"line": grid.line}))
        return kept

    def _check_named(self, grids: Sequence[Grid]) -> None:
        """Raises RecordTableError when `--columns` names a header that no table has."""
        every = (*self.document.grids, *grids)
        headers = dict.fromkeys(clean_text(cell)[:80] for grid in every for cell in grid.header)
        known = {compact(header) for header in headers}
        for header, said in self.columns.items():
            if headers and compact(header) not in known:
                raise RecordTableError(
                    "--columns {header}={said}: {source} has no column {header!r}; its columns are {columns}. Name "
                    "one of them.",
                    header=header,
                    said=said,
                    source=self.source,
                    columns=", ".join(filter(None, headers)),
                )

    def _listed_settings(self, tables: Sequence[tuple[Grid, Columns]]) -> Iterator[Grid]:
        """The settings of a table of results that stand in a list, a line a label: "- S1: lr 1e-4, 2 epochs"."""
        for grid, columns in tables:
            if columns.measure is None or columns.has_settings or "trial" not in columns.roles:
                continue
            labels, rows = labels_of(grid, columns), dict[str, Line]()
            for statement in self.prose:
                name, colon, said = re.sub("[：=—]", ":", statement.text, count=1).partition(":")
                if colon and name.strip().casefold() in labels and (settings(said) or base_trial(said)):
                    rows.setdefault(name.strip().casefold(), (statement.line, (name.strip(), said.strip())))
            found = [rows[label] for label in labels if label in rows]
            if len(found) == len(grid.rows) > 1:
                yield Grid(("", ""), tuple(found), found[0][0], grid.section)

    def _spread(self, grid: Grid) -> Grid:
        """A grid of two factors, or a table of a column a trial, as a row a trial; a grid's results are named by the
        heading or a line near it."""
        spread = spread_grid(grid) if grid.rows else None
        if spread is None:
            return turned_grid(grid) or grid
        self.notes.append(Note("grid_spread", {"line": grid.line, "factors": spread.header[1:3]}))
        near = [s.text for s in self.document.statements if s.line < grid.line][-1:]
        caption = next((name for text in (grid.section, *near) if (name := result_named(text))), "result")
        return replace(spread, header=(*spread.header[:3], caption))

    def _measure(self, tables: Sequence[tuple[Grid, Columns]]) -> Measure:
        """What the results are: a share of right answers before another score, test before validation."""
        measures = [c.measure for _, c in tables if c.measure is not None]
        if not measures:
            raise RecordTableError(self._no_table())
        return min(measures, key=lambda m: (list(MeasureKind).index(m.kind), m.split == "validation"))

    def _tables(self, settled: Sequence[tuple[Grid, Columns]], measure: Measure) -> list[Table]:
        """All tables with these results. Raises RecordTableError when they have more than `MAX_TRIALS` rows."""
        tables: list[Table] = []
        n_rows, blanks = 0, blanks_said(self.prose)
        for number, (grid, columns) in enumerate(settled):
            own = columns.measure
            same = own is not None and own.kind is measure.kind
            if own is None or not same or (own.split == "validation") != (measure.split == "validation"):
                self.notes.append(Note("other_results", {"line": grid.line, "column": own.name if own else ""}))
                continue
            n_rows += len(grid.rows)
            if n_rows > MAX_TRIALS:
                raise RecordTableError(
                    "{source}, line {line}: {n_rows:,} rows of trials by here; at most {max_trials:,} are "
                    "audited. Split the record.",
                    source=self.source,
                    line=grid.line,
                    n_rows=n_rows,
                    max_trials=MAX_TRIALS,
                )
            table = Table(grid, number, columns, blanks, self.said.baseline)
            if table.is_another_study(tables):
                self.other_study = min(grid.line, self.other_study or grid.line)
                self.notes.append(Note("other_results", {"line": grid.line, "column": grid.section or own.name}))
                continue
            self.uses += columns.uses
            if columns.equals and not any(note.code == "result_chosen" for note in self.notes):
                self.notes.append(Note("result_chosen", {"column": own.name, "columns": columns.equals}))
            tables.append(table)
            self.notes += table.notes
            self.remarks += table.remarks
        return tables

    def _rows(self, tables: Sequence[Table]) -> tuple[Row, ...]:
        """The rows of all tables, with what the text says of their settings and of what a round builds on."""
        said, of_table = self.said, {table.number: self.said.tables.get(table.grid.line, {}) for table in tables}
        for table in tables:
            known = of_table[table.number]
            if known and table.columns.kind is TableKind.SETTINGS:
                self.notes.append(Note("table_said", {"line": table.grid.line, "levels": known}))
                table.rows[:] = [_completed(row, known) for row in table.rows]
        found, self.apart = put_together(tables, said.baseline or said.everywhere, self.notes)
        grounds = dict(grounds_said(self.prose, [t.grid for t in tables], label_pattern(r.trial for r in found)))
        grounds = {table.number: grounds[table.grid.line] for table in tables if table.grid.line in grounds}
        base = next((row.values for row in found if row.is_baseline), found[0].values if found else {})
        rows = []
        for row in found:
            if row.is_baseline and said.baseline:
                row = replace(row, values={**said.baseline, **row.values})
            if row.kind is TableKind.CHANGES and row.builds_on is None:
                others = [n for n, v in of_table[row.table].items() if row.values.get(n, base.get(n)) != v]
                others += [n for n, v in settings(row.section).items() if row.values.get(n, base.get(n)) != v]
                if row.table in grounds or any(name not in row.described for name in others):
                    row = self._grounded(row, grounds.get(row.table, ""))
            rows.append(row)
        if any(row.kind is TableKind.CHANGES and row.described and not row.builds_on for row in rows[1:]):
            self.notes.append(Note("changes_from_baseline"))
        return tuple(self._everywhere(self._with_baseline(rows)))

    def _everywhere(self, rows: Sequence[Row]) -> Iterator[Row]:
        """With the settings that the text gives for all trials, where a row's table does not, and alpha as the text
        gives it by the rank."""
        by_table = {row.table: {n for r in rows if r.table == row.table for n in r.values} for row in rows}
        in_words = any(row.kind is TableKind.CHANGES for row in rows)
        said = self.said.everywhere.items()
        levels = {n: v for n, v in said if in_words or any(n not in names for names in by_table.values())}
        in_table = any("lora_alpha" in use.factor.split(" / ") for use in self.uses)
        times = None if in_words or in_table else self.said.alpha
        if levels:
            self.notes.append(Note("constants", {"levels": levels}))
        if times is not None and any("lora_r" in row.values for row in rows):
            self.notes.append(Note("alpha_rule", {"times": f"{times:g}"}))
        for row in rows:
            row = (
                row if row.kind is TableKind.CHANGES and row.builds_on else _completed(row, levels, by_table[row.table])
            )
            rank = row.values.get("lora_r")
            if times is not None and isinstance(rank, int | float):
                row = replace(row, values={**row.values, "lora_alpha": times * rank})
            yield row

    def _with_baseline(self, rows: list[Row]) -> list[Row]:
        """The baseline as a sentence or a column of differences names it: "基线是 2 号实验", "Δ vs. v1". A row that
        is called so itself goes before."""
        wordy = label_pattern(row.trial for row in rows)
        said = [s.text for s in self.prose if BASELINE_TRIAL.search(s.text)]
        differences = [use.header for use in self.uses if use.role == "difference"]
        said += [header for header in differences if not OTHER_DIFFERENCE.search(header)]
        named = {label for text in said for label in _baselines_named(text, wordy)}
        if len(named) != 1 or any(row.is_baseline for row in rows):
            return rows
        key = key_of(named.pop())
        return [replace(row, is_baseline=key_of(row.trial) == key) for row in rows]

    def _grounded(self, row: Row, ground: str) -> Row:
        """A row with what its section builds on; its settings are not read where that is not sure."""
        if ground or row.is_baseline or row.unknown:
            return replace(row, builds_on=ground or None)
        column = next((use.header for use in self.uses if use.role == "change"), "")
        self.unread.append(UnreadCell(row.line, row.trial, column, row.change[:60], "ground"))
        return replace(row, unknown=(column,))

    def _no_table(self) -> Phrase:
        if not self.document.grids:
            return Phrase(
                "{source}: no table of trials found; {expected}. Trials in sentences are not read, those in lists only "
                "where each item gives a name, settings and a result: put them into a table, one row a trial.",
                source=self.source,
                expected=Phrase(_EXPECTED),
            )
        grid = self.document.grids[0]
        columns = settle(grid, False, self.named)
        header, why = next(refused(columns), ("", ""))
        if why and columns.has_settings:
            return Phrase(
                '{source}, line {line}: the column "{column}" {why}. {step}',
                source=self.source,
                line=grid.line,
                column=header[:40],
                why=Phrase(_REFUSED[why]),
                step=Phrase(_MEND),
            )
        shown = ", ".join(clean_text(cell)[:30] for cell in grid.header[:12])
        return Phrase(
            "{source}, line {line}: no table of trials found; the first table's columns are [{columns}]; {expected}. "
            "{step}",
            source=self.source,
            line=grid.line,
            columns=shown,
            expected=Phrase(_EXPECTED),
            step=Phrase(_MEND),
        )

    # -- text --------------------------------------------------------------------------------------

    def _claims(self, rows: Sequence[Row], measure: Measure, labels: re.Pattern[str] | None) -> tuple[Claim, ...]:
        named = next((row for row in rows if row.is_baseline), None)
        shared = Context(
            labels=labels, measure=measure, has_baseline=named is not None, base=named.values if named else None,
            extras=_extra_words(rows), levels=_levels_of(rows), results=_names_of_results(measure),
            scores=frozenset(row.score.value for row in rows if row.score),
        )  # fmt: skip
        found: list[Claim] = []
        for statement in self.prose:
            after = any(row.line < statement.line for row in rows)
            context = replace(shared, round=round_of(statement.section) or statement.section, after_results=after)
            read = claims_of(statement, context) if len(found) <= MAX_CLAIMS else []
            of_other = self.apart or (self.other_study is not None and statement.line > self.other_study)
            found += [_unread(c) for c in read] if of_other else read
        for row in rows:
            if row.analysis and len(found) <= MAX_CLAIMS:
                context = replace(
                    shared, trial=row.trial, values=row.values, builds_on=row.builds_on, round=row.round,
                    has_baseline=_is_one_step(row, rows),
                )  # fmt: skip
                read = claims_of(Statement(row.analysis, row.line, row.section), context)
                found += [c for c in read if not (row.failed and _says_no_more_than_failed(c))]
        for statement in self.remarks:
            found += [_unread(c) for c in claims_of(statement, shared)]
        found = [c for c in found if c.kind is not ClaimKind.UNREAD or c.text not in self.said.used]
        if len(found) > MAX_CLAIMS or len(self.document.statements) >= MAX_STATEMENTS:
            self.notes.append(Note("claims_cut", {"limit": MAX_CLAIMS}))
        return tuple(sorted(found, key=lambda claim: claim.line)[:MAX_CLAIMS])

    def _said(self, labels: re.Pattern[str] | None) -> tuple[Said, ...]:
        """Accuracies that the running text gives for a trial."""
        return tuple(said for statement in self.prose for said in said_of(statement, labels))[:MAX_CLAIMS]


def _unread(claim: Claim) -> Claim:
    return Claim(kind=ClaimKind.UNREAD, text=claim.text, line=claim.line, section=claim.section)


def _without_blank_rows(grid: Grid) -> Grid:
    """A table without rows that say nothing, or are crossed out as a whole."""
    return replace(grid, rows=tuple(row for row in grid.rows if any(map(clean_text, row[1]))))


def _says_no_more_than_failed(claim: Claim) -> bool:
    """Whether a remark of a failed trial gives no reason: the trial's result says the same."""
    return claim.kind is ClaimKind.UNREAD and has_diverged(claim.text) and not mentions(claim.text)


def _completed(row: Row, levels: Mapping[str, Level], given: Collection[str] = ()) -> Row:
    """A row with settings that its table (which gives `given`) does not; one of which a cell was not read stays."""
    own = row.values.keys() if row.kind is TableKind.CHANGES else given
    more = {name: level for name, level in levels.items() if name not in own}
    return row if row.unknown and row.kind is TableKind.SETTINGS else replace(row, values={**more, **row.values})


def _names_of_results(measure: Measure) -> tuple[str, ...]:
    """How sentences may call the columns of results: by the header without its unit, or a part of it."""
    plain = [re.sub(r"\s?[(（\[].*", "", name).strip() for name in (measure.name, *measure.others)]
    short = [re.sub(r"准确率|正确率|精度|(?i:accuracy|\bacc\b)", "", name).strip(" _") for name in plain]
    parts = {part for name in (*plain, *short) for part in (name, *re.split(r"[ _]", name))}
    return tuple(
        sorted((p for p in parts if len(p) > 1 and not SPEAKS_OF_ACCURACY.fullmatch(p)), key=len, reverse=True)
    )


def _levels_of(rows: Sequence[Row]) -> dict[str, frozenset[Level]]:
    names = dict.fromkeys(name for row in rows for name in row.values)
    return {name: frozenset(row.values[name] for row in rows if name in row.values) for name in names}


def _is_one_step(row: Row, rows: Sequence[Row]) -> bool:
    """Whether "better" in a row's remark is surely better than the named baseline: the row is described as a change
    from it, or its settings differ from it in one factor."""
    base = next((other for other in rows if other.is_baseline), None)
    if base is None or row.kind is TableKind.CHANGES:
        return base is not None
    changed = {name for name in row.values if row.values[name] != base.values.get(name)}
    changed |= {name for name in row.extra if row.extra[name] != base.extra.get(name)}
    return len(changed - {"lora_alpha"} if "lora_r" in changed else changed) == 1


def _baselines_named(text: str, wordy: re.Pattern[str] | None) -> list[str]:
    """The trials that a text about the baseline names; of "…, our baseline" the one right before the comma."""
    said = BASELINE_TRIAL.search(text)
    ends_at = said.start() if said is not None and said.group().startswith(",") else None
    return [label for label, _, end in trial_labels(text, wordy) if ends_at in (None, end)]


def _extra_words(rows: Sequence[Row]) -> re.Pattern[str] | None:
    """Names and levels of settings that tunebook does not know ("optimizer", "lion"), as a text may write them."""
    said = {word for row in rows for pair in row.extra.items() for word in pair}
    words = [re.escape(word) for word in said if sum(c.isalpha() for c in word) > 1]
    return re.compile(rf"(?<![A-Za-z])(?:{'|'.join(words)})(?![A-Za-z])", re.IGNORECASE) if words else None


def _labels(rows: Sequence[Row]) -> re.Pattern[str] | None:
    """The labels that texts may use. One that says its trial's setting ("r=16") is read as the setting; one without "="
    or blank ("r32") is a name."""
    return label_pattern(
        row.trial
        for row in rows
        if re.fullmatch(r"[A-Za-z]+\d+", row.trial)
        or not (said := settings(row.trial))
        or any(row.values.get(name) != level for name, level in said.items())
    )


def _language(text: str) -> str:
    """Chinese when at least a twentieth of the letters are Chinese characters."""
    letters = [c for c in text[:200_000] if c.isalpha()]
    chinese = sum("一" <= c <= "鿿" for c in letters)
    return "zh" if letters and chinese * 20 >= len(letters) else "en"
