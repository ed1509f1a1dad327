"""A file's bytes to a `HandRecord`: decoding, choosing Markdown or delimited text, and putting the parts together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from tunebook.audit.model import Accuracy, BestBlock, Claim, HandRecord, Note, Row, Said
from tunebook.audit.read.claims import Context, claims_of, said_of
from tunebook.audit.read.delimited import read_delimited
from tunebook.audit.read.grid import Document, Grid, Statement
from tunebook.audit.read.markdown import MAX_STATEMENTS, looks_like_markdown, read_markdown
from tunebook.audit.read.numbers import clean_text, read_accuracy
from tunebook.audit.read.settings import label_pattern, mentions, settings, trial_labels
from tunebook.audit.read.tables import TableReading, has_results, is_trial_table, key_values, read_table
from tunebook.audit.read.vocabulary import round_of
from tunebook.core.factor import Level
from tunebook.errors import RecordTableError

__all__ = ["MAX_BYTES", "MAX_LINES", "MAX_TRIALS", "read_record"]

MAX_BYTES = 10 * 1024 * 1024
"""Largest input read. A record of five hundred trials has some fifty kilobytes."""
MAX_LINES = 50_000
MAX_TRIALS = 500
MAX_CLAIMS = 300

_BEST_SECTION = re.compile(
    r"\bbest\b|recommend|final (?:config|setting)|optimal|最佳|最优|推荐|最终配置", re.IGNORECASE
)
_BASELINE_SAID = re.compile(
    r"(?:\bbase\s?line|\bdefaults?|基线|基准|默认)\s?(?:config\w*|settings?|parameters?|hyperparameters?|run|配置|参数|设置|"
    r"超参数?)?(?:\s?(?:is|are|was|uses?|为|是))?\s?[:：(（]",
    re.IGNORECASE,
)
_ACCURACY_SAID = re.compile(r"(?:accuracy|acc|准确率|正确率|精度)[^\d\n]{0,12}(\d+(?:\.\d+)?\s?%?)", re.IGNORECASE)
_EXAMPLES_SAID = re.compile(
    r"(\d[\d,]{0,9})\s(?:held[- ]out\s)?(?:test|validation|evaluation|eval)\s"
    r"(?:examples?|samples?|rows?|questions?|items?|cases?)|(?:test|validation|evaluation)\s(?:set|split)\s?(?:of|"
    r"has|with|contains|size|[:=(])?\s?:?\s?(\d[\d,]{0,9})|"
    r"(?:测试|验证|评测|评估)(?:集|样本|数据)\D{0,8}?(\d[\d,]{0,9})\s?(?:条|个|例|题|样本)|"
    r"(\d[\d,]{0,9})\s?(?:条|个|例|道)?(?:测试|评测|验证)(?:样本|数据|样例|题)|"
    r"\b(?:on|over)\s(?:the\s)?(?:same|all)\s(\d[\d,]{0,9})\s(?:\w+\s)?(?:examples?|samples?|questions?|items?|cases?|"
    r"utterances?|tickets?)|同样的?\s?(\d[\d,]{0,9})\s?(?:条|个|道|例)",
    re.IGNORECASE,
)


def read_record(content: bytes, source: str) -> HandRecord:
    """A hand-written record from a file's bytes.

    Args:
        content: Markdown or delimited text; UTF-8, UTF-16 with a mark, or GB 18030.
        source: the file's name, for messages.

    Raises: RecordTableError: too large, no text, or no table of trials in it.
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
    document = read_markdown(text) if looks_like_markdown(text) else read_delimited(text, source)
    return _assemble(document, text, source, notes)


def _decode(content: bytes, source: str) -> tuple[str, list[Note]]:
    if len(content) > MAX_BYTES:
        raise RecordTableError(
            f"{source}: {len(content):,} bytes; a record is at most {MAX_BYTES:,} bytes. "
            "Cut it down to the tables and their text."
        )
    marked = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    encodings = ["utf-16"] if marked else ["utf-8-sig", "gb18030"]
    for encoding in encodings:
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


def _assemble(document: Document, text: str, source: str, notes: list[Note]) -> HandRecord:
    readings = _read_tables(document, source)
    said_of_baseline = _baseline_settings(document.statements)
    rows = tuple(
        replace(row, values={**said_of_baseline, **row.values}) if row.is_baseline and said_of_baseline else row
        for row in _with_results(tuple(row for reading in readings for row in reading.rows))
    )
    if not rows:
        raise RecordTableError(_no_table(document, text, source))
    notes = notes + [note for reading in readings for note in reading.notes]
    notes += [
        Note("table_skipped", {"line": grid.line, "columns": tuple(clean_text(c)[:30] for c in grid.header[:12])})
        for grid in document.grids
        if has_results(grid) and not is_trial_table(grid)
    ]
    claims, cut = _claims(document.statements, rows)
    if cut:
        notes.append(Note("claims_cut", {"limit": MAX_CLAIMS}))
    said = sorted(
        {
            int(number.replace(",", ""))
            for match in _EXAMPLES_SAID.finditer(text)
            for number in match.groups()
            if number and number.replace(",", "").isdigit()
        }
        - {0}
    )
    return HandRecord(
        source,
        _language(text),
        rows,
        claims,
        _best_blocks(document, readings),
        tuple(said[:10]),
        tuple(notes),
        _said(document.statements, rows),
    )


def _read_tables(document: Document, source: str) -> list[TableReading]:
    """All tables of trials. Raises RecordTableError when they have more than `MAX_TRIALS` rows together."""
    readings: list[TableReading] = []
    n_rows = 0
    for number, grid in enumerate(document.grids):
        if not is_trial_table(grid):
            continue
        n_rows += len(grid.rows)
        if n_rows > MAX_TRIALS:
            raise RecordTableError(
                f"{source}, line {grid.line}: {n_rows:,} rows of trials by here; at most {MAX_TRIALS:,} are audited. "
                "Split the record."
            )
        readings.append(read_table(grid, number))
    return readings


def _with_results(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    """Rows that say something: a result, a failure, or settings. Blank and rule lines are left out."""
    return tuple(row for row in rows if row.accuracy is not None or row.failed or row.values)


def _baseline_settings(statements: Sequence[Statement]) -> dict[str, Level]:
    """What a line of text says the baseline is: "Baseline: lr=2e-4, r=8, dropout=0.1"; the first line that names two
    settings. Only the text after the colon or bracket counts."""
    for statement in statements:
        said = _BASELINE_SAID.search(statement.text)
        values = settings(statement.text[said.end() :]) if said and not statement.is_code else {}
        if len(values) > 1:
            return values
    return {}


def _no_table(document: Document, text: str, source: str) -> str:
    expected = (
        "expected a header with a result column (accuracy, result, 准确率, 结果) and columns of settings "
        "(learning_rate, r, 学习率, 秩) or of changes (change, 参数修改策略)"
    )
    if "<table" in text.lower():
        return (
            f"{source}: no table of trials found, and a table in HTML (<table>), which is not read; {expected}. "
            "Copy the table as Markdown or CSV."
        )
    if not document.grids:
        return f"{source}: no table found; {expected}. Give the file that holds the table of trials."
    grid = document.grids[0]
    shown = ", ".join(clean_text(cell)[:30] for cell in grid.header[:12])
    return (
        f"{source}, line {grid.line}: no table of trials found; the first table's columns are [{shown}]; "
        f"{expected}. Rename the columns."
    )


def _claims(statements: Sequence[Statement], rows: Sequence[Row]) -> tuple[tuple[Claim, ...], bool]:
    found: list[Claim] = []
    labels = _labels(rows)
    for statement in statements:
        if not statement.is_code and len(found) < MAX_CLAIMS:
            within = round_of(statement.section) or statement.section
            found += claims_of(statement, Context(labels=labels, round=within))
    for row in rows:
        if row.analysis and len(found) < MAX_CLAIMS:
            statement = Statement(row.analysis, row.line, row.section)
            found += claims_of(statement, Context(row.trial, row.values, row.builds_on, labels, row.round))
    found.sort(key=lambda claim: claim.line)
    return tuple(found[:MAX_CLAIMS]), len(found) > MAX_CLAIMS or len(statements) >= MAX_STATEMENTS


def _labels(rows: Sequence[Row]) -> re.Pattern[str] | None:
    """The labels that texts may use; one that says its trial's setting ("r=16") is read as the setting."""
    return label_pattern(
        row.trial
        for row in rows
        if not (said := settings(row.trial)) or any(row.values.get(name) != level for name, level in said.items())
    )


def _said(statements: Sequence[Statement], rows: Sequence[Row]) -> tuple[Said, ...]:
    """Accuracies that the running text gives for a trial; a block of the best configuration is held up by itself."""
    labels = _labels(rows)
    return tuple(
        said
        for statement in statements
        if not statement.is_code and not _BEST_SECTION.search(statement.section)
        for said in said_of(statement, labels)
    )[:MAX_CLAIMS]


def _best_blocks(document: Document, readings: Sequence[TableReading]) -> tuple[BestBlock, ...]:
    """Settings that stand under a heading such as "Best configuration", one block a section."""
    table_lines = {row.line for reading in readings for row in reading.rows}
    by_section: dict[str, list[tuple[int, dict[str, Level], str]]] = {}
    for statement in document.statements:
        if _BEST_SECTION.search(statement.section):
            by_section.setdefault(statement.section, []).append(
                (statement.line, settings(statement.text), statement.text)
            )
    for grid in document.grids:
        if _BEST_SECTION.search(grid.section) and not any(line in table_lines for line, _ in grid.rows):
            by_section.setdefault(grid.section, []).append((grid.line, key_values(grid), _grid_text(grid)))
    blocks = (_block(parts) for parts in by_section.values())
    return tuple(block for block in blocks if len(block.values) >= 2)


def _grid_text(grid: Grid) -> str:
    return "\n".join(" ".join(clean_text(cell) for cell in cells) for _, cells in grid.rows)


def _block(parts: Sequence[tuple[int, dict[str, Level], str]]) -> BestBlock:
    values: dict[str, Level] = {}
    accuracy: Accuracy | None = None
    trial: str | None = None
    for _, found, text in parts:
        if len(mentions(text)) <= 1 or not values:
            for name, value in found.items():
                values.setdefault(name, value)
        said = _ACCURACY_SAID.search(text)
        if said and accuracy is None:
            accuracy = read_accuracy(said.group(1), percent=False)
        labels = trial_labels(text)
        trial = trial or (labels[0][0] if labels else None)
    return BestBlock(parts[0][0], values, accuracy, trial)


def _language(text: str) -> str:
    """Chinese when at least a twentieth of the letters are Chinese characters."""
    letters = [c for c in text[:200_000] if c.isalpha()]
    chinese = sum("一" <= c <= "鿿" for c in letters)
    return "zh" if letters and chinese * 20 >= len(letters) else "en"
