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
    "ERROR_SHARES",
    "BracketPlan",
    "Budget",
    "ChosenRate",
    "CommandLimits",
    "Contrast",
    "ContrastKind",
    "Cut",
    "DataSpec",
    "Fold",
    "Purpose",
    "RoundKind",
    "SeedCounts",
    "StudySpec",
    "Trial",
    "TrialState",
    "Wave",
    "can_become",
]


class RoundKind(StrEnum):
    """Purpose of a round, in the order in which rounds are run."""

    REFERENCE = "reference"
    TABLE = "table"
    EXPLORE = "explore"
    REFINE = "refine"
    COMBINE = "combine"
    BOUNDARY = "boundary"
    CONFIRM = "confirm"


ERROR_SHARES: dict[RoundKind, float] = {
    RoundKind.REFERENCE: 0.0,
    RoundKind.TABLE: 0.020,
    RoundKind.EXPLORE: 0.020,
    RoundKind.REFINE: 0.010,
    RoundKind.COMBINE: 0.005,
    RoundKind.BOUNDARY: 0.005,
    RoundKind.CONFIRM: 0.010,
}
"""How the study's error rate of 0.05 is spent. A study runs a table *or* explore as its first round, never both."""


class Purpose(StrEnum):
    """Why one trial is run; the record's templates put it into words."""

    REFERENCE = "reference"  # the base model without adapter
    BASELINE = "baseline"
    LEVEL = "level"  # one factor moved, all else as the baseline
    BRACKET = "bracket"  # chooses a learning rate; never enters a claim
    CHOSEN = "chosen"  # a level at the learning rate chosen for it, fresh seeds
    TABLE = "table"  # a row of the user's own table
    REFINE = "refine"
    COMBINE = "combine"
    BOUNDARY = "boundary"
    CONFIRM = "confirm"


class TrialState(StrEnum):
    """Where a trial stands. `can_become` is the list of allowed transitions."""

    PLANNED = "planned"
    RUNNING = "running"
    COMPLETED = "completed"
    DIVERGED = "diverged"  # training broke: an answer, not an error
    COLLAPSED = "collapsed"  # finite loss, useless model: an answer too
    FAILED = "failed"  # tunebook or the machine could not train it
    CANCELLED = "cancelled"  # ended before it had a result, by the user or the planner

    @property
    def is_final(self) -> bool:
        return self not in (TrialState.PLANNED, TrialState.RUNNING)

    @property
    def is_answer(self) -> bool:
        """Whether it says something about its configuration; a trial that failed or was cancelled does not."""
        return self in (TrialState.COMPLETED, TrialState.DIVERGED, TrialState.COLLAPSED)

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
    TrialState.CANCELLED: frozenset(),
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
    def costs_budget(self) -> bool:
        return self.purpose is not Purpose.REFERENCE and self.checkpoint_of is None


class ContrastKind(StrEnum):
    """What is asked of a pair of groups of trials."""

    DIFFERENCE = "difference"
    EQUIVALENCE = "equivalence"
    NON_INFERIORITY = "non_inferiority"


@dataclass(frozen=True)
class Contrast:
    """A question fixed before its results are seen: how does `treatment` compare with `control`?

    Attributes:
        kind: difference (two-sided), equivalence or non-inferiority (with the study's margin).
        treatment, control: trial ids; each group is replicates of one effective configuration.
        split: the split the outcomes come from.
        factor: the factor asked about when the two differ in one (besides a re-tuned learning rate); else None.
        label: a short stable name: "lora_r=32", "best", "cheapest", "combined".
    """

    kind: ContrastKind
    treatment: tuple[int, ...]
    control: tuple[int, ...]
    label: str
    factor: str | None = None
    split: str = "validation"


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
