"""One training step from end to end: forward, loss on the rows that are read, backward, clip, AdamW.

N rows of the batch, M rows that are read (both padded), L label tokens, S micro-batches, D hidden size, V vocabulary.
What runs beside it (`loop.py`: which trials go together, steps of several micro-batches) only calls these functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tunebook.core.facts import StepRecord
from tunebook.engines.packed.model.bank import Adapter
from tunebook.engines.packed.model.batches import reading
from tunebook.engines.packed.model.ops import Ops
from tunebook.engines.packed.model.packed_model import PackedModel
from tunebook.engines.packed.training.losses import Labels, head_rows, label_losses
from tunebook.engines.packed.training.steps import MicroBatch
from tunebook.engines.packed.training.trainee import Trainee

__all__ = ["Piece", "gradients", "training_step", "update"]


@dataclass(frozen=True)
class Piece:
    """A micro-batch of a trial's step, and the adapter whose gradient it adds to: the trial's own or its twin."""

    trainee: Trainee
    micro: MicroBatch
    adapter: Adapter


def training_step(packed: PackedModel, trainees: Sequence[Trainee]) -> list[StepRecord]:
    """The next step of each trial, computed together; each must be one micro-batch."""
    pieces = [Piece(trainee, micro, trainee.adapter) for trainee in trainees for micro in trainee.micro_batches()]
    losses_S = gradients(packed, pieces)
    return update(packed.ops, trainees, losses_S)


def update(ops: Ops, trainees: Sequence[Trainee], losses_S: Tensor) -> list[StepRecord]:
    """Clip each trial's whole gradient and update its weights by AdamW; gives the steps' records.

    With a gradient that is not finite a trial's weights stay as they are: it ends there.
    """
    for trainee in trainees:
        trainee.lower_gradient()
    if not ops.joint_updates:
        return [trainee.update(loss) for trainee, loss in zip(trainees, losses_S.tolist(), strict=True)]
    vectors = [trainee.optimizer.vectors() for trainee in trainees]
    losses, norms = torch.stack([losses_S, ops.norms(vectors).double()]).tolist()  # the step's one read
    found = [trainee.optimizer.facts(trainee.n_done, norm) for trainee, norm in zip(trainees, norms, strict=True)]
    ops.adamw(vectors, [facts for _, facts in found])
    rates = [rate for rate, _ in found]
    return [trainee.updated(*step) for trainee, *step in zip(trainees, losses, rates, norms, strict=True)]


def gradients(packed: PackedModel, pieces: Sequence[Piece]) -> Tensor:
    """Forward and backward of some micro-batches; adds to the gradients of A and B of each piece's adapter.

    Returns: each piece's part of its step's loss, nats a label token, shape (S,), float64.
    """
    rows = [sorted(set(piece.micro.label_rows)) for piece in pieces]  # of each tree: those whose next token is a label
    batch = packed.lay_out([piece.trainee.part(piece.micro, piece.adapter) for piece in pieces])  # N rows
    labels = Labels.of([(piece.micro, piece.trainee.n_items) for piece in pieces], rows)
    n_read = sum(map(len, rows))
    hidden_MD = packed.forward(reading(batch, rows), training=True)  # after the final norm
    hidden_MD = hidden_MD[: n_read + -n_read % packed.row_multiple]  # the head's bits need no more padding than that
    at_once = head_rows(packed.vocabulary, packed.device)
    losses_S, grad_MD = label_losses(packed.logits, hidden_MD.detach(), labels, at_once)  # logits (at_once, V)
    if packed.dtype == torch.float16:
        grad_MD = _raised(grad_MD, pieces, rows)
    torch.autograd.backward(hidden_MD, grad_MD)  # base weights get no gradient
    return losses_S


def _raised(grad_MD: Tensor, pieces: Sequence[Piece], rows: Sequence[Sequence[int]]) -> Tensor:
    """Gradients of each trial's rows times a power of two, which its update takes out again.

    A loss is divided by the label tokens of its step; in float16 what comes of that, further down, would be too small.
    """
    raised = grad_MD.clone()
    first = 0
    for piece, own in zip(pieces, rows, strict=True):
        raised[first : first + len(own)] *= piece.trainee.raise_gradient()
        first += len(own)
    return raised
