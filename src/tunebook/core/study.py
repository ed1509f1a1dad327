"""What a study is, and the states its trials go through.

A study is one question. It is cut into rounds; a round into waves (the part of a round that can be planned before the
results of the part before it are known: the learning-rate bracket, then the claim at the chosen rate); a wave into
trials. A wave carries the contrasts that its round will judge, fixed before any of its results are seen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tunebook.core.configuration import Configuration
from tunebook.core.factor import Level
from tunebook.core.space import FoldReason, SearchSpace

__all__ = [
    "DESIGNS",
    "ERROR_SHARES",
    "BracketPlan",
    "Budget",
    "ChosenRate",
    "CommandLimits",
    "Contrast",
    "ContrastKind",
    "Cut",
    "DataSpec",
    "Floor",
    "Fold",
    "Purpose",
    "RoundKind",
    "SeedCounts",
    "StudySpec",
    "Trial",
    "TrialState",
    "Wave",
    "can_become",
    "error_share",
]


class RoundKind(StrEnum):
    """Purpose of a round, in the order in which rounds are run."""

    REFERENCE = "reference"
    TABLE = "table"
    PILOT = "pilot"
    EXPLORE = "explore"
    REFINE = "refine"
    COMBINE = "combine"
    BOUNDARY = "boundary"
    CONFIRM = "confirm"


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
"""How the study's error rate of 0.05 is spent. A study runs a table *or* explore as its first round, never both."""

BALANCED_SHARES: dict[RoundKind, float] = {RoundKind.EXPLORE: 0.040, RoundKind.CONFIRM: 0.010}
"""The same where the design is balanced: the rounds in between propose, and claim nothing."""

DESIGNS = ("one_factor", "balanced")
"""How explore is laid out: one factor at a time from the baseline, or all factors at once around a piloted rate."""


def error_share(kind: RoundKind, design: str = "one_factor") -> float:
    """A round's share of the study's error rate."""
    if design == "balanced" and kind is not RoundKind.TABLE:
        return BALANCED_SHARES.get(kind, 0.0)
    return ERROR_SHARES[kind]


class Purpose(StrEnum):
    """Why one trial is run; the record's templates put it into words."""

    REFERENCE = "reference"  # the base model without adapter
    BASELINE = "baseline"
    LEVEL = "level"  # one factor moved, all else as the baseline
    PILOT = "pilot"  # finds the good learning rate for all configurations; never enters a claim
    DESIGN = "design"  # one trial of a balanced design: all factors at levels of their own
    BRACKET = "bracket"  # chooses a learning rate; never enters a claim
    CHOSEN = "chosen"  # a level at the learning rate chosen for it, fresh seeds
    TABLE = "table"  # a row of the user's own table
    REFINE = "refine"
    COMBINE = "combine"
    BOUNDARY = "boundary"
    CONFIRM = "confirm"

    @property
    def only_chooses(self) -> bool:
        """Whether such a trial chose something, and so speaks for no configuration's accuracy."""
        return self in (Purpose.BRACKET, Purpose.PILOT)


class TrialState(StrEnum):
    """Where a trial stands. `can_become` is the list of allowed transitions."""

    PLANNED = "planned"
    RUNNING = "running"
    COMPLETED = "completed"
    DIVERGED = "diverged"  # training broke: an answer, not an error
    COLLAPSED = "collapsed"  # finite loss, useless model: an answer too
    FAILED = "failed"  # tunebook or the machine could not train it

    @property
    def is_final(self) -> bool:
        return self not in (TrialState.PLANNED, TrialState.RUNNING)

    @property
    def did_train(self) -> bool:
        """Whether the training worked (what the divergence bracket asks)."""
        return self is TrialState.COMPLETED


_NEXT: dict[TrialState, frozenset[TrialState]] = {
    TrialState.PLANNED: frozenset({TrialState.RUNNING}),
    # back to planned: the worker died, or was interrupted
    TrialState.RUNNING: frozenset(TrialState) - {TrialState.RUNNING},
    TrialState.COMPLETED: frozenset(),
    TrialState.DIVERGED: frozenset(),
    TrialState.COLLAPSED: frozenset(),
    TrialState.FAILED: frozenset({TrialState.PLANNED}),  # `run` may be told to try failed trials again
}


def can_become(old: TrialState, new: TrialState) -> bool:
    """Whether a trial may go from one state to the other."""
    return new in _NEXT[old]


@dataclass(frozen=True)
class Trial:
    """One configuration trained with one seed, then scored on every example of its splits.

    Attributes:
        id: number within the study, from 1 in order of planning; 0 is the reference on validation.
        round: number of its round, 0 for the reference.
        kind: purpose of that round.
        purpose: why this trial is run.
        configuration: what was asked for.
        effective: what acts.
        seed: drives the adapter's initial values, the data order and the dropout.
        splits: what it is scored on, "validation" and/or "test".
        factor: the factor that this trial is about, when it is about one.
        checkpoint_of: the trial of which this one is an earlier checkpoint; it then costs nothing.
        units: what it counts against a budget in trials, if it costs: a pilot of a quarter of the epochs a quarter.
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
    units: float = 1.0

    @property
    def costs_budget(self) -> bool:
        return self.purpose is not Purpose.REFERENCE and self.checkpoint_of is None

    @property
    def budget_units(self) -> float:
        """What it takes of a budget in trials."""
        return self.units if self.costs_budget else 0.0


class ContrastKind(StrEnum):
    """What is asked of a pair of groups of trials."""

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


@dataclass(frozen=True)
class Contrast:
    """A question fixed before its results are seen: how does `treatment` compare with `control`?

    Attributes:
        kind: difference (two-sided), equivalence or non-inferiority (with the study's margin).
        treatment, control: trial ids; each group is replicates of one effective configuration. Where the kind is
            fitted, `treatment` is the whole design and `control` is empty.
        split: the split the outcomes come from.
        factor: the factor asked about when the two differ in one (besides a re-tuned learning rate); else None.
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
    """A configuration that was asked for and costs nothing, because it is another one in other words.

    Attributes:
        configuration: as asked.
        same_as: key of the effective configuration that stands for it.
        reasons: codes, see `core.space.FoldReason`; "checkpoint" when it is a checkpoint of a longer trial.
        saved_trials: how many trials this saved.
        factor: the factor whose level was folded.
    """

    configuration: Configuration
    same_as: str
    reasons: tuple[FoldReason, ...]
    saved_trials: int
    factor: str | None = None


@dataclass(frozen=True)
class Cut:
    """Something that the budget did not allow.

    Attributes:
        code: in the order of cutting: bracket_ends, bracket, middle_levels, minor_boundary, second_seeds,
            baseline_seeds; for very small budgets also end_levels (the nearer of two ends), factors (whole ones), rows
            (of the user's table), cheapest (not confirmed), confirm_seeds (fewer than three).
        count: how many trials were cut.
        factors: whose levels, where it applies.
    """

    code: str
    count: int
    factors: tuple[str, ...] = ()


@dataclass(frozen=True)
class Budget:
    """What may be spent: trials, hours, or both (whichever ends first)."""

    trials: int | None = None
    hours: float | None = None


@dataclass(frozen=True)
class BracketPlan:
    """What a wave of learning-rate brackets leaves to the wave after it, which trains every level at its chosen rate.

    Attributes:
        rates: the learning rates that were tried at the baseline and at each bracketed level.
        baseline_seeds: seeds of the baseline at its chosen rate.
        seeds: by bracketed factor, seeds of each of its levels at the chosen rates.
    """

    rates: tuple[float, ...]
    baseline_seeds: int
    seeds: dict[str, int]


@dataclass(frozen=True)
class ChosenRate:
    """The learning rate that one bracket led to.

    Attributes:
        factor, level: what the bracket was about; both None: the baseline, or a combination.
        learning_rate: the rate chosen.
        losses: (rate, mean validation loss in nats an example) of every rate tried; None where training broke.
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
    """Trials of one round that are planned at once.

    Attributes:
        round: number of the round within the study (reference is 0).
        kind: purpose of the round.
        number: which wave of its round, from 1.
        trials: what to train, ids already given.
        contrasts: questions added to the round's family by this wave, fixed now.
        folds, cuts: what costs nothing, and what the budget did not allow.
        closes_round: whether the round is judged after this wave.
        bracket: what the round's next wave needs to know of the brackets in this one; None: it has none.
        chosen_rates: the learning rates that the brackets of the wave before led to, at which this wave claims.
        combined: the levels that this wave trains together, by factor; empty: it combines nothing.
        sealed: the confirm list that is written to the ledger before this wave: role ("best", "cheapest", "baseline")
            to effective key; empty: nothing is sealed.
        floor: the pilots learned nothing, and the study ends here unless its file says `floor: go_on`.
        budget: the study's budget when this wave was planned; kept from the confirm round on, None before it.
        notes: codes with parameters that the record puts into words: ("round_skipped", {"kind": "combine"}). They
            decide nothing.
    """

    round: int
    kind: RoundKind
    number: int
    trials: tuple[Trial, ...]
    contrasts: tuple[Contrast, ...] = ()
    folds: tuple[Fold, ...] = ()
    cuts: tuple[Cut, ...] = ()
    closes_round: bool = True
    bracket: BracketPlan | None = None
    chosen_rates: tuple[ChosenRate, ...] = ()
    combined: dict[str, Level] = field(default_factory=dict)
    sealed: dict[str, str] = field(default_factory=dict)
    floor: Floor | None = None
    budget: Budget | None = None
    notes: tuple[tuple[str, dict[str, Any]], ...] = ()


@dataclass(frozen=True)
class SeedCounts:
    """Seeds for every configuration and for the baseline, fixed before results are seen."""

    configuration: int = 2
    baseline: int = 5


@dataclass(frozen=True)
class CommandLimits:
    """What one trial of an external trainer may take.

    Attributes:
        hours: then the program is ended and the trial failed. Its inside cannot be watched.
        output_megabytes: what is kept of what it prints (10**6 bytes each); the rest is dropped.
    """

    hours: float = 4.0
    output_megabytes: float = 10.0


@dataclass(frozen=True)
class DataSpec:
    """Where the data lies and how to read it; paths are as written in the study file, resolved against its folder."""

    train: str
    validation: str | None = None
    test: str | None = None
    format: str | None = None
    group: str | None = None
    train_rows: int | None = None
    system: str | None = None
    choices: tuple[str, ...] = ()
    allow_overlap: bool = False


@dataclass(frozen=True)
class StudySpec:
    """One question: model, data, metric, search space, budget, seed.

    Attributes:
        name: the study's name, also its folder's.
        model: a folder, a hub id (id@revision), or "smollm2".
        metric: name of an installed metric, or module:function.
        metric_options: (name, value) of what the study file says beside the metric's name.
        engine, executor, planner, trackers: names of installed ones (`plugins`).
        baseline: the configuration that is compared with.
        baseline_given: the factors that the study file named; the others took defaults (the record lists them).
        space: what is varied.
        alpha_rule: "proportional" keeps alpha/r while r is varied, "fixed" keeps alpha.
        margin: differences smaller than this do not matter to the user, in [0, 1].
        design: of the explore round, one of `DESIGNS`.
        floor: what follows when no pilot learns anything: "ask" ends the study, "go_on" goes on.
        extrapolate: how far `boundary` may leave low/high, as a factor; 1: never.
        trials: path of a table of configurations that make the first round.
        max_new_tokens: None: longest gold answer of the training data + 8.
        final: train the recommended configuration on all rows at the end.
        per_token: `choice` compares log-likelihoods per token.
    """

    name: str
    model: str
    data: DataSpec
    metric: str
    baseline: Configuration
    space: SearchSpace
    budget: Budget
    baseline_given: tuple[str, ...] = ()
    alpha_rule: str = "proportional"
    margin: float = 0.03
    seed: int = 0
    language: str = "en"
    engine: str = "packed"
    executor: str = "local"
    planner: str = "rounds"
    trackers: tuple[str, ...] = ("tensorboard",)
    metric_options: tuple[tuple[str, Any], ...] = ()
    device: str = "auto"
    dtype: str = "auto"
    seeds: SeedCounts = field(default_factory=SeedCounts)
    extrapolate: float = 10.0
    trials: str | None = None
    max_new_tokens: int | None = None
    final: bool = False
    per_token: bool = False
    share_prompts: bool = True
    command: tuple[str, ...] = ()
    command_limits: CommandLimits = field(default_factory=CommandLimits)
    design: str = "one_factor"
    floor: str = "ask"
