"""What a hand-written record says, as plain values: the input of the audit.

`audit.read` reads files into these types; nothing here knows Markdown, CSV or a language. Numbers are kept with
the precision they were printed at, because the number of test examples is inferred from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tunebook.core.factor import Level


@dataclass(frozen=True)
class Score:
    """One printed result."""

    value: float  # in [0, 1] for a share of right answers; as printed for other measures
    unit: float  # one in the last printed place, in the same scale: 0.0001 for "0.3128" and for "31.28 %"
    correct: int | None = None  # of a fraction such as "112/358"
    total: int | None = None
    spread: float | None = None  # what stands behind a ±, in the same scale

    def agrees(self, other: Score) -> bool:
        """Whether two printed results can be one, as far as their precision goes."""
        return abs(self.value - other.value) <= (self.unit + other.unit) / 2 + 1e-9


class MeasureKind(StrEnum):
    """What the result column holds."""

    SHARE = "share"  # a share of right answers: counts can be tested
    SCORE = "score"  # another number of which higher is better: BLEU, ROUGE, F1
    LOSS = "loss"  # a number of which lower is better: loss, perplexity

    @property
    def sign(self) -> int:
        """+1 where higher is better, -1 where lower is."""
        return -1 if self is MeasureKind.LOSS else 1


@dataclass(frozen=True)
class Measure:
    """The result column."""

    name: str  # its header
    kind: MeasureKind = MeasureKind.SHARE
    split: str = ""  # "test", "validation", "overall" or "" where the header does not say
    others: tuple[str, ...] = ()  # further result columns; a claim that one of them bears out is not called false
    other_kinds: tuple[MeasureKind, ...] = ()  # what these hold, in the same order
    decided: bool = False  # the text says that it compares by this one

    @property
    def sign(self) -> int:
        """+1 where higher is better, -1 where lower is."""
        return self.kind.sign


@dataclass(frozen=True)
class Difference:
    """A difference from another trial as a column or a sentence prints it."""

    value: float  # with its sign
    unit: float  # one in its last printed place
    points: bool | None  # True: points; False: per cent, of points or of the baseline; None: a plain number


class TableKind(StrEnum):
    """How a table gives the settings of its trials."""

    SETTINGS = "settings"  # a column for each factor
    CHANGES = "changes"  # a free-text description of what was changed


@dataclass(frozen=True, kw_only=True)
class Row:
    """One trial as one table gives it."""

    trial: str  # the label as written, marks removed ("exp10"); the row's number where there is none
    line: int  # of the file, from 1
    table: int  # which table of the document, from 0
    kind: TableKind
    section: str = ""  # the nearest heading above
    values: Mapping[str, Level] = field(default_factory=dict)  # settings by full factor name
    extra: Mapping[str, str] = field(default_factory=dict)  # settings that tunebook does not know, by header
    unsettled: Mapping[str, str] = field(default_factory=dict)  # cells of columns that may hold settings, by header
    unknown: tuple[str, ...] = ()  # columns whose cell was not surely read; the settings are then not known
    builds_on: str | None = None  # label, "best" or "baseline", where the description says so
    score: Score | None = None
    others: Mapping[str, Score] = field(default_factory=dict)  # further results by header
    failed: bool = False  # the result cell says that training failed
    said_to_fail: bool = False  # the remarks say so; believed where the result is low too
    change: str = ""  # free text, marks removed
    analysis: str = ""
    is_baseline: bool = False  # called the baseline in words
    seed: str | None = None
    described: Mapping[str, Level] = field(default_factory=dict)  # settings that the description names
    fully_described: bool = False  # and nothing in it was left unread
    difference: Difference | None = None  # from the baseline, of a column of its own
    round: str = ""  # its number, from a column or the heading, else the heading itself
    key: str = ""  # by which text refers to it, "" for the number in its label


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
    """One claim of the record's text."""

    kind: ClaimKind
    text: str  # the sentence as written, marks removed
    line: int
    section: str = ""
    factor: str | None = None  # of an order the first
    order: tuple[str, ...] = ()  # factors in the order of importance
    levels: tuple[Level, ...] = ()
    against: tuple[Level, ...] = ()  # levels compared with; empty: the baseline's
    is_range: bool = False  # `levels` are the two ends of an interval
    inclusive: bool = False  # of a boundary: "1e-3 and above"
    exact: bool = False  # of a boundary: it fails at the level, of which nothing is said beyond
    direction: int = 1  # +1 better (more is better, fails above), -1 worse (fails below), 0 no difference
    no_more: int = 0  # with direction 0: only "not better" (+1) or "not worse" (-1) is claimed
    trials: tuple[str, ...] = ()  # labels named as subject; "baseline" and "best" are allowed
    against_trials: tuple[str, ...] = ()
    values: Mapping[str, Level] = field(default_factory=dict)  # settings that a best-configuration claim names
    so_far: bool = False  # the best of the trials up to this one only
    round: str = ""  # the best of this round only
    given: Mapping[str, Level] = field(default_factory=dict)  # of levels: settings that both trials of a pair have
    gap: Difference | None = None  # the difference that the sentence gives, without sign
    why: str = ""  # of an unread sentence: the first word that was not understood; "" where its form was not


@dataclass(frozen=True)
class Said:
    """An accuracy that a sentence gives for one trial: "exp5 achieved 57.5%"."""

    trial: str
    score: Score
    line: int
    section: str = ""


@dataclass(frozen=True)
class Note:
    """Something the reader wants known. `code` is put into words by the languages; values fill them."""

    code: str
    values: Mapping[str, Any] = field(default_factory=dict)


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
    """A hand-written record as read; rows and claims in the order of the document."""

    source: str  # the file's name
    language: str  # "en" or "zh", of its text
    measure: Measure
    rows: tuple[Row, ...]
    claims: tuple[Claim, ...] = ()  # of the text and of the remarks in tables
    stated_examples: tuple[int, ...] = ()  # numbers of test examples that the text gives
    seeds: int | None = None  # over how many seeds each result is a mean; None for one run each
    averaged: bool = False  # results are means over test sets, or over seeds of which the number is not said
    columns: tuple[ColumnUse, ...] = ()
    unread_cells: tuple[UnreadCell, ...] = ()
    notes: tuple[Note, ...] = ()  # what was assumed
    said: tuple[Said, ...] = ()
