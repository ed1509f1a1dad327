"""One forward pass of packed scoring: the rows of several adapters, one adapter after another, and reading the head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tunebook.engines.packed.model.attention import OwnAttention
from tunebook.engines.packed.model.bank import Adapter
from tunebook.engines.packed.model.batches import Layout, Part, Run, Tree, reading_layout
from tunebook.engines.packed.model.packed_model import PackedModel
from tunebook.engines.packed.model.transfer import to_device

__all__ = ["Reading", "SlotRows", "likeliest", "read_head", "run_rows"]

HEAD_ROWS = 128
"""Rows whose logits exist at a time: 128 x 49152 float32 numbers are 25 MB."""


@dataclass(frozen=True)
class SlotRows:
    """The rows of one adapter (None: the base model alone): token ids and their positions."""

    adapter: Adapter | None
    tokens: Sequence[int]
    positions: Sequence[int]


@dataclass(frozen=True)
class Reading:
    """What the head says of some rows, on the host.

    Attributes:
        nll: of each wanted token, nats.
        greedy: the likeliest token of each row; None when not asked for.
    """

    nll: NDArray[np.float64]
    greedy: list[int] | None


def run_rows(
    packed: PackedModel, slots: Sequence[SlotRows], attention: OwnAttention, read: Sequence[int] | None = None,
    ids: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Hidden states after the final norm of all slots' rows, shape (N, D), padding included.

    Args:
        read: which rows of each slot are wanted, each once; None: all.
        ids: the rows' tokens in the place of those of the slots, on the device.
    """
    tokens = [token for slot in slots for token in slot.tokens]
    positions = [position for slot in slots for position in slot.positions]
    n_rows, runs, start = len(tokens), [], 0
    for slot in slots:
        runs.append(Run(slot.adapter, (start, start + len(slot.tokens)), (), Part(slot.adapter, Tree(()))))
        start += len(slot.tokens)
    missing = [0] * (packed.row_sizes.size(n_rows) - n_rows)
    both = np.array([tokens + missing, positions + missing], dtype=np.int64)
    whole = Layout(both[0], both[1], tuple(runs), n_rows)
    rows = None if read is None else reading_layout(whole, [read] * len(slots), packed.row_sizes)
    batch = packed.sent(whole, rows)
    if ids is not None:
        batch = replace(batch, input_ids=torch.nn.functional.pad(ids, (0, len(missing))))
    return packed.forward(batch, attention)


def read_head(
    packed: PackedModel, hidden_MD: Tensor, wanted_rows: Sequence[int], wanted_tokens: Sequence[int], greedy: bool
) -> Reading:
    """Run the head on some rows, a few at a time, and read once what is asked of the logits.

    Args:
        hidden_MD: rows of hidden states.
        wanted_rows, wanted_tokens: the logits whose likelihoods are wanted: which row, which token.
        greedy: also find the likeliest token of each row (the first of equals).
    """
    rows, tokens = np.array(wanted_rows, dtype=np.int64), np.array(wanted_tokens, dtype=np.int64)
    starts = range(0, hidden_MD.shape[0], HEAD_ROWS)
    chunks = [np.flatnonzero((rows >= start) & (rows < start + HEAD_ROWS)) for start in starts]
    places = [(rows[here] - start, tokens[here]) for start, here in zip(starts, chunks, strict=True)]
    order = np.argsort(np.concatenate(chunks))
    arrays = iter(to_device(hidden_MD.device, order, *(array for pair in places for array in pair)))
    in_order, nll, best = next(arrays), [], []
    for start in starts:
        logits, at, of = _logits(packed, hidden_MD[start : start + HEAD_ROWS]), next(arrays), next(arrays)
        nll.append(torch.logsumexp(logits, dim=-1)[at] - logits[at, of])
        if greedy:
            best.append(logits.argmax(dim=-1))
    found = torch.cat(nll)[in_order].double()
    n, numbers = len(rows), torch.cat([found, *(ids.double() for ids in best)]).tolist()
    return Reading(np.array(numbers[:n]), [int(token) for token in numbers[n:]] if greedy else None)


def likeliest(packed: PackedModel, hidden_MD: Tensor) -> Tensor:
    """The likeliest next token of each row (the first of equals), shape (M,), int64."""
    chunks = [hidden_MD[start : start + HEAD_ROWS] for start in range(0, hidden_MD.shape[0], HEAD_ROWS)]
    return torch.cat([_logits(packed, chunk).argmax(dim=-1) for chunk in chunks])


def _logits(packed: PackedModel, rows_MD: Tensor) -> Tensor:
    """Logits in at least float32; padded while they are computed, as batches are."""
    n = rows_MD.shape[0]
    missing = packed.row_sizes.size(n) - n
    padded = torch.nn.functional.pad(rows_MD, (0, 0, 0, missing)) if missing else rows_MD
    logits = packed.logits(padded)[:n]
    return logits.to(torch.promote_types(logits.dtype, torch.float32))
