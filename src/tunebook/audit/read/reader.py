"""A file's bytes to a `HandRecord`: decoding, settling columns, reading rows, and putting text and tables together."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from tunebook.audit.model import (
    BestBlock,
    Claim,
    ColumnUse,
    HandRecord,
    Measure,
    MeasureKind,
    Note,
    Row,
    Said,
    Score,
    TableKind,
)
from tunebook.audit.read.cells import Number, clean_text, read_number
from tunebook.audit.read.columns import Columns, refusals, settle
from tunebook.audit.read.documents import MAX_STATEMENTS, Document, Grid, Statement, read_document
from tunebook.audit.read.mentions import base_trial, label_pattern, mentions, settings, trial_labels
from tunebook.audit.read.sentences import Context, claims_of, said_of
from tunebook.audit.read.tables import TableReading, joined_tables, key_values, read_table, spread_grid
from tunebook.audit.read.vocabulary import compact, result_of, round_of
from tunebook.core.factor import ALIASES, FACTOR_KINDS, Level
from tunebook.errors import RecordTableError

__all__ = ["MAX_BYTES", "MAX_LINES", "MAX_TRIALS", "read_record"]

MAX_BYTES = 10 * 1024 * 1024
"""Largest input read. A record of five hundred trials has some fifty kilobytes."""
MAX_LINES = 50_000
MAX_TRIALS = 500
MAX_CLAIMS = 300
COLUMN_ROLES = ("accuracy", "score", "loss", "label", "place", "setting", "ignore")
"""What `--columns` may say beside factors."""

_BEST_SECTION = re.compile(
    r"\bbest\b|recommend|final (?:config|setting)|optimal|最佳|最优|推荐|最终配置", re.IGNORECASE
)
_BASELINE_SAID = re.compile(
    r"(?:\bbase\s?line|\bdefaults?|基线|基准|默认)\s?(?:config\w*|settings?|parameters?|hyperparameters?|run|配置|"
    r"参数|设置|"
    r"超参数?)?(?:\s?(?:is|are|was|uses?|为|是))?\s?[:：(（]",
    re.IGNORECASE,
)
_ACCURACY_SAID = re.compile(
    r"(?:\baccuracy|\bacc\b|准确率|正确率|精度)[^\d\n]{0,12}(\d+(?:\.\d+)?\s?%?)", re.IGNORECASE
)
_SPEAKS_OF_ACCURACY = re.compile(r"accura|\bacc\b|exact match|准确率|正确率|准确度|精度", re.IGNORECASE)
_THINGS = r"(?:examples?|samples?|rows?|questions?|items?|cases?|utterances?|tickets?|titles?|sentences?|reviews?)"
_EXAMPLES_SAID = re.compile(
    rf"(\d[\d,]{{0,9}})\s(?:held[- ]out|unseen)\s(?:\w+\s)?{_THINGS}|"
    rf"(\d[\d,]{{0,9}})\s(?:held[- ]out\s)?(?:test|validation|evaluation|eval|dev)\s{_THINGS}|"
    r"(?:test|validation|evaluation)\s(?:set|split)\s?(?:of|has|with|contains|size|"
    r"[:=(])?\s?:?\s?(\d[\d,]{0,9})(?!\s?[%.])|"
    r"(?:测试|验证|评测|评估)(?:集|样本|数据)\D{0,8}?(\d[\d,]{0,9})\s?(?:条|个|例|题|道|样本)|"
    r"(\d[\d,]{0,9})\s?(?:条|个|例|道)?(?:测试|评测|验证)(?:样本|数据|样例|题)|"
    rf"\b(?:on|over)\s(?:the\s)?(?:same|all)\s(\d[\d,]{{0,9}})\s(?:\w+\s)?{_THINGS}|"
    rf"同样的?\s?(\d[\d,]{{0,9}})\s?(?:条|个|道|例)",
    re.IGNORECASE,
)
_SEEDS_SAID = re.compile(
    r"(?:mean|average[ds]?|avg\.?)\s(?:of|over|across)\s(\d{1,2}|two|three|four|five|ten)\s(?:random\s)?(?:seeds|runs)|"
    r"(\d{1,2}|two|three|four|five|ten)\s(?:random\s)?(?:seeds|runs)\s(?:each|per|for each|averaged)|"
    r"(\d{1,2}|[两二三四五十])\s?(?:个随机种子|个种子|次)(?:的)?(?:运行)?(?:取)?(?:平均|均值)",
    re.IGNORECASE,
)
_WORD_NUMBERS = {
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "ten": 10,
    "两": 2,
    "二": 2,
    "三": 3,
    "四": 4,
    "五": 5,
    "十": 10,
}
_GROUND = re.compile(
    r"(?:在|基于|以|沿用|固定).{0,12}(?:最佳|最优|最好|(?:实验|exp)\s?[-#]?\d+).{0,10}(?:基础|上|下|配置|之上)|"
    r"\b(?:on top of|based on|starting from|built? on|around|in|with|from|for|keeping) (?:the )?(?:best|"
    r"exp\w*\s?#?\d+|run\s?#?\d+)",
    re.IGNORECASE,
)


def read_record(content: bytes, source: str, columns: Mapping[str, str] | None = None) -> HandRecord:
    """A hand-written record from a file's bytes.

    Args:
        content: Markdown, HTML tables or delimited text; UTF-8, UTF-16 with a mark, or GB 18030.
        source: the file's name, for messages.
        columns: what columns are, by header: a factor or its alias, or one of `COLUMN_ROLES`.

    Raises: RecordTableError: too large, no text, no table of trials in it, or an unknown role in `columns`.
    """
    text, notes = _decode(content, source)
    if not text.strip():
        raise RecordTableError(
            f"{source}: the record is empty; a record has a table of trials. Give the file with the table."
        )
    if text.count("\n") > MAX_LINES:
        raise RecordTableError(
            f"{source}: {text.count(chr(10)):,} lines; a hand-written record has at most {MAX_LINES:,}. "
            "Cut it down to the tables and their text."
        )
    return _Reading(read_document(text, source), text, source, _named(columns or {}), notes).record()


def _named(columns: Mapping[str, str]) -> dict[str, str]:
    for header, said in columns.items():
        if ALIASES.get(said, said) not in FACTOR_KINDS and said not in COLUMN_ROLES:
            raise RecordTableError(
                f'--columns {header}={said}: got "{said}"; a column is a factor ({", ".join(list(ALIASES)[:6])}, …) or '
                f"{', '.join(COLUMN_ROLES)}. Name one of them."
            )
    return {compact(header): said for header, said in columns.items()}


def _decode(content: bytes, source: str) -> tuple[str, list[Note]]:
    if len(content) > MAX_BYTES:
        raise RecordTableError(
            f"{source}: {len(content):,} bytes; a record is at most {MAX_BYTES:,} bytes. "
            "Cut it down to the tables and their text."
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
        f"{source}: not a text file (it begins with {content[:8].hex(' ')}); a record is Markdown or CSV in UTF-8. "
        "Export the table as CSV, or save the file as UTF-8."
    )


@dataclass
class _Reading:
    document: Document
    text: str
    source: str
    named: Mapping[str, str]
    notes: list[Note]
    uses: list[ColumnUse] = field(default_factory=list)

    def record(self) -> HandRecord:
        tables = self._tables()
        measure = self._measure(tables)
        readings = self._read(tables, measure)
        rows = self._rows(readings)
        if not rows:
            raise RecordTableError(self._no_table())
        claims, cut = self._claims(rows, measure)
        if cut:
            self.notes.append(Note("claims_cut", {"limit": MAX_CLAIMS}))
        seeds = _seeds_said(self.text)
        if seeds is None and any(row.score is not None and row.score.spread is not None for row in rows):
            self.notes.append(Note("spread_unused"))
        return HandRecord(
            source=self.source,
            language=_language(self.text),
            measure=measure,
            rows=rows,
            claims=claims,
            best_blocks=self._best_blocks({row.line for row in rows}),
            stated_examples=_examples_said(self.text),
            seeds=seeds,
            columns=tuple(self.uses),
            unread_cells=tuple(cell for reading in readings for cell in reading.unread),
            notes=tuple(self.notes),
            said=self._said(rows) if measure.kind is MeasureKind.SHARE else (),
        )

    # -- tables ------------------------------------------------------------------------------------

    def _tables(self) -> list[tuple[int, Grid, Columns]]:
        """The tables of trials, with what their columns are."""
        speaks = _SPEAKS_OF_ACCURACY.search(self.text) is not None
        grids = []
        for grid in self.document.grids:
            spread = spread_grid(grid) if grid.rows else None
            if spread is not None:
                self.notes.append(Note("grid_spread", {"line": grid.line, "factors": spread.header[1:3]}))
                near = [s.text for s in self.document.statements if s.line < grid.line][-1:]
                caption = next((c for c in (grid.section, *near) if result_of(c)), "result")
                spread = replace(spread, header=(*spread.header[:3], caption))
            grids.append(spread or grid)
        settled = [(grid, settle(grid, speaks, self.named)) for grid in grids]
        joined, notes = joined_tables(settled)
        self.notes += notes
        tables = [(i, grid, settle(grid, speaks, self.named)) for i, grid in enumerate(joined)]
        kept = [t for t in tables if t[2].measure is not None and t[2].has_settings]
        for _, grid, columns in tables:
            if columns.measure is not None and not columns.has_settings:
                code = (
                    "results_apart"
                    if any(c.n_factors and c.measure is None and "trial" in c.roles for _, _, c in tables)
                    else "table_skipped"
                )
                self.notes.append(
                    Note(code, {"line": grid.line, "columns": tuple(clean_text(c)[:30] for c in grid.header[:12])})
                )
            elif columns.measure is None and columns.n_factors > 1 and "trial" in columns.roles and kept:
                self.notes.append(Note("settings_apart", {"line": grid.line}))
        if any(note.code == "results_apart" for note in self.notes) and not kept:
            line = next(note.values["line"] for note in self.notes if note.code == "results_apart")
            raise RecordTableError(
                f"{self.source}, line {line}: results and settings stand in two tables whose labels do not match; an "
                f"audit "
                "needs both in one row. Put them into one table, or give both the same labels."
            )
        return kept

    def _measure(self, tables: Sequence[tuple[int, Grid, Columns]]) -> Measure:
        """What the results are: a share of right answers before another score, test before validation."""
        measures = [c.measure for _, _, c in tables if c.measure is not None]
        order = [MeasureKind.SHARE, MeasureKind.SCORE, MeasureKind.LOSS]
        if not measures:
            raise RecordTableError(self._no_table())
        return min(measures, key=lambda m: (order.index(m.kind), m.split == "validation"))

    def _read(self, tables: Sequence[tuple[int, Grid, Columns]], measure: Measure) -> list[TableReading]:
        """All tables with these results. Raises RecordTableError when they have more than `MAX_TRIALS` rows."""
        readings: list[TableReading] = []
        n_rows = 0
        for number, grid, columns in tables:
            own = columns.measure
            if (
                own is None
                or own.kind is not measure.kind
                or (own.split == "validation") != (measure.split == "validation")
            ):
                self.notes.append(Note("other_results", {"line": grid.line, "column": own.name if own else ""}))
                continue
            n_rows += len(grid.rows)
            if n_rows > MAX_TRIALS:
                raise RecordTableError(
                    f"{self.source}, line {grid.line}: {n_rows:,} rows of trials by here; at most {MAX_TRIALS:,} are "
                    "audited. Split the record."
                )
            self.uses += columns.uses
            readings.append(read_table(grid, number, columns))
            self.notes += readings[-1].notes
        return readings

    def _rows(self, readings: Sequence[TableReading]) -> tuple[Row, ...]:
        """Rows that say something, with what the text says of the baseline and of what a round builds on."""
        said = self._baseline_settings()
        grounds = self._grounds()
        rows = [row for reading in _one_factor_tables(readings) for row in reading
                if row.score is not None or row.failed or row.values]  # fmt: skip
        for i, row in enumerate(rows):
            if row.is_baseline and said:
                row = replace(row, values={**said, **row.values})
            if row.kind is TableKind.CHANGES and row.builds_on is None and row.section in grounds:
                row = replace(row, builds_on=grounds[row.section])
            rows[i] = row
        return tuple(rows)

    def _baseline_settings(self) -> dict[str, Level]:
        """What a line of text says the baseline is: "Baseline: lr=2e-4, r=8"; the first line that names two
        settings. Only the text after the colon or bracket counts."""
        for statement in self.document.statements:
            said = _BASELINE_SAID.search(statement.text)
            values = settings(statement.text[said.end() :]) if said and not statement.is_code else {}
            if len(values) > 1:
                return values
        return {}

    def _grounds(self) -> dict[str, str]:
        """By section what its trials build on, where a sentence says so: "在最佳配置基础上", "on top of exp16"."""
        grounds: dict[str, str] = {}
        for statement in self.document.statements:
            match = _GROUND.search(statement.text)
            if match and not statement.is_code and statement.section:
                labels = trial_labels(match.group())
                base = labels[0][0] if labels else base_trial(match.group() + "，") or "best"
                grounds.setdefault(statement.section, base)
        return grounds

    def _no_table(self) -> str:
        expected = (
            "expected a header with a result column (accuracy, result, 准确率, 结果) and columns of settings "
            "(learning_rate, r, 学习率, 秩) or of changes (change, 参数修改策略)"
        )
        if not self.document.grids:
            return f"{self.source}: no table found; {expected}. Give the file that holds the table of trials."
        grid = self.document.grids[0]
        columns = settle(grid, False, self.named)
        refused = refusals(columns.uses)
        if refused and columns.has_settings:
            header, why = next(iter(refused.items()))
            return f'{self.source}, line {grid.line}: the column "{header[:40]}" {_REFUSED[why]}. {_MEND}'
        shown = ", ".join(clean_text(cell)[:30] for cell in grid.header[:12])
        return (
            f"{self.source}, line {grid.line}: no table of trials found; the first table's columns are [{shown}]; "
            f"{expected}. {_MEND}"
        )

    # -- text --------------------------------------------------------------------------------------

    def _claims(self, rows: Sequence[Row], measure: Measure) -> tuple[tuple[Claim, ...], bool]:
        found: list[Claim] = []
        shared = Context(labels=_labels(rows), measure=measure, has_baseline=any(row.is_baseline for row in rows))
        for statement in self.document.statements:
            if not statement.is_code and len(found) < MAX_CLAIMS:
                within = round_of(statement.section) or statement.section
                found += claims_of(statement, replace(shared, round=within))
        for row in rows:
            if row.analysis and len(found) < MAX_CLAIMS:
                context = replace(
                    shared,
                    trial=row.trial,
                    values=row.values,
                    builds_on=row.builds_on,
                    round=row.round,
                    has_baseline=_is_one_step(row, rows),
                )
                found += claims_of(Statement(row.analysis, row.line, row.section), context)
        found.sort(key=lambda claim: claim.line)
        return tuple(found[:MAX_CLAIMS]), len(found) > MAX_CLAIMS or len(self.document.statements) >= MAX_STATEMENTS

    def _said(self, rows: Sequence[Row]) -> tuple[Said, ...]:
        """Accuracies that the running text gives for a trial; a block of the best configuration is held up by "
        "itself."""
        labels = _labels(rows)
        return tuple(
            said
            for statement in self.document.statements
            if not statement.is_code and not _BEST_SECTION.search(statement.section)
            for said in said_of(statement, labels)
        )[:MAX_CLAIMS]

    def _best_blocks(self, table_lines: set[int]) -> tuple[BestBlock, ...]:
        """Settings that stand under a heading such as "Best configuration", one block a section."""
        by_section: dict[str, list[tuple[int, dict[str, Level], str]]] = {}
        for statement in self.document.statements:
            if _BEST_SECTION.search(statement.section):
                part = (statement.line, settings(statement.text), statement.text)
                by_section.setdefault(statement.section, []).append(part)
        for grid in self.document.grids:
            if _BEST_SECTION.search(grid.section) and not any(line in table_lines for line, _ in grid.rows):
                text = "\n".join(" ".join(clean_text(cell) for cell in cells) for _, cells in grid.rows)
                by_section.setdefault(grid.section, []).append((grid.line, key_values(grid), text))
        blocks = (_block(parts) for parts in by_section.values())
        return tuple(block for block in blocks if len(block.values) >= 2)


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


def _one_factor_tables(readings: Sequence[TableReading]) -> list[list[Row]]:
    """Tables that each vary settings that the others do not give. Where each has the baseline's row, that is one trial
    with the settings of all; else nothing is said to connect them, and the table itself counts as a setting."""
    tables = [reading.rows for reading in readings]
    unlabelled = [i for i, reading in enumerate(readings) if any(n.code == "rows_numbered" for n in reading.notes)]
    if len(unlabelled) > 1:
        for i in unlabelled:
            tables[i] = [replace(row, trial=f"{unlabelled.index(i) + 1}.{row.trial}") for row in tables[i]]
    given = [frozenset(name for row in rows for name in row.values) for rows in tables]
    of_settings = [i for i, rows in enumerate(tables) if rows and rows[0].kind is TableKind.SETTINGS]
    if len({given[i] for i in of_settings}) < 2 or any(
        row.kind is TableKind.CHANGES for rows in tables for row in rows
    ):
        return tables
    every = frozenset().union(*(given[i] for i in of_settings))
    full = [i for i in of_settings if given[i] == every]
    bases = {i: [row for row in tables[i] if row.is_baseline] for i in of_settings}
    if full or all(len(found) == 1 for found in bases.values()):
        union: dict[str, Level] = {}
        for found in bases.values():
            for row in found:
                union = {**row.values, **union}
        kept: Score | None = None
        for i in of_settings:
            for j, row in enumerate(tables[i]):
                if row.is_baseline and not full:
                    tables[i][j] = replace(row, values=union)
            if not full and kept is not None and bases[i][0].score == kept:
                tables[i] = [row for row in tables[i] if not row.is_baseline]
            kept = kept or (bases[i][0].score if bases[i] else None)
        return tables
    for number, i in enumerate(of_settings, start=1):
        tables[i] = [replace(row, extra={**row.extra, "table": str(number)}) for row in tables[i]]
    return tables


def _is_one_step(row: Row, rows: Sequence[Row]) -> bool:
    """Whether "better" in a row's remark is surely better than the named baseline: the row is described as a change
    from it, or its settings differ from it in one factor."""
    base = next((other for other in rows if other.is_baseline), None)
    if base is None or row.kind is TableKind.CHANGES:
        return base is not None
    changed = {name for name in row.values if row.values[name] != base.values.get(name)}
    changed |= {name for name in row.extra if row.extra[name] != base.extra.get(name)}
    return len(changed - {"lora_alpha"} if "lora_r" in changed else changed) == 1


def _labels(rows: Sequence[Row]) -> re.Pattern[str] | None:
    """The labels that texts may use; one that says its trial's setting ("r=16") is read as the setting."""
    return label_pattern(
        row.trial
        for row in rows
        if not (said := settings(row.trial)) or any(row.values.get(name) != level for name, level in said.items())
    )


def _block(parts: Sequence[tuple[int, dict[str, Level], str]]) -> BestBlock:
    values: dict[str, Level] = {}
    score: Score | None = None
    trial: str | None = None
    for _, found, text in parts:
        if len(mentions(text)) <= 1 or not values:
            for name, value in found.items():
                values.setdefault(name, value)
        said = _ACCURACY_SAID.search(text)
        number = read_number(said.group(1)) if said and score is None else None
        if isinstance(number, Number) and number.value <= 100:
            scale = 100.0 if number.percent or number.value > 1 else 1.0
            score = Score(number.value / scale, number.unit / scale)
        labels = trial_labels(text)
        trial = trial or (labels[0][0] if labels else None)
    return BestBlock(parts[0][0], values, score, trial)


def _examples_said(text: str) -> tuple[int, ...]:
    found = {
        int(number.replace(",", ""))
        for match in _EXAMPLES_SAID.finditer(text)
        for number in match.groups()
        if number and number.replace(",", "").isdigit()
    }
    return tuple(sorted(found - {0})[:10])


def _seeds_said(text: str) -> int | None:
    """Over how many seeds results are means, where the text says one number."""
    words = [next(g for g in match.groups() if g) for match in _SEEDS_SAID.finditer(text)]
    counts = {_WORD_NUMBERS.get(word.lower()) or int(word) for word in words}
    return counts.pop() if len(counts) == 1 and min(counts, default=1) > 1 else None


def _language(text: str) -> str:
    """Chinese when at least a twentieth of the letters are Chinese characters."""
    letters = [c for c in text[:200_000] if c.isalpha()]
    chinese = sum("一" <= c <= "鿿" for c in letters)
    return "zh" if letters and chinese * 20 >= len(letters) else "en"
