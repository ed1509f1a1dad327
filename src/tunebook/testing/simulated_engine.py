"""Engine `simulated`: a response surface with noise and a simulated clock, to run whole studies without a model.

It reports simulated seconds without taking them (unless asked to sleep). Above the learning rate at which its world
breaks, the loss rises until `core.divergence` stops the trial; just below, the model collapses. A trial depends only on
its effective configuration and its seed, so a resumed study equals an unbroken one. No torch.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tunebook.core.configuration import Configuration
from tunebook.core.divergence import DivergenceMonitor
from tunebook.core.events import Cancelled, Evaluation, Finished, Progress, Step
from tunebook.core.facts import Cost, Curve, EvaluationRecord, Floats, StepRecord
from tunebook.core.order import steps_per_epoch
from tunebook.core.ports import (
    Calibration,
    EngineOptions,
    RawScores,
    RawTrial,
    Sink,
    TokenizedExample,
    TrialJob,
    TrialSource,
    Workload,
    trained_examples,
)
from tunebook.core.space import Folding
from tunebook.testing.world import World

__all__ = ["SimulatedEngine", "different", "gold_answer", "save_adapter"]

TOKENS_PER_SECOND = 400.0
"""Simulated training speed, raw tokens per second."""
ONE_BY_ONE_TOKENS_PER_SECOND = 115.0
EXAMPLES_PER_SECOND = 20.0
BASE_BYTES = 500_000_000
TRIAL_BYTES = 20_000_000
ADAPTER_BYTES_A_RANK = 150_000
MOST_RECORDED_STEPS = 120
"""Longer curves are thinned to about this many steps."""
FIRST_LOSS = 2.5
"""Training loss at the start, nats per label token."""


class SimulatedEngine:
    """Trains nothing and draws results from a `World`; implements `core.ports.Engine`.

    Args:
        options: `extra` may have "world" (fields of `World`) and "sleep_seconds" (real time per trial, for tests that
            interrupt). A study file can set neither, so it gets the default world without sleeping.
        world: the simulated world; None: from the options.
    """

    name = "simulated"
    folding = Folding.everything()

    def __init__(self, options: EngineOptions, world: World | None = None) -> None:
        self._sleep_seconds = float(options.extra.get("sleep_seconds", 0.0))
        self.world = world if world is not None else World.from_settings(options.extra.get("world", {}))

    def refuses(self, configuration: Configuration) -> str | None:
        """None: a world has a result for every configuration."""
        return None

    def calibrate(self, workload: Workload) -> Calibration:
        """The simulated speeds. Measures nothing."""
        return Calibration(
            train_tokens_per_second=TOKENS_PER_SECOND,
            score_examples_per_second=EXAMPLES_PER_SECOND,
            one_by_one_tokens_per_second=ONE_BY_ONE_TOKENS_PER_SECOND,
            base_bytes=BASE_BYTES,
            trial_bytes=TRIAL_BYTES,
            device="simulated",
        )

    def run(self, source: TrialSource, workload: Workload, sink: Sink) -> None:
        """Run one trial after another, until there are none or the sink says stop."""
        while not sink.should_stop():
            jobs = source.take(1)
            if not jobs:
                return
            if sink.is_cancelled(jobs[0].id):
                sink.emit(Cancelled(jobs[0].id))
                continue
            trial = _SimulatedTrial(self.world, workload, jobs[0])
            steps = trial.train(sink)
            reached = trial.evaluate(sink, steps)
            if reached < 1 or not self._slept(jobs[0].id, sink):
                if sink.should_stop():
                    return
                sink.emit(Cancelled(jobs[0].id, trial.cost(reached)))
                continue
            for result in trial.results(steps):
                own = Path(jobs[0].folder)  # the trials at its checkpoints have sibling folders
                folder = own if result.id == jobs[0].id else own.parent / str(result.id)
                if jobs[0].folder:
                    save_adapter(folder, trial.configuration_of(result.id), jobs[0].seed)
                sink.emit(Finished(result))

    def _slept(self, trial_id: int, sink: Sink) -> bool:
        """Sleep for the requested time. False if a stop, or the cancelling of this trial, was requested meanwhile."""
        if sink.is_cancelled(trial_id):
            return False
        until = time.monotonic() + self._sleep_seconds
        while (left := until - time.monotonic()) > 0:
            if sink.should_stop() or sink.is_cancelled(trial_id):
                return False
            sink.emit(Progress(trial_id, 1 - left / self._sleep_seconds, "train"))
            time.sleep(min(left, 0.02))
        return True


class _SimulatedTrial:
    """One job: its curve, then its scores."""

    def __init__(self, world: World, workload: Workload, job: TrialJob) -> None:
        self._world, self._workload, self._job = world, workload, job
        kept = trained_examples(workload.train, job.configuration.max_length, job.rows)
        self._trained = [example for _, example in kept]
        self._share = len(job.rows) / len(workload.train) if job.rows else 1.0
        self._steps_an_epoch = steps_per_epoch(len(self._trained), job.configuration.effective_batch_size)
        self._total = self._steps_an_epoch * job.configuration.num_train_epochs
        self._fate = world.breaking(job.configuration, job.seed)

    def configuration_of(self, trial_id: int) -> Configuration:
        """The job's configuration, or that of one of its checkpoints."""
        epochs = {other: n for n, other in self._job.checkpoints}
        n = epochs.get(trial_id, self._job.configuration.num_train_epochs)
        return self._job.configuration.with_values(num_train_epochs=n)

    def train(self, sink: Sink) -> tuple[list[StepRecord], str | None]:
        """Simulate the steps. Returns the curve and why training broke, if it did. Every step is checked for
        divergence; long curves are thinned."""
        monitor = DivergenceMonitor(self._total)
        thin = max(1, self._total // MOST_RECORDED_STEPS)
        records: list[StepRecord] = []
        for record in self._steps():
            reason = monitor.observe(record.loss, record.gradient_norm)
            if record.step % thin == 0 or reason is not None or record.step == self._total:
                records.append(record)
                sink.emit(Step(self._job.id, record))
            if reason is not None:
                return records, reason
        sink.emit(Progress(self._job.id, 1.0, "train"))
        return records, None

    def evaluate(self, sink: Sink, trained: tuple[list[StepRecord], str | None]) -> float:
        """Tell the evaluations on the way. Returns the share of the training done: less than 1 where one of them made
        the planner cancel the trial."""
        records, reason = trained
        for record in self._evaluations(self._job.configuration, records[-1].step if reason is not None else None):
            sink.emit(Evaluation(self._job.id, record))
            if sink.is_cancelled(self._job.id):
                return record.step / max(1, self._total)
        return 1.0

    def cost(self, share: float) -> Cost:
        """Of that share of the training, unscored."""
        whole = self._cost(self._job.configuration, None, self._job.id)
        tokens = round(whole.raw_tokens * share)
        return replace(
            whole,
            train_seconds=tokens / TOKENS_PER_SECOND,
            score_seconds=0.0,
            raw_tokens=tokens,
            computed_tokens=tokens,
        )

    def _steps(self) -> Iterator[StepRecord]:
        c = self._job.configuration
        generator = np.random.default_rng([self._world.seed, int(c.key, 16), self._job.seed, 9])
        final = max(0.05, 1.6 * (1 - self._world.accuracy(c)))
        breaks_at = 1 + int(generator.uniform(0.02, 0.6) * self._total) if self._fate == "diverges" else self._total + 1
        noise = generator.standard_normal(self._total) * 0.05
        for step in range(1, self._total + 1):
            done = step / self._total
            loss = final + (FIRST_LOSS - final) * float(np.exp(-5 * done))
            gradient = 1.0 + 0.1 * float(noise[step - 1])
            if step >= breaks_at:
                loss, gradient = loss * 1.5 ** min(step - breaks_at + 1, 12), gradient * 20.0
            rate = c.learning_rate * (1 - (step - 1) / self._total if c.lr_scheduler_type == "linear" else 1.0)
            yield StepRecord(step, step / self._steps_an_epoch, loss * (1 + float(noise[step - 1])), rate, gradient)

    def results(self, trained: tuple[list[StepRecord], str | None]) -> Iterator[RawTrial]:
        """The results of the checkpoints that were reached, then of the trial itself."""
        records, reason = trained
        broke_at = records[-1].step if reason is not None else None
        for epochs, trial_id in self._job.checkpoints:
            last = epochs * self._steps_an_epoch
            if broke_at is None or last < broke_at:
                steps = [record for record in records if record.step <= last]
                yield self._result(trial_id, steps, None, None, trains=self._fate != "collapses")
        yield self._result(self._job.id, records, broke_at, reason, trains=self._fate is None)

    def _result(
        self, trial_id: int, records: list[StepRecord], broke_at: int | None, reason: str | None, trains: bool
    ) -> RawTrial:
        configuration = self.configuration_of(trial_id)
        scores = (
            {}
            if broke_at is not None
            else {split: self._scores(configuration, split, trains) for split in self._job.splits}
        )
        curve = Curve(tuple(records), self._evaluations(configuration, broke_at))
        return RawTrial(
            id=trial_id,
            scores=scores,
            curve=curve,
            cost=self._cost(configuration, broke_at, trial_id),
            broke_at_step=broke_at,
            reason=reason,
        )

    def _scores(self, configuration: Configuration, split: str, trains: bool) -> RawScores:
        examples = self._workload.splits[split]
        right, nll = self._world.answers(configuration, self._job.seed, split, len(examples), self._share)
        if not trains:
            right, nll = np.zeros(len(examples), dtype=bool), nll + 0.5
        n_labels = tuple(len(example.completion_ids) for example in examples)
        if self._workload.scoring.kind == "likelihood":
            return RawScores((), self._of_all_tokens(nll, examples), n_labels)
        return RawScores(self._texts(examples, right, trains), nll, n_labels)

    def _of_all_tokens(self, nll: Floats, examples: Sequence[TokenizedExample]) -> Floats:
        """Of a world's likelihoods those of whole texts: where they are what is judged, one is of a token."""
        if self._workload.scoring.kind != "likelihood":
            return nll
        lengths: Floats = np.array([len(example.completion_ids) for example in examples], dtype=np.float64)
        return nll * lengths

    def _texts(
        self, examples: tuple[TokenizedExample, ...], right: NDArray[np.bool_], trains: bool
    ) -> tuple[tuple[int, ...], ...] | tuple[int, ...]:
        """Gold answers where right, another example's answer where wrong. A collapsed model gives one answer to
        everything."""
        scoring = self._workload.scoring
        if scoring.kind == "choice":
            options = {ids: i for i, ids in enumerate(scoring.choices)}
            gold = [options.get(example.completion_ids, 0) for example in examples]
            n = max(2, len(options))
            return tuple((g if ok else (g + 1) % n) if trains else 0 for g, ok in zip(gold, right, strict=True))
        golds = [gold_answer(example, scoring.stop_ids) for example in examples]
        if not trains:
            return tuple(golds[0] for _ in golds)
        others = different(golds)
        return tuple(g if ok else o for g, o, ok in zip(golds, others, right, strict=True))

    def _evaluations(self, configuration: Configuration, broke_at: int | None) -> tuple[EvaluationRecord, ...]:
        """The validation loss after each epoch, on the first examples."""
        examples = self._workload.splits.get("validation", ())[: self._workload.curve_examples]
        records = []
        for epoch in range(1, configuration.num_train_epochs + 1):
            step = epoch * self._steps_an_epoch
            if not examples or (broke_at is not None and step >= broke_at):
                break
            shorter = configuration.with_values(num_train_epochs=epoch)
            _, nll = self._world.answers(shorter, self._job.seed, "validation", len(examples))
            nll = self._of_all_tokens(nll, examples)
            per_token = float(nll.sum()) / max(1, sum(len(example.completion_ids) for example in examples))
            records.append(EvaluationRecord(step, float(epoch), "validation", per_token))
        return tuple(records)

    def _cost(self, configuration: Configuration, broke_at: int | None, trial_id: int) -> Cost:
        """Simulated costs; a checkpoint costs only its scoring."""
        own = trial_id == self._job.id
        a_pass = sum(example.n_tokens for example in self._trained)
        share = 1.0 if broke_at is None else broke_at / max(1, self._total)
        tokens = round(a_pass * configuration.num_train_epochs * share) if own else 0
        scored = 0 if broke_at is not None else sum(len(self._workload.splits[split]) for split in self._job.splits)
        return Cost(
            train_seconds=tokens / TOKENS_PER_SECOND,
            score_seconds=scored / EXAMPLES_PER_SECOND,
            raw_tokens=tokens,
            computed_tokens=tokens,
            peak_bytes=BASE_BYTES + TRIAL_BYTES * configuration.lora_r // 8,
            adapter_bytes=ADAPTER_BYTES_A_RANK * configuration.lora_r,
        )


def gold_answer(example: TokenizedExample, stop_ids: tuple[int, ...]) -> tuple[int, ...]:
    """The gold completion as a model would generate it: up to the first stop token."""
    ids = example.completion_ids
    end = next((i for i, token in enumerate(ids) if token in stop_ids), len(ids))
    return ids[:end]


def different(golds: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """For each answer, the next one in the list that differs from it; if all are equal, the answer doubled."""
    result: list[tuple[int, ...]] = [gold + gold for gold in golds]
    following: tuple[int, ...] | None = None
    for i in range(2 * len(golds) - 1, -1, -1):
        gold = golds[i % len(golds)]
        ahead = golds[(i + 1) % len(golds)]
        following = ahead if ahead != gold else following
        if following is not None and following != gold and i < len(golds):
            result[i] = following
    return result


def save_adapter(target: Path, configuration: Configuration, seed: int) -> None:
    """Write a tiny adapter in PEFT's format, for the code that handles adapters."""
    if configuration.num_train_epochs == 0:
        return
    from safetensors.numpy import save

    target.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng([int(configuration.key, 16), seed])
    weights = {"base_model.model.simulated.lora_A.weight": generator.standard_normal((2, 4)).astype(np.float32)}
    temporary = target / "adapter_model.safetensors.tmp"
    temporary.write_bytes(save(weights))
    temporary.replace(target / "adapter_model.safetensors")
    facts = {"peft_type": "LORA", "r": configuration.lora_r, "lora_alpha": configuration.lora_alpha}
    (target / "adapter_config.json").write_text(json.dumps(facts), encoding="utf-8")
