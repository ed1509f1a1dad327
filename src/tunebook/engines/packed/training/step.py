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
from tunebook.engines.packed.model.batches import arrays_of, layout_of, reading_layout
from tunebook.engines.packed.model.ops import Ops
from tunebook.engines.packed.model.packed_model import PackedModel
from tunebook.engines.packed.model.transfer import OnItsWay, to_device
from tunebook.engines.packed.training.graphs import Graphs
from tunebook.engines.packed.training.losses import Labels, head_rows, label_losses
from tunebook.engines.packed.training.steps import MicroBatch
from tunebook.engines.packed.training.trainee import Trainee

__all__ = ["Known", "Piece", "Unread", "gradients", "update"]

Known = tuple[Trainee, StepRecord]
"""A step whose loss and norm have been read."""


@dataclass(frozen=True)
class Piece:
    """A micro-batch of a trial's step, and the adapter whose gradient it adds to: the trial's own or its twin."""

    trainee: Trainee
    micro: MicroBatch
    adapter: Adapter


class Unread:
    """A step of some trials that a device has been told to compute, and whose losses and norms are on their way.

    Args:
        losses_S: of each trial's step, its first S numbers.
        norms_S: likewise, before clipping.
    """

    def __init__(self, trainees: Sequence[Trainee], losses_S: Tensor, norms_S: Tensor) -> None:
        self._trainees, self._norms_at = list(trainees), len(losses_S)
        self._numbers = OnItsWay(torch.cat([losses_S, norms_S]))

    def read(self) -> list[Known]:
        """Wait for the device; the trials' records, of which some may have broken."""
        numbers = self._numbers.values()
        found = zip(self._trainees, numbers, numbers[self._norms_at :], strict=False)
        return [(trainee, trainee.read(loss, norm)) for trainee, loss, norm in found]


def update(ops: Ops, trainees: Sequence[Trainee], losses_S: Tensor) -> list[Known] | Unread:
    """Clip each trial's whole gradient and update its weights by AdamW; gives the steps' records, or what reads them.

    With a gradient that is not finite a trial's weights stay as they are: it ends there.

    Args:
        losses_S: its first S numbers are the losses.
    """
    for trainee in trainees:
        trainee.lower_gradient()
    if not ops.joint_updates:
        losses = losses_S.tolist()[: len(trainees)]
        return [(trainee, trainee.update(loss)) for trainee, loss in zip(trainees, losses, strict=True)]
    vectors = [trainee.optimizer.vectors() for trainee in trainees]
    found = [trainee.optimizer.facts(trainee.n_done) for trainee in trainees]
    norms_S = ops.norms(vectors)
    ops.adamw(vectors, [facts for _, facts in found], norms_S)
    for trainee, (rate, _) in zip(trainees, found, strict=True):
        trainee.stepped(rate)
    return Unread(trainees, losses_S, norms_S)


def gradients(packed: PackedModel, pieces: Sequence[Piece], graphs: Graphs | None = None) -> Tensor:
    """Forward and backward of some micro-batches; adds to the gradients of A and B of each piece's adapter.

    Args:
        graphs: of passes that come again; None: none are kept.

    Returns: each piece's part of its step's loss, nats a label token, float64; where rows have few sizes, zeros follow.
    """
    rows = [sorted(set(piece.micro.label_rows)) for piece in pieces]  # of each tree: those whose next token is a label
    labels = Labels.of([(piece.micro, piece.trainee.n_items) for piece in pieces], rows)
    sizes, n_read = packed.row_sizes, sum(map(len, rows))
    few = (sizes.size(len(labels.rows)), sizes.slots(len(pieces))) if sizes.few else ()
    parts = [piece.trainee.part(piece.micro, piece.adapter) for piece in pieces]
    whole = layout_of(parts, sizes)
    read = reading_layout(whole, rows, sizes)
    tables = packed.ops.tables(whole, read, True)

    def compute(tensors: Sequence[Tensor]) -> Tensor:
        batch, rest = packed.received(whole, read, tables, tensors)
        hidden_MD = packed.forward(batch, training=True)  # after the final norm, N rows within, M of them read
        hidden_MD = hidden_MD[: sizes.head(n_read)]  # the head's bits need no more padding than that
        at_once = head_rows(packed.vocabulary, packed.device)
        losses_S, grad_MD = label_losses(
            packed.logits, hidden_MD.detach(), labels.tables(rest), at_once, packed.ops.cross_entropy
        )  # logits (at_once, V)
        if packed.dtype == torch.float16:
            grad_MD = _raised(grad_MD, pieces, rows)
        torch.autograd.backward(hidden_MD, grad_MD)  # base weights get no gradient
        return losses_S

    arrays = [*arrays_of(whole, read), *tables.arrays, *labels.arrays(sizes.size(n_read), *few)]
    if graphs is None:
        return compute(to_device(packed.device, *arrays))
    return graphs.run(tables.facts, arrays, compute)


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
