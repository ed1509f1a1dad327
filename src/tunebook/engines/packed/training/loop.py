"""Which trials step together, and steps that are computed in pieces.

Short steps of several trials go through together (`step.training_step`). A long step, one of several micro-batches, is
computed in two streams, in two lanes where one is idle; each sums its own gradient, and their sum is the step's. Which
micro-batch belongs to which stream depends on the step alone. What a trial computes does not depend on which others are
beside it, only when it is computed does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from tunebook.core.facts import StepRecord
from tunebook.engines.packed.model.packed_model import PackedModel
from tunebook.engines.packed.spread import Spread, one_by_one
from tunebook.engines.packed.training.step import Piece, gradients, training_step, update
from tunebook.engines.packed.training.trainee import Trainee

__all__ = ["choose", "train_together"]


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
) -> list[StepRecord]:  # fmt: skip
    """The next step of each trial that was chosen (`choose`); its record.

    Args:
        clock: tells the seconds that a step is charged with, shared by computed tokens.
        spread: computes the two streams of a long step.
        on_micro_batch: called before each of its micro-batches; may raise to leave.
    """
    began = clock()
    long = len(trainees[0].micro_batches()) > 1
    tokens = [sum(micro.tree.n_tokens for micro in trainee.micro_batches()) for trainee in trainees]
    if long:
        (trainee,) = trainees
        records = [_long_step(packed, trainee, spread, on_micro_batch)]
    else:
        records = training_step(packed, trainees)
    if packed.device.type == "cuda":
        torch.cuda.synchronize(packed.device)  # the backward pass and the update may still be running
    seconds = clock() - began
    for trainee, own in zip(trainees, tokens, strict=True):
        trainee.train_seconds += seconds * own / sum(tokens)
    return records


def _long_step(
    packed: PackedModel, trainee: Trainee, spread: Spread, on_micro_batch: Callable[[], None]
) -> StepRecord:  # fmt: skip
    micros, twin = trainee.micro_batches(), trainee.adapter.twin()

    def stream(which: int) -> Tensor:
        losses = []
        for micro in micros[which::2]:
            on_micro_batch()
            losses.append(gradients(packed, [Piece(trainee, micro, (trainee.adapter, twin)[which])]))
        return torch.cat(losses).sum()

    losses = spread(stream, (0, 1))
    assert trainee.adapter.grads is not None
    assert twin.grads is not None
    trainee.adapter.grads.add_(twin.grads)
    (record,) = update(packed.ops, [trainee], (losses[0] + losses[1])[None])
    return record
