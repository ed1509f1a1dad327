"""A file's bytes to a `HandRecord`: decoding, settling columns, reading rows, and putting text and tables together."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

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
    TableKind,
    UnreadCell,
)
from tunebook.audit.read.cells import clean_text, has_diverged
from tunebook.audit.read.columns import ROLES_TO_NAME, Columns, labels_of, settle
from tunebook.audit.read.documents import MAX_STATEMENTS, Document, Grid, Line, Statement, read_document
from tunebook.audit.read.mentions import base_trial, label_pattern, mentions, settings, trial_labels
from tunebook.audit.read.said import Said, blanks_said, failures_said, grounds_said, said_of_settings, untrained_said
from tunebook.audit.read.sentences import Context, claims_of, said_of
from tunebook.audit.read.tables import Table, joined_tables, put_together, spread_grid, turned_grid
from tunebook.audit.words import columns as words
from tunebook.audit.words.sentences import SENTENCE_ENDS
from tunebook.core.factor import ALIASES, FACTOR_KINDS, Level
from tunebook.errors import RecordTableError
from tunebook.phrases import Phrase

MAX_BYTES = 2 * 1024 * 1024
"""Largest input read. A record of five hundred trials has some fifty kilobytes."""
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

    Raises: RecordTableError: too large, no text, no table of trials in it, or an unknown header or role in `columns`.
    """
    text, notes = _decode(content, source)
    return _Reading(read_document(text, source), text, source, columns or {}, notes).record()


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
    named: Mapping[str, str]  # what columns are, by header
    notes: list[Note]
    uses: list[ColumnUse] = field(default_factory=list)
    unread: list[UnreadCell] = field(default_factory=list)
    other_study: int | None = None  # the line of a table of another study, which was left out
    apart: bool = False  # nothing says what tells the trials of two tables apart: no sentence is surely of one of them

    def __post_init__(self) -> None:
        self.prose = [statement for statement in self.document.statements if not statement.is_code]

    def record(self) -> HandRecord:
        settled = self._settled()
        if not settled:
            raise RecordTableError(self._no_table())
        measures = [c.measure for _, c in settled if c.measure is not None]  # right answers first, test before others
        measure = min(measures, key=lambda m: (list(MeasureKind).index(m.kind), m.split == "validation"))
        said = said_of_settings(self.document.statements, [grid for grid, _ in settled])
        tables = self._tables(settled, measure, said)
        rows = self._rows(tables, said)
        if not rows:
            raise RecordTableError(self._no_table())
        labels = _labels(rows)
        found = self._claims(rows, tables, measure, labels)
        claims = list(islice((c for c in found if not (_is_unread(c) and c.text in said.used)), MAX_CLAIMS + 1))
        if len(claims) > MAX_CLAIMS or len(self.document.statements) >= MAX_STATEMENTS:
            self.notes.append(Note("claims_cut", {"limit": MAX_CLAIMS}))
        seeds = None if any(row.seed for row in rows) else words.seeds_said(self.text)
        spread = any(row.score is not None and row.score.spread is not None for row in rows)
        ranges = any(re.fullmatch(r"\d{1,4}-\d{1,4}", row.trial) for row in rows)  # "1-5" may be the mean of five
        averaged = seeds is None and (spread or ranges or words.MEANS.search(measure.name) is not None)
        if averaged:
            self.notes.append(Note("seeds_unsaid"))
        given = [s for statement in self.prose for s in said_of(statement, labels)]
        return HandRecord(
            source=self.source,
            language=_language(self.text),
            measure=measure,
            rows=tuple(rows),
            claims=tuple(sorted(claims, key=lambda claim: claim.line)[:MAX_CLAIMS]),
            stated_examples=words.examples_said(self.text, measure.split),
            seeds=seeds,
            averaged=averaged,
            columns=tuple(self.uses),
            unread_cells=(*(cell for table in tables for cell in table.unread), *self.unread),
            notes=tuple(self.notes),
            said=tuple(given[:MAX_CLAIMS]) if measure.kind is MeasureKind.SHARE else (),
        )

    # -- tables ------------------------------------------------------------------------------------

    def _settled(self) -> list[tuple[Grid, Columns]]:
        """The tables of trials with results, with what their columns are."""
        grids = [self._a_row_a_trial(grid) for grid in self.document.grids]
        named = self._named((*self.document.grids, *grids))
        speaks = words.SPEAKS_OF_ACCURACY.search(self.text) is not None
        decides, objective = _decides(self.prose), words.objective_said(self.text)
        settled = [(grid, settle(grid, speaks, named, decides, objective)) for grid in grids]
        settled += [(listed, settle(listed, speaks, {})) for listed in self._listed_settings(settled)]
        joined, notes = joined_tables(settled)
        tables = [(grid, settle(grid, speaks, named, decides, objective)) for grid in joined]
        kept = [(grid, c) for grid, c in tables if c.measure is not None and c.has_settings]
        of_results = [grid for grid, c in tables if c.measure is not None and not c.has_settings]
        of_settings = [c for _, c in tables if c.measure is None and c.settings and "trial" in c.roles]
        if of_results and of_settings and not kept:
            raise RecordTableError(
                "{source}, line {line}: results and settings stand in two tables whose labels do not "
                "match; an audit needs both in one row. Put them into one table, or give both the same labels.",
                source=self.source,
                line=of_results[0].line,
            )
        for grid in of_results:
            headers = tuple(clean_text(cell)[:30] for cell in grid.header[:12])
            notes.append(Note("table_skipped", {"line": grid.line, "columns": headers}))
        for columns in of_settings if kept else ():
            if len(columns.settings) > 1:
                notes.append(Note("settings_apart", {"line": columns.uses[0].line}))
        self.notes += notes
        return kept

    def _named(self, grids: Sequence[Grid]) -> dict[str, str]:
        """What the caller says that columns are, by compact header."""
        headers = dict.fromkeys(clean_text(cell)[:80] for grid in grids for cell in grid.header)
        known = {words.compact(header) for header in headers}
        for header, said in self.named.items():
            is_role = ALIASES.get(said, said) in FACTOR_KINDS or said in ROLES_TO_NAME
            if not is_role or (headers and words.compact(header) not in known):
                raise RecordTableError(
                    '--columns {header}={said}: got "{said}" for "{header}"; {source} has the columns {columns}, and '
                    "each is a factor ({names}, …) or {roles_to_name}. Name one of each.",
                    header=header,
                    said=said,
                    source=self.source,
                    columns=", ".join(filter(None, headers)),
                    names=", ".join(list(ALIASES)[:6]),
                    roles_to_name=", ".join(ROLES_TO_NAME),
                )
        return {words.compact(header): said for header, said in self.named.items()}

    def _listed_settings(self, tables: Sequence[tuple[Grid, Columns]]) -> Iterator[Grid]:
        """The settings of a table of results that stand in a list, a line a label: "- S1: lr 1e-4, 2 epochs"."""
        said = [(s.line, *re.sub("[：=—]", ":", s.text, count=1).partition(":")[::2]) for s in self.prose]
        rows: dict[str, Line] = {}
        for line, name, text in said:
            if settings(text) or base_trial(text):
                rows.setdefault(name.strip().casefold(), (line, (name.strip(), text.strip())))
        for grid, columns in tables:
            labelled = columns.measure is not None and not columns.has_settings and "trial" in columns.roles
            labels = labels_of(grid, columns) if labelled else ()
            if len(labels) > 1 and all(label in rows for label in labels):
                yield Grid(("", ""), tuple(rows[label] for label in labels), rows[labels[0]][0], grid.section)

    def _a_row_a_trial(self, grid: Grid) -> Grid:
        """A table with a row a trial, and without rows that say nothing or are crossed out. The results of a grid of
        two factors are named by the heading or a line near it."""
        grid = replace(grid, rows=tuple(row for row in grid.rows if any(map(clean_text, row[1]))))
        spread = spread_grid(grid) if grid.rows else None
        if spread is None:
            return turned_grid(grid) or grid
        self.notes.append(Note("grid_spread", {"line": grid.line, "factors": spread.header[1:3]}))
        near = [s.text for s in self.document.statements if s.line < grid.line][-1:]
        caption = next((name for text in (grid.section, *near) if (name := words.result_named(text))), "result")
        return replace(spread, header=(*spread.header[:3], caption))

    def _tables(self, settled: Sequence[tuple[Grid, Columns]], measure: Measure, said: Said) -> list[Table]:
        """All tables with these results. Raises RecordTableError when they have more than `MAX_TRIALS` rows."""
        tables: list[Table] = []
        n_rows, blanks, failures = 0, blanks_said(self.prose), failures_said(self.prose)
        untrained = untrained_said(self.prose)
        for number, (grid, columns) in enumerate(settled):
            own = columns.measure or Measure("")
            same = own.kind is measure.kind and (own.split == "validation") == (measure.split == "validation")
            n_rows += len(grid.rows) * same
            if n_rows > MAX_TRIALS:
                raise RecordTableError(
                    "{source}, line {line}: {n_rows:,} rows of trials by here; at most {max_trials:,} are "
                    "audited. Split the record.",
                    source=self.source,
                    line=grid.line,
                    n_rows=n_rows,
                    max_trials=MAX_TRIALS,
                )
            table = Table(grid, number, columns, blanks, said.baseline, failures, untrained) if same else None
            if table is None or table.is_another_study(tables):
                self.other_study = self.other_study or (grid.line if table else None)
                name = grid.section if table and grid.section else own.name
                self.notes.append(Note("other_results", {"line": grid.line, "column": name}))
                continue
            tables.append(table)
            self.uses += columns.uses
            if columns.equals and not any(note.code == "result_chosen" for note in self.notes):
                self.notes.append(Note("result_chosen", {"column": own.name, "columns": columns.equals}))
            self.notes += table.notes
        return tables

    # -- settings ----------------------------------------------------------------------------------

    def _rows(self, tables: Sequence[Table], said: Said) -> list[Row]:
        """The rows of all tables, with what the text says of their settings and of what a round builds on."""
        lines = {table.number: table.grid.line for table in tables}
        for table in tables:
            known = said.tables.get(table.grid.line, {})
            if known and table.columns.kind is TableKind.SETTINGS:
                self.notes.append(Note("table_said", {"line": table.grid.line, "levels": known}))
                table.rows[:] = [_completed(row, known) for row in table.rows]
            table.rows[:] = self._with_alpha(table.rows, said, table.grid.line)
        given = said.baseline or said.everywhere
        rank = given.get("lora_r")
        if 0 in said.alpha and "lora_alpha" not in given and isinstance(rank, int | float):
            given = {**given, "lora_alpha": said.alpha[0] * rank}
        rows, self.apart = put_together(tables, given, said.keeps_the_best, self.notes)
        grounds = dict(grounds_said(self.prose, [t.grid for t in tables], label_pattern(r.trial for r in rows)))
        base = next((row.values for row in rows if row.is_baseline), rows[0].values if rows else {})
        for i, row in enumerate(rows):
            if row.is_baseline:
                rows[i] = replace(row, values={**said.baseline, **row.values})
            elif row.kind is TableKind.CHANGES and row.builds_on is None:
                line = lines[row.table]
                told = {**settings(row.section), **said.tables.get(line, {})}
                others = {n for n, v in told.items() if row.values.get(n, base.get(n)) != v}
                if line in grounds or not others <= row.described.keys():
                    rows[i] = self._grounded(row, grounds.get(line, ""))
        if any(row.kind is TableKind.CHANGES and row.described and not row.builds_on for row in rows[1:]):
            self.notes.append(Note("changes_from_baseline"))
        return self._everywhere(self._with_baseline(rows), said)

    def _everywhere(self, rows: Sequence[Row], said: Said) -> list[Row]:
        """With the settings that the text gives for all trials, where a row's table does not."""
        by_table = _names_by_table(rows)
        in_words = any(row.kind is TableKind.CHANGES for row in rows)
        levels = {n: v for n, v in said.everywhere.items() if in_words or any(n not in of for of in by_table.values())}
        if said.keeps_the_best:  # later tables leave out what was best, not what the text begins with
            levels = {n: v for n, v in levels.items() if all(row.values.get(n, v) == v for row in rows)}
        if levels:
            self.notes.append(Note("constants", {"levels": levels}))
        found = []
        for row in rows:
            if row.kind is TableKind.SETTINGS:
                row = _completed(row, {n: v for n, v in levels.items() if n not in by_table[row.table]})
            elif not row.builds_on:
                row = _completed(row, levels)
            found.append(row)
        return self._with_alpha(found, said)

    def _with_alpha(self, rows: Sequence[Row], said: Said, line: int = 0) -> list[Row]:
        """With alpha as the text gives it by the rank, in rows of settings whose table does not give it."""
        times, by_table = said.alpha.get(line, said.alpha.get(0)), _names_by_table(rows)
        if times is None:
            return list(rows)
        found = []
        for row in rows:
            rank = row.values.get("lora_r", said.everywhere.get("lora_r"))
            told = row.kind is TableKind.SETTINGS and "lora_alpha" not in by_table[row.table]
            if told and isinstance(rank, int | float):
                row = replace(row, values={**row.values, "lora_alpha": times * rank})
            found.append(row)
        note = Note("alpha_rule", {"times": f"{times:g}"})
        if found != list(rows) and note not in self.notes:
            self.notes.append(note)
        return found

    def _with_baseline(self, rows: list[Row]) -> list[Row]:
        """The baseline as a sentence or a column of differences names it: "基线是 2 号实验", "Δ vs. v1". A row that
        is called so itself goes before."""
        wordy = label_pattern(row.trial for row in rows)
        said = [s.text for s in self.prose if words.BASELINE_TRIAL.search(s.text)]
        differences = [use.header for use in self.uses if use.role == "difference"]
        said += [header for header in differences if not words.PREVIOUS.search(header)]
        named = {key_of(label) for text in said for label in _baselines_named(text, wordy)}
        if len(named) != 1 or any(row.is_baseline for row in rows):
            return rows
        return [replace(row, is_baseline=key_of(row.trial) in named) for row in rows]

    def _grounded(self, row: Row, ground: str) -> Row:
        """A row with what its section builds on; its settings are not read where that is not sure."""
        if ground or row.unknown:
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
        columns = settle(grid, False, {words.compact(header): said for header, said in self.named.items()})
        use = next((use for use in columns.uses if use.role in _REFUSED), None)
        place = {"source": self.source, "line": grid.line, "step": Phrase(_MEND)}
        if use is not None and columns.has_settings:
            header, why = use.header, Phrase(_REFUSED[use.role])
            return Phrase(
                '{source}, line {line}: the column "{column}" {why}. {step}', column=header[:40], why=why, **place
            )
        shown = ", ".join(clean_text(cell)[:30] for cell in grid.header[:12])
        return Phrase(
            "{source}, line {line}: no table of trials found; the first table's columns are [{columns}]; {expected}. "
            "{step}",
            columns=shown,
            expected=Phrase(_EXPECTED),
            **place,
        )

    # -- text --------------------------------------------------------------------------------------

    def _claims(
        self, rows: Sequence[Row], tables: Sequence[Table], measure: Measure, labels: re.Pattern[str] | None
    ) -> Iterator[Claim]:
        """The claims of the text and of the remarks in tables; those that may be of another study are listed."""
        named = next((row for row in rows if row.is_baseline), None)
        tried: dict[str, list[Level]] = defaultdict(list)
        for name, level in (pair for row in rows for pair in row.values.items()):
            tried[name].append(level)
        shared = Context(
            labels=labels, measure=measure, has_baseline=named is not None, base=named.values if named else None,
            extras=_extra_words(rows), levels={n: frozenset(levels) for n, levels in tried.items()},
            scores=frozenset(row.score.value for row in rows if row.score),
        )  # fmt: skip
        first = min(row.line for row in rows)
        for statement in self.prose:
            heading = words.round_of(statement.section) or statement.section
            read = claims_of(statement, replace(shared, round=heading, after_results=first < statement.line))
            other = self.apart or (self.other_study is not None and statement.line > self.other_study)
            yield from map(_unread, read) if other else read
        for row in rows:
            context = replace(
                shared, trial=row.trial, values=row.values, builds_on=row.builds_on, round=row.round,
                has_baseline=_is_one_step(row, named),
            )  # fmt: skip
            for claim in claims_of(Statement(row.analysis, row.line, row.section), context) if row.analysis else ():
                # that a trial failed is said by its result too
                if not (row.failed and _is_unread(claim) and has_diverged(claim.text) and not mentions(claim.text)):
                    yield claim
        for statement in (remark for table in tables for remark in table.remarks):
            yield from map(_unread, claims_of(statement, shared))


def _is_unread(claim: Claim) -> bool:
    return claim.kind is ClaimKind.UNREAD


def _unread(claim: Claim) -> Claim:
    return Claim(kind=ClaimKind.UNREAD, text=claim.text, line=claim.line, section=claim.section)


def _decides(prose: Sequence[Statement]) -> str:
    """The clauses that say by which result the text compares, else the sentences."""
    sentences = [part for s in prose for part in SENTENCE_ENDS.split(s.text) if words.DECIDES.search(part)]
    clauses = [part for s in sentences for part in re.split("[,，;；]", s) if words.DECIDES.search(part)]
    return "\n".join(clauses or sentences)


def _names_by_table(rows: Sequence[Row]) -> dict[int, set[str]]:
    """The settings that any row of a table gives."""
    names: dict[int, set[str]] = defaultdict(set)
    for row in rows:
        names[row.table] |= row.values.keys()
    return names


def _completed(row: Row, levels: Mapping[str, Level]) -> Row:
    """A row with settings that it does not give; one of a table of settings with a cell that was not read stays."""
    unsure = row.unknown and row.kind is TableKind.SETTINGS
    return row if unsure else replace(row, values={**levels, **row.values})


def _is_one_step(row: Row, base: Row | None) -> bool:
    """Whether "better" in a row's remark is surely better than the named baseline: the row is described as a change
    from it, or its settings differ from it in one factor."""
    if base is None or row.kind is TableKind.CHANGES:
        return base is not None
    changed = {name for name in row.values if row.values[name] != base.values.get(name)}
    changed |= {name for name in row.extra if row.extra[name] != base.extra.get(name)}
    return len(changed - {"lora_alpha"} if "lora_r" in changed else changed) == 1


def _baselines_named(text: str, wordy: re.Pattern[str] | None) -> list[str]:
    """The trials that a text about the baseline names; of "…, our baseline" the one right before the comma."""
    said = words.BASELINE_TRIAL.search(text)
    ends_at = said.start() if said is not None and said.group().startswith(",") else None
    return [label for label, _, end in trial_labels(text, wordy) if ends_at in (None, end)]


def _extra_words(rows: Sequence[Row]) -> re.Pattern[str] | None:
    """Names and levels of settings that tunebook does not know ("optimizer", "lion"), as a text may write them."""
    said = {word for row in rows for pair in row.extra.items() for word in pair}
    parts = [re.escape(word) for word in said if sum(c.isalpha() for c in word) > 1]
    return re.compile(rf"(?<![A-Za-z])(?:{'|'.join(parts)})(?![A-Za-z])", re.IGNORECASE) if parts else None


def _labels(rows: Sequence[Row]) -> re.Pattern[str] | None:
    """The labels that texts may use. One that says its trial's setting ("r=16") is read as the setting; one without "="
    or blank ("r32") is a name."""
    return label_pattern(
        row.trial
        for row in rows
        if re.fullmatch(r"[A-Za-z]+\d+", row.trial)
        or not (said := settings(row.trial).items())
        or not said <= row.values.items()
    )


def _language(text: str) -> str:
    """Chinese when at least a twentieth of the letters are Chinese characters."""
    letters = [c for c in text[:200_000] if c.isalpha()]
    chinese = sum("一" <= c <= "鿿" for c in letters)
    return "zh" if letters and chinese * 20 >= len(letters) else "en"
