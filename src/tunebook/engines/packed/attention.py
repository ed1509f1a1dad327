"""Attention over prompt trees, branch by branch: each node attends to its ancestors and, causally, to itself.

It enters through transformers' `AttentionInterface`, so no model class is patched. No mask is registered with
`AttentionMaskInterface` on purpose: transformers then makes none and hands the layer's own window over, which is
applied here by position within the branch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from transformers import AttentionInterface

from tunebook.engines.packed.batches import Batch, LaidNode, Rows
from tunebook.engines.packed.kv import KeyCache

__all__ = ["IMPLEMENTATION", "OwnAttention", "attend", "register"]

IMPLEMENTATION = "tunebook_packed"


class OwnAttention(Protocol):
    """A cache that attends by itself instead of by `attend`: what scoring passes to `PackedModel.forward`."""

    n_rows: int

    def attend(
        self, layer: int, q_HNE: Tensor, k_GNE: Tensor, v_GNE: Tensor, scaling: float, window: int | None,
        softcap: float | None,
    ) -> Tensor:
        """Attention of the batch's rows, shape (H, N, E); keeps of their keys and values what it will need."""
        ...


def register() -> None:
    """Make the implementation known to transformers. Repeating it does no harm."""
    AttentionInterface.register(IMPLEMENTATION, _interface)


def _interface(
    module: nn.Module,
    query: Tensor,  # (1, H, N, E)
    key: Tensor,  # (1, G, N, E)
    value: Tensor,  # (1, G, N, E)
    attention_mask: Tensor | None,
    scaling: float,
    dropout: float = 0.0,
    sliding_window: int | None = None,
    softcap: float | None = None,
    packed_batch: Batch | None = None,
    packed_cache: KeyCache | OwnAttention | None = None,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    assert packed_batch is not None
    k, v = key[0], value[0]
    layer = int(module.layer_idx)  # type: ignore[arg-type]
    if packed_cache is not None and not isinstance(packed_cache, KeyCache):
        out = packed_cache.attend(layer, query[0], k, v, scaling, sliding_window, softcap)
        return out.transpose(0, 1)[None], None
    if packed_cache is not None:
        k, v = packed_cache.append(layer, k, v)
    out = attend(packed_batch, query[0], k, v, scaling, sliding_window, softcap)
    return out.transpose(0, 1)[None], None


def attend(
    batch: Batch,
    q_HNE: Tensor,
    k_GCE: Tensor,
    v_GCE: Tensor,
    scaling: float,
    window: int | None = None,
    softcap: float | None = None,
) -> Tensor:
    """Attention of every row of a batch to its ancestors and, causally, to its own node.

    Args:
        q_HNE: queries of H heads, N rows of the batch.
        k_GCE, v_GCE: keys and values of G heads (H a multiple of G), all rows of key space (cache, then batch).
        window: positions a token looks back, itself included; None: all.
        softcap: scores become softcap · tanh(score / softcap); None: they stay.

    Returns: shape (H, N, E).
    """
    out = [
        _node(batch, node, q_HNE, k_GCE, v_GCE, scaling, window, softcap) for run in batch.runs for node in run.nodes
    ]
    if batch.n_rows < q_HNE.shape[1]:
        out.append(q_HNE[:, batch.n_rows :] * 0)
    return torch.cat(out, dim=1)


def _node(
    batch: Batch, node: LaidNode, q: Tensor, k: Tensor, v: Tensor, scaling: float, window: int | None,
    softcap: float | None,
) -> Tensor:  # fmt: skip
    start, stop = node.rows
    ranges = (*node.keys, (start + batch.n_past, stop + batch.n_past))
    k_own, v_own = _gather(k, ranges), _gather(v, ranges)
    mask = _mask(stop - start, node.n_before, window, q.device)
    return _softmax_attention(q[:, start:stop], k_own, v_own, mask, scaling, softcap)


def _gather(rows: Tensor, ranges: Sequence[Rows]) -> Tensor:
    pieces = [rows[:, start:stop] for start, stop in ranges]
    return pieces[0] if len(pieces) == 1 else torch.cat(pieces, dim=1)


def _mask(n: int, n_before: int, window: int | None, device: torch.device) -> Tensor:
    distance = torch.arange(n, device=device)[:, None] + n_before - torch.arange(n + n_before, device=device)[None]
    seen = distance >= 0
    return seen if window is None else seen & (distance < window)


def _softmax_attention(
    q_HNE: Tensor, k_GCE: Tensor, v_GCE: Tensor, seen_NC: Tensor, scaling: float, softcap: float | None
) -> Tensor:
    repeats = q_HNE.shape[0] // k_GCE.shape[0]
    k, v = k_GCE.repeat_interleave(repeats, 0), v_GCE.repeat_interleave(repeats, 0)
    scores = (q_HNE @ k.transpose(1, 2)) * scaling
    if softcap is not None:
        scores = torch.tanh(scores / softcap) * softcap
    scores = scores.masked_fill(~seen_NC, float("-inf"))
    wide = torch.float32 if scores.dtype in (torch.bfloat16, torch.float16) else scores.dtype
    return torch.softmax(scores, dim=-1, dtype=wide).to(q_HNE.dtype) @ v
