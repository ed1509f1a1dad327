"""Attention over prompt trees in one native call: what `attention.py` does with blocks of torch multiplies.

Used for float32 on the CPU where scores are not soft-capped. A piece is some queries of one node; nothing is padded,
and the backward pass needs only queries, keys and values: it computes the probabilities again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor

from tunebook.engines.packed.model.batches import Batch
from tunebook.engines.packed.model.kernels import native_for, rotate
from tunebook.engines.packed.model.multiplies import exact_threads
from tunebook.engines.packed.model.native import library

__all__ = ["native_attend", "takes"]

QUERY_ROWS = 64
"""Longer nodes are cut into pieces of this many queries, so that scores stay in the processor's cache and keys after
a piece are skipped."""
_UNBOUNDED = 1 << 62


def takes(q_NHE: Tensor, k_NGE: Tensor, v_NGE: Tensor, softcap: float | None) -> bool:
    """Whether the native kernel supports these tensors."""
    return softcap is None and native_for(q_NHE, k_NGE, v_NGE) is not None


def native_attend(
    batch: Batch, q_NHE: Tensor, k_NGE: Tensor, v_NGE: Tensor, scaling: float, window: int | None,
    rotary: tuple[Tensor, Tensor] | None,
) -> Tensor:  # fmt: skip
    """As `attention.attend`, shape (N, H, E).

    Raises: MemoryError: there is no room for a piece's scores.
    """
    return _apply(q_NHE, k_NGE, v_NGE, _pieces(batch), batch.n_rows, scaling, window or _UNBOUNDED, rotary)


_Pieces = tuple[Tensor, Tensor]
"""Of each piece its first row, the one after its last, where its keys begin and their number, shape (P, 4); rows of
all keys, shape (K,); int64."""


def _pieces(batch: Batch) -> _Pieces:
    if "pieces" not in batch.memo:
        pieces: list[tuple[int, int, int, int]] = []
        keys: list[int] = []
        for node in (node for run in batch.runs for node in run.nodes):
            start, stop = node.rows
            for first in range(start, stop, QUERY_ROWS):
                end = min(first + QUERY_ROWS, stop)
                own = [row for a, b in (*node.keys, (start, end)) for row in range(a, b)]
                pieces.append((first, end, len(keys), len(own)))
                keys += own
        batch.memo["pieces"] = torch.tensor(pieces, dtype=torch.int64).view(-1, 4), torch.tensor(keys)
    return cast("_Pieces", batch.memo["pieces"])


class _Attention(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, q_NHE: Tensor, k_NGE: Tensor, v_NGE: Tensor, pieces: _Pieces, n_rows: int, scaling: float,
        window: int, rotary: tuple[Tensor, Tensor] | None,
    ) -> Tensor:  # fmt: skip
        q_NHE, k_NGE, v_NGE = q_NHE.contiguous(), k_NGE.contiguous(), v_NGE.contiguous()
        if rotary is not None:
            q_NHE, k_NGE = rotate(q_NHE, *rotary), rotate(k_NGE, *rotary)
        out = torch.empty_like(q_NHE)
        out[n_rows:].zero_()
        ctx.save_for_backward(q_NHE, k_NGE, v_NGE)
        ctx.how, ctx.n_rows, ctx.rotary = (pieces, scaling, window), n_rows, rotary
        _call("attend", ctx.how, q_NHE.shape[1:], k_NGE.shape[1], q_NHE, k_NGE, v_NGE, out)
        return out

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Any, ...]:
        q_NHE, k_NGE, v_NGE = ctx.saved_tensors
        grad_q, grad_k, grad_v = torch.empty_like(q_NHE), torch.zeros_like(k_NGE), torch.zeros_like(v_NGE)
        grad_q[ctx.n_rows :].zero_()
        of = q_NHE, k_NGE, v_NGE, grads[0].contiguous(), grad_q, grad_k, grad_v
        _call("attend_backward", ctx.how, q_NHE.shape[1:], k_NGE.shape[1], *of)
        if ctx.rotary is not None:  # rotating back is rotating by the negative angle
            cosine, sine = ctx.rotary
            grad_q, grad_k = rotate(grad_q, cosine, -sine), rotate(grad_k, cosine, -sine)
        return grad_q, grad_k, grad_v, *[None] * 5


_apply = cast("Callable[..., Tensor]", _Attention.apply)


def _call(name: str, how: tuple[_Pieces, float, int], heads: torch.Size, n_groups: int, *tensors: Tensor) -> None:
    (pieces, keys), scaling, window = how
    addresses = (tensor.data_ptr() for tensor in tensors)
    n_heads, size = heads
    with exact_threads():
        failed = getattr(library(), name)(
            *addresses, pieces.data_ptr(), len(pieces), keys.data_ptr(), n_heads, n_groups, size, window, scaling
        )
    if failed:
        raise MemoryError("attention: no memory for the scores of one piece")
