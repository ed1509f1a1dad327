"""The record as data: everything that is shown, with all sentences already in the reader's language.

`tunebook.record.builder.build` creates a `Record`; Markdown and HTML only lay it out. Sentences may have bold marks
(see `words.marks`). Text from data and models in them is cleaned but not escaped, because escaping depends on the
format that is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tunebook.core.study import TrialState

__all__ = ["Best", "Cell", "Figure", "Record", "RoundRow", "RoundSection", "Suspect", "Table", "TrialRow"]

FEW_SUSPECTS = 2
"""So many suspects `record.md` lists, and `Record.short_suspects_lead` says so; the page lists more."""


@dataclass(frozen=True)
class Cell:
    """A table cell: its text, its sort key, and how it is highlighted ("best", "failed", or nothing)."""

    text: str
    sort: float | str | None = None
    tone: str = ""


@dataclass(frozen=True)
class Table:
    """Column titles and rows. `numeric` names the right-aligned columns."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    numeric: frozenset[int] = frozenset()


@dataclass(frozen=True, kw_only=True)
class RoundRow:
    """One configuration within one round.

    Attributes:
        trials: its trial ids; empty for a folded configuration.
        label: "1-5", or "folded".
        changed, result, against, analysis: the cells of the row.
        tone: "best", "failed", "folded" or "".
    """

    trials: tuple[int, ...]
    label: str
    changed: str
    result: str
    against: str
    analysis: str
    tone: str = ""


@dataclass(frozen=True, kw_only=True)
class RoundSection:
    """One round: goal, table, what was found, what was not shown, what was cut, what came next. `levels` belongs to a
    balanced design."""

    number: int
    kind: str
    heading: str
    goal: str
    how: str
    rows: tuple[RoundRow, ...]
    found_heading: str = ""
    found: tuple[str, ...] = ()
    not_shown: tuple[str, ...] = ()
    cuts: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    following: str = ""
    cost: str = ""
    chance: str = ""
    levels: Table | None = None


@dataclass(frozen=True)
class TrialRow:
    """One line of the table of all trials, with what the page needs to filter and to open it."""

    id: int
    state: TrialState
    cells: tuple[Cell, ...]
    tone: str = ""


@dataclass(frozen=True)
class Best:
    """The recommended configuration: every factor, as YAML to copy, and what is claimed about it."""

    heading: str
    yaml: str
    sentences: tuple[str, ...]
    trials: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Suspect:
    """An example that no trained trial answered correctly."""

    index: int
    group: str | None
    prompt: str
    gold: str
    commonest: str
    given_by: int
    n_trials: int


@dataclass(frozen=True)
class Figure:
    """A figure: its file stem, the question that it answers, the answer in one sentence."""

    name: str
    title: str
    says: str


@dataclass(frozen=True, kw_only=True)
class Record:
    """Everything that the record shows, in order. What comes after `unknown` is folded away in the page.

    Attributes:
        facts: model, data, metric and reference, which the answer needs.
        sure: noise, detectable effects, error rate: all statistics.
        method: device, versions, defaults.
        board: the command that shows the curves; empty without them.
    """

    language: str
    title: str
    status: str
    aim: str
    answer: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    best: Best | None
    factors_heading: str
    importance: str
    factors: Table | None
    insights: tuple[str, ...]
    others: Table | None
    others_lead: str
    more_rows: tuple[str, ...]
    more_rows_lead: str
    cost: str
    cost_lead: str
    costs: Table | None
    board: str
    unknown: tuple[str, ...]
    rounds: tuple[RoundSection, ...]
    way: Table | None
    classes_lead: str
    classes: Table | None
    by_class_lead: str
    by_class: Table | None
    groups_lead: str
    groups: Table | None
    tied_lead: str
    tied: Table | None
    sure: tuple[tuple[str, str], ...]
    interactions: tuple[str, ...]
    comparisons: Table | None
    method: tuple[tuple[str, str], ...]
    trial_columns: tuple[str, ...]
    trial_numeric: frozenset[int]
    trials: tuple[TrialRow, ...]
    same_everywhere: str
    suspects_lead: str
    short_suspects_lead: str
    suspects: tuple[Suspect, ...]
    notes: tuple[str, ...]
    figures: tuple[Figure, ...] = ()
    figures_lead: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
