"""What a hand-written record says, as plain values: the input of the audit.

`audit.read` reads files into these types; nothing here knows Markdown, CSV or a language. Numbers are kept with
the precision they were printed at, because the number of test examples is inferred from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from tunebook.core.factor import Level

__all__ = [
    "BestBlock",
    "Claim",
    "ClaimKind",
    "ColumnUse",
    "Difference",
    "HandRecord",
    "Measure",
    "MeasureKind",
    "Note",
    "Row",
    "Said",
    "Score",
    "TableKind",
    "UnreadCell",
]


@dataclass(frozen=True)
class Score:
    """One printed result.

    Attributes:
        value: in [0, 1] for a share of right answers; as printed for other measures.
        unit: one in the last printed place, in the same scale (0.0001 for "0.3128" and for "31.28 %").
        correct, total: when the cell gives a fraction ("112/358").
        spread: what stands behind a ±, in the same scale; None without.
    """

    value: float
    unit: float
    correct: int | None = None
    total: int | None = None
    spread: float | None = None


class MeasureKind(StrEnum):
    """What the result column holds."""

    SHARE = "share"  # a share of right answers: counts can be tested
    SCORE = "score"  # another number of which higher is better: BLEU, ROUGE, F1
    LOSS = "loss"  # a number of which lower is better: loss, perplexity


@dataclass(frozen=True)
class Measure:
    """The result column.

    Attributes:
        name: its header.
        split: "test", "validation", "overall" or "" where the header does not say.
        others: headers of further result columns; they are kept with each row, and a claim that one of them bears out
            is not called false.
    """

    name: str
    kind: MeasureKind = MeasureKind.SHARE
    split: str = ""
    others: tuple[str, ...] = ()

    @property
    def sign(self) -> int:
        """+1 where higher is better, -1 where lower is."""
        return -1 if self.kind is MeasureKind.LOSS else 1


@dataclass(frozen=True)
class Difference:
    """A difference from the baseline as a column or a sentence prints it.

    Attributes:
        value, unit: the number with its sign, and one in its last printed place.
        points: True: percentage points; False: something in per cent, which may be points or relative to the
            baseline; None: a plain number, which may be accuracy in [0, 1] too.
    """

    value: float
    unit: float
    points: bool | None


class TableKind(StrEnum):
    """How a table gives the settings of its trials."""

    SETTINGS = "settings"  # a column for each factor
    CHANGES = "changes"  # a free-text description of what was changed


@dataclass(frozen=True, kw_only=True)
class Row:
    """One trial as one table gives it.

    Attributes:
        trial: the label as written, marks removed ("exp10"); the row's number where there is none.
        line: line of the file, from 1.
        table: which table of the document, from 0.
        kind: how that table gives settings.
        section: the nearest heading above, "" without.
        values: settings by full factor name: the row's columns, or what its description names.
        extra: settings that are no factor of tunebook's, as written, by their header ("optimizer": "lion").
        unknown: columns whose cell could not be read surely; nothing is said of this trial's settings then.
        builds_on: the trial (its label, "best" or "baseline") that the description says it builds on, or None.
        score: the result; None when the cell has none.
        others: further results by header.
        failed: the cell says that training failed.
        change, analysis: the free text, marks removed.
        is_baseline: called the baseline in words.
        seed: as written, None without a seed column.
        described: the settings that its description names; equal to `values` without factor columns.
        fully_described: nothing in the description was left unread.
        difference: from the baseline, as printed in a column of its own; None without.
        said_to_fail: the free text says that training broke; believed where the result is low too.
        round: the round's number, from a column or the heading, else the heading itself.
        key: by which text refers to it, "" for the number in its label.
    """

    trial: str
    line: int
    table: int
    kind: TableKind
    section: str = ""
    values: Mapping[str, Level] = field(default_factory=dict)
    extra: Mapping[str, str] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    builds_on: str | None = None
    score: Score | None = None
    others: Mapping[str, Score] = field(default_factory=dict)
    failed: bool = False
    change: str = ""
    analysis: str = ""
    is_baseline: bool = False
    seed: str | None = None
    described: Mapping[str, Level] = field(default_factory=dict)
    fully_described: bool = False
    difference: Difference | None = None
    said_to_fail: bool = False
    round: str = ""
    key: str = ""


class ClaimKind(StrEnum):
    """What a sentence claims."""

    LEVELS = "levels"  # one level of a factor is better (worse) than another, or than the baseline's
    BEST_LEVEL = "best_level"  # a level (or a range) is the best of its factor
    TREND = "trend"  # more (less) of a factor is better (worse)
    BOUNDARY = "boundary"  # training fails above (below) a level
    NO_EFFECT = "no_effect"  # a factor, or a level, makes no difference
    IMPORTANCE = "importance"  # a factor matters most, or factors in the order in which they matter
    TRIALS = "trials"  # one trial is better (worse) than another, or than the baseline
    BEST_TRIAL = "best_trial"  # a trial, or the settings named, is the best of the record
    UNREAD = "unread"  # a claim in words that was not surely read


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One claim of the record's text.

    Attributes:
        kind: what it claims.
        text: the sentence as written, marks removed.
        line, section: where it stands.
        factor: the factor it is about; of an order the first.
        order: factors in the order of importance that a sentence gives.
        levels, against: levels claimed better and the ones they are compared with; `against` empty: the baseline's.
        is_range: `levels` are the two ends of an interval.
        exact: of a boundary: it fails at the level, of which nothing is said beyond.
        direction: +1 better (or: more is better, or: fails above), -1 worse (fails below), 0 no difference.
        no_more: with direction 0: only "not better" (+1) or "not worse" (-1) is claimed.
        trials, against_trials: labels named as subject and as comparison; "baseline" and "best" are allowed.
        values: settings that a best-configuration claim names.
        so_far: the best of the trials up to this one only.
        round: the best of this round only ("" for the whole record).
        gap: the difference that the sentence gives, without sign; None without.
        block: from a best-configuration block.
    """

    kind: ClaimKind
    text: str
    line: int
    section: str = ""
    factor: str | None = None
    order: tuple[str, ...] = ()
    levels: tuple[Level, ...] = ()
    against: tuple[Level, ...] = ()
    is_range: bool = False
    exact: bool = False
    direction: int = 1
    no_more: int = 0
    trials: tuple[str, ...] = ()
    against_trials: tuple[str, ...] = ()
    values: Mapping[str, Level] = field(default_factory=dict)
    so_far: bool = False
    round: str = ""
    gap: Difference | None = None
    block: bool = False


@dataclass(frozen=True)
class Said:
    """An accuracy that a sentence gives for one trial: "exp5 achieved 57.5%"."""

    trial: str
    score: Score
    line: int
    section: str = ""


@dataclass(frozen=True)
class BestBlock:
    """A best-configuration block: settings, and the accuracy and trial it names."""

    line: int
    values: Mapping[str, Level]
    score: Score | None = None
    trial: str | None = None


@dataclass(frozen=True)
class Note:
    """Something the reader wants known. `code` is put into words by the templates; values fill them."""

    code: str
    values: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class ColumnUse:
    """What a column was taken for: `role` is a code (factor, result, other_result, trial, place, unused, ...)."""

    line: int
    header: str
    role: str
    factor: str = ""


@dataclass(frozen=True)
class UnreadCell:
    """A cell that was not surely read, and is not used; `why` is a code (range, about, scale, words, ...)."""

    line: int
    trial: str
    column: str
    cell: str
    why: str


@dataclass(frozen=True, kw_only=True)
class HandRecord:
    """A hand-written record as read.

    Attributes:
        source: the file's name, for messages and headings.
        language: "en" or "zh", of its text.
        measure: what the results are.
        rows: of all tables, in document order.
        claims: of the text and of the analysis cells, in document order.
        best_blocks: best-configuration blocks.
        stated_examples: numbers of test examples that the text gives.
        seeds: how many seeds each result is the mean of, as the text says; None for one run each.
        columns, unread_cells, notes: what was taken for what, what was not read, and what was assumed.
        said: accuracies that sentences give for a trial.
    """

    source: str
    language: str
    measure: Measure
    rows: tuple[Row, ...]
    claims: tuple[Claim, ...] = ()
    best_blocks: tuple[BestBlock, ...] = ()
    stated_examples: tuple[int, ...] = ()
    seeds: int | None = None
    columns: tuple[ColumnUse, ...] = ()
    unread_cells: tuple[UnreadCell, ...] = ()
    notes: tuple[Note, ...] = ()
    said: tuple[Said, ...] = ()
