"""One trial in training: what it has learned, where it is in its data, what it still has to compute of its step.

A trainee's numbers depend on nothing but its job, the training data and the rows of a micro-batch: not on the trials
beside it. All its randomness is a pure function of seed, epoch and step, so its state is its weights, its optimiser's
moments and a step number.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import torch

from tunebook.core.class_weights import example_weights
from tunebook.core.divergence import DivergenceMonitor
from tunebook.core.facts import EvaluationRecord, StepRecord
from tunebook.core.order import example_order, steps_per_epoch
from tunebook.core.ports import TokenizedExample, TrialJob, trained_examples
from tunebook.engines.packed.model.bank import Adapter, ModuleShape, new_adapter
from tunebook.engines.packed.model.batches import Part
from tunebook.engines.packed.model.dropout import step_key
from tunebook.engines.packed.training.optim import TrialOptimizer
from tunebook.engines.packed.training.steps import MicroBatch, micro_batches
from tunebook.errors import TrialFailed

__all__ = ["Trainee"]

FLOAT16_GRADIENT = 64.0
"""About the largest entry of a loss's gradient where float16 holds it: far from its largest number and its smallest."""
_COUNTERS = ("raw_tokens", "computed_tokens", "train_seconds", "score_seconds")


class Trainee:
    """A trial from its first step to its last.

    Args:
        job: what to train.
        train: the training data.
        shapes: modules that get an adapter.
        max_rows: computed tokens of a micro-batch.
        share: share prompts.
        max_steps: end after so many steps, as the Trainer's `max_steps`; None: after the configured epochs.

    Raises: TrialFailed: max_length leaves no example with a completion token.
    """

    def __init__(
        self,
        job: TrialJob,
        train: Sequence[TokenizedExample],
        shapes: Sequence[ModuleShape],
        max_rows: int,
        share: bool = True,
        max_steps: int | None = None,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> None:
        self.job, self.max_rows = job, max_rows
        self._share = share
        self._examples = trained_examples(train, job.configuration.max_length, job.rows)
        self._weights = example_weights(job.configuration, train, job.rows)
        self._check()
        self.adapter = new_adapter(shapes, job.configuration, job.seed, dtype, device)
        self._epoch_steps = steps_per_epoch(len(self._examples), job.configuration.effective_batch_size)
        epochs = job.configuration.num_train_epochs
        self.total_steps = self._epoch_steps * epochs
        if max_steps is not None and epochs:
            self.total_steps = max_steps
        self._optimizer: TrialOptimizer | None = None
        self.steps: list[StepRecord] = []
        self.evaluations: list[EvaluationRecord] = []
        self.broke: tuple[int, str] | None = None
        self.raw_tokens = self.computed_tokens = 0
        self.train_seconds = self.score_seconds = 0.0
        self.peak_bytes = 0
        self._monitor = DivergenceMonitor(self.total_steps)
        self._micros: tuple[MicroBatch, ...] = ()
        self._n_items = 1
        self._raised_by = 1.0
        self._unread: float | None = None

    @property
    def n_done(self) -> int:
        """Optimiser steps done; of the last one loss and norm may not have been read yet (`stepped`)."""
        return len(self.steps) + (self._unread is not None)

    @property
    def is_trained(self) -> bool:
        """Whether there is no step left, or training broke."""
        return self.broke is not None or self.n_done >= self.total_steps

    @property
    def is_known(self) -> bool:
        """Whether every step done has its record."""
        return self._unread is None

    @property
    def epochs_done(self) -> int | None:
        """The number of whole epochs done when the last step ended one, else None."""
        at_end = self.n_done > 0 and self.n_done % self._epoch_steps == 0
        return self.n_done // self._epoch_steps if at_end else None

    @property
    def n_items(self) -> int:
        """Label tokens of the running step's effective batch."""
        return self._n_items

    def micro_batches(self) -> tuple[MicroBatch, ...]:
        """The micro-batches of the running step; begins one when none is running."""
        if not self._micros:
            self._begin()
        return self._micros

    def part(self, micro: MicroBatch, adapter: Adapter) -> Part:
        """A micro-batch of the running step as a part of a batch, its gradient for `adapter`: the trial's or a twin."""
        return Part(adapter, micro.tree, step_key(self.job.seed, self.n_done))

    def raise_gradient(self) -> float:
        """By what the gradient of the running step's micro-batches is multiplied in float16: a power of two."""
        self._raised_by = FLOAT16_GRADIENT * 2.0 ** math.ceil(math.log2(self._n_items))
        return self._raised_by

    def lower_gradient(self) -> None:
        """Take `raise_gradient` out of the gradient of a whole step."""
        if self._raised_by != 1.0 and self.adapter.grads is not None:
            self.adapter.grads.mul_(1 / self._raised_by)

    def update(self, loss: float) -> StepRecord:
        """Clip the gradient of a whole step, which lies in the adapter, and update the weights; gives its record."""
        rate, norm = self.optimizer.step(self.n_done)
        self.stepped(rate)
        return self.read(loss, norm)

    def stepped(self, rate: float) -> None:
        """A device has been told to update the weights: the step counts as done. Its record comes with `read`, which
        must be before the next step's `stepped`."""
        assert self._unread is None
        self.raw_tokens += sum(micro.raw_tokens for micro in self._micros)
        self.computed_tokens += sum(micro.tree.n_tokens for micro in self._micros)
        self._micros, self._unread = (), rate

    def read(self, loss: float, norm: float) -> StepRecord:
        """Loss and norm of the last step are known; gives its record."""
        assert self._unread is not None
        rate, self._unread = self._unread, None
        number = len(self.steps) + 1
        record = StepRecord(number, number / self._epoch_steps, loss, rate, norm)
        self.steps.append(record)
        reason = self._monitor.observe(loss, norm)
        if reason is not None:
            self.broke = (number, reason)
        return record

    def restart_step(self, max_rows: int | None = None) -> None:
        """Forget what was computed of the running step, as after running out of memory."""
        if max_rows is not None:
            self.max_rows = max_rows
        self._micros = ()
        if self.adapter.grads is not None:
            self.adapter.grads.zero_()

    def end_training(self) -> None:
        """Give gradients and moments back; the weights stay, for scoring."""
        self._optimizer = None
        self.adapter.values.grad = None
        self.adapter.drop_grads()

    def state(self) -> dict[str, torch.Tensor]:
        """Weights and moments, by name."""
        moments = self.optimizer.state() if not self.is_trained else {}
        return {"values": self.adapter.values, **{f"adamw.{name}": value for name, value in moments.items()}}

    def counters(self) -> dict[str, float]:
        """What the trial has cost so far, JSON values."""
        return {name: getattr(self, name) for name in _COUNTERS}

    def load_state(
        self, tensors: dict[str, torch.Tensor], steps: Sequence[StepRecord],
        evaluations: Sequence[EvaluationRecord] = (), counters: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:  # fmt: skip
        """Go on from a saved state after the given steps."""
        self.adapter.values.copy_(tensors["values"])
        self.steps, self.evaluations = list(steps), list(evaluations)
        for name in _COUNTERS:
            setattr(self, name, counters.get(name, getattr(self, name)))
        for record in steps:
            self._monitor.observe(record.loss, record.gradient_norm)
        moments = {name.removeprefix("adamw."): value for name, value in tensors.items() if name != "values"}
        if moments:
            self.optimizer.load_state(moments)

    @property
    def optimizer(self) -> TrialOptimizer:
        """The trial's optimiser, made at first use together with the room for gradients."""
        if self._optimizer is None:
            self.adapter.want_grads()
            self._optimizer = TrialOptimizer(self.adapter, self.job.configuration, self.total_steps)
        return self._optimizer

    def _begin(self) -> None:
        assert self.optimizer is not None
        size = self.job.configuration.effective_batch_size
        epoch, at = divmod(self.n_done, self._epoch_steps)
        order = example_order(self.job.seed, epoch, len(self._examples))[at * size : (at + 1) * size]
        chosen = [self._examples[i] for i in order]
        self._micros = micro_batches(chosen, self.max_rows, self._share, self._weights)
        self._n_items = sum(len(example.completion_ids) for _, example in chosen)

    def _check(self) -> None:
        if not self._examples and self.job.configuration.num_train_epochs:
            raise TrialFailed(
                f"max_length: got {self.job.configuration.max_length}, with which no training example keeps a "
                "completion token; every trial needs at least one. Raise max_length in the study file."
            )
