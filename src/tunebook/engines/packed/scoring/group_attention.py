"""Attention of a group of examples: over a shared prompt that is kept once, and over each example's own rows.

It is given to `PackedModel.forward` as what attends by itself (`attention.OwnAttention`), runs a group for several
adapters at once, and then holds the group's keys and values. Everything is computed adapter by adapter on shapes that
depend on the examples alone, so an adapter's numbers do not depend on the others beside it.

Axes: G key heads, J query heads for each of them (H = G·J), N rows, B branches,
L new rows of a branch, W keys of a branch, P shared keys, E head size.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tunebook.engines.packed.scoring.scoring_groups import Block, Group

__all__ = ["GroupAttention", "Hidden", "KeyValue", "attended"]

KeyValue = tuple[Tensor, Tensor]
"""Keys and values of some rows, each (G, rows, E)."""

SCORES_AT_ONCE = 1 << 24
"""Attention scores that exist at a time, unless those of one query in each path are more."""


@dataclass(frozen=True)
class Hidden:
    """Which keys must not be seen.

    Attributes:
        shape: (G, B, J, L), into which a score's first two axes unfold.
        own: of the own keys, broadcastable to (G, B, J, L, W), bool.
        shared: of the shared keys, broadcastable to (G, B, J, L, P), bool; None: all are seen.
    """

    shape: tuple[int, int, int, int]
    own: Tensor
    shared: Tensor | None


class GroupAttention:
    """Attention of one group, run for several adapters; the rows of each adapter are contiguous.

    Attributes:
        kept: for every layer the keys and values of all rows, each (G, N, E); padding rows included.
    """

    def __init__(self, group: Group, shared: Sequence[Sequence[KeyValue] | None], n_layers: int) -> None:
        self._group = group
        self._shared = shared
        self._index: dict[tuple[int, int], list[tuple[Tensor, Tensor]]] = {}
        self._hidden: dict[tuple[int, int, int, int | None], list[Hidden | None]] = {}
        self.kept: list[KeyValue | None] = [None] * n_layers

    def attend(
        self, layer: int, q_HNE: Tensor, k_GNE: Tensor, v_GNE: Tensor, scaling: float, window: int | None,
        softcap: float | None,
    ) -> Tensor:  # fmt: skip
        """Attention of all adapters' rows, shape (H, N, E); padding rows get zeros."""
        self.kept[layer] = (k_GNE, v_GNE)
        n = self._group.n_rows
        out_NHE = torch.zeros_like(q_HNE.transpose(0, 1), memory_format=torch.contiguous_format)
        for slot, shared in enumerate(self._shared):
            rows = slice(slot * n, (slot + 1) * n)
            own_shared = None if shared is None else shared[layer]
            out_NHE[rows] = self._one(q_HNE[:, rows], k_GNE[:, rows], v_GNE[:, rows], own_shared, scaling, window,
                                      softcap)  # fmt: skip
        return out_NHE.transpose(0, 1)

    def _one(
        self, q_HNE: Tensor, k_GNE: Tensor, v_GNE: Tensor, shared: KeyValue | None, scaling: float,
        window: int | None, softcap: float | None,
    ) -> Tensor:  # fmt: skip
        n_heads, _, size = q_HNE.shape
        n_groups = k_GNE.shape[0]
        q, k, v = (t.transpose(0, 1).reshape(-1, size) for t in (q_HNE, k_GNE, v_GNE))
        outputs = []
        index = self._head_index(n_heads, n_groups)
        masks = self._masks(n_heads, n_groups, self._group.n_shared if shared else 0, window)
        for block, (q_index, k_index), hidden in zip(self._group.blocks, index, masks, strict=True):
            b, length = block.query_rows.shape
            own = (k.index_select(0, k_index).view(n_groups * b, -1, size),
                   v.index_select(0, k_index).view(n_groups * b, -1, size))  # fmt: skip
            q_block = q.index_select(0, q_index).view(n_groups * b, -1, length, size)
            if hidden is not None:
                out = attended(q_block.view(n_groups * b, -1, size), own, shared, hidden, scaling, softcap)
            else:
                out = self._by_chunks(block, q_block, own, shared, scaling, window, softcap)
            out = out.view(n_groups, b, n_heads // n_groups, length, size)
            outputs.append(out.permute(1, 3, 0, 2, 4).reshape(b * length, n_heads, size))
        return torch.cat(outputs).index_select(0, self._group.gather)

    def _by_chunks(
        self, block: Block, q: Tensor, own: KeyValue, shared: KeyValue | None, scaling: float, window: int | None,
        softcap: float | None,
    ) -> Tensor:  # fmt: skip
        """Attention of a block a few queries at a time, (G·B, J, L, E): long examples have too many scores for all."""
        n_branches, repeats, length, size = q.shape
        n_groups, out = n_branches // len(block.query_rows), torch.empty_like(q)
        n_shared = 0 if shared is None else shared[0].shape[1]
        step = max(1, SCORES_AT_ONCE // (n_branches * repeats * (n_shared + own[0].shape[1])))
        for start in range(0, length, step):
            queries = slice(start, min(start + step, length))
            hidden = _hidden(block, n_groups, repeats, n_shared, window, queries)
            some = q[:, :, queries].reshape(n_branches, -1, size)
            out[:, :, queries] = attended(some, own, shared, hidden, scaling, softcap).view(
                n_branches, repeats, -1, size
            )
        return out

    def _head_index(self, n_heads: int, n_groups: int) -> list[tuple[Tensor, Tensor]]:
        """Rows of (N·H, E) and (N·G, E) that make the blocks' queries (G, B, J, L) and keys (G, B, W)."""
        at = (n_heads, n_groups)
        if at not in self._index:
            self._index[at] = [_block_index(block, n_heads, n_groups) for block in self._group.blocks]
        return self._index[at]

    def _masks(self, n_heads: int, n_groups: int, n_shared: int, window: int | None) -> list[Hidden | None]:
        """What is hidden in each block, None where it is attended by chunks."""
        at = (n_heads, n_groups, n_shared, window)
        if at not in self._hidden:
            repeats, made = n_heads // n_groups, list[Hidden | None]()
            for block in self._group.blocks:
                b, length = block.query_rows.shape
                fits = n_heads * b * length * (n_shared + block.key_rows.shape[1]) <= SCORES_AT_ONCE
                queries = slice(0, length)
                made.append(_hidden(block, n_groups, repeats, n_shared, window, queries) if fits else None)
            self._hidden[at] = made
        return self._hidden[at]


def _block_index(block: Block, n_heads: int, n_groups: int) -> tuple[Tensor, Tensor]:
    device = block.query_rows.device
    heads = torch.arange(n_heads, device=device).view(n_groups, 1, n_heads // n_groups, 1)
    q_index = block.query_rows[None, :, None] * n_heads + heads
    k_index = block.key_rows[None] * n_groups + torch.arange(n_groups, device=device)[:, None, None]
    return q_index.flatten(), k_index.flatten()


def _hidden(block: Block, n_groups: int, repeats: int, n_shared: int, window: int | None, queries: slice) -> Hidden:
    own, shared = block.hidden(queries, window), block.hidden_shared(queries, window) if n_shared else None
    shape = n_groups, len(own), repeats, own.shape[1]
    return Hidden(shape, own[None, :, None], None if shared is None else shared[None, :, None])


def attended(
    q: Tensor,
    own: KeyValue,
    shared: KeyValue | None,
    hidden: Hidden,
    scaling: float,
    softcap: float | None,
) -> Tensor:
    """Softmax attention over shared keys and own keys together.

    Args:
        q: queries (G·B, J·L, E), those of one key head together.
        own: keys and values of each branch, (G·B, W, E).
        shared: keys and values that all branches see, (G, P, E).
        hidden: which keys must not be seen.

    Returns: shape (G·B, J·L, E).
    """
    scores = _scores(q * scaling, own[0], None if shared is None else shared[0])
    if softcap is not None:
        scores = scores.div_(softcap).tanh_().mul_(softcap)
    n_shared = 0 if shared is None else shared[0].shape[1]
    _hide(scores, hidden, n_shared)
    wide = torch.promote_types(scores.dtype, torch.float32)
    weights = torch.softmax(scores, dim=-1, dtype=wide).to(q.dtype)
    if shared is None:
        return torch.bmm(weights, own[1])
    grouped = weights.view(shared[1].shape[0], -1, weights.shape[2])
    out = torch.bmm(grouped[:, :, :n_shared], shared[1]).view(q.shape)
    return out.baddbmm_(weights[:, :, n_shared:], own[1])


def _scores(q: Tensor, own_keys: Tensor, shared_keys: Tensor | None) -> Tensor:
    """Products of queries with shared and own keys, side by side: (G·B, J·L, P + W)."""
    own = torch.bmm(q, own_keys.transpose(1, 2))
    if shared_keys is None:
        return own
    grouped = q.view(shared_keys.shape[0], -1, q.shape[2])
    shared = torch.bmm(grouped, shared_keys.transpose(1, 2))
    return torch.cat([shared.view(*q.shape[:2], -1), own], dim=2)


def _hide(scores: Tensor, hidden: Hidden, n_shared: int) -> None:
    """Set hidden scores to minus infinity, in place."""
    shape = hidden.shape
    by_branch = scores.view(*shape, -1)
    by_branch[..., n_shared:].masked_fill_(hidden.own, -math.inf)
    if hidden.shared is not None:
        by_branch[..., :n_shared].masked_fill_(hidden.shared, -math.inf)
