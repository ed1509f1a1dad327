"""The training loop of a cohort: micro-batches of several trials go through the base model together.

Every forward takes micro-batches of the trials in turn until it has enough rows. A trial whose step is complete is
updated at once; one that is done is scored, saved and replaced by the next. What a trial computes does not depend on
which others are beside it, only when it is computed does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import torch

from tunebook.engines.packed.losses import label_loss
from tunebook.engines.packed.model import PackedModel
from tunebook.engines.packed.steps import MicroBatch
from tunebook.engines.packed.trainee import Trainee

__all__ = ["choose", "is_out_of_memory", "train_together"]


def choose(trainees: Sequence[Trainee], max_rows: int) -> list[Trainee]:
    """The trials whose next micro-batches go through together: in order, as long as they fit; at least one."""
    chosen: list[Trainee] = []
    rows = 0
    for trainee in trainees:
        size = trainee.peek().tree.n_tokens
        if not chosen or rows + size <= max_rows:
            chosen.append(trainee)
            rows += size
    return chosen


def train_together(
    packed: PackedModel, trainees: Sequence[Trainee], clock: Callable[[], float] = time.perf_counter
) -> None:
    """Forward and backward of the next micro-batch of each trial, in one pass through the base model."""
    began = clock()
    micros = [trainee.peek() for trainee in trainees]
    batch = packed.lay_out([trainee.part() for trainee in trainees])
    hidden = packed.forward(batch, training=True)
    grad = torch.zeros_like(hidden)
    losses = []
    for trainee, micro, run in zip(trainees, micros, batch.runs, strict=True):
        losses.append(_loss(packed, trainee.n_items, micro, run.rows[0], hidden.detach(), grad))
    torch.autograd.backward(hidden, grad)
    seconds, rows = clock() - began, sum(micro.tree.n_tokens for micro in micros)
    for trainee, micro, loss in zip(trainees, micros, losses, strict=True):
        trainee.computed(loss, seconds * micro.tree.n_tokens / rows)


def _loss(packed: PackedModel, n_items: int, micro: MicroBatch, first: int, hidden: Any, grad: Any) -> float:
    rows = torch.tensor(micro.label_rows, device=hidden.device) + first
    labels = torch.tensor(micro.labels, device=hidden.device)
    loss, grad_rows = label_loss(packed.logits, hidden[rows], labels, n_items)
    grad.index_add_(0, rows, grad_rows)
    return loss


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception means that memory ran out: torch says so in several ways."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and ("can't allocate memory" in text or "not enough memory" in text)
