"""One forward pass of packed scoring: the rows of several adapters, one adapter after another, and reading the head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from tunebook.engines.packed.model.attention import OwnAttention
from tunebook.engines.packed.model.bank import Adapter
from tunebook.engines.packed.model.batches import Layout, Part, Run, Tree, reading_layout
from tunebook.engines.packed.model.multiplies import exact_threads
from tunebook.engines.packed.model.packed_model import PackedModel

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
    """What the head says of some rows.

    Attributes:
        log_total: log of the sum of exponentials of each row's logits, shape (M,).
        wanted: the wanted logits, shape (M,) of their own count.
        greedy: the likeliest token of each row, shape (M,), int64; None when not asked for.
    """

    log_total: Tensor
    wanted: Tensor
    greedy: Tensor | None


def run_rows(
    packed: PackedModel, slots: Sequence[SlotRows], attention: OwnAttention, read: Sequence[int] | None = None
) -> Tensor:  # fmt: skip
    """Hidden states after the final norm of all slots' rows, shape (N, D), padding included.

    Args:
        read: which rows of each slot are wanted, each once; None: all.
    """
    tokens = [token for slot in slots for token in slot.tokens]
    positions = [position for slot in slots for position in slot.positions]
    n_rows, runs, start = len(tokens), [], 0
    for slot in slots:
        runs.append(Run(slot.adapter, (start, start + len(slot.tokens)), (), Part(slot.adapter, Tree(()))))
        start += len(slot.tokens)
    missing = [0] * (packed.row_sizes.size(n_rows) - n_rows)
    ids, places = np.array([tokens + missing, positions + missing], dtype=np.int64)
    whole = Layout(ids, places, tuple(runs), n_rows)
    rows = None if read is None else reading_layout(whole, [read] * len(slots), packed.row_sizes)
    return packed.forward(packed.sent(whole, rows, False, ())[0], attention)


def read_head(
    packed: PackedModel, hidden_MD: Tensor, wanted_rows: Tensor, wanted_tokens: Tensor, greedy: bool
) -> Reading:
    """Run the head on some rows, a few at a time, and keep what is asked of the logits.

    Args:
        hidden_MD: rows of hidden states.
        wanted_rows, wanted_tokens: the logits to keep: which row, which token; int64.
        greedy: also find the likeliest token of each row (the first of equals).
    """
    totals, best = [], []
    wanted: Tensor | None = None
    for start in range(0, hidden_MD.shape[0], HEAD_ROWS):
        logits = _logits(packed, hidden_MD[start : start + HEAD_ROWS])
        totals.append(torch.logsumexp(logits, dim=-1))
        here = ((wanted_rows >= start) & (wanted_rows < start + HEAD_ROWS)).nonzero()[:, 0]
        if wanted is None:
            wanted = logits.new_zeros(len(wanted_rows))
        wanted[here] = logits[wanted_rows[here] - start, wanted_tokens[here]]
        if greedy:
            best.append(logits.argmax(dim=-1))
    assert wanted is not None
    return Reading(torch.cat(totals), wanted, torch.cat(best) if greedy else None)


def likeliest(packed: PackedModel, hidden_MD: Tensor) -> list[int]:
    """The likeliest next token of each row (the first of equals)."""
    chunks = [hidden_MD[start : start + HEAD_ROWS] for start in range(0, hidden_MD.shape[0], HEAD_ROWS)]
    return [token for chunk in chunks for token in _logits(packed, chunk).argmax(dim=-1).tolist()]


def _logits(packed: PackedModel, rows_MD: Tensor) -> Tensor:
    """Logits in at least float32; padded while they are computed, as batches are."""
    n = rows_MD.shape[0]
    missing = packed.row_sizes.size(n) - n
    padded = torch.nn.functional.pad(rows_MD, (0, 0, 0, missing)) if missing else rows_MD
    with exact_threads():
        logits = packed.logits(padded)[:n]
    return logits.to(torch.promote_types(logits.dtype, torch.float32))
