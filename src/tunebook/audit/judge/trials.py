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

from tunebook.audit.model import Accuracy, HandRecord, Note, Row, TableKind
from tunebook.core.configuration import Configuration
from tunebook.core.factor import FACTOR_KINDS, Level

__all__ = [
    "UNSAID",
    "AuditTrial",
    "Renumbering",
    "TrialTable",
    "key_of",
    "nothing_right",
    "row_key",
    "same_accuracy",
    "same_result",
    "trials_of",
]

BATCH, ACCUMULATION = "per_device_train_batch_size", "gradient_accumulation_steps"

UNSAID = -1
"""Stands for the level of a numeric factor that other trials name and the baseline does not: unlike every level named,
so that a trial that names one is never taken for the baseline's own training."""


@dataclass(frozen=True)
class AuditTrial:
    """One trial of a record.

    Attributes:
        key: by which text refers to it: the number in its label, else the label in lower case.
        label: as the tables write it.
        order: position in the record, from 0.
        configuration: its settings; factors that the record does not give have one value for all trials.
        accuracy: as printed, None without.
        failed: the record says so, or nothing was right.
        row: the row it was read from; of the full table where there is one.
        assumed: factors that its row leaves blank and that were taken from the baseline.
        only_in_text: in a round's table only, though the record has a full table.
        unread: what was changed is given in words that name no known setting, so nothing is known of its settings.
    """

    key: str
    label: str
    order: int
    configuration: Configuration
    accuracy: Accuracy | None
    failed: bool
    row: Row
    assumed: tuple[str, ...] = ()
    only_in_text: bool = False
    unread: bool = False


@dataclass(frozen=True)
class Renumbering:
    """A round's table whose numbers are those of other trials in the full table: pairs of (text's, full table's)."""

    section: str
    line: int
    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class TrialTable:
    """All trials of a record.

    Attributes:
        trials: in order.
        baseline: key of the baseline; `baseline_named` whether the record says so (else it is the first row).
        factors: factors that the record gives, in its own order.
        text_rows: rows that describe a trial in words, with the key of the trial that each turned out to be.
        renumbered: rounds whose numbers do not match the full table.
        missing: numbers left out between the first and the last.
        repeated: rows that give a trial again with other settings or another result.
    """

    trials: tuple[AuditTrial, ...]
    baseline: str
    baseline_named: bool
    factors: tuple[str, ...]
    text_rows: tuple[tuple[Row, str], ...] = ()
    renumbered: tuple[Renumbering, ...] = ()
    missing: tuple[int, ...] = ()
    repeated: tuple[Row, ...] = ()
    notes: tuple[Note, ...] = ()
    sections: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def get(self, key: str) -> AuditTrial | None:
        """The trial of that key, or None."""
        return next((trial for trial in self.trials if trial.key == key), None)

    def resolve(self, number: str, section: str) -> AuditTrial | None:
        """The trial that a text means by a number or label; in a renumbered section by that section's numbers."""
        whole = _whole(number)
        if self.get(whole) is not None:
            return self.get(whole)
        key = key_of(number)
        return self.get(self.sections.get((section, key), key))


def key_of(label: str) -> str:
    """The number in a label with exactly one ("exp16" -> "16"), else the label in lower case without blanks."""
    numbers = re.findall(r"\d+", label)
    if len(numbers) == 1:
        return str(int(numbers[0]))
    return _whole(label)


def _whole(label: str) -> str:
    return re.sub(r"\s+", "", label).casefold()


def row_key(row: Row) -> str:
    """The key of the trial that a row gives."""
    return row.key or key_of(row.trial)


def nothing_right(row: Row) -> bool:
    """Whether a row's trial did not work: said to have failed, or not one example right."""
    return row.failed or (row.accuracy is not None and row.accuracy.value == 0.0)


def same_result(a: Row, b: Row) -> bool:
    """Whether two rows print the same result, as far as their precision goes."""
    if nothing_right(a) or nothing_right(b):
        return nothing_right(a) and nothing_right(b)
    if a.accuracy is None or b.accuracy is None:
        return a.accuracy is b.accuracy
    return same_accuracy(a.accuracy, b.accuracy)


def same_accuracy(a: Accuracy, b: Accuracy) -> bool:
    """Whether two printed accuracies can be one, as far as their precision goes."""
    return abs(a.value - b.value) <= (a.unit + b.unit) / 2 + 1e-9


def trials_of(record: HandRecord) -> TrialTable:
    """The trials of a record. Needs at least one row."""
    rows = _seeds_apart(_told_apart(record.rows))
    full = [row for row in rows if row.kind is TableKind.SETTINGS]
    words = [row for row in rows if row.kind is TableKind.CHANGES]
    before = [row.trial for row in full or words]
    full, words = _restarted(full), words if full else _restarted(words)
    notes = [] if [row.trial for row in full or words] == before else [Note("numbers_restart")]
    main, repeated = _distinct(full or words)
    baseline_row = next((row for row in (*main, *words) if row.is_baseline and _find(main, row) is not None), None)
    baseline = _find(main, baseline_row) if baseline_row is not None else None
    first = baseline or main[0]
    factors = tuple(dict.fromkeys(name for row in (*main, *words) for name in row.values))
    given = {name for row in (*full, *words, first) for name in row.values}
    trials = _with_settings(main, first, given)
    unsaid = [n for n, level in trials[main.index(first)].configuration.as_dict().items() if level == UNSAID]
    if unsaid:
        notes.append(Note("baseline_unsaid", {"trial": first.trial, "factors": tuple(unsaid)}))
    aliases = _match(words, main) if full else {}
    extra = [row for row in words if full and id(row) not in aliases and not _has(main, row)]
    trials += _with_settings(_distinct(extra)[0], first, given, trials) if extra else []
    by_key = {trial.key for trial in trials}
    text_rows = tuple((row, aliases.get(id(row), row_key(row))) for row in words if full or row in main)
    return TrialTable(
        tuple(trials),
        row_key(first),
        baseline is not None,
        factors,
        tuple((row, key) for row, key in text_rows if key in by_key),
        _renumberings(text_rows),
        _gaps(main),
        tuple(repeated),
        tuple(notes),
        _section_names(text_rows),
    )


def _told_apart(rows: Sequence[Row]) -> list[Row]:
    """Rows of labels such as "a1", "b1", which share a number in one table, go by the whole label."""
    names: dict[tuple[int, str], set[str]] = {}
    for row in rows:
        names.setdefault((row.table, key_of(row.trial)), set()).add(_whole(row.trial))
    shared = {label for labels in names.values() if len(labels) > 1 for label in labels}
    return [replace(row, key=_whole(row.trial)) if _whole(row.trial) in shared else row for row in rows]


def _seeds_apart(rows: Sequence[Row]) -> list[Row]:
    """Rows of one table that give a trial again with another seed are trials of their own."""
    first: dict[tuple[int, str], str | None] = {}
    result = []
    for row in rows:
        key = row_key(row)
        if row.seed is None or first.setdefault((row.table, key), row.seed) == row.seed:
            result.append(row)
        else:
            result.append(replace(row, trial=f"{row.trial} (seed {row.seed})", key=f"{key}/seed{_whole(row.seed)}"))
    return result


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
    return [replace(row, trial=f"{numbers[row.table]}.{row_key(row)}", key="") for row in rows]


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


def _has(rows: Sequence[Row], wanted: Row) -> bool:
    return _find(rows, wanted) is not None


def _agrees(text: Row, full: Row) -> bool:
    """Whether a row in words can be this row of the full table: same result, and no setting contradicted."""
    return same_result(text, full) and all(
        full.values[name] == value for name, value in text.described.items() if name in full.values
    )


def _match(words: Sequence[Row], main: Sequence[Row]) -> dict[int, str]:
    """Row identity to key, for rows in words that are a trial of the full table, under its own number or another."""
    aliases: dict[int, str] = {}
    taken: set[str] = set()
    for row in words:
        same_number = _find(main, row)
        if same_number is not None and _agrees(row, same_number):
            aliases[id(row)] = row_key(row)
            taken.add(row_key(row))
    for row in words:
        if id(row) in aliases:
            continue
        others = [full for full in main if row_key(full) not in taken and _agrees(row, full)]
        if len(others) == 1 and (row.described or row.accuracy):
            aliases[id(row)] = key_of(others[0].trial)
            taken.add(key_of(others[0].trial))
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


def _section_names(text_rows: Sequence[tuple[Row, str]]) -> dict[tuple[str, str], str]:
    return {(row.section, row_key(row)): key for row, key in text_rows}


def _gaps(rows: Sequence[Row]) -> tuple[int, ...]:
    numbers = sorted({int(key) for row in rows if (key := row_key(row)).isdigit() and len(key) < 7})
    if len(numbers) < 3 or numbers[-1] - numbers[0] > 3 * len(numbers):
        return ()
    return tuple(sorted(set(range(numbers[0], numbers[-1] + 1)) - set(numbers)))


def _with_settings(
    rows: Sequence[Row],
    first: Row,
    given: Collection[str],
    before: Sequence[AuditTrial] = (),
) -> list[AuditTrial]:
    """Trials with complete settings: a row's own, else those of the trial it builds on, else the baseline's."""
    known: list[AuditTrial] = list(before)
    unsaid = {name: _unsaid(name, first) for name in given}
    result = []
    for row in rows:
        base = _base_values(row, first, known)
        values = {name: row.values.get(name, base.get(name, unsaid[name])) for name in given}
        assumed = tuple(n for n in values if n not in row.values and row.kind is TableKind.SETTINGS and n in base)
        trial = AuditTrial(
            row_key(row),
            row.trial,
            len(known),
            _configuration(values),
            row.accuracy,
            nothing_right(row) or _said_and_low(row, first),
            row,
            assumed,
            bool(before),
            unread=bool(row.change) and not row.values and row is not first,
        )
        known.append(trial)
        result.append(trial)
    return result


def _said_and_low(row: Row, first: Row) -> bool:
    """Said to have broken, with less than half of the baseline's accuracy: a collapse that still guesses a few."""
    both = row.accuracy is not None and first.accuracy is not None
    return both and row.said_to_fail and 2 * row.accuracy.value < first.accuracy.value  # type: ignore[union-attr]


def _unsaid(factor: str, first: Row) -> Level | None:
    """What stands for a factor that the baseline does not give. Of batch size and accumulation one is enough."""
    if factor in (BATCH, ACCUMULATION) and {BATCH, ACCUMULATION} & first.values.keys():
        return None
    return UNSAID if FACTOR_KINDS[factor].value_type in (int, float) else None


def _base_values(row: Row, first: Row, known: Sequence[AuditTrial]) -> Mapping[str, Level]:
    base: AuditTrial | None = None
    if row.kind is TableKind.CHANGES and row.builds_on == "best":
        scored = [t for t in known if t.accuracy is not None and not t.failed]
        base = max(scored, key=lambda t: t.accuracy.value if t.accuracy else -math.inf, default=None)
    elif row.kind is TableKind.CHANGES and row.builds_on not in (None, "baseline"):
        base = next((t for t in known if t.key == key_of(row.builds_on or "")), None)
    return base.configuration.as_dict() if base is not None else first.values


def _configuration(values: Mapping[str, Level | None]) -> Configuration:
    """Settings that the record does not give stay at one value for all trials, so that they never make a difference;
    batch size and accumulation are then 1, so that their product is what is given."""
    filled: dict[str, Level] = {BATCH: 1, ACCUMULATION: 1}
    filled |= {name: value for name, value in values.items() if value is not None}
    return Configuration(**filled)  # type: ignore[arg-type]
