"""Attention of packed scoring: over a shared prompt that is kept once, and over each example's own rows.

Two kinds, both given to `PackedModel.forward` as what attends by itself (`attention.OwnAttention`):

- `GroupAttention` runs a `branches.Group` for several adapters at once; then it holds the group's keys and values.
- `StepAttention` runs one new token of every answer that is still being written, over a growing cache.

Everything is computed adapter by adapter on shapes that depend on the examples alone, so an adapter's numbers do not
depend on the others beside it. Axes: G key heads, J query heads for each of them (H = G·J), N rows, B branches,
L new rows of a branch, W keys of a branch, P shared keys, E head size.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tunebook.engines.packed.scoring.scoring_groups import Block, Group

__all__ = ["GroupAttention", "KeyValue", "StepAttention", "StepCache", "attended"]

KeyValue = tuple[Tensor, Tensor]
"""Keys and values of some rows, each (G, rows, E)."""

SCORES_AT_ONCE = 1 << 24
"""Attention scores that exist at a time, unless those of one query in each path are more."""
ROOM = 16
"""Keys by which a step cache grows at least when it is full."""


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

    n_rows = 0

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


class StepCache:
    """Keys and values of one adapter's answers that are still being written.

    Attributes:
        lengths: own keys of each answer.
    """

    def __init__(self, shared: Sequence[KeyValue] | None, n_shared: int, n_layers: int) -> None:
        self.shared, self.n_shared = shared, n_shared
        self.lengths: list[int] = []
        self._n_own = torch.zeros(0, dtype=torch.int64)
        self._layers: list[KeyValue] = []
        self._pieces: list[list[KeyValue]] = [[] for _ in range(n_layers)]
        self._pieces_own: list[int] = []

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def n_before(self) -> Tensor:
        """`lengths` on the device, shape (B, 1), int64."""
        return self._n_own[:, None]

    @property
    def longest(self) -> int:
        """The most own keys of an answer."""
        return max(self.lengths, default=0)

    @property
    def n_pending(self) -> int:
        """Rows taken and not yet settled."""
        return sum(self._pieces_own)

    def add(self, rows: Tensor, kept: Sequence[KeyValue | None]) -> None:
        """Take one answer's rows, in order, out of what a group kept."""
        for pieces, layer in zip(self._pieces, kept, strict=True):
            assert layer is not None
            pieces.append((layer[0].index_select(1, rows), layer[1].index_select(1, rows)))
        self._pieces_own.append(len(rows))

    def join(self, other: StepCache) -> None:
        """Take over what another has taken and not yet settled."""
        for pieces, more in zip(self._pieces, other._pieces, strict=True):
            pieces += more
        self._pieces_own += other._pieces_own

    def settle(self) -> None:
        """Lay the answers taken so far side by side, padded, with room for new keys."""
        width = max(self._pieces_own) + ROOM
        self._layers = [(_padded([k for k, _ in pieces], width), _padded([v for _, v in pieces], width))
                        for pieces in self._pieces]  # fmt: skip
        self.lengths = self._pieces_own
        self._n_own = torch.tensor(self.lengths, device=self._layers[0][0].device)
        self._pieces, self._pieces_own = [[] for _ in self._pieces], []

    def keep(self, answers: Sequence[int]) -> None:
        """Drop all answers but these (indices into the present ones)."""
        index = torch.tensor(answers, dtype=torch.int64, device=self._n_own.device)
        self._layers = [(k.index_select(1, index), v.index_select(1, index)) for k, v in self._layers]
        self._n_own, self.lengths = self._n_own.index_select(0, index), [self.lengths[i] for i in answers]

    def grown(self) -> None:
        """Every answer has one key more, written by `write` in every layer."""
        self._n_own, self.lengths = self._n_own + 1, [n + 1 for n in self.lengths]

    def make_room(self, keys: int) -> None:
        """See that so many more keys of each answer fit."""
        width = self._layers[0][0].shape[2]
        if self.longest + keys > width:
            more = max(ROOM, width // 2, keys)
            self._layers = [(_wider(k, more), _wider(v, more)) for k, v in self._layers]

    def write(self, layer: int, k_BGE: Tensor, v_BGE: Tensor) -> KeyValue:
        """Put one new key and value of every answer into a layer; gives all of the layer's up to the longest."""
        answers = torch.arange(len(self), device=k_BGE.device)
        k, v = self._layers[layer]
        k[:, answers, self._n_own] = k_BGE.transpose(0, 1)
        v[:, answers, self._n_own] = v_BGE.transpose(0, 1)
        width = self.longest + 1
        return k[:, :, :width], v[:, :, :width]


class StepAttention:
    """Attention of one new token of every answer, for several adapters; the rows of each adapter are contiguous."""

    n_rows = 0

    def __init__(self, caches: Sequence[StepCache]) -> None:
        self._caches = caches
        self._masks: dict[int | None, list[Hidden]] = {}

    def attend(
        self, layer: int, q_HNE: Tensor, k_GNE: Tensor, v_GNE: Tensor, scaling: float, window: int | None,
        softcap: float | None,
    ) -> Tensor:  # fmt: skip
        """Attention of all adapters' rows, shape (H, N, E); padding rows get zeros."""
        n_groups, repeats, size = k_GNE.shape[0], q_HNE.shape[0] // k_GNE.shape[0], q_HNE.shape[2]
        if window not in self._masks:
            self._masks[window] = [_step_hidden(cache, n_groups, repeats, window) for cache in self._caches]
        out_NHE = torch.zeros_like(q_HNE.transpose(0, 1), memory_format=torch.contiguous_format)
        start = 0
        for cache, hidden in zip(self._caches, self._masks[window], strict=True):
            rows = slice(start, start + len(cache))
            k, v = cache.write(layer, k_GNE[:, rows].transpose(0, 1), v_GNE[:, rows].transpose(0, 1))
            own = k.reshape(-1, *k.shape[2:]), v.reshape(-1, *v.shape[2:])
            q = q_HNE[:, rows].reshape(n_groups, repeats, len(cache), -1).transpose(1, 2).reshape(-1, repeats, size)
            shared = None if cache.shared is None else cache.shared[layer]
            out = attended(q, own, shared, hidden, scaling, softcap)
            out_NHE[rows] = out.view(n_groups, len(cache), -1).transpose(0, 1).reshape(len(cache), -1, size)
            start = rows.stop
        return out_NHE.transpose(0, 1)


def _step_hidden(cache: StepCache, n_groups: int, repeats: int, window: int | None) -> Hidden:
    """Masks for one new token of each answer, which lies after its own keys."""
    before, shared = cache.n_before, None
    distance = before - torch.arange(cache.longest + 1, device=before.device)
    own = distance < 0
    if window is not None:
        own |= distance >= window
        if cache.n_shared and cache.longest + cache.n_shared >= window:
            far = before + cache.n_shared - torch.arange(cache.n_shared, device=before.device) >= window
            shared = far[None, :, None, None]
    return Hidden((n_groups, len(cache), repeats, 1), own[None, :, None, None], shared)


def _padded(pieces: Sequence[Tensor], width: int) -> Tensor:
    out = pieces[0].new_zeros(pieces[0].shape[0], len(pieces), width, pieces[0].shape[2])
    for index, piece in enumerate(pieces):
        out[:, index, : piece.shape[1]] = piece
    return out


def _wider(rows: Tensor, more: int) -> Tensor:
    return torch.nn.functional.pad(rows, (0, 0, 0, more))
