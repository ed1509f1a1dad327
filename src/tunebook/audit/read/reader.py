"""A file's bytes to a `HandRecord`: decoding, settling columns, reading rows, and putting text and tables together."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

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
from tunebook.audit.read.cells import Why, clean_text, has_diverged
from tunebook.audit.read.columns import ACCUMULATION, ROLES_TO_NAME, Columns, labels_of, refused, settle
from tunebook.audit.read.documents import MAX_STATEMENTS, Document, Grid, Line, Statement, read_document
from tunebook.audit.read.mentions import base_trial, label_pattern, mentions, settings, trial_labels
from tunebook.audit.read.sentences import EDGES, Context, claims_of, said_of, share_of
from tunebook.audit.read.tables import (
    Table,
    counted_grid,
    joined_tables,
    long_grids,
    one_factor_tables,
    scaled_grid,
    spread_grid,
    turned_grid,
)
from tunebook.audit.words.columns import (
    AS_LISTED,
    BASELINE_SAID,
    BASELINE_TRIAL,
    BLANKS_SAID,
    BUILT_ON,
    CAPTION,
    CONSTANT,
    DECIDES,
    FIXED,
    GROUND,
    LIKE_TABLE,
    NO_GROUND,
    OTHER_DIFFERENCE,
    OTHERWISE,
    SHARED_CODE,
    SPEAKS_OF_ACCURACY,
    TRIAL_LIKE,
    alpha_multiple,
    compact,
    examples_said,
    is_averaged,
    result_named,
    round_of,
    seeds_said,
)
from tunebook.audit.words.sentences import CLAIMS, SENTENCE_ENDS
from tunebook.core.factor import ALIASES, FACTOR_KINDS, Level
from tunebook.errors import RecordTableError
from tunebook.phrases import Phrase

MAX_BYTES = 10 * 1024 * 1024
"""Largest input read. A record of five hundred trials has some fifty kilobytes."""
MAX_LINES = 50_000
MAX_TRIALS = 500
MAX_CLAIMS = 300

_BASELINE_RESULT = re.compile(
    r"\bbase\s?line\s?(?:of|at|[(])\s?(\d+(?:\.\d+)?\s?%?)(?![\w.])|(?:基线|基准)\s?的?\s?[(（]?(\d+(?:\.\d+)?\s?%)",
    re.IGNORECASE,
)
"""A result that a sentence gives for the baseline: "better than the baseline of 70 %"."""
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
    other_data: bool = False  # a table of the same trials on other data was left out: sentences may speak of that
    remarks: list[Statement] = field(default_factory=list)  # beside rows that are no trials
    used: list[str] = field(default_factory=list)  # sentences of which the settings were taken
    rounds: dict[int, Mapping[str, Level]] = field(default_factory=dict)  # by table: settings in its heading
    withheld: set[str] = field(default_factory=set)  # settings that the text gives in two ways

    def record(self) -> HandRecord:
        settled = self._settled()
        measure = self._measure(settled)
        tables = self._tables(settled, measure)
        rows = self._rows(tables)
        if not rows:
            raise RecordTableError(self._no_table())
        labels = _labels(rows)
        claims = self._claims(rows, measure, labels)
        seeds = None if any(row.seed for row in rows) else seeds_said(self.text)
        spread = any(row.score is not None and row.score.spread is not None for row in rows)
        runs = _runs_by_label(rows)
        several = any(count > 1 for count in runs)
        if several and seeds is None and len(runs) == 1:
            seeds = max(runs)
        averaged = measure.over_sets or (seeds is None and (several or spread or is_averaged(measure.name)))
        if measure.over_sets:
            sets = zip(measure.others, measure.other_kinds, strict=True)
            names = tuple(name for name, kind in sets if kind is measure.kind)
            self.notes.append(Note("mean_of_sets", {"columns": names}))
        elif averaged:
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
        grids = [
            part
            for grid in map(self._without_struck_rows, map(counted_grid, map(scaled_grid, self.document.grids)))
            for part in long_grids(grid) or [self._spread(grid)]
        ]
        sentences = [part for s in self._prose() for part in SENTENCE_ENDS.split(s.text)]
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

    def _without_struck_rows(self, grid: Grid) -> Grid:
        """A table without rows that are crossed out as a whole; they are listed."""
        struck = [row for row in grid.rows if any(row[1]) and not any(map(clean_text, row[1]))]
        if struck:
            names = tuple(clean_text(next(filter(None, cells)).replace("~~", "")) for _, cells in struck)
            self.notes.append(Note("struck_rows", {"trials": names, "line": grid.line}))
        return replace(grid, rows=tuple(row for row in grid.rows if row not in struck))

    def _listed_settings(self, tables: Sequence[tuple[Grid, Columns]]) -> Iterator[Grid]:
        """The settings of a table of results that stand in a list, a line a label: "- S1: lr 1e-4, 2 epochs"."""
        for grid, columns in tables:
            if columns.measure is None or columns.has_settings or "trial" not in columns.roles:
                continue
            labels, rows = labels_of(grid, columns), dict[str, Line]()
            for statement in self._prose():
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
        n_rows = 0
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
            table = Table(grid, number, columns, self._blanks_said(), self._baseline_settings())
            another = table.is_another_study(tables)
            if another or any(table.gives_again(other) for other in tables):
                self.other_study = min(grid.line, self.other_study or grid.line) if another else self.other_study
                self.notes.append(Note("other_results", {"line": grid.line, "column": grid.section or own.name}))
                self.other_data = True
                continue
            self.uses += columns.uses
            if columns.equals and not any(note.code == "result_chosen" for note in self.notes):
                self.notes.append(Note("result_chosen", {"column": own.name, "columns": columns.equals}))
            tables.append(table)
            self.notes += table.notes
            self.remarks += table.remarks
        self._captioned(tables)
        return tables

    def _captioned(self, tables: Sequence[Table]) -> None:
        """Rows with the settings of their table's caption ("Table 2: all runs 4 epochs"), which may begin with those of
        another caption or of one of its trials ("as Table 2 with ...", "参数同表 1 的乙组")."""
        known: dict[str, tuple[dict[str, Level], Table]] = {}
        for table in tables:
            above = next((s.text for s in reversed(self._prose()) if s.line < table.grid.line), "")
            caption, like = CAPTION.match(above), LIKE_TABLE.search(above)
            if caption is None or (like and like[1] not in known) or table.columns.kind is TableKind.CHANGES:
                continue
            values = settings(above)
            if like:
                others, other = known[like[1]]
                labels = {n for n, _, _ in trial_labels(above, label_pattern(row.trial for row in other.rows))}
                row = next((row for row in other.rows if row.trial in labels), None)
                values = {**others, **(row.values if row and len(labels) == 1 else {}), **values}
            known[caption[1]] = values, table
            rows = (row if row.unknown else replace(row, values={**values, **row.values}) for row in table.rows)
            table.rows[:] = list(rows)
            self.used += [part.strip(EDGES) for part in SENTENCE_ENDS.split(above)] if values else []

    def _rows(self, tables: Sequence[Table]) -> tuple[Row, ...]:
        """Rows that say something, with what the text says of the baseline and of what a round builds on."""
        said, rows = self._baseline_settings(), []
        written = [row for table in tables for row in table.rows]
        found = list(one_factor_tables(tables, said or self._fixed(written), self.notes))
        grounds = self._grounds(found)
        base = next((row.values for row in found if row.is_baseline), found[0].values if found else {})
        for row in found:
            if row.is_baseline and said:
                row = replace(row, values={**said, **row.values})
            if row.kind is TableKind.CHANGES and row.builds_on is None:
                others = [n for n, v in self.rounds.get(row.table, {}).items() if row.values.get(n, base.get(n)) != v]
                if row.table in grounds or any(name not in row.described for name in others):
                    row = self._grounded(row, grounds.get(row.table, ""))
            rows += [row] if row.score is not None or row.failed or row.values else []
        if any(row.kind is TableKind.CHANGES and row.described and not row.builds_on for row in rows[1:]):
            self.notes.append(Note("changes_from_baseline"))
        rows = self._with_baseline(rows)
        rows = self._with_alpha(rows)
        given = {name for row in rows for name in row.values}
        fixed = self._fixed(rows)
        once = {**self._constants(rows), **fixed}
        constants = {name: level for name, level in once.items() if name not in given | self.withheld}
        if constants:
            self.notes.append(Note("constants", {"levels": constants}))
        unless = {name: level for name, level in fixed.items() if name in given - self.withheld}
        in_words = any(row.kind is TableKind.CHANGES for row in rows)
        by_table = {row.table: {n for r in rows if r.table == row.table for n in r.values} for row in rows}
        apart = any(unless.keys() - names for names in by_table.values())
        if unless and (in_words or apart):
            self.notes.append(Note("unless_said", {"levels": unless}))

        def fixed_for(row: Row) -> Mapping[str, Level]:
            if row.kind is TableKind.SETTINGS and not row.unknown:
                return {name: level for name, level in unless.items() if name not in by_table[row.table]}
            return unless if _starts_anew(row) else {}

        return tuple(replace(row, values={**constants, **fixed_for(row), **row.values}) for row in rows)

    def _with_alpha(self, rows: list[Row]) -> list[Row]:
        """With alpha as the text gives it by the rank ("alpha 始终取 r 的两倍"), where no table gives it. Where the
        text also gives an alpha that is not this multiple, neither is taken."""
        said = {times for s in self._prose() if (times := alpha_multiple(clean_text(s.text))) is not None}
        if len(said) != 1 or any("lora_alpha" in (use.factor, *use.factor.split(" / ")) for use in self.uses):
            return rows
        if any(row.kind is TableKind.CHANGES for row in rows):
            return rows
        times = said.pop()
        apart = [(a, r) for a, r in self._alphas_said(rows) if abs(a - times * r) > 1e-9]
        if apart:
            self.withheld.add("lora_alpha")
            alpha, rank = (f"{n:g}" for n in apart[0])
            self.notes.append(Note("alpha_contradicted", {"times": f"{times:g}", "alpha": alpha, "rank": rank}))
            return [replace(row, values={n: v for n, v in row.values.items() if n != "lora_alpha"}) for row in rows]
        self.notes.append(Note("alpha_rule", {"times": f"{times:g}"}))
        ranks = [row.values.get("lora_r") for row in rows]
        return [
            replace(row, values={**row.values, "lora_alpha": times * rank})
            if isinstance(rank, int | float) and rank > 0
            else row
            for row, rank in zip(rows, ranks, strict=True)
        ]

    def _alphas_said(self, rows: Sequence[Row]) -> Iterator[tuple[float, float]]:
        """Alpha and rank as the text gives them: of the baseline, or of all trials."""
        base = next((row.values for row in rows if row.is_baseline), rows[0].values)
        ranks = {row.values["lora_r"] for row in rows if "lora_r" in row.values}
        for said, others in ((self._baseline_settings(), base), ({**self._constants(rows), **self._fixed(rows)}, {})):
            alpha, rank = said.get("lora_alpha"), said.get("lora_r", others.get("lora_r"))
            for known in [rank] if rank is not None else ranks:
                if isinstance(alpha, int | float) and isinstance(known, int | float):
                    yield alpha, known

    def _fixed(self, rows: Sequence[Row]) -> dict[str, Level]:
        """What a sentence before the tables says of all trials: "unless the table says otherwise: r = 16"; without
        settings that two such sentences give differently."""
        said: dict[str, set[Level]] = {}
        for statement in self._prose() if rows else ():
            for sentence in SENTENCE_ENDS.split(statement.text):
                if statement.line < min(row.line for row in rows) and FIXED.search(sentence):
                    named = mentions(sentence) if not OTHERWISE.search(sentence) else []
                    for m in named:
                        said.setdefault(m.factor, set()).update(m.values)
                    if named and ACCUMULATION in (given := settings(sentence)):  # "batch 4×2"
                        said.setdefault(ACCUMULATION, set()).add(given[ACCUMULATION])
                    if named and all(len(m.values) == 1 and not m.side for m in named):
                        self.used.append(sentence.strip(EDGES))
        for name, level in {**self._settings_in_code(), **self._settings_above()}.items() if rows else ():
            said.setdefault(name, set()).add(level)
        return {name: levels.copy().pop() for name, levels in said.items() if len(levels) == 1}

    def _with_baseline(self, rows: list[Row]) -> list[Row]:
        """The baseline as a sentence or a column of differences names it: "基线是 2 号实验", "Δ vs. v1". A row that
        is called so itself goes before."""
        wordy = label_pattern(row.trial for row in rows)
        said = [s.text for s in self._prose() if BASELINE_TRIAL.search(s.text)]
        differences = [use.header for use in self.uses if use.role == "difference"]
        said += [header for header in differences if not OTHER_DIFFERENCE.search(header)]
        named = {label for text in said for label in _baselines_named(text, wordy)}
        if len(named) != 1 or any(row.is_baseline for row in rows):
            return rows
        key = key_of(named.pop())
        return [replace(row, is_baseline=key_of(row.trial) == key) for row in rows]

    def _constants(self, rows: Sequence[Row]) -> dict[str, Level]:
        """Settings of all trials that no table gives and the text before them gives once: "alpha fixed at 32"."""
        if not rows or any(row.kind is TableKind.CHANGES for row in rows):
            return {}
        said: dict[str, set[Level]] = {}
        for statement in self._prose():
            for sentence in SENTENCE_ENDS.split(statement.text):
                unsure = statement.line > rows[0].line or CLAIMS.search(sentence) or OTHERWISE.search(sentence)
                for m in mentions(sentence):
                    said.setdefault(m.factor, set()).update([None] if unsure and m.values else m.values)
        names = [name for name in CONSTANT if len(said.get(name, ())) == 1]
        return {name: level for name in names for level in said[name] if level is not None}

    def _baseline_settings(self) -> dict[str, Level]:
        """What a line of text says the baseline is: "Baseline: lr=2e-4, r=8"; the first line that names two
        settings. Only the text after the colon or bracket counts."""
        for statement in self._prose():
            said = BASELINE_SAID.search(statement.text)
            values = settings(statement.text[said.end() :]) if said else {}
            if len(values) > 1:
                return values
        return {}

    def _settings_above(self) -> dict[str, Level]:
        """The settings of a list, one a line, that a later sentence says all else is kept at ("as listed above")."""
        until = next((s.line for s in self._prose() if AS_LISTED.search(s.text)), 0)
        found: dict[str, Level] = {}
        for statement in self._prose():
            if statement.line < until and re.fullmatch(r"[-*+\s]*[\w ]{1,40}\s?[:=：]\s?[\w.+-]{1,16}", statement.text):
                found |= settings(statement.text)
        return found if len(found) > 1 else {}

    def _settings_in_code(self) -> dict[str, Level]:
        """The settings of a block of code that is named as that of all trials: "common = dict(...)"."""
        found: dict[str, Level] = {}
        inside = False
        for statement in self.document.statements:
            text = statement.text if statement.is_code else ""
            inside = bool(SHARED_CODE.match(text)) or (inside and bool(text) and text.strip() not in (")", "}"))
            found |= settings(text) if inside else {}
        return found

    def _blanks_said(self) -> str:
        """What a note says that blank cells of settings mean: "above", "baseline", the words that name the trial of
        which they are, or "" without."""
        text = "\n".join(statement.text for statement in self._prose())
        said = next(((meaning, found) for meaning, words in BLANKS_SAID.items() if (found := words.search(text))), None)
        return said[1]["trial"] if said and said[0] == "first" else said[0] if said else ""

    def _grounds(self, rows: Sequence[Row]) -> dict[int, str]:
        """By table what its trials build on, where the text right above it, its heading or an earlier sentence of its
        section says so ("在最佳配置基础上", "on top of exp16", "based on E2"); "" where it is not sure which trial is
        meant. The first table has nothing before it to build on."""
        wordy = label_pattern(row.trial for row in rows)
        grounds: dict[int, str] = {}
        above = 0  # the last line of the table before
        for table in dict.fromkeys(row.table for row in rows):
            own = [row for row in rows if row.table == table]
            section, first = own[0].section, own[0].line
            before = [s for s in reversed(self._prose()) if s.line < first]
            near = [s.text for s in before if above and s.line > above]
            earlier = [s.text for s in before if section and s.section == section]
            said = (_built_on(text, wordy) for text in (*near, section, *earlier))
            found = next((base for base in said if base is not None), None)
            fixed = [text for text in near if FIXED.search(text)]
            self.rounds[table] = {name: level for text in (section, *fixed) for name, level in settings(text).items()}
            if found or (found is not None and above):
                grounds[table] = found
            above = own[-1].line
        return grounds

    def _grounded(self, row: Row, ground: str) -> Row:
        """A row with what its section builds on; its settings are not read where that is not sure."""
        if ground or row.is_baseline or row.unknown:
            return replace(row, builds_on=ground or None)
        column = next((use.header for use in self.uses if use.role == "change"), "")
        self.unread.append(UnreadCell(row.line, row.trial, column, row.change[:60], Why.GROUND.value))
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

    def _prose(self) -> list[Statement]:
        return [statement for statement in self.document.statements if not statement.is_code]

    def _claims(self, rows: Sequence[Row], measure: Measure, labels: re.Pattern[str] | None) -> tuple[Claim, ...]:
        named = next((row for row in rows if row.is_baseline), None)
        shared = Context(
            labels=labels, measure=measure, has_baseline=named is not None, base=named.values if named else None,
            extras=_extra_words(rows), levels=_levels_of(rows),
        )  # fmt: skip
        found: list[Claim] = []
        for statement in self._prose():
            after = any(row.line < statement.line for row in rows)
            context = replace(shared, round=round_of(statement.section) or statement.section, after_results=after)
            read = claims_of(statement, context) if len(found) <= MAX_CLAIMS else []
            of_kept = statement.section in {row.section for row in rows}
            of_other = self.other_study is not None and statement.line > self.other_study
            found += [_unread(c) for c in read] if of_other or (self.other_data and not of_kept) else read
        for row in rows:
            if row.analysis and len(found) <= MAX_CLAIMS:
                context = replace(
                    shared, trial=row.trial, values=row.values, builds_on=row.builds_on, round=row.round,
                    has_baseline=_is_one_step(row, rows),
                )  # fmt: skip
                claims = claims_of(Statement(row.analysis, row.line, row.section), context)
                found += [c for c in claims if not (row.failed and _says_no_more_than_failed(c))]
        for statement in self.remarks:
            found += [_unread(c) for c in claims_of(statement, shared)]
        found = [_unread(c) if _of_another_baseline(c, named) else c for c in found]
        found = [c for c in found if c.kind is not ClaimKind.UNREAD or c.text not in self.used]
        if len(found) > MAX_CLAIMS or len(self.document.statements) >= MAX_STATEMENTS:
            self.notes.append(Note("claims_cut", {"limit": MAX_CLAIMS}))
        return tuple(sorted(found, key=lambda claim: claim.line)[:MAX_CLAIMS])

    def _said(self, labels: re.Pattern[str] | None) -> tuple[Said, ...]:
        """Accuracies that the running text gives for a trial."""
        return tuple(said for statement in self._prose() for said in said_of(statement, labels))[:MAX_CLAIMS]


def _unread(claim: Claim) -> Claim:
    return Claim(kind=ClaimKind.UNREAD, text=claim.text, line=claim.line, section=claim.section)


def _of_another_baseline(claim: Claim, baseline: Row | None) -> bool:
    """Whether a sentence compares with a baseline of a result that the table's baseline does not have."""
    match = _BASELINE_RESULT.search(claim.text)
    said = share_of(match[1] or match[2]) if match else None
    own = baseline.score if baseline is not None else None
    return said is not None and (own is None or abs(said.value - own.value) > max(said.unit, own.unit) / 2 + 1e-9)


def _says_no_more_than_failed(claim: Claim) -> bool:
    """Whether a remark of a failed trial gives no reason: the trial's result says the same."""
    return claim.kind is ClaimKind.UNREAD and has_diverged(claim.text) and not mentions(claim.text)


def _starts_anew(row: Row) -> bool:
    """Whether a row in words builds on no other trial."""
    return row.kind is TableKind.CHANGES and (row.is_baseline or not row.builds_on)


def _levels_of(rows: Sequence[Row]) -> dict[str, frozenset[Level]]:
    names = dict.fromkeys(name for row in rows for name in row.values)
    return {name: frozenset(row.values[name] for row in rows if name in row.values) for name in names}


def _runs_by_label(rows: Sequence[Row]) -> set[int]:
    """Of how many runs rows are the means, where their labels are ranges of trials that follow each other ("1-5",
    "6-7", "8"); empty for other labels, such as "1-2" for the second run of the first round."""
    found = [re.fullmatch(r"(\d{1,4})(?:-(\d{1,4}))?", row.trial) for row in rows]
    ends = [(int(m[1]), int(m[2] or m[1])) for m in found if m]
    follow = all(a <= b for a, b in ends) and all(b < c for (_, b), (c, _) in pairwise(ends))
    return {b - a + 1 for a, b in ends} if follow and len(ends) == len(rows) else set()


def _built_on(text: str, wordy: re.Pattern[str] | None) -> str | None:
    """What a heading or a sentence before a table says that its trials build on: a trial's label, "best", "baseline";
    "" where that is not sure, None where it says nothing."""
    ground = GROUND.search(text)
    if ground is not None:
        labels = trial_labels(ground.group(), wordy)
        return labels[0][0] if labels else base_trial(ground.group() + "，") or "best"
    for match in BUILT_ON.finditer(text):
        said = next(filter(None, match.groups()))
        named = {label for label, _, _ in trial_labels(said, wordy)}
        if len(named) == 1:
            return named.pop()
        if TRIAL_LIKE.search(match.group()) and not NO_GROUND.search(said):
            best = not named and base_trial(f"{match.group()}，")
            return best if best in ("best", "baseline") else ""
    return None


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
