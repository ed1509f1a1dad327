"""The values that the record's builders pass to the sentences of a language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tunebook.core.study import TrialState

__all__ = ["Aim", "Ending", "Gain", "Price", "Spending"]


@dataclass(frozen=True, kw_only=True)
class Aim:
    """What a study is for.

    Attributes:
        metric, model: as the study file names them.
        is_simulated: whether the engine trains nothing; a model "none" is then the simulated one.
        is_score: whether the metric is a score of the user's own, not a share of right answers.
        factors: (factor, the levels or range tried in words), in the study file's order.
        trials, hours: the budget.
        limits: what the mean of a further metric may be at most, by its name.
    """

    metric: str
    model: str
    is_score: bool
    is_simulated: bool
    factors: tuple[tuple[str, str], ...]
    trials: int | None
    hours: float | None
    limits: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Price:
    """What a configuration costs beside the best: its training work (`record.cost.relative_work`) as a multiple of the
    best's, and adapter bytes; None where unknown."""

    work: float | None
    size: float | None
    best_size: float | None


@dataclass(frozen=True, kw_only=True)
class OneByOne:
    """Predicted seconds of trials one after another, lowest and highest: at the load of the machine when its speed was
    measured, and at that during the study. Both are equal where the load did not change.

    Attributes:
        here: with the study's own engine.
        peft: with PEFT and the Trainer.
    """

    here: tuple[float, float]
    peft: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Spent:
    """What a study has cost.

    Attributes:
        counts: trials by what became of them.
        steps: optimiser steps of the trained trials.
        computed_tokens, raw_tokens: tokens that went through the model, and that one-after-another training would have
            computed.
        seconds: device time that passed, which may have been shared with other programs.
        processor_seconds: processor time of all runs; 0: not known.
        ahead_seconds: time in which devices trained ahead for the confirm round, wrong guesses included.
        n_taken_ahead: trials of that round that went on from there; what had been trained of them counts as theirs.
        one_by_one: the same trials one after another; None: not known.
        price: price of the device time, if the study file gives one.
        is_simulated: whether the times are those of a simulated world.
    """

    counts: Mapping[str, int]
    steps: int
    computed_tokens: int
    raw_tokens: int
    seconds: float
    processor_seconds: float
    ahead_seconds: float
    n_taken_ahead: int
    one_by_one: OneByOne | None
    price: float | None
    is_simulated: bool


@dataclass(frozen=True, kw_only=True)
class Gain:
    """What the opening says of one configuration against the baseline.

    Attributes:
        effect, interval, level: difference, simultaneous interval and its level (0.99).
        relative: effect divided by the baseline's accuracy.
        n_examples, seeds: on how many examples, with how many seeds a side.
        told_apart: whether the verdict is better or worse.
    """

    accuracy: float
    baseline_accuracy: float
    effect: float
    interval: tuple[float, float]
    level: float
    relative: float | None
    n_examples: int
    seeds: tuple[int, int]
    told_apart: bool
    provisional: bool


@dataclass(frozen=True)
class Ending:
    """How the replicates in a row of the record ended, if not all of them completed.

    Attributes:
        states: state by trial id.
        reasons: codes of `core.divergence`, or the message of a failed trial.
        steps: (step at which it broke, steps it would have had) where known.
        losses: training loss at the start (mean of three steps) and the last finite one, nats a label token.
        broke: the trial that `steps` and `losses` belong to.
    """

    states: Mapping[int, TrialState]
    reasons: tuple[str, ...] = ()
    steps: tuple[int | None, int | None] = (None, None)
    losses: tuple[float, float] | None = None
    broke: int | None = None


@dataclass(frozen=True, kw_only=True)
class Spending:
    """What was spent of the budget; budgets are None where there is none."""

    trials: int
    budget_trials: int | None
    seconds: float
    budget_hours: float | None
