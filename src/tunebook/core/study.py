"""What a study is, and the states of its trials.

A study asks one question. It is divided into rounds, and a round into waves: a wave is the part of a round that can be
planned at once (first the learning-rate bracket; then, when its results are known, the claim at the chosen rate). A
wave consists of trials, and holds the contrasts that its round will judge, fixed before any of its results are seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from tunebook.core.configuration import Configuration
from tunebook.core.factor import Level
from tunebook.core.space import FoldReason
from tunebook.core.study_spec import Budget, ColumnNames, CommandLimits, DataSpec, SeedCounts, StudySpec

__all__ = [
    "DESIGNS",
    "ERROR_SHARES",
    "OWN_TRIALS",
    "PROCESSOR_TIME",
    "REMARK",
    "SCORED_PART",
    "TAKEN_AHEAD",
    "TRAINED_AHEAD",
    "BracketPlan",
    "Budget",
    "ChosenRate",
    "ColumnNames",
    "CommandLimits",
    "Contrast",
    "ContrastKind",
    "Cut",
    "DataSpec",
    "Floor",
    "Fold",
    "OwnTrials",
    "Purpose",
    "Remark",
    "RoundKind",
    "SeedCounts",
    "StudySpec",
    "Trial",
    "TrialState",
    "Wave",
    "can_become",
    "error_share",
    "last_waves",
    "time_ahead",
]


class RoundKind(StrEnum):
    """The purpose of a round, in the order in which rounds are run."""

    REFERENCE = "reference"
    TABLE = "table"
    PILOT = "pilot"
    EXPLORE = "explore"
    REFINE = "refine"
    COMBINE = "combine"
    BOUNDARY = "boundary"
    CONFIRM = "confirm"
    OWN = "own"  # added by the user to a study that was begun; may come after any round


ERROR_SHARES: dict[RoundKind, float] = {
    RoundKind.REFERENCE: 0.0,
    RoundKind.TABLE: 0.020,
    RoundKind.PILOT: 0.0,
    RoundKind.EXPLORE: 0.020,
    RoundKind.REFINE: 0.010,
    RoundKind.COMBINE: 0.005,
    RoundKind.BOUNDARY: 0.005,
    RoundKind.CONFIRM: 0.010,
}
"""How the study's error rate of 0.05 is divided among the rounds. The first round is either table or explore, never
both."""

BALANCED_SHARES: dict[RoundKind, float] = {RoundKind.EXPLORE: 0.040, RoundKind.CONFIRM: 0.010}
"""The same where the design is balanced: the rounds in between propose, and claim nothing."""

MODEL_SHARES: dict[RoundKind, float] = {RoundKind.CONFIRM: 0.050}
"""The same where a model proposes every trial: only confirm claims."""

DESIGNS = ("one_factor", "balanced", "model")
"""How a study is laid out: one factor at a time from the baseline; all factors at once around a piloted rate; or by a
model that proposes what to train next and asks nothing about single factors."""


def error_share(kind: RoundKind, design: str = "one_factor") -> float:
    """A round's share of the study's error rate. Trials that the user added are judged as a table of the user's is, but
    outside that rate: they were chosen with results in sight."""
    if kind is RoundKind.OWN:
        return ERROR_SHARES[RoundKind.TABLE]
    if design != "one_factor" and kind is not RoundKind.TABLE:
        return (BALANCED_SHARES if design == "balanced" else MODEL_SHARES).get(kind, 0.0)
    return ERROR_SHARES[kind]


class Purpose(StrEnum):
    """Why a trial is run; `words` has a phrase for each."""

    REFERENCE = "reference"  # the base model without adapter (decision 003)
    BASELINE = "baseline"
    LEVEL = "level"  # one factor changed, all else as the baseline
    PILOT = "pilot"  # finds the good learning rate for all configurations; never enters a claim
    FIRST_RATE = "first_rate"  # a pilot that a model's proposals go on from; it may lead
    DESIGN = "design"  # one trial of a balanced design: all factors at levels of their own
    BRACKET = "bracket"  # chooses a learning rate; never enters a claim
    CHOSEN = "chosen"  # a level at the learning rate chosen for it, fresh seeds
    TABLE = "table"  # a row of the user's own table
    REFINE = "refine"
    COMBINE = "combine"
    BOUNDARY = "boundary"
    CONFIRM = "confirm"
    OWN = "own"  # added by the user to a study that was begun

    @property
    def only_chooses(self) -> bool:
        """Whether such a trial chose something, and so speaks for no configuration's accuracy."""
        return self in (Purpose.BRACKET, Purpose.PILOT)


class TrialState(StrEnum):
    """The state of a trial. `can_become` defines the allowed transitions."""

    PLANNED = "planned"
    RUNNING = "running"
    COMPLETED = "completed"
    DIVERGED = "diverged"  # training broke: a result, not an error
    COLLAPSED = "collapsed"  # finite loss but a useless model: also a result
    FAILED = "failed"  # tunebook or the machine could not train the trial
    CANCELLED = "cancelled"  # ended by the user or the planner before it had a result
    STOPPED = "stopped"  # ended by the planner on the way, because others led: it enters no claim

    @property
    def is_final(self) -> bool:
        return self not in (TrialState.PLANNED, TrialState.RUNNING)

    @property
    def is_answer(self) -> bool:
        """Whether it says how its configuration comes out; a trial that failed, was cancelled or was stopped on the way
        does not."""
        return self in (TrialState.COMPLETED, TrialState.DIVERGED, TrialState.COLLAPSED)

    @property
    def did_train(self) -> bool:
        """Whether training worked; used for the divergence bracket."""
        return self is TrialState.COMPLETED


_NEXT: dict[TrialState, frozenset[TrialState]] = {
    TrialState.PLANNED: frozenset({TrialState.RUNNING}),
    # back to planned: the worker died, or was interrupted
    TrialState.RUNNING: frozenset(TrialState) - {TrialState.RUNNING},
    TrialState.COMPLETED: frozenset(),
    TrialState.DIVERGED: frozenset(),
    TrialState.COLLAPSED: frozenset(),
    TrialState.FAILED: frozenset({TrialState.PLANNED}),  # `run` may be told to try failed trials again
    TrialState.CANCELLED: frozenset(),
    TrialState.STOPPED: frozenset(),
}


def can_become(old: TrialState, new: TrialState) -> bool:
    """Whether a trial may change from state `old` to state `new`."""
    return new in _NEXT[old]


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One configuration trained with one seed, then scored on every example of its splits.

    Attributes:
        id: number within the study, from 1 in order of planning; 0 is the reference on validation.
        round: number of its round, 0 for the reference.
        kind: purpose of that round.
        purpose: why the trial is run.
        configuration: the configuration asked for.
        effective: its effective configuration, which is what is trained.
        seed: determines the adapter's initial values, the data order and the dropout.
        splits: the splits it is scored on, "validation" and/or "test".
        factor: the factor whose effect the trial serves to measure, if it is one factor.
        checkpoint_of: the trial of which this one is an earlier checkpoint; it then needs no training of its own.
    """

    id: int
    round: int
    kind: RoundKind
    purpose: Purpose
    configuration: Configuration
    effective: Configuration
    seed: int
    splits: tuple[str, ...] = ("validation",)
    factor: str | None = None
    checkpoint_of: int | None = None

    @property
    def has_training(self) -> bool:
        """Whether it is trained by itself."""
        return self.purpose is not Purpose.REFERENCE and self.checkpoint_of is None

    @property
    def costs_budget(self) -> bool:
        """Whether it counts against a budget in trials; what the user adds is not the planner's to spend."""
        return self.has_training and self.purpose is not Purpose.OWN


class ContrastKind(StrEnum):
    """What is asked about a pair of groups of trials."""

    DIFFERENCE = "difference"
    EQUIVALENCE = "equivalence"
    NON_INFERIORITY = "non_inferiority"
    TREND = "trend"  # highest against lowest level of a factor, along the line fitted over a balanced design
    LEVEL = "level"  # one level against the baseline's, all other factors averaged over a balanced design
    CURVATURE = "curvature"  # the middle of a factor's levels against their ends, fitted over a balanced design

    @property
    def is_fitted(self) -> bool:
        """Whether it is a coefficient of one model over all trials of a balanced design."""
        return self in (ContrastKind.TREND, ContrastKind.LEVEL, ContrastKind.CURVATURE)

    @property
    def is_two_sided(self) -> bool:
        """Whether it asks for a difference in either direction."""
        return self is ContrastKind.DIFFERENCE or self.is_fitted


OWN_TRIALS = "own_trials"
"""Code of the ledger's note that holds an `OwnTrials`, field by field."""


@dataclass(frozen=True, kw_only=True)
class OwnTrials:
    """Trials that the user adds to a study that was begun: a round of their own, planned when no other round is open.

    Attributes:
        id: tells one request from another.
        configurations: as asked for; each is compared with the baseline.
        seeds: new seeds for each of them.
        tags, note: kept with each of the trials.
    """

    id: str
    configurations: tuple[Configuration, ...]
    seeds: int
    tags: tuple[str, ...] = ()
    note: str = ""


PROCESSOR_TIME = "processor_time"
"""Code of the ledger's note that holds the processor seconds of one run."""
TRAINED_AHEAD, TAKEN_AHEAD = "trained_ahead", "taken_ahead"
"""Codes of the ledger's notes on what idle devices trained ahead of the last round: for how many seconds without a
break, and which trials of that round went on from it."""
SCORED_PART = "scored_part"
"""Code of the ledger's notes on a part of a trial's scoring that another worker did."""
REMARK = "remark"
"""Code of the ledger's note that holds a `Remark`, field by field."""


def time_ahead(notes: Sequence[tuple[str, Mapping[str, Any]]]) -> tuple[float, int]:
    """Seconds that devices trained ahead of the last round, and how many of its trials went on from that."""
    seconds = sum(float(values["seconds"]) for code, values in notes if code == TRAINED_AHEAD)
    return seconds, sum(len(values["trials"]) for code, values in notes if code == TAKEN_AHEAD)


@dataclass(frozen=True, kw_only=True)
class Remark:
    """What the user says about a trial.

    Attributes:
        id: tells one remark from another.
        tags: in addition to earlier ones.
        note: in the place of an earlier one; empty: that one stays.
    """

    id: str
    trial: int
    tags: tuple[str, ...] = ()
    note: str = ""

    def after(self, before: Remark) -> Remark:
        """The two together."""
        return replace(self, tags=tuple(dict.fromkeys((*before.tags, *self.tags))), note=self.note or before.note)


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """A question fixed before its results are seen: how does `treatment` compare with `control`?

    Attributes:
        kind: difference (two-sided), or equivalence or non-inferiority (both with the study's margin).
        treatment, control: trial ids; each group is replicates of one effective configuration. Where the
            kind is fitted, `treatment` is the whole design and `control` is empty.
        split: the split the outcomes come from.
        factor: the one factor in which the two differ (besides a re-tuned learning rate), else None.
        label: a short stable name: "lora_r=32", "best", "cheapest", "combined", "lora_r".
        level: of kind LEVEL, the level that is compared with the baseline's.
    """

    kind: ContrastKind
    treatment: tuple[int, ...]
    control: tuple[int, ...]
    label: str
    factor: str | None = None
    split: str = "validation"
    level: Level | None = None


@dataclass(frozen=True)
class Fold:
    """A configuration that needs no training of its own, because it is equivalent to another one.

    Attributes:
        configuration: the configuration asked for.
        same_as: key of the effective configuration that represents it.
        reasons: codes, see `core.space.FoldReason`; "checkpoint" when it is a checkpoint of a longer trial.
        saved_trials: number of trials saved.
        factor: the factor whose level was folded.
    """

    configuration: Configuration
    same_as: str
    reasons: tuple[FoldReason, ...]
    saved_trials: int
    factor: str | None = None


@dataclass(frozen=True)
class Cut:
    """Something left out because the budget did not allow it.

    Attributes:
        code: in the order of cutting: bracket_ends, bracket, middle_levels, minor_boundary, second_seeds
            (third and further ones), baseline_seeds; for small budgets also end_levels (the nearer of two end levels),
            factors (whole factors), second_seeds of the last level, rows (of the user's table), cheapest (not
            confirmed), confirm_seeds (fewer than three). Decisions 021, 129.
        count: number of trials cut.
        factors: the factors whose levels were cut, if any.
    """

    code: str
    count: int
    factors: tuple[str, ...] = ()


@dataclass(frozen=True)
class BracketPlan:
    """What a wave of learning-rate brackets passes to the next wave, which trains every level at its chosen rate.

    Attributes:
        rates: the learning rates that were tried at the baseline and at each bracketed level.
        baseline_seeds: seeds for the baseline at its chosen rate.
        seeds: for each bracketed factor, seeds for each of its levels at the chosen rates.
    """

    rates: tuple[float, ...]
    baseline_seeds: int
    seeds: dict[str, int]


@dataclass(frozen=True)
class ChosenRate:
    """The learning rate chosen by one bracket.

    Attributes:
        factor, level: the level that was bracketed; both None: the baseline, or a combination.
        learning_rate: the rate chosen.
        losses: (rate, mean validation loss in nats per example) for every rate tried; None where training broke.
    """

    factor: str | None
    level: Level | None
    learning_rate: float
    losses: tuple[tuple[float, float | None], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Floor:
    """Nothing was learned at any learning rate that was piloted: comparing settings would compare nothing.

    Attributes:
        rates: learning rates of the pilots that were trained to their end.
        epochs: of these pilots.
        accuracy: the highest of theirs, in [0, 1].
        bar: what it had to exceed: the accuracy of the untrained model or of the commonest answer.
    """

    rates: tuple[float, ...]
    epochs: int
    accuracy: float
    bar: float


@dataclass(frozen=True, kw_only=True)
class Wave:
    """Trials of one round that are planned together.

    Attributes:
        round: number of the round within the study (reference is 0).
        kind: purpose of the round.
        number: which wave of its round, from 1.
        trials: the trials to train, already numbered.
        contrasts: questions that this wave adds to the round's family.
        folds, cuts: what was folded, and what the budget did not allow.
        closes_round: whether the round is judged after this wave.
        beside: whether it is trained beside the wave before it, on whose results it does not depend.
        bracket: what the round's next wave needs to know about the brackets in this one; None: it has none.
        chosen_rates: the learning rates chosen by the brackets of the wave before, used by this wave.
        combined: the levels that this wave combines, by factor; empty: none.
        sealed: the confirm list that is written to the ledger before this wave: role ("best", "runner_up",
            "cheapest", "baseline") to effective key; empty: nothing is sealed.
        floor: the pilots learned nothing, and the study ends here unless its file says `floor: go_on`.
        budget: the study's budget when this wave was planned; kept from the confirm round on, None before it.
        notes: codes with parameters, for the record only: ("round_skipped", {"kind": "combine", "why":
            "nothing_to_ask"}). Nothing is decided from them (decision 028).
    """

    round: int
    kind: RoundKind
    number: int
    trials: tuple[Trial, ...]
    contrasts: tuple[Contrast, ...] = ()
    folds: tuple[Fold, ...] = ()
    cuts: tuple[Cut, ...] = ()
    closes_round: bool = True
    beside: bool = False
    bracket: BracketPlan | None = None
    chosen_rates: tuple[ChosenRate, ...] = ()
    combined: dict[str, Level] = field(default_factory=dict)
    sealed: dict[str, str] = field(default_factory=dict)
    floor: Floor | None = None
    budget: Budget | None = None
    notes: tuple[tuple[str, dict[str, Any]], ...] = ()


def last_waves(waves: Sequence[Wave]) -> tuple[Wave, ...]:
    """The last waves that were planned to be trained together, in the order of planning: one, or one and those beside
    it. Nothing has been planned from their results."""
    first = max((i for i, wave in enumerate(waves) if not wave.beside), default=0)
    return tuple(waves[first:])
