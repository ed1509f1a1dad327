"""A study's facts, indexed as the record needs them: by configuration, by round, by row of a round."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from tunebook.core.configuration import Configuration
from tunebook.core.facts import ExampleText, History, StudyFacts, TrialFact
from tunebook.core.findings import DescribedFactor, DivergenceBracket, Finding, StudyFindings
from tunebook.core.metric import AnswerSource
from tunebook.core.order import steps_per_epoch
from tunebook.core.outlook import Outlook
from tunebook.core.score import ScoreKind, ScoreScale
from tunebook.core.study import REMARK, Purpose, Remark, RoundKind, StudySpec, Trial, TrialState, Wave
from tunebook.errors import StudyFileError
from tunebook.plugins import METRICS, counts_words, is_simulated
from tunebook.statistics.conclusions import boundary
from tunebook.statistics.described import described_factors
from tunebook.statistics.evidence import Evidence

__all__ = ["OtherMetric", "View", "assumed_scale"]


def judges_answers(spec: StudySpec) -> bool:
    """Whether the metric that decides judges answers, and not likelihoods, by its name alone."""
    try:
        source = getattr(METRICS.load(spec.metric), "answers", AnswerSource.GENERATION)
    except StudyFileError:  # a user's function, or its package is not installed
        return True
    return source is not AnswerSource.LIKELIHOOD


def assumed_scale(spec: StudySpec) -> ScoreScale:
    """What a study's metric measures, by its name alone."""
    try:
        scale = METRICS.load(spec.metric)(**dict(spec.metric_options)).scale
    except (StudyFileError, TypeError, ValueError):  # a user's function, or its package is not installed
        scale = ScoreScale(kind=ScoreKind.MEAN)
    return scale.called(spec.metric)


@dataclass(frozen=True, kw_only=True)
class OtherMetric:
    """What a metric that does not decide says, on validation; values on its standard scale.

    Attributes:
        baseline, best: mean with its 95 % interval; None: not scored.
        difference: the best against the baseline, exploratory; None: there is none.
        at_most: the study's limit, in the metric's own unit.
        configurations: of each that was trained its mean with the 95 % interval, by key.
    """

    scale: ScoreScale
    baseline: tuple[float, tuple[float, float]] | None
    best: tuple[float, tuple[float, float]] | None
    difference: Finding | None
    at_most: float | None = None
    configurations: Mapping[str, tuple[float, tuple[float, float]]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class View:
    """Everything known about a study, read-only.

    Attributes:
        notes: the ledger's notes in order, as (code, values).
        others: the metrics beside the one that decides.
    """

    spec: StudySpec
    facts: StudyFacts
    history: History
    conclusions: StudyFindings
    notes: Sequence[tuple[str, Mapping[str, Any]]] = ()
    outlook: Outlook | None = None
    others: tuple[OtherMetric, ...] = ()

    @cached_property
    def scale(self) -> ScoreScale:
        """What kind of number the metric produces; looked up by the metric's name if the ledger does not have it."""
        return self.facts.scale or assumed_scale(self.spec)

    @cached_property
    def judges_answers(self) -> bool:
        """Whether what is judged are answers; else it is the likelihood of the gold texts."""
        return judges_answers(self.spec)

    @cached_property
    def is_simulated(self) -> bool:
        """Whether the engine trains nothing, so that every result is made up."""
        return is_simulated(self.spec.engine)

    @cached_property
    def counts_words(self) -> bool:
        """Whether lengths are in words, because the engine brings no tokenizer."""
        return counts_words(self.spec.engine)

    @cached_property
    def trials(self) -> tuple[TrialFact, ...]:
        """All trials but the reference, in order."""
        return tuple(f for f in self.history.trials.values() if f.trial.purpose is not Purpose.REFERENCE)

    @cached_property
    def references(self) -> tuple[TrialFact, ...]:
        return tuple(f for f in self.history.trials.values() if f.trial.purpose is Purpose.REFERENCE)

    @cached_property
    def final(self) -> tuple[TrialFact, ...]:
        return tuple(f for f in self.trials if f.state.is_final)

    @cached_property
    def evidence(self) -> Evidence:
        """The statistics' reading of the history: who leads, and how much seeds differ."""
        return Evidence(self.history, self.spec.baseline)

    @cached_property
    def described(self) -> tuple[DescribedFactor, ...]:
        """What a model of the loss says of each factor, where something was learned and no round ranked the factors."""
        if self.conclusions.nothing_learned is not None or self.conclusions.importance:
            return ()
        return described_factors(self.evidence, self.spec, self.facts.data)

    @property
    def baseline_key(self) -> str:
        """Effective key of the baseline."""
        return self.evidence.baseline_key

    @cached_property
    def configurations(self) -> dict[str, Configuration]:
        """Each configuration as it was first asked for, by effective key."""
        known = {self.baseline_key: self.spec.baseline}
        for fact in self.trials:
            known.setdefault(fact.trial.effective.key, fact.trial.configuration)
        return known

    @property
    def by_key(self) -> Mapping[str, Sequence[TrialFact]]:
        """All trials but the reference, by effective key."""
        return self.evidence.by_key

    @cached_property
    def rounds(self) -> tuple[tuple[int, RoundKind], ...]:
        """(number, kind) of every planned round, without the reference."""
        return tuple(dict.fromkeys((w.round, w.kind) for w in self.history.waves if w.kind is not RoundKind.REFERENCE))

    def round_cost(self, number: int) -> tuple[int, float]:
        """(trials that were trained, seconds) of a round so far, including the scoring of the reference."""
        facts = [f for f in self.history.of_round(number) if f.state.is_final]
        spent = sum(f.cost.seconds for f in facts)
        return sum(f.trial.has_training for f in facts), spent

    def waves(self, number: int) -> list[Wave]:
        return [wave for wave in self.history.waves if wave.round == number]

    def findings(self, number: int | None = None) -> list[Finding]:
        """Findings of the main family, of one round or of all rounds."""
        return [f for f in self.conclusions.findings if f.family == "main" and number in (None, f.round)]

    @cached_property
    def has_comparison(self) -> bool:
        """Whether a comparison has been judged, or the study ended without one: before that nothing can be
        recommended."""
        to_come = self.outlook is not None and bool(self.outlook.rounds)
        return bool(self.conclusions.findings) or not (to_come or any(not f.state.is_final for f in self.trials))

    def levels_tried(self, factor: str) -> list[Any]:
        """The levels at which something was trained, in order; a trial that failed or was cancelled tried nothing."""
        without = (TrialState.FAILED, TrialState.CANCELLED)
        seen = {getattr(f.trial.configuration, factor) for f in self.final if f.state not in without}
        numeric = all(isinstance(level, int | float) for level in seen)
        return sorted(seen) if numeric else sorted(seen, key=str)

    def waiting(self, number: int) -> tuple[int, ...]:
        """The trials of a round that have no result yet."""
        return tuple(f.trial.id for f in self.history.of_round(number) if not f.state.is_final)

    def results_before(self, number: int) -> int:
        """Trials that had a result when a round was planned."""
        return sum(f.trial.round < number and f.state.is_answer for f in self.trials)

    def margin_of(self, number: int) -> float:
        """The margin that a round was judged with: the study file's, unless it was changed afterwards."""
        for code, values in self.notes:
            if code == "study_changed" and "margin" in values and number <= values["round"]:
                return float(values["margin"][0])
        return self.spec.margin

    @cached_property
    def remarks(self) -> Mapping[int, Remark]:
        """What the user has said about trials, by their ids: with the trial that was added, and later."""
        said = [
            Remark(id="", trial=trial.id, tags=tuple(values["tags"]), note=values["note"])
            for wave in self.history.waves
            for code, values in wave.notes
            if code == "own" and (values["tags"] or values["note"])
            for trial in wave.trials
        ]
        said += [Remark(**{**values, "tags": tuple(values["tags"])}) for code, values in self.notes if code == REMARK]
        kept: dict[int, Remark] = {}
        for remark in said:
            kept[remark.trial] = remark.after(kept[remark.trial]) if remark.trial in kept else remark
        return kept

    def remark(self, trial: int) -> Remark:
        """What the user has said about one trial; empty if nothing."""
        return self.remarks.get(trial, Remark(id="", trial=trial))

    def total_steps(self, trial: Trial) -> int | None:
        """Number of optimiser steps in the whole trial."""
        n = self.facts.data.n_train
        if n <= 0:
            return None
        return steps_per_epoch(n, trial.effective.effective_batch_size) * trial.effective.num_train_epochs

    def examples(self, split: str) -> tuple[ExampleText, ...]:
        return self.facts.examples.get(split, ())

    def rows(self, number: int) -> list[list[TrialFact]]:
        """The trials of a round, grouped as in its table: one row for the replicates of a configuration, and one row
        for the learning rates tried for a level."""
        grouped: dict[tuple[object, ...], list[TrialFact]] = {}
        for fact in self.history.of_round(number):
            trial = fact.trial
            if trial.purpose is Purpose.REFERENCE:
                continue
            name = (
                ("bracket", trial.effective.with_values(learning_rate=1.0).key)
                if trial.purpose.only_chooses
                else (trial.purpose.value, trial.effective.key, trial.splits)
            )
            grouped.setdefault(name, []).append(fact)
        return list(grouped.values())

    def finding_for(self, row: Sequence[TrialFact]) -> Finding | None:
        """The round's finding that has this row as treatment; a comparison with the baseline first."""
        ids = {fact.trial.id for fact in row}
        key = row[0].trial.effective.key
        mine = [
            f
            for f in self.findings(row[0].trial.round)
            if f.treatment_key == key
            and f.control_key != key
            and (not f.treatment_trials or ids & set(f.treatment_trials))
        ]
        mine.sort(key=lambda f: (f.control_key != self.baseline_key, f.kind.value != "difference"))
        return mine[0] if mine else None

    def chosen_rate(self, row: Sequence[TrialFact]) -> float | None:
        """The learning rate chosen by a bracket, if it chose one."""
        like = row[0].trial.effective.with_values(learning_rate=1.0).key
        for fact in self.history.of_round(row[0].trial.round):
            trial = fact.trial
            if trial.purpose is Purpose.CHOSEN and trial.effective.with_values(learning_rate=1.0).key == like:
                return trial.effective.learning_rate
        factor = row[0].trial.factor
        level = getattr(row[0].trial.effective, str(factor), None)
        for wave in self.waves(row[0].trial.round):
            for chosen in wave.chosen_rates:
                if (chosen.factor, chosen.level) == (factor, level):
                    return chosen.learning_rate
        return None

    def split_of(self, row: Sequence[TrialFact]) -> str:
        """The split of a row's result: test if it was scored on it, else validation."""
        return "test" if all("test" in f.trial.splits for f in row) else "validation"

    def accuracy(
        self, facts: Iterable[TrialFact], split: str = "validation"
    ) -> tuple[float, tuple[float, float]] | None:
        """Mean accuracy of the trials that trained, with its 95 % interval, or None; see `Evidence.accuracy`."""
        return self.evidence.accuracy(facts, split)

    def loss(self, facts: Iterable[TrialFact], split: str = "validation") -> float | None:
        """Mean loss of the trials that trained and have a finite one, nats an example."""
        trained = [f.outcomes[split].loss for f in facts if f.state is TrialState.COMPLETED and split in f.outcomes]
        finite = [loss for loss in trained if math.isfinite(loss)]
        return sum(finite) / len(finite) if finite else None

    def replicates(self, key: str) -> list[TrialFact]:
        """A configuration's trials, without those that only chose a learning rate."""
        return [f for f in self.by_key.get(key, []) if not f.trial.purpose.only_chooses]

    def won_and_lost(self, finding: Finding) -> tuple[int, int] | None:
        """How many examples a trial of the treatment has right and one of the control has not, and the reverse, on
        average over all pairs of their trials; the two differ by the effect. None where a side has no outcomes, where
        scores are no right or wrong, or where neither number is above 0."""
        sides = []
        for ids in (finding.treatment_trials, finding.control_trials):
            facts = [self.history.trials[i] for i in ids if i in self.history.trials]
            scores = [f.outcomes[finding.split].scores for f in facts if finding.split in f.outcomes]
            if not scores or not self.scale.counts_right_answers:
                return None
            sides.append(np.mean(scores, axis=0))
        won, lost = (round(float(np.sum(a * (1 - b)))) for a, b in (sides, sides[::-1]))
        return (won, lost) if won or lost else None

    def common_end(self, finding: Finding) -> float | None:
        """0.0 where every answer on both sides of a finding is wrong, 1.0 where all are right, else None."""
        ids = (*finding.treatment_trials, *finding.control_trials)
        facts = [self.history.trials[i] for i in ids if i in self.history.trials]
        ends = {f.outcomes[finding.split].accuracy for f in facts if finding.split in f.outcomes}
        return ends.pop() if ends in ({0.0}, {1.0}) else None

    def leader_after(self, number: int) -> tuple[str, float] | None:
        """(key, mean validation accuracy) of the leading configuration at the end of a round."""
        leading = self.evidence.up_to(number).leading
        return None if leading is None else (leading.key, leading.accuracy)

    def boundary_after(self, number: int) -> DivergenceBracket | None:
        """Where training breaks, as far as it was known at the end of a round."""
        return boundary(self.evidence.up_to(number))

    def told_apart(self, key: str) -> Finding | None:
        """The latest finding with an estimate that compares a configuration with the baseline, on the test split if
        there is one. There is no estimate when a side has no outcomes (for example a baseline whose trials all failed).
        """
        with_numbers = [
            f
            for f in self.findings()
            if f.treatment_key == key
            and f.control_key == self.baseline_key
            and f.kind.value == "difference"
            and not math.isnan(f.effect)
        ]
        with_numbers.sort(key=lambda f: (f.split == "test", f.round))
        return with_numbers[-1] if with_numbers else None
