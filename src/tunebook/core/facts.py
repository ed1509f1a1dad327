"""The contents of the ledger as plain values: all that the planner and the statistics see."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunebook.core.configuration import Configuration
from tunebook.core.findings import Finding
from tunebook.core.score import ScoreScale
from tunebook.core.space import Folding
from tunebook.core.study import Contrast, OwnTrials, Trial, TrialState, Wave

__all__ = [
    "Cost",
    "Curve",
    "DataFacts",
    "EvaluationRecord",
    "ExampleText",
    "History",
    "Outcomes",
    "PriorTrial",
    "StepRecord",
    "StudyFacts",
    "TrialFact",
]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PriorTrial:
    """What an earlier study knows of a configuration: the mean validation loss of one trial, nats an example."""

    configuration: Configuration
    loss: float


@dataclass(frozen=True, kw_only=True)
class DataFacts:
    """What the planner needs to know about the data.

    Attributes:
        n_train, n_validation, n_test: examples in each split (n_test 0: no test split).
        longest_tokens: longest training example, prompt and completion and end-of-text, in tokens.
        mean_tokens: mean raw tokens of a training example.
        groups: the group of each validation example; empty when the study has no groups.
        commonest_share: share of the commonest gold answer in validation, in [0, 1].
        constant_score: mean score of always giving that answer, on the standard scale; None in ledgers written before
            this was kept, where it is the share.
        rows_per_example: rows that an engine scores for each scored example; above 1 where a task asks several things
            about a document.
        prior: trials of an earlier study, where the study file names one; they guide what is tried first and enter no
            claim.
    """

    n_train: int
    n_validation: int
    n_test: int = 0
    longest_tokens: int | None = None
    mean_tokens: float | None = None
    groups: tuple[str, ...] = ()
    commonest_share: float = 0.0
    prior: tuple[PriorTrial, ...] = ()
    constant_score: float | None = None
    rows_per_example: float = 1.0

    @property
    def score_of_commonest(self) -> float:
        """What always giving the commonest answer scores."""
        return self.commonest_share if self.constant_score is None else self.constant_score


@dataclass(frozen=True)
class ExampleText:
    """The text of one scored example. `group` is the value of the study's `data.group` field, if any; `references` are
    answers that are as right as `gold`; `tests` is code that an answer's code has to pass, where the metric runs it."""

    index: int
    prompt: str
    gold: str
    group: str | None = None
    references: tuple[str, ...] = ()
    tests: str = ""

    @property
    def golds(self) -> tuple[str, ...]:
        """Every right answer, the learnt one first."""
        return (self.gold, *self.references)


@dataclass(frozen=True, kw_only=True)
class StudyFacts:
    """Facts about a study that are fixed when it is created and written to the ledger once.

    Attributes:
        data: counts and lengths for the planner.
        examples: the scored examples by split, in the order of the outcomes ("test" may be present; its texts are
            not shown before the split is opened).
        hashes: sha256 by role: "train", "validation", "test", "model", "study_file".
        model: JSON facts of the base model: name, revision, layers, hidden size, parameters, dtype, target_modules.
        summary: JSON facts of the data for `plan` and the record: format, rows read and used, labels with counts,
            token lengths (mean, median, max), truncated rows by max_length, where validation came from.
        environment: JSON facts of the machine and the library versions at creation.
        table: the configurations of the user's own table, in its order; empty: the study has none.
        folding: the settings that the engine promised not to change the result; None in ledgers written before this was
            kept.
        scale: what kind of number the metric produces; None in ledgers written before this was kept.
        references: by split, further right answers of each example; empty where no example has any.
        tests: by split, the tests of each example; empty where the metric runs none.
        answer_tokens: by split, the tokens of each gold text, where one of the metrics judges likelihoods; else empty.
    """

    data: DataFacts
    examples: dict[str, tuple[ExampleText, ...]] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)
    table: tuple[Configuration, ...] = ()
    folding: Folding | None = None
    scale: ScoreScale | None = None
    references: dict[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)
    answer_tokens: dict[str, tuple[int, ...]] = field(default_factory=dict)
    tests: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcomes:
    """A trial's result on every example of one split, in the split's order.

    Attributes:
        scores: shape (n,), in [0, 1].
        nll: negative log-likelihood of the gold completion, summed over its tokens, end-of-text included; nats, (n,).
            Not finite when the model is broken.
        answers: the model's answers as text, (n,); may be empty in simulations.
    """

    scores: Floats
    nll: Floats
    answers: tuple[str, ...] = ()

    @cached_property
    def accuracy(self) -> float:
        """Mean score."""
        return float(self.scores.mean())

    @cached_property
    def loss(self) -> float:
        """Mean negative log-likelihood per example, nats."""
        return float(self.nll.mean())


@dataclass(frozen=True)
class StepRecord:
    """One optimiser step: mean loss per label token (nats), learning rate, gradient norm before clipping."""

    step: int
    epoch: float
    loss: float
    learning_rate: float
    gradient_norm: float


@dataclass(frozen=True)
class EvaluationRecord:
    """An evaluation during training: loss per label token (nats) and mean score (None: not measured)."""

    step: int
    epoch: float
    split: str
    loss: float
    accuracy: float | None = None


@dataclass(frozen=True)
class Curve:
    """A trial's training curve."""

    steps: tuple[StepRecord, ...] = ()
    evaluations: tuple[EvaluationRecord, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a trial cost. `train_seconds` is its share of its cohort's time; `peak_bytes` is the peak of the whole
    process.

    raw_tokens counts tokens as one-after-another training would; computed_tokens those that went through the model.
    """

    train_seconds: float = 0.0
    score_seconds: float = 0.0
    raw_tokens: int = 0
    computed_tokens: int = 0
    peak_bytes: int = 0
    adapter_bytes: int = 0

    @property
    def seconds(self) -> float:
        """Device time of training and scoring."""
        return self.train_seconds + self.score_seconds


@dataclass(frozen=True, kw_only=True)
class TrialFact:
    """A trial with its result, if it has one.

    Attributes:
        outcomes: by split; empty until the trial is final, and for failed trials.
        diverged_step: the optimiser step at which training broke; None: it did not, or only the evaluation showed it.
        reason: why it diverged, collapsed or failed, as a code with detail ("non_finite_loss", "worse_than_untrained").
    """

    trial: Trial
    state: TrialState = TrialState.PLANNED
    outcomes: dict[str, Outcomes] = field(default_factory=dict)
    curve: Curve = field(default_factory=Curve)
    cost: Cost = field(default_factory=Cost)
    diverged_step: int | None = None
    reason: str | None = None

    @property
    def share(self) -> float:
        """How much of its training has been done: all, or of a stopped trial the part up to its last evaluation."""
        if self.state is not TrialState.STOPPED or not self.curve.evaluations:
            return 1.0
        return min(1.0, self.curve.evaluations[-1].epoch / self.trial.effective.num_train_epochs)

    @property
    def budget_units(self) -> float:
        """What it takes of a budget in trials; while it is not final, what it may take."""
        return self.share if self.trial.costs_budget else 0.0

    def scores(self, split: str = "validation") -> Floats | None:
        """The scores on a split, or None."""
        return self.outcomes[split].scores if split in self.outcomes else None


@dataclass(frozen=True, kw_only=True)
class History:
    """Everything that has happened in a study so far, in order.

    Attributes:
        waves: every wave planned so far.
        trials: every trial planned so far, by id.
        spent_seconds: device time used by finished trials.
        sealed: the confirm list, once sealed: role ("best", "runner_up", "cheapest", "baseline") to effective key.
        findings: the findings of all closed rounds, in order.
        closed_rounds: numbers of the rounds that have been judged.
        excluded: effective keys of configurations that may not be the best, because a limit of the study file keeps
            them out.
        own: what the user has asked to add, in order; each request becomes a round of kind OWN.
        has_bounds: whether a result lies in [0, 1] although single scores need not: of a bounded statistic of all rows,
            whose scores are pseudo-values.
    """

    waves: tuple[Wave, ...] = ()
    trials: dict[int, TrialFact] = field(default_factory=dict)
    spent_seconds: float = 0.0
    sealed: dict[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    closed_rounds: tuple[int, ...] = ()
    excluded: tuple[str, ...] = ()
    own: tuple[OwnTrials, ...] = ()
    has_bounds: bool = False

    def of_round(self, number: int) -> tuple[TrialFact, ...]:
        """The trials of one round, in order."""
        return tuple(fact for fact in self.trials.values() if fact.trial.round == number)

    def contrasts_of(self, number: int) -> tuple[Contrast, ...]:
        """The questions of one round, in order; one that was asked again, with all its trials and more, as it was asked
        last."""
        found: list[Contrast] = []
        places: dict[str, list[int]] = {}
        for contrast in (c for wave in self.waves if wave.round == number for c in wave.contrasts):
            same = places.setdefault(contrast.label, [])
            again = next((i for i in same if set(found[i].treatment) <= set(contrast.treatment)), None)
            if again is None:
                same.append(len(found))
                found.append(contrast)
            else:
                found[again] = contrast
        return tuple(found)

    @property
    def to_judge(self) -> Wave | None:
        """The last wave of the round that is judged next, once its trials are final; None: there is none.

        Rounds are judged in the order of their numbers, since a judgement looks at all rounds up to its own: where
        several are trained side by side, one that is complete waits for those before it.
        """
        last = {wave.round: wave for wave in self.waves if wave.round not in self.closed_rounds}
        first = last[min(last)] if last else None
        return first if first is not None and first.closes_round else None
