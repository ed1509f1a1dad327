"""Attention over prompt trees, branch by branch: each node attends to its ancestors and, causally, to itself.

It enters through transformers' `AttentionInterface`, so no model class is patched. No mask is registered with
`AttentionMaskInterface` on purpose: transformers then makes none and hands the layer's own window over, which is
applied here by position within the branch.

Nodes with the same ancestors and similar lengths are stacked into blocks, which are gathered once and attend with one
batched multiply; long nodes are cut into blocks of queries. A block belongs to one trial, so a trial's numbers do not
depend on the others. The backward pass is written out: it needs queries, keys, values and, for short contexts, the
probabilities.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

import torch
from torch import Tensor, nn
from transformers import AttentionInterface

from tunebook.engines.packed.model.batches import Batch, LaidNode, Run
from tunebook.engines.packed.model.kernels import rotate
from tunebook.engines.packed.model.native_attention import native_attend, takes

__all__ = ["IMPLEMENTATION", "OwnAttention", "attend", "register"]

IMPLEMENTATION = "tunebook_packed"

QUERY_ROWS = 256
"""Longer nodes are cut into blocks of this many queries, so that scores stay small."""
MAX_PADDING = 1.3
"""Nodes are stacked as long as the padded block has at most this many times their rows."""
KEPT_CONTEXT = 256
"""Probabilities over more keys than this are computed again in the backward pass instead of being kept."""


Rotary = tuple[Tensor, Tensor]
"""Cosines and sines of every row's angles, each (N, E), as transformers' rotary embeddings give them."""


class OwnAttention(Protocol):
    """An attention that replaces `attend`: scoring passes one to `PackedModel.forward`."""

    def attend(
        self, layer: int, q_HNE: Tensor, k_GNE: Tensor, v_GNE: Tensor, scaling: float, window: int | None,
        softcap: float | None,
    ) -> Tensor:  # fmt: skip
        """Attention of the batch's rows, shape (H, N, E). It may keep their keys and values for later calls."""
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
    packed_attention: OwnAttention | None = None,
    packed_ops: Any = None,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    assert packed_batch is not None
    if packed_attention is not None:
        layer = int(module.layer_idx)  # type: ignore[arg-type]
        out = packed_attention.attend(layer, query[0], key[0], value[0], scaling, sliding_window, softcap)
        return out.transpose(0, 1)[None], None
    return packed_ops.attend(packed_batch, query[0], key[0], value[0], scaling, sliding_window, softcap, None)[
        None
    ], None


def attend(
    batch: Batch,
    q_HNE: Tensor,
    k_GNE: Tensor,
    v_GNE: Tensor,
    scaling: float,
    window: int | None = None,
    softcap: float | None = None,
    rotary: Rotary | None = None,
) -> Tensor:
    """Attention of every row of a batch to its ancestors and, causally, to its own node.

    Args:
        q_HNE: queries of H heads; k_GNE, v_GNE: keys and values of G heads (H a multiple of G).
        window: number of positions that a token attends to, including itself; None: all.
        softcap: scores become softcap · tanh(score / softcap); None: they are not changed.
        rotary: rotate queries and keys by these angles first; None: they have been rotated.

    Returns: shape (N, H, E); padding rows are zero.
    """
    q_NHE, k_NGE, v_NGE = (rows.transpose(0, 1) for rows in (q_HNE, k_GNE, v_GNE))
    if takes(q_NHE, k_NGE, v_NGE, softcap):
        return native_attend(batch, q_NHE, k_NGE, v_NGE, scaling, window, rotary)
    blocks = _blocks(batch, window, q_HNE.device)
    return _apply(q_NHE, k_NGE, v_NGE, blocks, scaling, softcap, rotary)


# -- which rows attend to which


@dataclass(frozen=True, kw_only=True)
class _Block:
    """B stacked pieces of L queries (padded) that see W keys (padded) each.

    Attributes:
        queries: row of every query, shape (B·L,); padding repeats a row.
        keys: row of every key, shape (B·W,).
        hidden: the keys that a query must not attend to, including padding, (B, 1, L, W), bool.
        valid: places in (B·L,) that are no padding, or None when all are.
        rows: their rows.
    """

    shape: tuple[int, int, int]
    queries: Tensor
    keys: Tensor
    hidden: Tensor
    valid: Tensor | None
    rows: Tensor


@dataclass
class _Piece:
    """Some queries of one node: rows [first, stop), and how many of its own rows lie before them."""

    node: LaidNode
    first: int
    stop: int
    keys: list[int] = field(default_factory=list)


def _blocks(batch: Batch, window: int | None, device: torch.device) -> list[_Block]:
    if ("blocks", window) not in batch.memo:
        made = [_block(pieces, window, device) for run in batch.runs for pieces in _stacks(run)]
        batch.memo["blocks", window] = made
    return cast("list[_Block]", batch.memo["blocks", window])


def _stacks(run: Run) -> list[list[_Piece]]:
    """A trial's pieces, grouped by ancestors and similar lengths."""
    pieces = [
        _Piece(node, first, min(first + QUERY_ROWS, node.rows[1]))
        for node in run.nodes
        for first in range(*node.rows, QUERY_ROWS)
    ]
    pieces.sort(key=lambda p: (p.node.keys, p.stop - p.first, p.first))
    stacks: list[list[_Piece]] = []
    for piece in pieces:
        last = stacks[-1] if stacks else []
        rows = sum(p.stop - p.first for p in last) + piece.stop - piece.first
        like = bool(last) and last[0].node.keys == piece.node.keys
        padded = (len(last) + 1) * (piece.stop - piece.first)
        if like and padded <= MAX_PADDING * rows:
            last.append(piece)
        else:
            stacks.append([piece])
    return stacks


def _block(pieces: Sequence[_Piece], window: int | None, device: torch.device) -> _Block:
    for piece in pieces:
        ranges = [*piece.node.keys, (piece.node.rows[0], piece.stop)]
        piece.keys = [row for start, stop in ranges for row in range(start, stop)]
    length = max(p.stop - p.first for p in pieces)
    width = max(len(p.keys) for p in pieces)
    queries: list[int] = []
    keys: list[int] = []
    valid: list[int] = []
    hidden = torch.ones(len(pieces), 1, length, width, dtype=torch.bool)
    for b, piece in enumerate(pieces):
        n, context = piece.stop - piece.first, len(piece.keys)
        queries += [*range(piece.first, piece.stop), *[piece.first] * (length - n)]
        keys += piece.keys + [piece.keys[0]] * (width - context)
        valid += range(b * length, b * length + n)
        distance = torch.arange(n)[:, None] + (context - n) - torch.arange(context)[None]
        seen = (distance >= 0) if window is None else (distance >= 0) & (distance < window)
        hidden[b, 0, :n, :context] = ~seen
        hidden[b, 0, n:, 0] = False  # padding queries attend to one key, so that they stay finite
    index = torch.tensor(queries)
    whole = len(valid) == len(queries)
    rows = index if whole else index[valid]
    return _Block(
        shape=(len(pieces), length, width), queries=index.to(device), keys=torch.tensor(keys, device=device),
        hidden=hidden.to(device), valid=None if whole else torch.tensor(valid, device=device), rows=rows.to(device),
    )  # fmt: skip


# -- attention of one block, forward and backward


class _Attention(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, q_NHE: Tensor, k_NGE: Tensor, v_NGE: Tensor, blocks: Sequence[_Block], scaling: float,
        softcap: float | None, rotary: Rotary | None,
    ) -> Tensor:  # fmt: skip
        if rotary is not None:
            q_NHE, k_NGE = rotate(q_NHE, *rotary), rotate(k_NGE, *rotary)
        out = torch.empty(q_NHE.shape, dtype=q_NHE.dtype, device=q_NHE.device)
        _clear_unused(out, blocks)
        kept: list[tuple[Tensor, ...] | None] = []
        for block in blocks:
            q, k, v = _gathered(q_NHE, k_NGE, v_NGE, block)
            p, _ = _probabilities(q, k, block, scaling, softcap)
            _put(out, p @ v, block)
            kept.append((q, k, v, p) if block.shape[2] <= KEPT_CONTEXT and softcap is None else None)
        if None in kept:
            ctx.save_for_backward(q_NHE, k_NGE, v_NGE)
        ctx.shapes = q_NHE.shape, k_NGE.shape
        ctx.blocks, ctx.scaling, ctx.softcap, ctx.rotary, ctx.kept = blocks, scaling, softcap, rotary, kept
        return out

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Any, ...]:
        (grad_out,) = grads
        grad_q, grad_k = (grad_out.new_empty(shape) for shape in ctx.shapes)
        grad_v = torch.zeros_like(grad_k)
        grad_k.zero_()
        _clear_unused(grad_q, ctx.blocks)
        for block, kept in zip(ctx.blocks, ctx.kept, strict=True):
            _block_backward(ctx, block, kept, grad_out, (grad_q, grad_k, grad_v))
        ctx.kept = None
        if ctx.rotary is not None:  # rotating back is rotating by the negative angle
            cosine, sine = ctx.rotary
            grad_q, grad_k = rotate(grad_q, cosine, -sine), rotate(grad_k, cosine, -sine)
        return grad_q, grad_k, grad_v, None, None, None, None


def _block_backward(
    ctx: Any, block: _Block, kept: tuple[Tensor, ...] | None, grad_out_NHE: Tensor, grads: tuple[Tensor, ...]
) -> None:
    """Add one block's part to the gradients of queries, keys and values."""
    slope = None
    if kept is not None:
        q, k, v, p = kept
    else:
        q_NHE, k_NGE, v_NGE = ctx.saved_tensors
        q, k, v = _gathered(q_NHE, k_NGE, v_NGE, block)
        p, slope = _probabilities(q, k, block, ctx.scaling, ctx.softcap)
    grad_out = _queries(grad_out_NHE, block, ctx.shapes[1][1])
    if block.valid is not None:
        _clear_padding(grad_out, block)
    grad_q, grad_k, grad_v = grads
    _add_keys(grad_v, p.transpose(1, 2) @ grad_out, block)
    grad_s = grad_out @ v.transpose(1, 2)
    grad_s.sub_((grad_s * p).sum(-1, keepdim=True)).mul_(p)
    grad_s.mul_(ctx.scaling if slope is None else slope.mul_(ctx.scaling))
    _put(grad_q, grad_s @ k, block)
    _add_keys(grad_k, grad_s.transpose(1, 2) @ q, block)


_apply = cast("Callable[..., Tensor]", _Attention.apply)


def _probabilities(
    q: Tensor, k: Tensor, block: _Block, scaling: float, softcap: float | None
) -> tuple[Tensor, Tensor | None]:
    """Attention weights (G·B, J·L, W), and with soft-capping the slope of the cap."""
    n_pieces, length, width = block.shape
    scores = (q @ k.transpose(1, 2)).mul_(scaling)
    slope = None
    if softcap is not None:
        t = torch.tanh(scores / softcap)
        slope, scores = 1 - t * t, t * softcap
    unfolded = scores.view(-1, n_pieces, scores.shape[1] // length, length, width)
    unfolded.masked_fill_(block.hidden, float("-inf"))
    wide = torch.float32 if scores.dtype in (torch.bfloat16, torch.float16) else scores.dtype
    return torch.softmax(scores, dim=-1, dtype=wide).to(q.dtype), slope


def _queries(rows_NHE: Tensor, block: _Block, n_groups: int) -> Tensor:
    """A block's rows, gathered: (G·B, J·L, E), with J = H / G heads for each key head."""
    n_pieces, length, _ = block.shape
    _, n_heads, size = rows_NHE.shape
    gathered = rows_NHE.index_select(0, block.queries).view(n_pieces, length, n_groups, n_heads // n_groups, size)
    return gathered.permute(2, 0, 3, 1, 4).reshape(n_groups * n_pieces, -1, size)


def _gathered(q_NHE: Tensor, k_NGE: Tensor, v_NGE: Tensor, block: _Block) -> tuple[Tensor, Tensor, Tensor]:
    """A block's queries (G·B, J·L, E), keys and values (G·B, W, E)."""
    return _queries(q_NHE, block, k_NGE.shape[1]), _keys(k_NGE, block), _keys(v_NGE, block)


def _keys(rows_NGE: Tensor, block: _Block) -> Tensor:
    n_pieces, _, width = block.shape
    gathered = rows_NGE.index_select(0, block.keys).view(n_pieces, width, *rows_NGE.shape[1:])
    return gathered.permute(2, 0, 1, 3).reshape(-1, width, rows_NGE.shape[2])


def _clear_unused(rows_NHE: Tensor, blocks: Sequence[_Block]) -> None:
    """Set the rows that no block writes, padding of the batch, to zero; they are the last ones."""
    rows_NHE[sum(len(block.rows) for block in blocks) :].zero_()


def _put(out_NHE: Tensor, values: Tensor, block: _Block) -> None:
    """Write a block's (G·B, J·L, E) back to its rows; each row belongs to one block."""
    n_pieces, length, _ = block.shape
    size = out_NHE.shape[2]
    unfolded = values.view(-1, n_pieces, values.shape[1] // length, length, size).permute(1, 3, 0, 2, 4)
    folded = unfolded.reshape(n_pieces * length, -1, size)
    out_NHE.index_copy_(0, block.rows, folded if block.valid is None else folded.index_select(0, block.valid))


def _add_keys(out_NGE: Tensor, values: Tensor, block: _Block) -> None:
    """Add a block's (G·B, W, E) to its key rows; ancestors get the sum over all pieces."""
    n_pieces, _, width = block.shape
    unfolded = values.view(-1, n_pieces, width, out_NGE.shape[2]).permute(1, 2, 0, 3)
    out_NGE.index_add_(0, block.keys, unfolded.reshape(n_pieces * width, -1, out_NGE.shape[2]))


def _clear_padding(grad: Tensor, block: _Block) -> None:
    """Set the gradient of padding queries to zero: they repeat a row whose gradient counts once."""
    n_pieces, length, _ = block.shape
    assert block.valid is not None
    padding = torch.ones(n_pieces * length, dtype=torch.bool, device=grad.device)
    padding[block.valid] = False
    unfolded = grad.view(-1, n_pieces, grad.shape[1] // length, length, grad.shape[2])
    unfolded.masked_fill_(padding.view(1, n_pieces, 1, length, 1), 0)
