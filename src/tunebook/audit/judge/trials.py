"""From the rows of a record's tables to its trials: which row is which trial, and with which settings.

A record may give a trial twice: in a round's table, in words, and in a full table of all settings. Where the two
agree by number they are one trial. Where a round's row agrees with the full table only under another number, the
record was renumbered, and the full table's number counts.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tunebook.audit.labels import key_of, whole
from tunebook.audit.model import UNSAID, Difference, HandRecord, Measure, MeasureKind, Note, Row, Score, TableKind
from tunebook.core.configuration import Configuration
from tunebook.core.factor import FACTOR_KINDS, Level

BATCH, ACCUMULATION = "per_device_train_batch_size", "gradient_accumulation_steps"


@dataclass(frozen=True, kw_only=True)
class AuditTrial:
    """One trial of a record."""

    key: str  # by which text refers to it: the number in its label, else the label in lower case
    label: str  # as the tables write it
    order: int  # position in the record, from 0
    configuration: Configuration  # factors that the record does not give have one value for all trials
    extra: Mapping[str, str] = field(default_factory=dict)  # settings that tunebook does not know, by header
    score: Score | None  # as printed
    value: float  # the result with a sign so that higher is better; what failed without a result is lowest
    failed: bool  # the record says so, or nothing was right
    row: Row  # that it was read from; of the full table where there is one
    assumed: tuple[str, ...] = ()  # factors that its row leaves blank and that were taken from the baseline
    only_in_text: bool = False  # in a round's table only, though the record has a full table
    unread: bool = False  # a setting was not surely read, so nothing is known of its settings


@dataclass(frozen=True)
class Renumbering:
    """A round's table whose numbers are those of other trials in the full table: pairs of (text's, full table's)."""

    section: str
    line: int
    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class TrialTable:
    """All trials of a record, in order."""

    trials: tuple[AuditTrial, ...]
    baseline: str  # its key
    baseline_named: bool  # the record says which it is; else it is the first row
    factors: tuple[str, ...]  # that the record gives, in its own order
    measure: Measure
    extras: tuple[str, ...] = ()  # other settings
    text_rows: tuple[tuple[Row, str], ...] = ()  # rows in words, with the key of the trial that each turned out to be
    renumbered: tuple[Renumbering, ...] = ()
    missing: tuple[int, ...] = ()  # numbers left out between the first and the last
    repeated: tuple[Row, ...] = ()  # rows that give a trial again with other settings or another result
    notes: tuple[Note, ...] = ()
    sections: Mapping[tuple[str, str], str] = field(default_factory=dict)  # section and number there to key
    ambiguous: frozenset[str] = frozenset()  # labels that stand for several trials of one table
    unsure: frozenset[str] = frozenset()  # columns of which it is not sure that they are settings

    def get(self, key: str) -> AuditTrial | None:
        """The trial of that key, or None."""
        return next((trial for trial in self.trials if trial.key == key), None)

    def resolve(self, number: str, section: str) -> AuditTrial | None:
        """The trial that a text means by a number or label; in a renumbered section by that section's numbers."""
        key = key_of(number)
        if key in self.ambiguous:
            return None
        return self.get(whole(number)) or self.get(self.sections.get((section, key), key))


def row_key(row: Row) -> str:
    """The key of the trial that a row gives."""
    return row.key or key_of(row.trial)


def same_result(a: Row, b: Row) -> bool:
    """Whether two rows print the same result, as far as their precision goes."""
    gone = [row.failed or (row.score is not None and row.score.value == 0.0) for row in (a, b)]
    if any(gone) or a.score is None or b.score is None:
        return all(gone) or (not any(gone) and a.score is b.score)
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
    by_key = {row_key(row): row for row in main}
    called = next((row for row in (*main, *words) if row.is_baseline and row_key(row) in by_key), None)
    read = next((row for row in main if not row.unknown), main[0])
    first = by_key[row_key(called)] if called is not None else _by_differences(main) or read
    builder = _Builder(record.measure, first, (*full, *words, first))
    trials = builder.trials(main, ())
    unsaid = [n for n, level in trials[main.index(first)].configuration.as_dict().items() if level == UNSAID]
    if unsaid:
        notes.append(Note("baseline_unsaid", {"trial": first.trial, "factors": tuple(unsaid)}))
    aliases = _match(words, by_key) if full else {}
    extra = [row for row in words if full and id(row) not in aliases and row_key(row) not in by_key]
    trials += builder.trials(_distinct(extra)[0], trials)
    known = {trial.key for trial in trials}
    in_words = [row for row in words if full or row in main]
    text_rows = tuple((row, key) for row in in_words if (key := aliases.get(id(row), row_key(row))) in known)
    return TrialTable(
        trials=tuple(trials),
        baseline=row_key(first),
        baseline_named=called is not None,
        factors=tuple(dict.fromkeys(name for row in (*main, *words) for name in row.values)),
        extras=tuple(dict.fromkeys(name for row in main for name in row.extra)),
        measure=record.measure,
        text_rows=text_rows,
        renumbered=_renumberings(text_rows),
        missing=_gaps(main, _listed(record.notes)),
        repeated=tuple(repeated),
        notes=tuple(notes),
        sections={(row.section, row_key(row)): key for row, key in text_rows},
        ambiguous=ambiguous,
        unsure=frozenset(use.header for use in record.columns if use.role in _UNSURE).union(
            *(r.unsettled for r in main)
        ),
    )


def _by_differences(rows: Sequence[Row]) -> Row | None:
    """The one row with which a column of differences compares all others, where the numbers say so."""
    compared = [row for row in rows if row.difference is not None and row.score is not None]
    bases = [
        base
        for base in rows
        if base.score is not None and (base.difference is None or base.difference.value == 0)
        if base.score.value > 0 and all(row is base or _fits(row, base.score) for row in compared)
    ]
    return bases[0] if len(compared) > 1 and len(bases) == 1 else None


def _fits(row: Row, base: Score) -> bool:
    return row.difference is not None and row.score is not None and difference_fits(row.difference, row.score, base)


def difference_fits(said: Difference, own: Score, base: Score, signed: bool = True) -> bool:
    """Whether a printed difference is that of two results, in points or in per cent of the second; in a sentence it has
    no sign, and per cents are often cut off."""
    gap, slack = own.value - base.value, (own.unit + base.unit) / 2
    gap = gap if signed else abs(gap)
    unit = said.unit / (2 if signed or said.points else 1)
    scales = [100.0] if said.points or base.value <= 0 else [100.0, 100.0 / base.value]
    scales += [1.0, float(base.total or 1)] if said.points is None else []
    return any(abs(said.value - scale * gap) <= unit + scale * slack + 1e-6 for scale in scales)


def _told_apart(rows: Sequence[Row]) -> tuple[list[Row], frozenset[str]]:
    """Rows of one table are trials of their own, whatever their labels. Those that give a label again are told apart by
    their seed, else by their place; a text that uses such a label alone does not say which it means."""
    seen: dict[tuple[int, str], list[str | None]] = {}
    result: list[Row] = []
    ambiguous: set[str] = set()
    for row in rows:
        key = row_key(row)
        seeds = seen.setdefault((row.table, key), [])
        if seeds and row.seed is not None and row.seed not in seeds:
            row = replace(row, trial=f"{row.trial} (seed {row.seed})", key=f"{key}/seed{whole(row.seed)}")
        elif seeds:
            ambiguous.add(key)
            row = replace(row, trial=f"{row.trial} ({len(seeds) + 1})", key=f"{key}/{len(seeds) + 1}")
        seeds.append(row.seed)
        result.append(row)
    return result, frozenset(ambiguous)


def _restarted(rows: Sequence[Row]) -> list[Row]:
    """Rows of tables that each begin to number at the same label get the table's number before theirs: "2.1".

    Told by the numbers that come up in several tables: most of them stand for different trials.
    """
    by_key: dict[str, list[Row]] = {}
    for row in rows:
        by_key.setdefault(row_key(row), []).append(row)
    shared = [group for group in by_key.values() if len({row.table for row in group}) > 1]
    different = [g for g in shared if not all(_agrees(g[0], row) and _agrees(row, g[0]) for row in g[1:])]
    apart = bool(shared) and any("table" in row.extra for row in rows)
    if not apart and len(different) <= max(1, len(shared) // 2):
        return list(rows)
    tables = list(dict.fromkeys(row.table for row in rows))
    names = [f"{tables.index(row.table) + 1}.{row_key(row)}" for row in rows]
    return [replace(row, trial=name, key=name) for row, name in zip(rows, names, strict=True)]


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


def _agrees(text: Row, full: Row) -> bool:
    """Whether a row in words can be this row of the full table: same result, and no setting contradicted."""
    named = text.described.items()
    return same_result(text, full) and all(full.values[n] == level for n, level in named if n in full.values)


def _match(words: Sequence[Row], main: Mapping[str, Row]) -> dict[int, str]:
    """Row identity to key, for rows in words that are a trial of the full table, under its own number or another."""
    aliases = {id(row): key for row in words if (key := row_key(row)) in main and _agrees(row, main[key])}
    for row in words:
        others = [key for key, full in main.items() if key not in aliases.values() and _agrees(row, full)]
        if id(row) not in aliases and len(others) == 1 and (row.described or row.score):
            aliases[id(row)] = others[0]
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


_UNSURE = ("unsure", "ambiguous")
_NO_TRIALS = ("no_result_rows", "reference_row")


def _listed(notes: Iterable[Note]) -> frozenset[str]:
    """Keys of rows that stand in a table and are no trials: to come, not finished, the model without training."""
    named = [note.values for note in notes if note.code in _NO_TRIALS]
    labels = [label for values in named for label in (values.get("trials"), values.get("trial")) if label]
    each = [name for label in labels for name in (label if isinstance(label, tuple) else (label,))]
    return frozenset(key_of(str(name)) for name in each)


def _gaps(rows: Sequence[Row], listed: frozenset[str]) -> tuple[int, ...]:
    numbers = sorted({int(key) for row in rows if (key := row_key(row)).isdigit() and len(key) < 7})
    if len(numbers) < 3 or len(numbers) < len(rows) or numbers[-1] - numbers[0] > 3 * len(numbers):
        return ()
    missing = set(range(numbers[0], numbers[-1] + 1)) - set(numbers)
    return tuple(sorted(n for n in missing if str(n) not in listed))


class _Builder:
    """Completes settings: a row's own, else those of the trial it builds on, else the baseline's."""

    def __init__(self, measure: Measure, first: Row, rows: Iterable[Row]) -> None:
        self._share = measure.kind is MeasureKind.SHARE
        self._sign = measure.sign
        self._first = first
        self._unsaid = {name: _unsaid(name, first) for row in rows for name in row.values}

    def trials(self, rows: Sequence[Row], before: Sequence[AuditTrial]) -> list[AuditTrial]:
        known: list[AuditTrial] = list(before)
        for row in rows:
            known.append(self._trial(row, known, bool(before)))
        return known[len(before) :]

    def _trial(self, row: Row, known: Sequence[AuditTrial], only_in_text: bool) -> AuditTrial:
        found = self._base_values(row, known)
        base = found or {}
        values = {name: row.values.get(name, base.get(name, unsaid)) for name, unsaid in self._unsaid.items()}
        nothing = 0.0 if self._share else -math.inf
        return AuditTrial(
            key=row_key(row),
            label=row.trial,
            order=len(known),
            configuration=_configuration(values),
            score=row.score,
            value=self._sign * row.score.value if row.score is not None else nothing,
            failed=row.failed or self._nothing_learned(row),
            row=row,
            extra=row.extra,
            assumed=tuple(
                n
                for n in values
                if n not in row.values and row.kind is TableKind.SETTINGS and n in base and not row.unknown
            ),
            only_in_text=only_in_text,
            unread=bool(row.unknown) or found is None,
        )

    def _nothing_learned(self, row: Row) -> bool:
        """Nothing right, or said to have broken and less than half of the baseline's share: a collapse that still
        guesses a few."""
        if not self._share or row.score is None:
            return False
        low = self._first.score is not None and 2 * row.score.value < self._first.score.value
        return row.score.value == 0.0 or (row.said_to_fail and low)

    def _base_values(self, row: Row, known: Sequence[AuditTrial]) -> Mapping[str, Level] | None:
        """What a row leaves out; None where it builds on a trial that is not known, or of which nothing is known."""
        base: AuditTrial | None = None
        if row.kind is TableKind.CHANGES and row.builds_on == "best":
            scored = [t for t in known if t.score is not None and not t.failed]
            base = max(scored, key=lambda t: t.value, default=None)
        elif row.kind is TableKind.CHANGES and row.builds_on not in (None, "baseline"):
            base = next((t for t in known if t.key in (key_of(row.builds_on or ""), whole(row.builds_on or ""))), None)
            if (base is None or base.unread) and row_key(row) != row_key(self._first):
                return None
        if row.table != self._first.table and "table" in row.extra:
            return {}  # a table that nothing connects with the baseline's: what it leaves out is not known
        return base.configuration.as_dict() if base is not None else self._first.values


def _unsaid(factor: str, first: Row) -> Level | None:
    """What stands for a factor that the baseline does not give. Of batch size and accumulation one is enough."""
    if factor in (BATCH, ACCUMULATION) and factor not in first.values and {BATCH, ACCUMULATION} & first.values.keys():
        return None
    kind = FACTOR_KINDS[factor]
    return UNSAID if kind.value_type in (int, float) else "" if kind.value_type is str and kind.choices else None


def _configuration(values: Mapping[str, Level | None]) -> Configuration:
    """Settings that the record does not give stay at one value for all trials, so that they never make a difference;
    batch size and accumulation are then 1, so that their product is what is given."""
    filled: dict[str, Level] = {BATCH: 1, ACCUMULATION: 1}
    filled |= {name: value for name, value in values.items() if value is not None}
    return Configuration(**filled)  # type: ignore[arg-type]
