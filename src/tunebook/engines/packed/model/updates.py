"""What one adapter adds to the projections of one input, and the gradients of that.

There are two forms. The native one does a group of projections in one call, masks included, and is used for float32 on
the CPU up to a rank of `MAX_NATIVE_RANK`; beyond it, elsewhere and in other types the torch form does the same.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Sequence
from typing import Any

from torch import Tensor

from tunebook.engines.packed.model.bank import Adapter, ModuleShape
from tunebook.engines.packed.model.batches import Run
from tunebook.engines.packed.model.dropout import Mask, Masks, first_words, kept_scale, limit, word_keys
from tunebook.engines.packed.model.kernels import native_for, thin_expand, thin_outer, thin_reduce
from tunebook.engines.packed.model.multiplies import exact_threads

__all__ = ["MAX_NATIVE_RANK", "add_updates", "backward_updates"]

MAX_NATIVE_RANK = 64
"""Up to which rank the native form beats the matrix library (docs/engine.md)."""
_MAX_WIDTH = 8192
"""Longest row that the native form buffers (MAX_WIDTH in kernels.c)."""


def add_updates(
    run: Run, adapter: Adapter, shapes: Sequence[ModuleShape], masks: Masks | None, x: Tensor, outputs: Sequence[Tensor]
) -> Any:
    """Add a trial's updates to its rows of the outputs, in place; gives what `backward_updates` wants of them.

    Args:
        shapes: the projections, of which the adapter may have some.
        masks: of the forward, or None: nothing is dropped.
        x: their input, shape (N, D).
        outputs: one for each, shape (N, O).
    """
    table = _table(adapter, shapes)
    if not table.members:
        return None
    if _is_native(table, x, outputs):
        with exact_threads():
            return _native_update(run, adapter, table, masks, x, outputs)
    rows = slice(*run.rows)
    thin = _thin(x[rows].to(adapter.values.dtype), adapter, table.names, _mask(run, shapes, masks))
    for index, name, scaled in zip(table.members, table.names, thin, strict=True):
        thin_expand(outputs[index][rows], scaled, adapter.b(name))
    return thin


def backward_updates(
    run: Run, adapter: Adapter, shapes: Sequence[ModuleShape], masks: Masks | None, x: Tensor, grads: Sequence[Tensor],
    thin: Any, grad_x: Tensor | None,
) -> None:  # fmt: skip
    """Add to the gradients of the adapter's A and B, and to that of x.

    Args:
        x, shapes, masks: as in `add_updates`, which gave `thin`.
        grads: of the outputs, without gaps.
        grad_x: shape (N, D), or None when nobody wants it.
    """
    table = _table(adapter, shapes)
    if not table.members:
        return
    if isinstance(thin, Tensor):
        with exact_threads():
            _native_backward(run, adapter, table, masks, x, grads, thin, grad_x)
        return
    rows = slice(*run.rows)
    x_run, mask = x[rows].to(adapter.values.dtype), _mask(run, shapes, masks)
    scale = adapter.scaling if mask is None else adapter.scaling * mask.scale
    for index, name, scaled in zip(table.members, table.names, thin, strict=True):
        g = grads[index][rows].to(adapter.values.dtype)
        thin_outer(adapter.grad_b(name), scaled, g)
        g_thin = thin_reduce(g, None, adapter.b(name), scale)
        kept = None if mask is None else mask.kept[name]
        thin_outer(adapter.grad_a(name), g_thin, x_run, kept)
        if grad_x is not None:
            thin_expand(grad_x[rows], g_thin, adapter.a(name), kept)


def _mask(run: Run, shapes: Sequence[ModuleShape], masks: Masks | None) -> Mask | None:
    return None if masks is None else masks.of(run, shapes)


def _thin(x: Tensor, adapter: Adapter, names: Sequence[str], mask: Mask | None) -> list[Tensor]:
    """Input times A of every member, times the scale; without dropout in one multiply."""
    if mask is not None:
        scale = adapter.scaling * mask.scale
        return [thin_reduce(x, mask.kept[name], adapter.a(name), scale) for name in names]
    stacked = adapter.stacked_a(names)
    if stacked is None:
        return [thin_reduce(x, None, adapter.a(name), adapter.scaling) for name in names]
    thin = thin_reduce(x, None, stacked, adapter.scaling)
    return [thin[:, i * adapter.rank : (i + 1) * adapter.rank] for i in range(len(names))]


# -- the native form


class _Member(ctypes.Structure):
    """`member` in kernels.c."""

    _fields_ = [
        *((name, ctypes.c_void_p) for name in ("a", "b", "grad_a", "grad_b", "words")), ("n_out", ctypes.c_int64),
    ]  # fmt: skip


class _Table:
    """What does not change from step to step of an adapter's part in a group.

    Attributes:
        members: which projections of the group it has; names: of these.
        native: as kernels.c wants them, or None where the native form does not apply.
    """

    def __init__(self, adapter: Adapter, shapes: Sequence[ModuleShape]) -> None:
        self.members = [index for index, shape in enumerate(shapes) if shape.name in adapter.shapes]
        self.names = [shapes[index].name for index in self.members]
        fits = adapter.rank <= MAX_NATIVE_RANK and max(shape.n_in for shape in shapes) <= _MAX_WIDTH
        self.library = native_for(adapter.values) if fits else None
        self.native = (_Member * len(self.members))()
        if self.library is None:
            return
        self._words = word_keys(shapes)  # kept alive
        first = first_words(shapes)
        for index, member in zip(self.members, self.native, strict=True):
            name = shapes[index].name
            member.a, member.b = adapter.a(name).data_ptr(), adapter.b(name).data_ptr()
            if adapter.grads is not None:
                member.grad_a, member.grad_b = adapter.grad_a(name).data_ptr(), adapter.grad_b(name).data_ptr()
            member.words = self._words.ctypes.data + 8 * first[index]
            member.n_out = shapes[index].n_out


def _table(adapter: Adapter, shapes: Sequence[ModuleShape]) -> _Table:
    at = shapes[0].group
    if at not in adapter.memo:
        adapter.memo[at] = _Table(adapter, shapes)
    found: _Table = adapter.memo[at]
    return found


def _is_native(table: _Table, x: Tensor, outputs: Sequence[Tensor]) -> bool:
    fits = table.library is not None and native_for(x, *outputs) is not None
    return fits and all(y.is_contiguous() for y in outputs)


def _native_update(
    run: Run, adapter: Adapter, table: _Table, masks: Masks | None, x: Tensor, outputs: Sequence[Tensor]
) -> Tensor:
    first, stop = run.rows
    keys = None if masks is None else masks.row_keys(run)
    thin = x.new_empty(len(table.members), stop - first, adapter.rank)
    table.library.update(  # type: ignore[union-attr]
        table.native, len(table.members), *_place(x, first), *_dropout(adapter, keys), _places(table, outputs, first),
        thin.data_ptr(), stop - first, x.shape[1], adapter.rank, _scale(adapter, keys),
    )  # fmt: skip
    return thin


def _native_backward(
    run: Run, adapter: Adapter, table: _Table, masks: Masks | None, x: Tensor, grads: Sequence[Tensor], thin: Tensor,
    grad_x: Tensor | None,
) -> None:  # fmt: skip
    first, stop = run.rows
    keys = None if masks is None else masks.row_keys(run)
    n, width = stop - first, x.shape[1]
    n_mask = 0 if keys is None else n * (-(-width // 4))  # bytes by the float
    scratch = x.new_empty(len(table.members) * (n * adapter.rank + n_mask))
    table.library.update_backward(  # type: ignore[union-attr]
        table.native, len(table.members), *_place(x, first), *_dropout(adapter, keys), _places(table, grads, first),
        thin.data_ptr(), None if grad_x is None else _place(grad_x, first)[0], scratch.data_ptr(), n, width,
        adapter.rank, _scale(adapter, keys),
    )  # fmt: skip


def _place(rows_ND: Tensor, first: int) -> tuple[int, int]:
    """Address of a row, and how far the next one lies behind it, in numbers."""
    stride = rows_ND.stride(0)
    return rows_ND.data_ptr() + rows_ND.itemsize * first * stride, stride


def _places(table: _Table, tensors: Sequence[Tensor], first: int) -> Any:
    """Addresses of the members' first rows."""
    found: Iterable[int] = (_place(tensors[index], first)[0] for index in table.members)
    return (ctypes.c_void_p * len(table.members))(*found)


def _dropout(adapter: Adapter, keys: Tensor | None) -> tuple[int | None, int]:
    return (None, 0) if keys is None else (keys.data_ptr(), limit(adapter.dropout))


def _scale(adapter: Adapter, keys: Tensor | None) -> float:
    return adapter.scaling if keys is None else adapter.scaling * kept_scale(adapter.dropout)
