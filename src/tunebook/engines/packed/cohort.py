"""A cohort: the trials that are in training at the same time, and the loop that carries them.

A slot that gets free is filled at once. Trials are trained until they are done or break, then scored, saved and
reported. A trial's trouble ends that trial alone; when memory runs out, the cohort is split and goes on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from tunebook.core.facts import Cost, Curve, EvaluationRecord
from tunebook.core.ports import EngineOptions, RawScores, RawTrial, Sink, TrialJob, TrialSource, Workload
from tunebook.engines.packed import checkpoint
from tunebook.engines.packed.bank import Adapter
from tunebook.engines.packed.kernels import kernel_kind
from tunebook.engines.packed.loop import choose, is_out_of_memory, train_together
from tunebook.engines.packed.memory import MemoryPlan, peak_bytes
from tunebook.engines.packed.model import PackedModel
from tunebook.engines.packed.saving import save_adapter, writing
from tunebook.engines.packed.scoring import losses, score
from tunebook.engines.packed.trainee import Trainee
from tunebook.errors import EnvironmentStop, TunebookError

__all__ = ["Cohort"]

_WORTH_SAVING_SECONDS = 5.0
"""A trained adapter is saved before it is scored when this much work would be lost with it."""


@dataclass
class _Slot:
    """A trainee with what the cohort keeps about it."""

    trainee: Trainee
    saved_at: float
    scored: list[int]  # ids of the checkpoints that are finished


class Stopped(Exception):
    """`Sink.should_stop` said so."""


class Cohort:
    """Trains and scores trials from a source until there are none.

    Args:
        packed: the base model.
        plan: how many rows a forward may have and how many trials are in training at a time.
    """

    def __init__(
        self, packed: PackedModel, options: EngineOptions, plan: MemoryPlan, workload: Workload, sink: Sink
    ) -> None:
        self._packed, self._options, self._plan = packed, options, plan
        self._workload, self._sink = workload, sink
        self._slots: list[_Slot] = []

    def run(self, source: TrialSource) -> None:
        """Until the source is empty or the sink says stop; then everything is saved."""
        try:
            while self._fill(source):
                self._train_some()
                self._finish([slot for slot in self._slots if slot.trainee.is_trained])
        except Stopped:
            for slot in self._slots:
                self._save(slot)

    # -- taking trials in

    def _fill(self, source: TrialSource) -> bool:
        free = self._plan.slots - len(self._slots)
        while free > 0:
            jobs = source.take(free)
            if not jobs:
                break
            for job in jobs:
                self._guarded(job.id, lambda job=job: self._slots.append(self._enter(job)))  # type: ignore[misc]
            free = self._plan.slots - len(self._slots)
        return bool(self._slots)

    def _enter(self, job: TrialJob) -> _Slot:
        packed = self._packed
        shapes = packed.shapes(job.configuration.target_modules)
        saved = checkpoint.load_state(Path(job.folder), self._identity(job))
        trainee = Trainee(
            job, self._workload.train, shapes, self._plan.micro_rows if saved is None else saved.facts["max_rows"],
            self._options.share_prompts, self._options.extra.get("max_steps"), packed.adapter_dtype, packed.device,
        )  # fmt: skip
        slot = _Slot(trainee, time.monotonic(), [])
        if saved is not None:
            slot.scored = list(saved.facts["scored"])
            trainee.load_state(saved.tensors, saved.steps, saved.evaluations, saved.facts)
            self._sink.note("trial_resumed", {"trial": job.id, "step": trainee.n_done})
            if trainee.epochs_done is not None:  # it may have been stopped while this epoch's end was scored
                self._epoch_end(slot, trainee.epochs_done)
        return slot

    # -- training

    def _train_some(self) -> None:
        training = [slot.trainee for slot in self._slots if not slot.trainee.is_trained]
        if not training:
            return
        chosen = choose(training, self._plan.rows)
        try:
            train_together(self._packed, chosen)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            self._split(chosen, error)
            return
        for slot in [slot for slot in self._slots if slot.trainee in chosen]:
            self._slots.remove(slot)  # to the end of the queue: every trial in turn
            self._slots.append(slot)
            if slot.trainee.step_is_computed:
                self._step(slot)
        self._check_stop()

    def _step(self, slot: _Slot) -> None:
        trainee = slot.trainee
        self._sink.step(trainee.job.id, trainee.finish_step())
        self._sink.progress(trainee.job.id, trainee.n_done / max(1, trainee.total_steps), "train")
        epoch = trainee.epochs_done
        if epoch is not None and trainee.broke is None:
            self._guarded(trainee.job.id, lambda: self._epoch_end(slot, epoch))
        if time.monotonic() - slot.saved_at > self._options.checkpoint_seconds:
            self._save(slot)

    def _epoch_end(self, slot: _Slot, epoch: int) -> None:
        trainee, job = slot.trainee, slot.trainee.job
        self._evaluate(trainee, epoch)
        for at, trial_id in job.checkpoints:
            if at == epoch and trial_id not in slot.scored:
                scores = self._scores([trainee], job.splits)[0]
                folder = Path(job.folder).with_name(str(trial_id))
                size = self._save_adapter(trainee, folder)
                self._sink.finished(self._result(trainee, trial_id, scores, size))
                slot.scored.append(trial_id)
                self._save(slot)

    def _evaluate(self, trainee: Trainee, epoch: int) -> None:
        """Loss on the first validation examples, for the curve."""
        examples = self._workload.splits.get("validation", ())[: self._workload.curve_examples]
        if not examples or any(record.step == trainee.n_done for record in trainee.evaluations):
            return
        began = time.perf_counter()
        totals = losses(self._packed, [trainee.adapter], examples)[0]
        loss = float(totals.sum()) / sum(len(e.completion_ids) for e in examples)
        trainee.score_seconds += time.perf_counter() - began
        record = EvaluationRecord(trainee.n_done, float(epoch), "validation", loss)
        trainee.evaluations.append(record)
        self._sink.evaluation(trainee.job.id, record)

    def _split(self, chosen: Sequence[Trainee], error: BaseException) -> None:
        """Make forwards smaller after running out of memory; the running steps begin again."""
        rows = max(trainee.peek().tree.n_tokens for trainee in chosen)
        alone = len(chosen) == 1
        limit = max(1, rows // 2) if alone else max(rows, self._plan.rows // 2)
        self._sink.note("cohort_split", {"trials": [t.job.id for t in chosen], "rows": limit, "alone": alone})
        if alone and chosen[0].peek().n_examples == 1:
            trainee = chosen[0]
            self._drop(trainee)
            self._sink.failed(
                trainee.job.id,
                f"trial {trainee.job.id}: memory ran out at {peak_bytes(self._options.device)} bytes with one example "
                f"of {rows} tokens at a time; one example must fit ({error}). Lower max_length "
                f"(now {trainee.job.configuration.max_length}) or lora_r (now {trainee.job.configuration.lora_r}).",
                out_of_memory=True,
            )
            return
        self._plan = replace(self._plan, rows=min(self._plan.rows, limit))
        for trainee in chosen:
            trainee.restart_step(limit if alone else None)
        if self._options.device.startswith("cuda"):
            torch.cuda.empty_cache()

    # -- ending

    def _finish(self, done: Sequence[_Slot]) -> None:
        """Score together those that ended together, save and report them, and free their slots."""
        for slot in done:
            if slot.trainee.train_seconds > _WORTH_SAVING_SECONDS and slot.trainee.broke is None:
                self._save(slot)
            slot.trainee.end_training()
        whole = [slot for slot in done if slot.trainee.broke is None]
        for splits in dict.fromkeys(slot.trainee.job.splits for slot in whole):
            same = [slot.trainee for slot in whole if slot.trainee.job.splits == splits]
            self._guarded_all(same, lambda same=same, splits=splits: self._report(same, self._scores(same, splits)))  # type: ignore[misc]
        broken = [slot.trainee for slot in done if slot.trainee.broke is not None]
        self._guarded_all(broken, lambda: self._report(broken, [{} for _ in broken]))
        self._slots = [slot for slot in self._slots if slot not in done]

    def _report(self, trainees: Sequence[Trainee], scores: Sequence[dict[str, RawScores]]) -> None:
        for trainee, own in zip(trainees, scores, strict=True):
            folder = Path(trainee.job.folder)
            size = self._save_adapter(trainee, folder)
            self._sink.finished(self._result(trainee, trainee.job.id, own, size))
            checkpoint.clear_state(folder)

    def _scores(self, trainees: Sequence[Trainee], splits: Iterable[str]) -> list[dict[str, RawScores]]:
        adapters: list[Adapter | None] = [
            trainee.adapter if trainee.job.configuration.num_train_epochs else None for trainee in trainees
        ]
        found: list[dict[str, RawScores]] = [{} for _ in trainees]
        for split in splits:
            began = time.perf_counter()
            results = score(
                self._packed, adapters, self._workload.splits[split], self._workload.scoring,
                self._watcher(trainees),
            )  # fmt: skip
            for trainee, own, result in zip(trainees, found, results, strict=True):
                own[split] = result
                trainee.score_seconds += (time.perf_counter() - began) / len(trainees)
        return found

    def _watcher(self, trainees: Sequence[Trainee]) -> Callable[[float], None]:
        def watch(done: float) -> None:
            for trainee in trainees:
                self._sink.progress(trainee.job.id, done, "score")
            self._check_stop()

        return watch

    def _result(self, trainee: Trainee, trial_id: int, scores: dict[str, RawScores], size: int) -> RawTrial:
        step, reason = trainee.broke or (None, None)
        cost = Cost(
            trainee.train_seconds, trainee.score_seconds, trainee.raw_tokens, trainee.computed_tokens,
            peak_bytes(self._options.device), size,
        )  # fmt: skip
        curve = Curve(tuple(trainee.steps), tuple(trainee.evaluations))
        return RawTrial(trial_id, scores, curve, cost, step, reason)

    # -- saving and isolation

    def _save_adapter(self, trainee: Trainee, folder: Path) -> int:
        shapes = self._packed.all_shapes
        with writing(folder):
            return save_adapter(trainee.adapter, trainee.job.configuration, shapes, self._options.model, folder)

    def _save(self, slot: _Slot) -> None:
        trainee = slot.trainee
        if trainee.n_done == 0 or trainee.broke is not None:
            return
        facts = {"max_rows": trainee.max_rows, "scored": slot.scored, **trainee.counters()}
        saved = checkpoint.Saved(trainee.state(), tuple(trainee.steps), tuple(trainee.evaluations), facts)
        with writing(Path(trainee.job.folder)):
            checkpoint.save_state(Path(trainee.job.folder), self._identity(trainee.job), saved)
        slot.saved_at = time.monotonic()

    def _identity(self, job: TrialJob) -> dict[str, Any]:
        options = self._options
        return {
            "configuration": job.configuration.as_dict(), "seed": job.seed, "dtype": options.dtype,
            "share_prompts": options.share_prompts, "n_train": len(self._workload.train),
            "kernels": kernel_kind(self._packed.device, self._packed.adapter_dtype),
            "max_steps": options.extra.get("max_steps"),
        }  # fmt: skip

    def _guarded_all(self, trainees: Sequence[Trainee], work: Callable[[], None]) -> None:
        """Run work of trials that end together; if it fails for all at once, each fails with the reason."""
        if trainees:
            try:
                work()
            except (Stopped, EnvironmentStop):
                raise
            except (TunebookError, RuntimeError, MemoryError, ValueError) as error:
                for trainee in trainees:
                    self._failed(trainee.job.id, error)

    def _guarded(self, trial_id: int, work: Callable[[], None]) -> None:
        """Run work of one trial; its failure is reported and ends that trial alone."""
        try:
            work()
        except (Stopped, EnvironmentStop):
            raise
        except (TunebookError, RuntimeError, MemoryError, ValueError) as error:
            self._failed(trial_id, error)
            self._slots = [slot for slot in self._slots if slot.trainee.job.id != trial_id]

    def _failed(self, trial_id: int, error: BaseException) -> None:
        kind = "" if isinstance(error, TunebookError) else f"{type(error).__name__}: "
        self._sink.failed(trial_id, f"{kind}{error}", out_of_memory=is_out_of_memory(error))

    def _drop(self, trainee: Trainee) -> None:
        trainee.end_training()
        self._slots = [slot for slot in self._slots if slot.trainee is not trainee]

    def _check_stop(self) -> None:
        if self._sink.should_stop():
            raise Stopped
