"""Engine `recorded`: gives back real trials that were recorded before, to try planners on them without training.

The table's folder is named by the environment variable TUNEBOOK_RECORDED; `benchmarks.recorded` writes such tables. A
study has to be scored on the recorded validation examples, in their order, without a test split. A configuration that
was not recorded is answered as `testing.replay` says. Seconds are those of the recorded trial, and are not taken.
"""

from __future__ import annotations

import os
from dataclasses import fields
from functools import cached_property
from pathlib import Path

import numpy as np

from tunebook.core.configuration import Configuration
from tunebook.core.events import Cancelled, Evaluation, Finished, Progress, Step
from tunebook.core.facts import Cost, Curve, EvaluationRecord, Floats, StepRecord
from tunebook.core.order import steps_per_epoch
from tunebook.core.ports import (
    Calibration,
    EngineOptions,
    RawScores,
    RawTrial,
    Sink,
    TrialJob,
    TrialSource,
    Workload,
    trained_examples,
)
from tunebook.core.space import Folding
from tunebook.errors import EnvironmentStop
from tunebook.testing.recorded_table import load
from tunebook.testing.replay import Answer, Replay
from tunebook.testing.simulated_engine import different, gold_answer, save_adapter

__all__ = ["FOLDER", "RecordedEngine"]

CONSTANT = "constant_answer"
"""Reason code of a trial that gave one answer to everything."""

FOLDER = "TUNEBOOK_RECORDED"
VARIED = frozenset(
    {
        "learning_rate", "lora_r", "lora_alpha", "per_device_train_batch_size", "gradient_accumulation_steps",
        "num_train_epochs", "lora_dropout", "lr_scheduler_type", "warmup_steps", "max_length", "gradient_checkpointing",
    }
)  # fmt: skip
"""Settings that differ between recorded configurations, or that do not change a result."""


class RecordedEngine:
    """Replays a recorded table; implements `core.ports.Engine`.

    Args:
        options: only the folder of the table matters, which is not among them.
        replay: the table to replay; None: the one that the environment names, read when it is first needed.
    """

    name = "recorded"
    folding = Folding()

    def __init__(self, options: EngineOptions, replay: Replay | None = None) -> None:
        self._given = replay

    @cached_property
    def replay(self) -> Replay:
        """The table.

        Raises: EnvironmentStop: the environment names none, or it cannot be read.
        """
        if self._given is not None:
            return self._given
        folder = os.environ.get(FOLDER, "")
        try:
            return Replay(load(Path(folder)))
        except (OSError, ValueError) as error:
            raise EnvironmentStop(
                f'{FOLDER}: found "{folder}"; engine recorded replays the table in that folder, and {error}. '
                "Set the variable to a folder that benchmarks.recorded wrote."
            ) from error

    def refuses(self, configuration: Configuration) -> str | None:
        """Settings that were the same in all recorded trials have to be so."""
        recorded = self.replay.table.configurations[0]
        for each in fields(configuration):
            own, known = getattr(configuration, each.name), getattr(recorded, each.name)
            if each.name not in VARIED and own != known:
                return f"it recorded {each.name} {known} alone, not {own}"
        return None

    def calibrate(self, workload: Workload) -> Calibration:
        """Speeds of the recorded trials. Measures nothing."""
        table = self.replay.table
        trained = float(table.raw_tokens.sum() / max(1e-9, table.train_seconds.sum()))
        scored = float(table.scores.size / max(1e-9, table.score_seconds.sum()))
        return Calibration(
            train_tokens_per_second=trained,
            score_examples_per_second=scored,
            one_by_one_tokens_per_second=trained,
            base_bytes=0,
            trial_bytes=0,
            device="recorded",
        )

    def run(self, source: TrialSource, workload: Workload, sink: Sink) -> None:
        """Give the trials of the source back one after another.

        Raises: EnvironmentStop: the study is scored on other examples than the table.
        """
        n = self.replay.table.scores.shape[2]
        found = {split: len(examples) for split, examples in workload.splits.items()}
        if found != {"validation": n} or workload.scoring.kind != "generate":
            raise EnvironmentStop(
                f"{FOLDER}: the table has generated answers to {n} validation examples and no test split; the study "
                f"has {found} and scores by {workload.scoring.kind}. Give it the data that the table was recorded with."
            )
        while not sink.should_stop() and (jobs := source.take(1)):
            trial = _Replayed(self.replay, workload, jobs[0])
            reached = trial.go(sink)
            if reached is not None:
                sink.emit(Cancelled(jobs[0].id, reached))
                continue
            if jobs[0].folder:
                save_adapter(Path(jobs[0].folder), jobs[0].configuration, jobs[0].seed)
            sink.emit(Finished(trial.result()))


class _Replayed:
    """One job, answered by a recorded trial; without training, by the untrained model."""

    def __init__(self, replay: Replay, workload: Workload, job: TrialJob) -> None:
        self._replay, self._table, self._job = replay, replay.table, job
        self._examples, self._stop_ids = workload.splits["validation"], workload.scoring.stop_ids
        c = job.configuration
        self._trains = c.num_train_epochs > 0
        untrained = Answer((0, 0), replay.table.untrained_scores, replay.table.untrained_losses, 1.0)
        self._answer = replay.answer(c, job.seed) if self._trains else untrained
        trained = trained_examples(workload.train, c.max_length)
        self._an_epoch = steps_per_epoch(len(trained), c.effective_batch_size)
        self._total = self._an_epoch * c.num_train_epochs
        self._tokens = sum(example.n_tokens for _, example in trained)
        broke = int(self._table.broke_at_step[self._answer.at]) if self._trains else 0
        recorded = len(self._curve)
        self._broke_at = max(1, round(broke / max(recorded, broke) * self._total)) if broke else None

    def go(self, sink: Sink) -> Cost | None:
        """Tell steps and evaluations. Returns the cost where an evaluation made the planner cancel the trial."""
        for step in self._steps():
            sink.emit(Step(self._job.id, step))
        sink.emit(Progress(self._job.id, 1.0, "train"))
        if sink.is_cancelled(self._job.id):
            return self._cost(0.0)
        for record in self._evaluations():
            sink.emit(Evaluation(self._job.id, record))
            if sink.is_cancelled(self._job.id):
                return self._cost(record.step / self._total)
        return None

    def result(self) -> RawTrial:
        """What was recorded."""
        return RawTrial(
            id=self._job.id,
            scores={} if self._broke_at is not None else {"validation": self._scores()},
            curve=Curve(self._steps(), self._evaluations()),
            cost=self._cost(1.0),
            broke_at_step=self._broke_at,
            reason=self._answer.reason if self._broke_at is not None else None,
        )

    @property
    def _curve(self) -> Floats:
        row, column = self._answer.at
        return self._table.curves[row][column]

    def _steps(self) -> tuple[StepRecord, ...]:
        """The recorded losses of the steps, spread over the job's."""
        if not self._trains:
            return ()
        curve = self._curve * self._answer.factor
        last = self._broke_at or self._total
        losses = np.interp(np.linspace(0, 1, last), np.linspace(0, 1, len(curve)), curve)
        rate = self._job.configuration.learning_rate
        return tuple(StepRecord(i, i / self._an_epoch, float(x), rate, 1.0) for i, x in enumerate(losses, 1))

    def _evaluations(self) -> tuple[EvaluationRecord, ...]:
        """After each epoch, nats a label token."""
        scale, found = len(self._examples) / sum(self._label_tokens), []
        epochs = self._job.configuration.num_train_epochs
        for epoch in range(1, epochs + 1):
            step = epoch * self._an_epoch
            if self._broke_at is None or step < self._broke_at:
                loss = scale * self._replay.loss_at(self._answer, epoch / epochs)
                found.append(EvaluationRecord(step, float(epoch), "validation", loss))
        return tuple(found)

    @property
    def _label_tokens(self) -> tuple[int, ...]:
        return tuple(len(example.completion_ids) for example in self._examples)

    def _scores(self) -> RawScores:
        losses = self._answer.losses
        nll = np.where(np.isfinite(losses), losses, np.finfo(np.float16).max).astype(np.float64)
        right = [bool(each) for each in self._answer.scores >= 0.5]
        return RawScores(self._answers(right, self._answer.reason == CONSTANT), nll, self._label_tokens)

    def _answers(self, right: list[bool], constant: bool) -> tuple[tuple[int, ...], ...]:
        """Gold answers where the recorded one was right, another example's where it was wrong."""
        golds = [gold_answer(example, self._stop_ids) for example in self._examples]
        if constant:
            one = next((gold for gold, ok in zip(golds, right, strict=True) if ok), golds[0])
            return tuple(one for _ in golds)
        others = different(golds)
        return tuple(gold if ok else other for gold, other, ok in zip(golds, others, right, strict=True))

    def _cost(self, share: float) -> Cost:
        at = self._answer.at
        trained = float(self._table.train_seconds[at]) * share if self._trains else 0.0
        tokens = round(self._tokens * self._job.configuration.num_train_epochs * share)
        return Cost(
            train_seconds=trained,
            score_seconds=float(self._table.score_seconds[at]) if share >= 1 else 0.0,
            raw_tokens=tokens,
            computed_tokens=tokens,
        )
