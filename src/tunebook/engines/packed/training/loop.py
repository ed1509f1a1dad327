"""Training steps of a cohort: forward and backward through the base model.

Short steps of several trials go through together. A long step, one of several micro-batches, is computed in two
streams, in two lanes where one is idle; each sums its own gradient, and their sum is the step's. Which micro-batch
belongs to which stream depends on the step alone. What a trial computes does not depend on which others are beside it,
only when it is computed does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import torch

from tunebook.engines.packed.model.bank import Adapter
from tunebook.engines.packed.model.packed_model import PackedModel
from tunebook.engines.packed.scheduling.lanes import Spread, one_by_one
from tunebook.engines.packed.training.batches import reading
from tunebook.engines.packed.training.losses import label_loss
from tunebook.engines.packed.training.steps import MicroBatch
from tunebook.engines.packed.training.trainee import Trainee

__all__ = ["choose", "is_out_of_memory", "train_together"]

_Piece = tuple[Trainee, MicroBatch, Adapter]
"""A micro-batch, and the adapter that gets its gradient."""


def choose(trainees: Sequence[Trainee], max_rows: int) -> list[Trainee]:
    """The trials whose next steps go through together: in order, as long as they fit; a long step alone."""
    chosen: list[Trainee] = []
    rows = 0
    for trainee in trainees:
        micros = trainee.micro_batches()
        if not chosen and len(micros) > 1:
            return [trainee]
        size = micros[0].tree.n_tokens
        if len(micros) == 1 and (not chosen or rows + size <= max_rows):
            chosen.append(trainee)
            rows += size
    return chosen


def train_together(
    packed: PackedModel, trainees: Sequence[Trainee], clock: Callable[[], float] = time.perf_counter,
    spread: Spread = one_by_one, on_micro_batch: Callable[[], None] = lambda: None,
) -> None:  # fmt: skip
    """Forward and backward of the next step of each trial that was chosen (`choose`).

    Args:
        spread: computes the two streams of a long step.
        on_micro_batch: called before each of its micro-batches; may raise to leave.
    """
    began = clock()
    steps = [trainee.micro_batches() for trainee in trainees]
    if len(steps[0]) > 1:
        (trainee,) = trainees
        trainee.computed(_long_step(packed, trainee, spread, on_micro_batch), clock() - began)
        return
    micros = [micro for (micro,) in steps]
    losses = _forward_backward(packed, [(t, micro, t.adapter) for t, micro in zip(trainees, micros, strict=True)])
    seconds, rows = clock() - began, sum(micro.tree.n_tokens for micro in micros)
    for trainee, micro, loss in zip(trainees, micros, losses, strict=True):
        trainee.computed(loss, seconds * micro.tree.n_tokens / rows)


def _long_step(packed: PackedModel, trainee: Trainee, spread: Spread, on_micro_batch: Callable[[], None]) -> float:
    """Both streams of a step; gives its loss."""
    micros, twin = trainee.micro_batches(), trainee.adapter.twin()

    def stream(which: int) -> list[float]:
        losses = []
        for micro in micros[which::2]:
            on_micro_batch()
            losses += _forward_backward(packed, [(trainee, micro, (trainee.adapter, twin)[which])])
        return losses

    losses = spread(stream, (0, 1))
    assert trainee.adapter.grads is not None
    assert twin.grads is not None
    trainee.adapter.grads.add_(twin.grads)
    return sum(losses[0]) + sum(losses[1])


def _forward_backward(packed: PackedModel, pieces: Sequence[_Piece]) -> list[float]:
    """One pass through the base model there and back; gives each piece's part of its step's loss."""
    batch = packed.lay_out([trainee.part(micro, adapter) for trainee, micro, adapter in pieces])
    picked = [sorted(set(micro.label_rows)) for _, micro, _ in pieces]
    hidden = packed.forward(reading(batch, picked), training=True)
    grad = torch.zeros_like(hidden)
    losses, first = [], 0
    for (trainee, micro, _), rows in zip(pieces, picked, strict=True):
        losses.append(_loss(packed, trainee.n_items, micro, rows, first, hidden.detach(), grad))
        first += len(rows)
    torch.autograd.backward(hidden, grad)
    return losses


def _loss(
    packed: PackedModel, n_items: int, micro: MicroBatch, read: Sequence[int], first: int, hidden: Any, grad: Any
) -> float:  # fmt: skip
    """Loss of a micro-batch whose rows `read` lie in `hidden` from `first` on; its gradient is added to `grad`."""
    places = {row: first + index for index, row in enumerate(read)}
    rows = torch.tensor([places[row] for row in micro.label_rows], device=hidden.device)
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
