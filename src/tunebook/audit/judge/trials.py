"""From the rows of a record's tables to its trials: which row is which trial, and with which settings.

A record may give a trial twice: in a round's table, in words, and in a full table of all settings. Where the two
agree by number they are one trial. Where a round's row agrees with the full table only under another number, the
record was renumbered, and the full table's number counts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from tunebook.audit.labels import key_of, whole
from tunebook.audit.model import Difference, HandRecord, Measure, MeasureKind, Note, Row, Score, TableKind
from tunebook.core.configuration import Configuration
from tunebook.core.factor import FACTOR_KINDS, Level
from tunebook.core.space import Folding, effective

BATCH, ACCUMULATION = "per_device_train_batch_size", "gradient_accumulation_steps"
EFFECTIVE_BATCH = "effective_batch_size"
"""Stands for batch size and accumulation together: only their product acts."""
RATIO = {"lora_r", "lora_alpha"}
_DEFAULTS = {
    name: default
    for name, default in vars(Configuration()).items()
    if FACTOR_KINDS[name].value_type not in (int, float, str) and default is not None
}
"""What holds of a switch of which a record does not speak. Of numbers and choices nothing is known then."""


@dataclass(frozen=True, kw_only=True)
class AuditTrial:
    """One trial of a record."""

    key: str  # by which text refers to it: the number in its label, else the label in lower case
    label: str  # as the tables write it
    order: int  # position in the record, from 0
    levels: Mapping[str, Level] = field(default_factory=dict)  # its settings by factor; what is not given is left out
    extra: Mapping[str, str] = field(default_factory=dict)  # settings that tunebook does not know, by header
    score: Score | None  # as printed
    value: float  # the result with a sign so that higher is better; what failed without a result is lowest
    failed: bool  # the record says so, or nothing was right
    row: Row  # that it was read from; of the full table where there is one
    assumed: bool = False  # its row leaves settings blank that were taken from the baseline
    unread: bool = False  # a setting was not surely read, so nothing is known of its settings

    @cached_property
    def acts(self) -> Mapping[str, Level]:
        """What acts of its given settings, by name. `max_length` is never folded: that takes the data."""
        batch, ratio = {BATCH, ACCUMULATION} <= self.levels.keys(), self.levels.keys() >= RATIO
        folded = effective(Configuration(**self.levels), Folding(batch_split=batch, scaling=ratio), None)  # type: ignore[arg-type]
        gone = {"gradient_checkpointing", *(["use_rslora"] if ratio else []), *([ACCUMULATION] if batch else [])}
        acts = {name: level for name, level in vars(folded).items() if name in self.levels.keys() - gone}
        return {**{EFFECTIVE_BATCH if batch and name == BATCH else name: acts[name] for name in acts}, **self.extra}

    @property
    def label_key(self) -> str:
        """The key of its label, whichever seed it had."""
        return self.key.partition("/seed")[0]


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
    repeated: tuple[Row, ...] = ()  # rows that give a trial again with other settings or another result
    notes: tuple[Note, ...] = ()
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
        there = (own for row, own in self.text_rows if (row.section, row_key(row)) == (section, key))
        return self.get(whole(number)) or self.get(next(there, key))


def row_key(row: Row) -> str:
    """The key of the trial that a row gives."""
    return row.key or key_of(row.trial)


def same_result(a: Row, b: Row) -> bool:
    """Whether two rows print the same result, as far as their precision goes."""
    gone = [row.failed or (row.score is not None and row.score.value == 0.0) for row in (a, b)]
    if any(gone) or a.score is None or b.score is None:
        return all(gone) or (not any(gone) and a.score is b.score)
    return a.score.agrees(b.score)


def difference_fits(said: Difference, own: Score, base: Score, signed: bool = True) -> bool:
    """Whether a printed difference is that of two results, in points or in per cent of the second; in a sentence it has
    no sign, and per cents are often cut off."""
    gap, slack = own.value - base.value, (own.unit + base.unit) / 2
    gap = gap if signed else abs(gap)
    unit = said.unit / (2 if signed or said.points else 1)
    scales = [100.0] if said.points or base.value <= 0 else [100.0, 100.0 / base.value]
    scales += [1.0, float(base.total or 1)] if said.points is None else []
    return any(abs(said.value - scale * gap) <= unit + scale * slack + 1e-6 for scale in scales)


def trials_of(record: HandRecord) -> TrialTable:
    """The trials of a record. Needs at least one row."""
    rows, ambiguous = _told_apart(record.rows)
    full = [row for row in rows if row.kind is TableKind.SETTINGS]
    words = [row for row in rows if row.kind is TableKind.CHANGES]
    all_rows = _restarted(full or words)
    notes = [Note("numbers_restart")] if all_rows[0].trial != (full or words)[0].trial else []
    words = words if full else all_rows
    by_key = {row_key(row): row for row in reversed(all_rows)}  # the first row of each trial counts
    main = [row for row in all_rows if row is by_key[row_key(row)]]
    called = next((row for row in (*main, *words) if row.is_baseline and row_key(row) in by_key), None)
    read = next((row for row in main if not row.unknown), main[0])
    first = by_key[row_key(called)] if called is not None else read
    aliases = _match(words, by_key) if full else {}
    extra = [row for row in words if id(row) not in aliases and row_key(row) not in by_key]
    names = tuple(dict.fromkeys(name for row in (*all_rows, *words, first) for name in row.values))
    trials: list[AuditTrial] = []
    for row in (*main, *extra):
        if row_key(row) not in {trial.key for trial in trials}:
            trials.append(_trial(row, trials, first, names, record.measure))
    not_given = [n for n in names if n not in trials[main.index(first)].levels and n != "gradient_checkpointing"]
    notes += [Note("baseline_unsaid", {"trial": first.trial, "factors": tuple(not_given)})] if not_given else []
    unsure = {use.header for use in record.columns if use.role == "unsure"}
    return TrialTable(
        trials=tuple(trials),
        baseline=row_key(first),
        baseline_named=called is not None,
        factors=tuple(dict.fromkeys(name for row in (*main, *words) for name in row.values)),
        extras=tuple(dict.fromkeys(name for row in main for name in row.extra)),
        measure=record.measure,
        text_rows=tuple((row, aliases.get(id(row), row_key(row))) for row in words if full or row in main),
        repeated=tuple(row for row in all_rows if not _agrees(row, by_key[row_key(row)])),
        notes=tuple(notes),
        ambiguous=ambiguous,
        unsure=frozenset(unsure.union(*(row.unsettled for row in main))),
    )


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
    different = [g for g in shared if not all(_agrees(g[0], row) for row in g[1:])]
    apart = bool(shared) and any("table" in row.extra for row in rows)
    if not apart and len(different) <= max(1, len(shared) // 2):
        return list(rows)
    tables = list(dict.fromkeys(row.table for row in rows))
    names = [f"{tables.index(row.table) + 1}.{row_key(row)}" for row in rows]
    return [replace(row, trial=name, key=name) for row, name in zip(rows, names, strict=True)]


def _agrees(row: Row, other: Row) -> bool:
    """Whether two rows can be one trial: same result, and no setting that one contradicts."""
    shared = row.values.keys() & other.values.keys()
    return row is other or (same_result(row, other) and all(row.values[n] == other.values[n] for n in shared))


def _match(words: Sequence[Row], main: Mapping[str, Row]) -> dict[int, str]:
    """Row identity to key, for rows in words that are a trial of the full table, under its own number or another."""
    aliases = {id(row): key for row in words if (key := row_key(row)) in main and _agrees(row, main[key])}
    for row in words:
        others = [key for key, full in main.items() if key not in aliases.values() and _agrees(row, full)]
        if id(row) not in aliases and len(others) == 1 and (row.described or row.score):
            aliases[id(row)] = others[0]
    return aliases


def _trial(row: Row, known: Sequence[AuditTrial], first: Row, names: Sequence[str], measure: Measure) -> AuditTrial:
    """A row as a trial: its own settings, else those of the trial it builds on, else the baseline's."""
    ground = _ground(row, known, first)
    base, share = ground or {}, measure.kind is MeasureKind.SHARE
    taken = row.kind is TableKind.SETTINGS and not row.unknown and any(n in base and n not in row.values for n in names)
    return AuditTrial(
        key=row_key(row),
        label=row.trial,
        order=len(known),
        levels=_levels({**base, **row.values}, names, first),
        extra=row.extra,
        score=row.score,
        value=measure.sign * row.score.value if row.score is not None else 0.0 if share else -math.inf,
        failed=row.failed or (share and _nothing_learned(row, first)),
        row=row,
        assumed=taken,
        unread=bool(row.unknown) or ground is None,
    )


def _nothing_learned(row: Row, first: Row) -> bool:
    """Nothing right, or said to have broken and less than half of the baseline's share: a collapse that still guesses a
    few."""
    if row.score is None:
        return False
    low = first.score is not None and 2 * row.score.value < first.score.value
    return row.score.value == 0.0 or (row.said_to_fail and low)


def _ground(row: Row, known: Sequence[AuditTrial], first: Row) -> Mapping[str, Level] | None:
    """The settings that a row leaves out; None where it builds on a trial of which nothing is known."""
    if row.table != first.table and "table" in row.extra:
        return {}  # a table that nothing connects with the baseline's: what it leaves out is not known
    if row.kind is TableKind.SETTINGS or row.builds_on in (None, "baseline"):
        return first.values
    if row.builds_on == "best":
        base = max((t for t in known if t.score and not t.failed), key=lambda t: t.value, default=None)
    else:
        base = next((t for t in known if t.key in (key_of(row.builds_on or ""), whole(row.builds_on or ""))), None)
        if (base is None or base.unread) and row_key(row) != row_key(first):
            return None
    return base.levels if base is not None else first.values


def _levels(given: Mapping[str, Level], names: Sequence[str], first: Row) -> dict[str, Level]:
    """The settings that are known of a trial. Of batch size and accumulation one is enough, where the baseline does not
    give the other."""
    found = {name: given.get(name, _DEFAULTS.get(name)) for name in names}
    levels = {name: level for name, level in found.items() if level is not None}
    for part, other in ((BATCH, ACCUMULATION), (ACCUMULATION, BATCH)):
        if other in levels and part not in first.values:
            levels.setdefault(part, 1)
    return levels
