"""`Ops` by Triton kernels and FlexAttention: the same number of launches for any number of adapters.

What was run on a card is on docs/engine.md. Under TRITON_INTERPRET=1 it works on CPU tensors, and is held against
`TorchOps` by the same tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask, flex_attention

from tunebook.engines.packed.model import triton_kernels as tk
from tunebook.engines.packed.model.attention import Rotary, attend
from tunebook.engines.packed.model.bank import Adapter, ModuleShape
from tunebook.engines.packed.model.batches import Batch, Layout, Run
from tunebook.engines.packed.model.dropout import kept_scale, limit, row_keys, word_keys
from tunebook.engines.packed.model.label_loss import LabelTables
from tunebook.engines.packed.model.ops import AdamwFacts, AdamwVectors, GroupCall, Tables
from tunebook.engines.packed.model.transfer import to_device

__all__ = ["TritonOps", "attend_tree", "launch", "mask_arrays", "tree_mask", "until"]

TILE_ROWS, BLOCK, FLAT_BLOCK, VOCABULARY_BLOCK = 32, 64, 1024, 2048
"""Rows of a tile; columns of a block; numbers of a block of a flat vector; logits of a block."""
MASK_BLOCK = 128
"""Queries, and keys, of a block of FlexAttention's mask."""
ADAM_BETA1, EPSILON, CLIP_EPSILON = 0.9, 1e-8, 1e-6
MOST_TABLES = 4096
_NOTHING_DROPPED = -(1 << 15)
_SMALLEST_DOT = 16


def launch(kernel: Any, grid: tuple[int, ...], *arguments: Any) -> None:
    """Launch one kernel."""
    kernel[grid](*arguments)


class _Facts(NamedTuple):
    """What is known of a batch's rows on the host.

    Attributes:
        runs: those with an adapter.
        drops: whether any of them drops inputs.
        rank: the largest, a power of two.
        cohort: number of the adapters, in their order.
    """

    runs: tuple[Run, ...]
    drops: bool
    rank: int
    cohort: int


@dataclass(frozen=True, kw_only=True)
class _Rows:
    """What kernels know of a batch's rows (triton_kernels.py says what each table holds). There are as many tables for
    every number of trials up to the next power of two: the others have no rows."""

    tiles: Tensor
    spans: Tensor
    limits: Tensor
    scales: Tensor
    keys: Tensor
    facts: _Facts

    @classmethod
    def of(cls, tensors: Iterable[Tensor], facts: _Facts) -> _Rows:
        """From what became of `_tables`."""
        tiles, spans, limits, scales, keys = tensors
        return cls(tiles=tiles, spans=spans, limits=limits, scales=scales, keys=keys, facts=facts)


class TritonOps:
    """Fulfils `Ops` for adapters in float32 and a base in float32, bfloat16 or float16."""

    joint_updates = True
    fused = True

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._tables: dict[Any, tuple[Tensor, Tensor]] = {}
        self._words: dict[Any, Tensor] = {}
        self._cohorts: dict[Any, int] = {}
        self._numbers = count()
        self._windows: set[int | None] = set()
        self._looks_at_layouts = False

    def kind(self, dtype: torch.dtype) -> str:
        return "triton"

    def tables(self, whole: Layout, read: Layout | None, training: bool) -> Tables:
        """Masks are of all windows that were asked for so far; none where something else attends, as in scoring."""
        both = [whole, *([read] if read is not None else [])]
        rows = [self._row_arrays(layout, training) for layout in both]
        windows = sorted(self._windows, key=lambda w: w or 0) if any(run.nodes for run in whole.runs) else []
        masks = [(window, mask_arrays(whole, window)) for window in windows]

        def keep(batch: Batch, tensors: Sequence[Tensor]) -> None:
            there = iter(tensors)
            batches = [batch, *([batch.reading.batch] if batch.reading is not None else [])]
            for one, (arrays, facts) in zip(batches, rows, strict=True):
                own = [next(there) for _ in arrays]
                one.memo["triton rows", training] = None if facts is None else _Rows.of(own, facts)
            for window, arrays in masks:
                batch.memo["flex", window] = _block_mask(batch, window, [next(there) for _ in arrays])

        arrays = [array for arrays, _ in [*rows, *((a, None) for _, a in masks)] for array in arrays]
        known = tuple(None if facts is None else (facts.drops, facts.rank, facts.cohort) for _, facts in rows)
        return Tables(arrays, keep, None if self._looks_at_layouts else (training, known, tuple(windows)))

    # -- adapters

    def add_updates(self, call: GroupCall, x_ND: Tensor, outputs: Sequence[Tensor]) -> Any:
        """Add every trial's update to the outputs (N, O) in place; gives x A^T, (members, N, R), for the gradients."""
        rows = self._rows(call)
        if rows is None:
            return None
        addresses, ranks, words = self._group(call.shapes, rows)
        (n, d), m, s = x_ND.shape, len(call.shapes), len(rows.spans)
        thin = torch.empty(m, n, rows.facts.rank, device=x_ND.device)
        launch(
            tk.shrink, (len(rows.tiles), m), x_ND, x_ND.stride(0), rows.keys, words, thin, rows.tiles, addresses, ranks,
            rows.limits, rows.scales, n, d, s, -(-d // 4), rows.facts.drops, rows.facts.rank, TILE_ROWS, BLOCK,
        )  # fmt: skip
        ys, widths = _three(outputs)
        launch(
            tk.expand_add, (len(rows.tiles), -(-max(widths) // BLOCK), m), thin, *ys, *widths, rows.tiles, addresses,
            ranks, n, s, rows.facts.rank, TILE_ROWS, BLOCK,
        )  # fmt: skip
        return thin

    def backward_updates(
        self, call: GroupCall, x_ND: Tensor, grads: Sequence[Tensor], kept: Any, grad_x: Tensor | None
    ) -> None:
        """Add to the gradients of A and B, and to that of x (N, D) unless it is None; `kept` is what `add_updates`
        gave."""
        rows = self._rows(call)
        if rows is None:
            return
        addresses, ranks, words = self._group(call.shapes, rows)
        (n, d), m, s, w = x_ND.shape, len(call.shapes), len(rows.spans), -(-x_ND.shape[1] // 4)
        (gs, widths), g_thin, x_at = _three(grads), torch.empty_like(kept), (x_ND, x_ND.stride(0))
        last, summed = (rows.facts.rank, TILE_ROWS, BLOCK), (rows.facts.rank, _summed_rows(rows.facts.rank), BLOCK)
        launch(tk.grad_thin, (len(rows.tiles), m), *gs, *widths, g_thin, rows.tiles, addresses, ranks, rows.scales, n,
               s, *last)  # fmt: skip
        launch(
            tk.grad_b, (s, -(-max(widths) // BLOCK), m), kept, *gs, *widths, rows.spans, addresses, ranks, n, s, *summed
        )
        launch(tk.grad_a, (s, -(-d // BLOCK), m), g_thin, *x_at, rows.keys, words, rows.spans, addresses, ranks,
               rows.limits, n, d, s, w, rows.facts.drops, *summed)  # fmt: skip
        if grad_x is not None:
            launch(tk.grad_input, (len(rows.tiles), -(-d // BLOCK)), g_thin, grad_x, grad_x.stride(0), rows.keys, words,
                   rows.tiles, addresses, ranks, rows.limits, n, d, s, w, m, rows.facts.drops, *last)  # fmt: skip

    def _rows(self, call: GroupCall) -> _Rows | None:
        """Tables of a batch's rows; None where no adapter is in it."""
        at = "triton rows", call.masks is not None
        if at not in call.batch.memo:
            arrays, facts = self._row_arrays(call.batch.layout, call.masks is not None)
            made = to_device(self._device, *arrays)
            call.batch.memo[at] = None if facts is None else _Rows.of(made, facts)
        return cast("_Rows | None", call.batch.memo[at])

    def _row_arrays(self, layout: Layout, training: bool) -> tuple[list[NDArray[Any]], _Facts | None]:
        """What `_Rows` holds of a batch: the tables, and the rest; none where no adapter is in it."""
        runs = tuple(run for run in layout.runs if run.adapter is not None)
        if not runs:
            return [], None
        adapters = [cast(Adapter, run.adapter) for run in runs]
        dropouts = [adapter.dropout if training else 0.0 for adapter in adapters]
        at = tuple((a.number, 0 if a.grads is None else a.grads.data_ptr()) for a in adapters)
        rank = _power(max(_SMALLEST_DOT, *(adapter.rank for adapter in adapters)))
        return _tables(layout, runs, dropouts), _Facts(runs, any(dropouts), rank, self._cohort(at))

    def _cohort(self, at: Any) -> int:
        """A number for some adapters, or vectors; of those that were seen before the same."""
        if len(self._tables) > MOST_TABLES:
            self._tables.clear()
            self._cohorts.clear()
        return self._cohorts.setdefault(at, next(self._numbers))

    def _group(self, shapes: Sequence[ModuleShape], rows: _Rows) -> tuple[Tensor, Tensor, Tensor]:
        """Addresses and ranks of a group's modules in every adapter, and its words for dropout; copied to the device
        when adapters are put together anew."""
        at = shapes[0].group, rows.facts.cohort
        if at not in self._tables:
            adapters = [cast(Adapter, run.adapter) for run in rows.facts.runs]
            addresses = np.zeros((len(shapes), len(rows.spans), 4), dtype=np.int64)
            ranks = np.zeros((len(shapes), len(rows.spans)), dtype=np.int32)
            for m, shape in enumerate(shapes):
                for s, adapter in enumerate(adapters):
                    addresses[m, s] = _addresses(adapter, shape.name)
                    ranks[m, s] = adapter.rank if shape.name in adapter.shapes else 0
            made = to_device(self._device, addresses, ranks)
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
        if softcap is not None and q_HNE.device.type == "cuda":  # which FlexAttention's backward pass did not take
            self._looks_at_layouts = True
            return attend(batch, q_HNE, k_GNE, v_GNE, scaling, window, softcap)
        self._windows.add(window)
        return attend_tree(batch, q_HNE, k_GNE, v_GNE, scaling, window, softcap)

    # -- loss

    def cross_entropy(self, logits_mV: Tensor, first: int, labels: LabelTables, nll_L: Tensor) -> Tensor:
        (n, vocabulary), grad = logits_mV.shape, torch.empty_like(logits_mV)
        launch(tk.label_loss, (n,), logits_mV, labels.starts[first:], labels.tokens, labels.shares, nll_L, grad,
               vocabulary, VOCABULARY_BLOCK)  # fmt: skip
        return grad

    # -- optimiser

    def norms(self, trials: Sequence[AdamwVectors]) -> Tensor:
        addresses, sizes, blocks = self._vectors(trials)
        sums = torch.empty(len(sizes), blocks, device=self._device)
        launch(tk.squares, (len(sizes), blocks), addresses, sizes, sums, blocks, FLAT_BLOCK)
        return sums.sum(1, dtype=torch.float64).sqrt_()

    def adamw(self, trials: Sequence[AdamwVectors], facts: Sequence[AdamwFacts], norms: Tensor) -> None:
        addresses, sizes, blocks = self._vectors(trials)
        numbers = np.ones((len(sizes), len(AdamwFacts._fields)), dtype=np.float32)
        numbers[: len(facts)] = facts
        (there,) = to_device(self._device, numbers)
        launch(tk.adamw, (len(sizes), blocks), addresses, sizes, there, norms, ADAM_BETA1, EPSILON, CLIP_EPSILON,
               FLAT_BLOCK)  # fmt: skip

    def _vectors(self, trials: Sequence[AdamwVectors]) -> tuple[Tensor, Tensor, int]:
        """Addresses, sizes and the most blocks of some trials' vectors."""
        found = [[0 if v is None else v.data_ptr() for v in (t.values, t.grads, t.first, t.second, t.shares)]
                 for t in trials]  # fmt: skip
        lengths = [trial.values.numel() for trial in trials]
        at = "vectors", self._cohort((*map(tuple, found), *lengths))
        if at not in self._tables:
            missing = _power(len(trials)) - len(trials)
            addresses = np.pad(np.array(found, dtype=np.int64), ((0, missing), (0, 0)))
            made = to_device(self._device, addresses, np.pad(np.array(lengths, dtype=np.int64), (0, missing)))
            self._tables[at] = made[0], made[1]
        return *self._tables[at], -(-max(lengths) // FLAT_BLOCK)


# -- attention over the tree


def attend_tree(
    batch: Batch, q_HNE: Tensor, k_GNE: Tensor, v_GNE: Tensor, scaling: float, window: int | None, softcap: float | None
) -> Tensor:
    """`attention.attend` by FlexAttention: row q sees row k exactly if k <= q < until[k], (N, H, E)."""
    if q_HNE.device.type == "cpu" and q_HNE.requires_grad:  # where FlexAttention has no backward pass
        return attend(batch, q_HNE, k_GNE, v_GNE, scaling, window, softcap)
    mask, size = tree_mask(batch, window, q_HNE.device), q_HNE.shape[2]
    if size < _SMALLEST_DOT:  # which it does not take
        q_HNE, k_GNE, v_GNE = (torch.nn.functional.pad(t, (0, _SMALLEST_DOT - size)) for t in (q_HNE, k_GNE, v_GNE))

    def capped(score: Tensor, *_: Tensor) -> Tensor:
        return softcap * torch.tanh(score / softcap)  # type: ignore[operator]

    out = _flex(q_HNE.device.type)(
        q_HNE[None], k_GNE[None], v_GNE[None], score_mod=None if softcap is None else capped, block_mask=mask,
        scale=scaling, enable_gqa=q_HNE.shape[0] != k_GNE.shape[0],
    )  # fmt: skip
    return cast(Tensor, out[0].transpose(0, 1)[..., :size])


@cache
def _flex(device: str) -> Callable[..., Any]:
    return cast(
        "Callable[..., Any]", torch.compile(flex_attention, dynamic=True) if device == "cuda" else flex_attention
    )


def tree_mask(batch: Batch, window: int | None, device: torch.device) -> BlockMask:
    """FlexAttention's mask of a batch."""
    if ("flex", window) not in batch.memo:
        arrays = mask_arrays(batch.layout, window)
        batch.memo["flex", window] = _block_mask(batch, window, to_device(device, *arrays))
    return cast(BlockMask, batch.memo["flex", window])


def mask_arrays(layout: Layout, window: int | None) -> list[NDArray[Any]]:
    """What FlexAttention's mask is made of: `until`; then, for blocks that some queries see in part and for those that
    they see whole, how many and which blocks of keys each block of queries sees, and the other way round."""
    last, size = until(layout), layout.size
    blocks = -(-size // MASK_BLOCK)
    missing = blocks * MASK_BLOCK - size
    ends = np.pad(last, (0, missing), mode="edge").reshape(blocks, MASK_BLOCK)
    places = np.pad(layout.positions, (0, missing), mode="edge").reshape(blocks, MASK_BLOCK)
    begins = np.arange(blocks) * MASK_BLOCK
    before = np.arange(blocks)[:, None] > np.arange(blocks)[None]  # (queries, keys)
    seen = (before & (ends.max(1)[None] > begins[:, None])) | np.eye(blocks, dtype=bool)
    whole = before & (ends.min(1)[None] >= np.minimum(begins + MASK_BLOCK, size)[:, None])
    if window is not None:
        seen &= places.min(1)[:, None] - places.max(1)[None] < window
        whole &= places.max(1)[:, None] - places.min(1)[None] < window
    partly = seen & ~whole
    return [last, *(array for blocks_seen in (partly, whole, partly.T, whole.T) for array in _listed(blocks_seen))]


def _listed(seen: NDArray[np.bool_]) -> list[NDArray[np.int32]]:
    """Of each row how many entries are set, (1, 1, n), and which, those first, (1, 1, n, n)."""
    order = np.argsort(~seen, axis=1, kind="stable").astype(np.int32)
    return [seen.sum(1, dtype=np.int32)[None, None], order[None, None]]


def _block_mask(batch: Batch, window: int | None, tensors: Sequence[Tensor]) -> BlockMask:
    """The mask of a tree from what became of `mask_arrays`."""
    last, kv, kv_at, full_kv, full_kv_at, q, q_at, full_q, full_q_at = tensors
    positions, size = batch.position_ids, batch.layout.size

    def sees(b: Tensor, h: Tensor, q: Tensor, k: Tensor) -> Tensor:
        seen = (k <= q) & (q < last[k])
        return seen if window is None else seen & (positions[q] - positions[k] < window)

    return BlockMask(
        (size, size), kv, kv_at, full_kv, full_kv_at, q, q_at, full_q, full_q_at, (MASK_BLOCK, MASK_BLOCK), sees
    )


def until(layout: Layout) -> NDArray[np.int64]:
    """For each row the row after the last one that sees it: the end of its node's subtree. Padding sees itself."""
    last = np.arange(1, layout.size + 1, dtype=np.int64)
    for run in layout.runs:
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


def _tables(layout: Layout, runs: Sequence[Run], dropouts: Sequence[float]) -> list[NDArray[Any]]:
    adapters = [cast(Adapter, run.adapter) for run in runs]
    slots, keys = _power(len(runs)), np.zeros(layout.size, dtype=np.uint64)
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
    n_tiles, empty = -(-layout.size // TILE_ROWS) + slots, slots - len(runs)
    return [
        np.array(tiles + [(0, 0, 0)] * (n_tiles - len(tiles)), dtype=np.int32),
        np.array([run.rows for run in runs] + [(0, 0)] * empty, dtype=np.int32),
        np.array(limits + [0] * empty, dtype=np.int32), np.array(scales + [0.0] * empty, dtype=np.float32),
        keys.view(np.int64),
    ]  # fmt: skip


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


def _summed_rows(rank: int) -> int:
    """Rows that a program sums at a time: many, as far as a small card's shared memory goes."""
    return max(TILE_ROWS, min(64, 2048 // rank))


def _power(n: int) -> int:
    return 1 << max(0, n - 1).bit_length()
