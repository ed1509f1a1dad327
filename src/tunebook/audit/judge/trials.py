"""From the rows of a record's tables to its trials: which row is which trial, and with which settings.

A record may give a trial twice: in a round's table, in words, and in a full table of all settings. Where the two
agree by number they are one trial. Where a round's row agrees with the full table only under another number, the
record was renumbered, and the full table's number counts.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tunebook.audit.model import HandRecord, Measure, MeasureKind, Note, Row, Score, TableKind
from tunebook.core.configuration import Configuration
from tunebook.core.factor import FACTOR_KINDS, Level

__all__ = [
    "UNSAID",
    "AuditTrial",
    "Renumbering",
    "TrialTable",
    "key_of",
    "row_key",
    "same_result",
    "same_score",
    "trials_of",
]

BATCH, ACCUMULATION = "per_device_train_batch_size", "gradient_accumulation_steps"

UNSAID = -1
"""Stands for the level of a numeric factor that other trials name and the baseline does not: unlike every level named,
so that a trial that names one is never taken for the baseline's own training."""


@dataclass(frozen=True, kw_only=True)
class AuditTrial:
    """One trial of a record.

    Attributes:
        key: by which text refers to it: the number in its label, else the label in lower case.
        label: as the tables write it.
        order: position in the record, from 0.
        configuration: its settings; factors that the record does not give have one value for all trials.
        extra: settings that are no factor of tunebook's, as written, by their header.
        score: as printed, None without.
        value: the result with a sign so that higher is better; what failed without a result is lowest.
        failed: the record says so, or nothing was right.
        row: the row it was read from; of the full table where there is one.
        assumed: factors that its row leaves blank and that were taken from the baseline.
        only_in_text: in a round's table only, though the record has a full table.
        unread: a setting was not surely read, so nothing is known of its settings.
    """

    key: str
    label: str
    order: int
    configuration: Configuration
    score: Score | None
    value: float
    failed: bool
    row: Row
    extra: Mapping[str, str] = field(default_factory=dict)
    assumed: tuple[str, ...] = ()
    only_in_text: bool = False
    unread: bool = False


@dataclass(frozen=True)
class Renumbering:
    """A round's table whose numbers are those of other trials in the full table: pairs of (text's, full table's)."""

    section: str
    line: int
    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class TrialTable:
    """All trials of a record.

    Attributes:
        trials: in order.
        baseline: key of the baseline; `baseline_named` whether the record says so (else it is the first row).
        factors, extras: factors and other settings that the record gives, in its own order.
        measure: what the results are.
        text_rows: rows that describe a trial in words, with the key of the trial that each turned out to be.
        renumbered: rounds whose numbers do not match the full table.
        missing: numbers left out between the first and the last.
        repeated: rows that give a trial again with other settings or another result.
        ambiguous: labels that stand for several trials of one table.
    """

    trials: tuple[AuditTrial, ...]
    baseline: str
    baseline_named: bool
    factors: tuple[str, ...]
    measure: Measure
    extras: tuple[str, ...] = ()
    text_rows: tuple[tuple[Row, str], ...] = ()
    renumbered: tuple[Renumbering, ...] = ()
    missing: tuple[int, ...] = ()
    repeated: tuple[Row, ...] = ()
    notes: tuple[Note, ...] = ()
    sections: Mapping[tuple[str, str], str] = field(default_factory=dict)
    ambiguous: frozenset[str] = frozenset()

    def get(self, key: str) -> AuditTrial | None:
        """The trial of that key, or None."""
        return next((trial for trial in self.trials if trial.key == key), None)

    def resolve(self, number: str, section: str) -> AuditTrial | None:
        """The trial that a text means by a number or label; in a renumbered section by that section's numbers."""
        key = key_of(number)
        if key in self.ambiguous:
            return None
        return self.get(_whole(number)) or self.get(self.sections.get((section, key), key))


_NUMBERED = re.compile(
    r"(?:exp(?:eriment)?|trial|run|test|config|实验|试验|编号|第|no\.?|#)?[\s\-_#.:№]*(\d{1,6})\s?(?:号|次)?",
    re.IGNORECASE,
)


def key_of(label: str) -> str:
    """The number of a label that is one ("exp16" -> "16"), else the label in lower case without blanks."""
    match = _NUMBERED.fullmatch(label.strip())
    return str(int(match[1])) if match else _whole(label)


def _whole(label: str) -> str:
    return re.sub(r"\s+", "", label).casefold()


def row_key(row: Row) -> str:
    """The key of the trial that a row gives."""
    return row.key or key_of(row.trial)


def _nothing_right(row: Row, measure: Measure) -> bool:
    share = measure.kind is MeasureKind.SHARE
    return row.failed or (share and row.score is not None and row.score.value == 0.0)


def same_result(a: Row, b: Row) -> bool:
    """Whether two rows print the same result, as far as their precision goes."""
    gone = [row.failed or (row.score is not None and row.score.value == 0.0) for row in (a, b)]
    if any(gone):
        return all(gone)
    if a.score is None or b.score is None:
        return a.score is b.score
    return same_score(a.score, b.score)


def same_score(a: Score, b: Score) -> bool:
    """Whether two printed results can be one, as far as their precision goes."""
    return abs(a.value - b.value) <= (a.unit + b.unit) / 2 + 1e-9


def trials_of(record: HandRecord) -> TrialTable:
    """The trials of a record. Needs at least one row."""
    rows, ambiguous = _told_apart(record.rows)
    full = [row for row in rows if row.kind is TableKind.SETTINGS]
    words = [row for row in rows if row.kind is TableKind.CHANGES]
    before = [row.trial for row in full or words]
    full, words = _restarted(full), words if full else _restarted(words)
    notes = [] if [row.trial for row in full or words] == before else [Note("numbers_restart")]
    main, repeated = _distinct(full or words)
    baseline_row = next((row for row in (*main, *words) if row.is_baseline and _find(main, row) is not None), None)
    baseline = _find(main, baseline_row) if baseline_row is not None else None
    first = baseline or main[0]
    builder = _Builder(record, first, {name for row in (*full, *words, first) for name in row.values})
    trials = builder.trials(main, ())
    unsaid = [n for n, level in trials[main.index(first)].configuration.as_dict().items() if level == UNSAID]
    if unsaid:
        notes.append(Note("baseline_unsaid", {"trial": first.trial, "factors": tuple(unsaid)}))
    aliases = _match(words, main) if full else {}
    extra = [row for row in words if full and id(row) not in aliases and _find(main, row) is None]
    trials += builder.trials(_distinct(extra)[0], trials)
    by_key = {trial.key for trial in trials}
    text_rows = tuple((row, aliases.get(id(row), row_key(row))) for row in words if full or row in main)
    return TrialTable(
        trials=tuple(trials),
        baseline=row_key(first),
        baseline_named=baseline is not None,
        factors=tuple(dict.fromkeys(name for row in (*main, *words) for name in row.values)),
        extras=tuple(dict.fromkeys(name for row in main for name in row.extra)),
        measure=record.measure,
        text_rows=tuple((row, key) for row, key in text_rows if key in by_key),
        renumbered=_renumberings(text_rows),
        missing=_gaps(main),
        repeated=tuple(repeated),
        notes=tuple(notes),
        sections={(row.section, row_key(row)): key for row, key in text_rows},
        ambiguous=ambiguous,
    )


def _told_apart(rows: Sequence[Row]) -> tuple[list[Row], frozenset[str]]:
    """Rows of one table are trials of their own, whatever their labels. Those that give a label again are told apart by
    their seed, else by their place; a text that uses such a label alone does not say which it means."""
    seen: dict[tuple[int, str], list[Row]] = {}
    result: list[Row] = []
    ambiguous: set[str] = set()
    for row in rows:
        same = seen.setdefault((row.table, row_key(row)), [])
        same.append(row)
        if len(same) == 1:
            result.append(row)
        elif row.seed is not None and row.seed not in [other.seed for other in same[:-1]]:
            result.append(
                replace(row, trial=f"{row.trial} (seed {row.seed})", key=f"{row_key(row)}/seed{_whole(row.seed)}")
            )
        else:
            ambiguous.add(row_key(row))
            result.append(replace(row, trial=f"{row.trial} ({len(same)})", key=f"{row_key(row)}/{len(same)}"))
    return result, frozenset(ambiguous)


def _restarted(rows: Sequence[Row]) -> list[Row]:
    """Rows of tables that each begin to number at the same label get the table's number before theirs: "2.1".

    Told by the numbers that come up in several tables: most of them stand for different trials.
    """
    by_key: dict[str, list[Row]] = {}
    for row in rows:
        by_key.setdefault(row_key(row), []).append(row)
    shared = [group for group in by_key.values() if len({row.table for row in group}) > 1]
    different = [g for g in shared if any(not _agrees(g[0], row) or not _agrees(row, g[0]) for row in g[1:])]
    if len(different) <= max(1, len(shared) // 2):
        return list(rows)
    numbers = {table: i + 1 for i, table in enumerate(dict.fromkeys(row.table for row in rows))}
    return [
        replace(row, trial=f"{numbers[row.table]}.{row_key(row)}", key=f"{numbers[row.table]}.{row_key(row)}")
        for row in rows
    ]


def _distinct(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """First row of each trial, and later rows that give it again differently."""
    kept: dict[str, Row] = {}
    repeated = []
    for row in rows:
        known = kept.setdefault(row_key(row), row)
        shared = known.values.keys() & row.values.keys()
        if known is not row and not (same_result(known, row) and all(known.values[n] == row.values[n] for n in shared)):
            repeated.append(row)
    return list(kept.values()), repeated


def _find(rows: Sequence[Row], wanted: Row) -> Row | None:
    return next((row for row in rows if row_key(row) == row_key(wanted)), None)


def _agrees(text: Row, full: Row) -> bool:
    """Whether a row in words can be this row of the full table: same result, and no setting contradicted."""
    return same_result(text, full) and all(
        full.values[name] == value for name, value in text.described.items() if name in full.values
    )


def _match(words: Sequence[Row], main: Sequence[Row]) -> dict[int, str]:
    """Row identity to key, for rows in words that are a trial of the full table, under its own number or another."""
    aliases = {
        id(row): row_key(row) for row in words if (found := _find(main, row)) is not None and _agrees(row, found)
    }
    taken = set(aliases.values())
    for row in words:
        others = [full for full in main if row_key(full) not in taken and _agrees(row, full)]
        if id(row) not in aliases and len(others) == 1 and (row.described or row.score):
            aliases[id(row)] = row_key(others[0])
            taken.add(row_key(others[0]))
    return aliases


def _renumberings(text_rows: Sequence[tuple[Row, str]]) -> tuple[Renumbering, ...]:
    by_table: dict[int, list[tuple[Row, str]]] = {}
    for row, key in text_rows:
        if key != row_key(row):
            by_table.setdefault(row.table, []).append((row, key))
    return tuple(
        Renumbering(rows[0][0].section, rows[0][0].line, tuple((row_key(row), key) for row, key in rows))
        for rows in by_table.values()
    )


def _gaps(rows: Sequence[Row]) -> tuple[int, ...]:
    numbers = sorted({int(key) for row in rows if (key := row_key(row)).isdigit() and len(key) < 7})
    if len(numbers) < 3 or len(numbers) < len(rows) or numbers[-1] - numbers[0] > 3 * len(numbers):
        return ()
    return tuple(sorted(set(range(numbers[0], numbers[-1] + 1)) - set(numbers)))


class _Builder:
    """Completes settings: a row's own, else those of the trial it builds on, else the baseline's."""

    def __init__(self, record: HandRecord, first: Row, given: Collection[str]) -> None:
        self._measure = record.measure
        self._first = first
        self._given = given
        self._unsaid = {name: _unsaid(name, first) for name in given}

    def trials(self, rows: Sequence[Row], before: Sequence[AuditTrial]) -> list[AuditTrial]:
        known: list[AuditTrial] = list(before)
        for row in rows:
            known.append(self._trial(row, known, bool(before)))
        return known[len(before) :]

    def _trial(self, row: Row, known: Sequence[AuditTrial], only_in_text: bool) -> AuditTrial:
        base = self._base_values(row, known)
        values = {name: row.values.get(name, base.get(name, self._unsaid[name])) for name in self._given}
        failed = _nothing_right(row, self._measure) or self._said_and_low(row)
        nothing = 0.0 if self._measure.kind is MeasureKind.SHARE else -math.inf
        return AuditTrial(
            key=row_key(row),
            label=row.trial,
            order=len(known),
            configuration=_configuration(values),
            score=row.score,
            value=self._measure.sign * row.score.value if row.score is not None else nothing,
            failed=failed,
            row=row,
            extra=row.extra,
            assumed=tuple(n for n in values if n not in row.values and row.kind is TableKind.SETTINGS and n in base),
            only_in_text=only_in_text,
            unread=bool(row.unknown) or (bool(row.change) and not row.values and row is not self._first),
        )

    def _said_and_low(self, row: Row) -> bool:
        """Said to have broken, with less than half of the baseline's share: a collapse that still guesses a few."""
        if row.score is None or self._first.score is None or self._measure.kind is not MeasureKind.SHARE:
            return False
        return row.said_to_fail and 2 * row.score.value < self._first.score.value

    def _base_values(self, row: Row, known: Sequence[AuditTrial]) -> Mapping[str, Level]:
        base: AuditTrial | None = None
        if row.kind is TableKind.CHANGES and row.builds_on == "best":
            scored = [t for t in known if t.score is not None and not t.failed]
            base = max(scored, key=lambda t: t.value, default=None)
        elif row.kind is TableKind.CHANGES and row.builds_on not in (None, "baseline"):
            base = next((t for t in known if t.key == key_of(row.builds_on or "")), None)
        return base.configuration.as_dict() if base is not None else self._first.values


def _unsaid(factor: str, first: Row) -> Level | None:
    """What stands for a factor that the baseline does not give. Of batch size and accumulation one is enough."""
    if factor in (BATCH, ACCUMULATION) and {BATCH, ACCUMULATION} & first.values.keys():
        return None
    return UNSAID if FACTOR_KINDS[factor].value_type in (int, float) else None


def _configuration(values: Mapping[str, Level | None]) -> Configuration:
    """Settings that the record does not give stay at one value for all trials, so that they never make a difference;
    batch size and accumulation are then 1, so that their product is what is given."""
    filled: dict[str, Level] = {BATCH: 1, ACCUMULATION: 1}
    filled |= {name: value for name, value in values.items() if value is not None}
    return Configuration(**filled)  # type: ignore[arg-type]
