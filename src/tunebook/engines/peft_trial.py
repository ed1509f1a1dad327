"""One trial with PEFT and the Trainer: how its batches are split to fit memory, what is watched, scored and saved.

How the effective batch is split into micro-batches and whether activations are recomputed is decided here, to fit
memory: the loss is normalised over the label tokens of the effective batch, so neither changes the mathematics.
The Trainer hides non-finite losses by default; here it does not.
"""

from __future__ import annotations

import gc
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
import torch
from torch.utils.data import Sampler
from transformers import Trainer, TrainerCallback, TrainingArguments

from tunebook.core.class_weights import example_weights
from tunebook.core.divergence import DivergenceMonitor
from tunebook.core.events import Evaluation, Finished, Noted, Progress, Step
from tunebook.core.facts import Cost, Curve, EvaluationRecord, StepRecord
from tunebook.core.keywords import training_keywords
from tunebook.core.order import example_order
from tunebook.core.ports import (
    EngineOptions,
    RawScores,
    RawTrial,
    Sink,
    TokenizedExample,
    TrialJob,
    Workload,
    trained_examples,
)
from tunebook.engines.base_model import quiet_transformers
from tunebook.engines.batched_scoring import IGNORED, padded, score, summed_nll
from tunebook.engines.peft_adapters import adapted_model, lora_plus_optimiser, save_adapter, taken_from_base
from tunebook.errors import OutOfMemory, is_out_of_memory

__all__ = ["StopTraining", "TrialRun", "collated", "padding_id", "peak_bytes", "wait_for"]

MICRO_BATCH_TOKENS = 4096
"""Tokens of a micro-batch that are tried first; halved whenever memory does not suffice."""


Row = tuple[TokenizedExample, float | None]
"""A training example, and its weight in the loss where examples have any."""


class StopTraining(Exception):
    """Raised to leave the Trainer or scoring when `Sink.should_stop` or `Sink.is_cancelled` says so."""


def padding_id(model: Any) -> int:
    """Any valid id will do: padding is masked everywhere."""
    return int(model.config.pad_token_id or 0)


def collated(rows: Sequence[Row], pad_id: int) -> dict[str, torch.Tensor]:
    """A padded batch as the stock models take it: input_ids, labels (IGNORED for prompts and padding) and
    attention_mask, each (rows, longest); where rows have weights, also these, (rows,)."""
    examples = [example for example, _ in rows]
    ids = [e.prompt_ids + e.completion_ids for e in examples]
    labels = [(IGNORED,) * len(e.prompt_ids) + e.completion_ids for e in examples]
    return {
        "input_ids": padded(ids, pad_id),
        "labels": padded(labels, IGNORED),
        "attention_mask": padded([(1,) * len(row) for row in ids], 0),
        **({} if rows[0][1] is None else {"weights": torch.tensor([weight for _, weight in rows])}),
    }


class _EpochOrder(Sampler[int]):
    """The trial's own data order, one permutation an epoch."""

    def __init__(self, seed: int, n: int) -> None:
        self._seed, self._n, self._epoch = seed, n, 0

    def __iter__(self) -> Any:
        order = example_order(self._seed, self._epoch, self._n)
        self._epoch += 1
        return iter(order.tolist())

    def __len__(self) -> int:
        return self._n


class _OrderedTrainer(Trainer):  # type: ignore[misc]
    """The stock Trainer with a given data order, and a loss in which examples may have weights."""

    order: _EpochOrder

    def compute_loss(self, model: Any, inputs: dict[str, Any], *arguments: Any, **keywords: Any) -> Any:
        weights_B = inputs.pop("weights", None)
        if weights_B is None:
            return super().compute_loss(model, inputs, *arguments, **keywords)
        labels_BT = inputs.pop("labels")[:, 1:]
        logits_BTV = model(**inputs).logits[:, :-1].float()
        nll_BT = torch.nn.functional.cross_entropy(
            logits_BTV.transpose(1, 2), labels_BT, ignore_index=IGNORED, reduction="none"
        )
        return (nll_BT.sum(dim=1) * weights_B).sum() / keywords["num_items_in_batch"]

    def _get_train_sampler(self, train_dataset: Any = None) -> Sampler[int]:
        return self.order


class TrialRun(TrainerCallback):  # type: ignore[misc]
    """One trial from start to end: trains, watches the real losses, scores, saves."""

    def __init__(self, options: EngineOptions, job: TrialJob, workload: Workload, sink: Sink) -> None:
        self._options, self._job, self._workload, self._sink = options, job, workload, sink
        self._configuration = job.configuration
        kept = trained_examples(workload.train, self._configuration.max_length, job.rows)
        weights = example_weights(self._configuration, workload.train, job.rows)
        self._examples = [example for _, example in kept]
        self._rows: list[Row] = [(example, None if weights is None else weights[index]) for index, example in kept]
        self._batch = self._configuration.effective_batch_size
        self._total = self._configuration.total_steps(len(self._examples))
        self._reset()

    def _reset(self) -> None:
        self._steps: list[StepRecord] = []
        self._evaluations: list[EvaluationRecord] = []
        self._monitor = DivergenceMonitor(self._total)
        self._broke: tuple[int, str] | None = None
        self._score_seconds = 0.0

    def run(self) -> RawTrial:
        """Train, score and save.

        Raises: StopTraining: it was told to stop. OutOfMemory: it does not fit. ValueError: no example to train on.
        """
        if not self._examples and self._configuration.num_train_epochs:
            raise ValueError(
                f"max_length {self._configuration.max_length}: no training example keeps a completion token. Raise it."
            )
        device = self._options.device
        if device.startswith("cuda"):
            torch.cuda.reset_peak_memory_stats(device)
        began = time.perf_counter()
        model = self._trained()
        wait_for(device)
        train_seconds = time.perf_counter() - began - self._score_seconds
        scores = {} if self._broke else self._scores(model, self._job.splits)
        adapter_bytes = save_adapter(model, Path(self._job.folder), self._taken)
        return self._result(self._job.id, scores, train_seconds, adapter_bytes)

    def _result(self, trial_id: int, scores: dict[str, RawScores], seconds: float, adapter_bytes: int) -> RawTrial:
        steps_done = len(self._steps)
        tokens = sum(e.n_tokens for e in self._examples) * self._configuration.num_train_epochs
        raw = round(tokens * steps_done / self._total) if self._total else 0
        cost = Cost(
            train_seconds=seconds,
            score_seconds=self._score_seconds,
            raw_tokens=raw,
            computed_tokens=raw,
            peak_bytes=peak_bytes(self._options.device),
            adapter_bytes=adapter_bytes,
        )
        step, reason = self._broke or (None, None)
        curve = Curve(tuple(self._steps), tuple(self._evaluations))
        return RawTrial(id=trial_id, scores=scores, curve=curve, cost=cost, broke_at_step=step, reason=reason)

    def _trained(self) -> Any:
        """Train, with smaller micro-batches and then recomputed activations while memory does not suffice."""
        longest = max((e.n_tokens for e in self._examples), default=1)
        micro = max(1, min(self._batch, MICRO_BATCH_TOKENS // longest))
        while self._batch % micro:
            micro -= 1
        checkpointing = bool(self._configuration.gradient_checkpointing)
        while True:
            try:
                self._reset()
                return self._train_once(micro, checkpointing)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                self._sink.emit(Noted("out_of_memory", {"trial": self._job.id, "micro_batch": micro}))
                if micro == 1 and checkpointing:
                    raise OutOfMemory(
                        f"trial {self._job.id} does not fit in memory even one row at a time with recomputed "
                        f"activations (peak {peak_bytes(self._options.device)} bytes). Lower max_length "
                        f"(now {self._configuration.max_length}) or lora_r (now {self._configuration.lora_r})."
                    ) from error
                micro, checkpointing = (
                    (1, True) if micro == 1 else (_smaller_divisor(self._batch, micro), checkpointing)
                )
                gc.collect()

    def _train_once(self, micro: int, checkpointing: bool) -> Any:
        torch.manual_seed(self._job.seed)
        model = adapted_model(self._options, self._configuration, self._job.seed)
        self._taken = taken_from_base(model, self._configuration)
        if self._configuration.num_train_epochs == 0:
            return model
        if checkpointing:
            model.enable_input_require_grads()
        pad_id = padding_id(model)
        with tempfile.TemporaryDirectory(prefix="tunebook-") as scratch, quiet_transformers():
            arguments = self._arguments(scratch, micro, checkpointing)
            trainer = _OrderedTrainer(
                model=model,
                args=arguments,
                optimizers=(lora_plus_optimiser(model, self._configuration, arguments), None),
                train_dataset=self._rows,
                data_collator=lambda rows: collated(rows, pad_id),
                callbacks=[self],
            )
            trainer.order = _EpochOrder(self._job.seed, len(self._examples))
            trainer.remove_callback(_printer())
            trainer.train()
        return model

    def _arguments(self, scratch: str, micro: int, checkpointing: bool) -> TrainingArguments:
        values = {
            **training_keywords(self._configuration, self._total),
            "per_device_train_batch_size": micro,
            "gradient_accumulation_steps": self._batch // micro,
            "gradient_checkpointing": checkpointing,
        }
        return TrainingArguments(
            output_dir=scratch,
            seed=self._job.seed,
            logging_strategy="steps",
            logging_steps=1,
            logging_nan_inf_filter=False,
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
            remove_unused_columns=False,
            use_cpu=self._options.device == "cpu",
            bf16=False,
            fp16=self._options.dtype == "float16",  # scales the loss, because small gradients would be lost
            **values,
        )

    # -- what the Trainer calls

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **_: Any) -> None:
        if not logs or "loss" not in logs:
            return
        record = StepRecord(
            state.global_step, float(state.epoch), logs["loss"], logs["learning_rate"], logs.get("grad_norm", 0.0)
        )
        self._steps.append(record)
        self._sink.emit(Step(self._job.id, record))
        self._sink.emit(Progress(self._job.id, state.global_step / self._total, "train"))
        reason = self._monitor.observe(record.loss, record.gradient_norm)
        if reason:
            self._broke = (record.step, reason)
            control.should_training_stop = True
        self._leave_if_told()

    def on_epoch_end(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        if self._broke:
            return
        epoch = round(state.epoch)
        began = time.perf_counter()
        self._evaluate_curve(model, state.global_step, epoch)
        for checkpoint_epoch, trial_id in self._job.checkpoints:
            if checkpoint_epoch == epoch:
                scores = self._scores(model, self._job.splits)
                adapter_bytes = save_adapter(model, Path(self._job.folder).with_name(str(trial_id)), self._taken)
                self._sink.emit(Finished(self._result(trial_id, scores, 0.0, adapter_bytes)))
        self._score_seconds += time.perf_counter() - began

    def _evaluate_curve(self, model: Any, step: int, epoch: int) -> None:
        examples = self._workload.splits["validation"][: self._workload.curve_examples]
        if not examples:
            return
        model.eval()
        pad_id = padding_id(model)
        total = sum(sum(summed_nll(model, examples[i : i + 16], pad_id)) for i in range(0, len(examples), 16))
        record = EvaluationRecord(
            step, float(epoch), "validation", total / sum(len(e.completion_ids) for e in examples)
        )
        self._evaluations.append(record)
        self._sink.emit(Evaluation(self._job.id, record))

    def _scores(self, model: Any, splits: Sequence[str]) -> dict[str, RawScores]:
        def on_batch(done: float) -> None:
            self._sink.emit(Progress(self._job.id, done, "score"))
            self._leave_if_told()

        began = time.perf_counter()
        pad_id = padding_id(model)
        result = {
            split: score(model, self._workload.splits[split], self._workload.scoring, pad_id, on_batch)
            for split in splits
        }
        self._score_seconds += time.perf_counter() - began
        return result

    def _leave_if_told(self) -> None:
        if self._sink.should_stop() or self._sink.is_cancelled(self._job.id):
            raise StopTraining


def _printer() -> Any:
    from transformers.trainer_callback import PrinterCallback

    return PrinterCallback


def _smaller_divisor(n: int, below: int) -> int:
    return next((d for d in range(below - 1, 0, -1) if n % d == 0), 1)


def wait_for(device: str) -> None:
    """Wait until the device has finished: a GPU computes while the host goes on."""
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)


def peak_bytes(device: str) -> int:
    """The most bytes in use so far: of the GPU, or of this process."""
    if device.startswith("cuda"):
        return int(torch.cuda.max_memory_allocated(device))
    memory = psutil.Process().memory_info()
    return int(getattr(memory, "peak_wset", memory.rss))
