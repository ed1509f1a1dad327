"""`Ops` by Triton kernels and FlexAttention: the same number of launches for any number of adapters.

Nothing here was run on a card (docs/engine.md says what was run where). Under TRITON_INTERPRET=1 it works on CPU
tensors, and is held against `TorchOps` by the same tests.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask, create_block_mask, flex_attention

from tunebook.engines.packed.model import triton_kernels as tk
from tunebook.engines.packed.model.attention import Rotary, attend
from tunebook.engines.packed.model.bank import Adapter, ModuleShape
from tunebook.engines.packed.model.batches import Batch, Run
from tunebook.engines.packed.model.dropout import kept_scale, limit, row_keys, word_keys
from tunebook.engines.packed.model.ops import AdamwFacts, AdamwVectors, GroupCall
from tunebook.engines.packed.model.transfer import to_device

__all__ = ["TritonOps", "attend_tree", "launch"]

TILE_ROWS, BLOCK, FLAT_BLOCK = 32, 64, 1024
"""Rows of a tile; columns of a block; numbers of a block of a flat vector."""
ADAM_BETA1, EPSILON = 0.9, 1e-8
_NOTHING_DROPPED = -(1 << 15)
_SMALLEST_DOT = 16


def launch(kernel: Any, grid: tuple[int, ...], *arguments: Any) -> None:
    """Launch one kernel."""
    kernel[grid](*arguments)


@dataclass(frozen=True)
class _Rows:
    """What kernels know of a batch's rows (triton_kernels.py says what each table holds)."""

    tiles: Tensor
    spans: Tensor
    limits: Tensor
    scales: Tensor
    keys: Tensor
    runs: tuple[Run, ...]
    drops: bool
    rank: int


class TritonOps:
    """Fulfils `Ops` for adapters in float32 and a base in float32, bfloat16 or float16."""

    joint_updates = True

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._tables: dict[Any, tuple[Tensor, Tensor]] = {}
        self._words: dict[Any, Tensor] = {}

    def kind(self, dtype: torch.dtype) -> str:
        return "triton"

    # -- adapters

    def add_updates(self, call: GroupCall, x_ND: Tensor, outputs: Sequence[Tensor]) -> Any:
        rows = self._rows(call)
        if rows is None:
            return None
        addresses, ranks, words = self._group(call.shapes, rows)
        (n, d), m, s = x_ND.shape, len(call.shapes), len(rows.runs)
        thin = torch.empty(m, n, rows.rank, device=x_ND.device)
        launch(
            tk.shrink, (len(rows.tiles), m), x_ND, x_ND.stride(0), rows.keys, words, thin, rows.tiles, addresses, ranks,
            rows.limits, rows.scales, n, d, s, -(-d // 4), rows.drops, rows.rank, TILE_ROWS, BLOCK,
        )  # fmt: skip
        ys, widths = _three(outputs)
        launch(
            tk.expand_add, (len(rows.tiles), -(-max(widths) // BLOCK), m), thin, *ys, *widths, rows.tiles, addresses,
            ranks, n, s, rows.rank, TILE_ROWS, BLOCK,
        )  # fmt: skip
        return thin

    def backward_updates(
        self, call: GroupCall, x_ND: Tensor, grads: Sequence[Tensor], kept: Any, grad_x: Tensor | None
    ) -> None:
        rows = self._rows(call)
        if rows is None:
            return
        addresses, ranks, words = self._group(call.shapes, rows)
        (n, d), m, s, w = x_ND.shape, len(call.shapes), len(rows.runs), -(-x_ND.shape[1] // 4)
        (gs, widths), g_thin, x_at = _three(grads), torch.empty_like(kept), (x_ND, x_ND.stride(0))
        last = rows.rank, TILE_ROWS, BLOCK
        launch(tk.grad_thin, (len(rows.tiles), m), *gs, *widths, g_thin, rows.tiles, addresses, ranks, rows.scales, n,
               s, *last)  # fmt: skip
        launch(
            tk.grad_b, (s, -(-max(widths) // BLOCK), m), kept, *gs, *widths, rows.spans, addresses, ranks, n, s, *last
        )
        launch(tk.grad_a, (s, -(-d // BLOCK), m), g_thin, *x_at, rows.keys, words, rows.spans, addresses, ranks,
               rows.limits, n, d, s, w, rows.drops, *last)  # fmt: skip
        if grad_x is not None:
            launch(tk.grad_input, (len(rows.tiles), -(-d // BLOCK)), g_thin, grad_x, grad_x.stride(0), rows.keys, words,
                   rows.tiles, addresses, ranks, rows.limits, n, d, s, w, m, rows.drops, *last)  # fmt: skip

    def _rows(self, call: GroupCall) -> _Rows | None:
        """Tables of a batch's rows, made once; None where no adapter is in it."""
        at, training = ("triton rows", call.masks is not None), call.masks is not None
        if at not in call.batch.memo:
            both = [call.batch, *([call.batch.reading.batch] if call.batch.reading is not None else [])]
            tables = [_tables(batch, training) for batch in both]
            tensors = iter(to_device(self._device, *(table for arrays, *_ in tables for table in arrays)))
            for batch, (arrays, *facts) in zip(both, tables, strict=True):
                batch.memo[at] = _Rows(*[next(tensors) for _ in arrays], *facts) if arrays else None  # type: ignore[arg-type]
        return cast("_Rows | None", call.batch.memo[at])

    def _group(self, shapes: Sequence[ModuleShape], rows: _Rows) -> tuple[Tensor, Tensor, Tensor]:
        """Addresses and ranks of a group's modules in every adapter, and its words for dropout; copied to the device
        when adapters are put together anew, for all groups that were asked for so far."""
        adapters = [cast(Adapter, run.adapter) for run in rows.runs]
        at = shapes[0].group, *((a.values.data_ptr(), a.grads is not None and a.grads.data_ptr()) for a in adapters)
        if at not in self._tables:
            if len(self._tables) > 4096:
                self._tables.clear()
            addresses = np.array([[_addresses(a, shape.name) for a in adapters] for shape in shapes], dtype=np.int64)
            ranks = [[a.rank if shape.name in a.shapes else 0 for a in adapters] for shape in shapes]
            made = to_device(self._device, addresses, np.array(ranks, dtype=np.int32))
            self._tables[at] = made[0], made[1]
        columns = tuple((shape.name, shape.n_in) for shape in shapes)
        if columns not in self._words:
            (self._words[columns],) = to_device(self._device, word_keys(shapes).view(np.int64))
        return *self._tables[at], self._words[columns]

    # -- norms, gates, attention

    def rms_norm(self, x_ND: Tensor, scale_D: Tensor, epsilon: float) -> tuple[Tensor, Tensor]:
        n, d = x_ND.shape
        y, inverse = torch.empty_like(x_ND), torch.empty(n, device=x_ND.device)
        launch(tk.norm, (n,), x_ND, scale_D, y, inverse, d, epsilon, scale_D.dtype == x_ND.dtype, _power(d))
        return y, inverse

    def rms_norm_backward(self, grad_ND: Tensor, x_ND: Tensor, scale_D: Tensor, inverse_N: Tensor) -> Tensor:
        out, d = torch.empty_like(x_ND), x_ND.shape[1]
        launch(tk.norm_backward, (len(x_ND),), grad_ND, x_ND, scale_D, inverse_N, out, d, _power(d))
        return out

    def silu_gate(self, gate: Tensor, up: Tensor) -> Tensor:
        out, n = torch.empty_like(gate), gate.numel()
        launch(tk.gate, (-(-n // FLAT_BLOCK),), gate, up, out, n, FLAT_BLOCK)
        return out

    def silu_gate_backward(self, grad: Tensor, gate: Tensor, up: Tensor) -> tuple[Tensor, Tensor]:
        grad_gate, grad_up, n = torch.empty_like(gate), torch.empty_like(up), gate.numel()
        launch(tk.gate_backward, (-(-n // FLAT_BLOCK),), grad, gate, up, grad_gate, grad_up, n, FLAT_BLOCK)
        return grad_gate, grad_up

    def attend(
        self, batch: Batch, q_HNE: Tensor, k_GNE: Tensor, v_GNE: Tensor, scaling: float, window: int | None,
        softcap: float | None, rotary: Rotary | None,
    ) -> Tensor:  # fmt: skip
        if rotary is not None:
            q_HNE, k_GNE = (_rotated(t.transpose(0, 1), *rotary).transpose(0, 1) for t in (q_HNE, k_GNE))
        if q_HNE.device.type == "cpu" and q_HNE.requires_grad:  # where FlexAttention has no backward pass
            return attend(batch, q_HNE, k_GNE, v_GNE, scaling, window, softcap)
        return attend_tree(batch, q_HNE, k_GNE, v_GNE, scaling, window, softcap)

    # -- optimiser

    def norms(self, trials: Sequence[AdamwVectors]) -> Tensor:
        addresses, sizes, blocks = self._vectors(trials)
        sums = torch.empty(len(trials), blocks, device=self._device)
        launch(tk.squares, (len(trials), blocks), addresses, sizes, sums, blocks, FLAT_BLOCK)
        return sums.sum(1, dtype=torch.float64).sqrt_()

    def adamw(self, trials: Sequence[AdamwVectors], facts: Sequence[AdamwFacts]) -> None:
        addresses, sizes, blocks = self._vectors(trials)
        pairs = zip(trials, facts, strict=True)
        going = np.array([(own.factor > 0, trial.shares is not None) for trial, own in pairs], dtype=np.int64)
        numbers, there = to_device(self._device, np.array(facts, dtype=np.float32), going)
        launch(tk.adamw, (len(trials), blocks), addresses, sizes, there, numbers, ADAM_BETA1, EPSILON, FLAT_BLOCK)

    def _vectors(self, trials: Sequence[AdamwVectors]) -> tuple[Tensor, Tensor, int]:
        """Addresses, sizes and the most blocks of some trials' vectors."""
        at = tuple(
            tuple(0 if v is None else v.data_ptr() for v in (t.values, t.grads, t.first, t.second, t.shares))
            for t in trials
        )
        if at not in self._tables:
            sizes = np.array([trial.values.numel() for trial in trials], dtype=np.int64)
            made = to_device(self._device, np.array(at, dtype=np.int64), sizes)
            self._tables[at] = made[0], made[1]
        return *self._tables[at], -(-max(trial.values.numel() for trial in trials) // FLAT_BLOCK)


# -- attention over the tree


def attend_tree(
    batch: Batch, q_HNE: Tensor, k_GNE: Tensor, v_GNE: Tensor, scaling: float, window: int | None, softcap: float | None
) -> Tensor:
    """`attention.attend` by FlexAttention: row q sees row k exactly if k <= q < until[k], (N, H, E)."""
    mask = _block_mask(batch, window, q_HNE.device)

    def capped(score: Tensor, *_: Tensor) -> Tensor:
        return softcap * torch.tanh(score / softcap)  # type: ignore[operator]

    out = _flex(q_HNE.device.type)(
        q_HNE[None], k_GNE[None], v_GNE[None], score_mod=None if softcap is None else capped, block_mask=mask,
        scale=scaling, enable_gqa=q_HNE.shape[0] != k_GNE.shape[0],
    )  # fmt: skip
    return cast(Tensor, out[0].transpose(0, 1))


@cache
def _flex(device: str) -> Callable[..., Any]:
    return cast(
        "Callable[..., Any]", torch.compile(flex_attention, dynamic=True) if device == "cuda" else flex_attention
    )


def _block_mask(batch: Batch, window: int | None, device: torch.device) -> BlockMask:
    at = "flex", window
    if at not in batch.memo:
        if "until" not in batch.memo:
            (batch.memo["until"],) = to_device(device, until(batch))
        last, n = cast(Tensor, batch.memo["until"]), len(batch.input_ids)
        positions = batch.position_ids

        def sees(b: Tensor, h: Tensor, q: Tensor, k: Tensor) -> Tensor:
            seen = (k <= q) & (q < last[k])
            return seen if window is None else seen & (positions[q] - positions[k] < window)

        batch.memo[at] = create_block_mask(sees, 1, 1, n, n, device=str(device))
    return cast(BlockMask, batch.memo[at])


def until(batch: Batch) -> NDArray[np.int64]:
    """For each row the row after the last one that sees it: the end of its node's subtree. Padding sees itself."""
    last = np.arange(1, len(batch.input_ids) + 1, dtype=np.int64)
    for run in batch.runs:
        for node in run.nodes:
            for first, stop in (*node.keys, node.rows):
                last[first:stop] = node.rows[1]  # nodes come after their ancestors, in the order of their rows
    return last


class _Rotate(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x_NHE: Tensor, cosine_NE: Tensor, sine_NE: Tensor) -> Tensor:
        ctx.save_for_backward(cosine_NE, sine_NE)
        return _turn(x_NHE, cosine_NE, sine_NE, 1.0)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Any, ...]:
        cosine_NE, sine_NE = ctx.saved_tensors
        return _turn(grads[0], cosine_NE, sine_NE, -1.0), None, None


_rotated = cast("Callable[..., Tensor]", _Rotate.apply)


def _turn(x_NHE: Tensor, cosine_NE: Tensor, sine_NE: Tensor, sign: float) -> Tensor:
    n, heads, size = x_NHE.shape
    x_NHE = x_NHE if x_NHE.stride(2) == 1 else x_NHE.contiguous()
    y, block = torch.empty(n, heads, size, dtype=x_NHE.dtype, device=x_NHE.device), min(_power(heads), 16)
    launch(
        tk.rotate, (n, -(-heads // block)), x_NHE, *x_NHE.stride()[:2], cosine_NE, sine_NE, sign, y, heads, size, block
    )
    return y


# -- tables


def _tables(batch: Batch, training: bool) -> tuple[list[NDArray[Any]], tuple[Run, ...], bool, int]:
    """What `_Rows` holds of a batch, as arrays; none where no adapter is in it."""
    runs = tuple(run for run in batch.runs if run.adapter is not None)
    if not runs:
        return [], (), False, 0
    adapters = [cast(Adapter, run.adapter) for run in runs]
    dropouts = [adapter.dropout if training else 0.0 for adapter in adapters]
    keys = np.zeros(len(batch.input_ids), dtype=np.uint64)
    for run, dropout in zip(runs, dropouts, strict=True):
        if dropout:
            keys[slice(*run.rows)] = row_keys(run)
    tiles = [
        (first, min(first + TILE_ROWS, run.rows[1]), index)
        for index, run in enumerate(runs)
        for first in range(*run.rows, TILE_ROWS)
    ]
    limits = [limit(dropout) if dropout else _NOTHING_DROPPED for dropout in dropouts]
    scales = [a.scaling * (kept_scale(p) if p else 1.0) for a, p in zip(adapters, dropouts, strict=True)]
    arrays: list[NDArray[Any]] = [
        np.array(tiles, dtype=np.int32), np.array([run.rows for run in runs], dtype=np.int32),
        np.array(limits, dtype=np.int32), np.array(scales, dtype=np.float32), keys.view(np.int64),
    ]  # fmt: skip
    rank = 1 << (max(_SMALLEST_DOT, *(adapter.rank for adapter in adapters)) - 1).bit_length()
    return arrays, runs, any(dropouts), rank


def _addresses(adapter: Adapter, name: str) -> tuple[int, int, int, int]:
    if name not in adapter.shapes:
        return 0, 0, 0, 0
    grads = (adapter.grad_a(name), adapter.grad_b(name)) if adapter.grads is not None else ()
    found = [adapter.a(name).data_ptr(), adapter.b(name).data_ptr(), *(grad.data_ptr() for grad in grads), 0, 0]
    return found[0], found[1], found[2], found[3]


def _three(tensors: Sequence[Tensor]) -> tuple[list[Tensor], list[int]]:
    """Of one to three members three, the last repeated, and their widths."""
    three = [*tensors, *[tensors[-1]] * (3 - len(tensors))]
    return three, [tensor.shape[1] for tensor in three]


def _power(n: int) -> int:
    return 1 << max(0, n - 1).bit_length()
