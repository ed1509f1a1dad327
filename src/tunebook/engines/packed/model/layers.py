"""Linear layers with the adapters of many trials.

Projections that share an input form a group. One autograd function computes a whole group: the base multiplies, and
for each trial's rows its own low-rank update, added in place. It saves only the input and the thin products. The
backward pass makes the dropout masks and the masked input again, and the input too if the caller says how. Base
weights never need a gradient.
Gradients of A and B are added straight into the adapter's flat gradient.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from tunebook.engines.packed.model.bank import ModuleShape
from tunebook.engines.packed.model.batches import Batch
from tunebook.engines.packed.model.dropout import Masks
from tunebook.engines.packed.model.multiplies import base_input_grad, base_linear, exact_threads, has_weight
from tunebook.engines.packed.model.ops import GroupCall, Ops

__all__ = ["AdaptedLinear", "Group"]


Again = Callable[[], Tensor]
"""Computes an input again, shape (1, N, D), with the same bits."""


class _Running(threading.local):
    """What a group is computing, for each thread (`lanes.py`): the batch, its masks, and outputs computed ahead."""

    def __init__(self) -> None:
        self.batch: Batch | None = None
        self.masks: Masks | None = None
        self.input: Tensor | None = None
        self.ready: dict[str, Tensor] = {}


class Group:
    """Linear modules of the base model that share one input.

    The first member that is called computes all of them; the others return the output that is ready. A member that is
    called with another input is computed alone.
    """

    def __init__(self, shapes: Sequence[ModuleShape], modules: Sequence[Any], anchor: Tensor, ops: Ops) -> None:
        self.shapes = tuple(shapes)
        self.modules = tuple(modules)
        self.anchor, self.ops = anchor, ops
        self._running = _Running()

    def begin(self, batch: Batch, masks: Masks | None) -> None:
        """Set the batch that the calling thread computes next."""
        self._running.batch, self._running.masks = batch, masks

    def forget(self) -> None:
        """Drop what was computed ahead and the batch."""
        running = self._running
        running.batch = running.masks = running.input = None
        running.ready = {}

    def output(self, name: str, x: Tensor, again: Again | None = None) -> Tensor:
        """Output of one member for an input of shape (1, N, D)."""
        running = self._running
        if running.input is not x or name not in running.ready:
            outputs = self._compute(x, running, again)
            running.ready = dict(zip((s.name for s in self.shapes), outputs, strict=True))
            running.input = x
        ready = running.ready.pop(name)
        if not running.ready:
            running.input = None
        return ready

    def base_outputs(self, x: Tensor) -> list[Tensor]:
        """The output of each member's base module."""
        with exact_threads():
            return [base_linear(module, x) for module in self.modules]

    def _compute(self, x_1ND: Tensor, running: _Running, again: Again | None) -> Sequence[Tensor]:
        batch = running.batch
        if batch is None:
            return self.base_outputs(x_1ND)
        x_ND = x_1ND.squeeze(0)  # whose gradient is a view; that of an index would be a copy among zeros
        if all(has_weight(module, x_ND.dtype) for module in self.modules):
            outputs = _apply(x_ND, self.anchor, self, batch, running.masks, again, None)
        else:
            base = [y.squeeze(0) for y in self.base_outputs(x_1ND)]
            outputs = _apply(x_ND, self.anchor, self, batch, running.masks, again, base, *base)
        return [y[None] for y in outputs]


class AdaptedLinear(nn.Module):
    """Replaces a linear module, which it keeps as `base` and calls unchanged."""

    def __init__(self, base: Any, name: str, group: Group) -> None:
        super().__init__()
        self.base = base
        self._name = name
        self._group = group

    def forward(self, x: Tensor, again: Again | None = None) -> Tensor:
        """Output of the base module and, for each trial's rows, its own update; shape (1, N, O).

        Args:
            again: computes x again for the backward pass; without it x is kept.
        """
        return self._group.output(self._name, x, again)


class _GroupFunction(torch.autograd.Function):
    """All members of a group at once. With `base` given, their base outputs come from outside (other module types)."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, anchor: Tensor, group: Group, batch: Batch, masks: Masks | None, again: Again | None,
        base: Sequence[Tensor] | None, *base_inputs: Tensor,
    ) -> tuple[Tensor, ...]:  # fmt: skip
        outputs = group.base_outputs(x) if base is None else [y.clone() for y in base]
        call = GroupCall(batch, group.shapes, masks)
        kept = group.ops.add_updates(call, x, outputs)
        if again is None:
            ctx.save_for_backward(x)
        ctx.again = again
        ctx.group, ctx.call, ctx.kept, ctx.owns_base = group, call, kept, base is None
        return tuple(outputs)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Any, ...]:
        x = ctx.saved_tensors[0] if ctx.again is None else ctx.again()[0]
        group: Group = ctx.group
        grads = tuple(g.contiguous() for g in grads)
        grad_x = None  # nothing needs the gradient of the first layer's input
        if ctx.needs_input_grad[0]:
            grad_x = _base_backward(group, grads) if ctx.owns_base else torch.zeros_like(x)
        group.ops.backward_updates(ctx.call, x, grads, ctx.kept, grad_x)
        ctx.kept = ctx.again = None
        return (grad_x, None, None, None, None, None, None, *(grads if not ctx.owns_base else ()))


_apply = cast("Callable[..., tuple[Tensor, ...]]", _GroupFunction.apply)


def _base_backward(group: Group, grads: Sequence[Tensor]) -> Tensor:
    with exact_threads():
        grad_x: Tensor | None = None
        for g, module in zip(grads, group.modules, strict=True):
            grad_x = base_input_grad(module, g, grad_x)
    assert grad_x is not None
    return grad_x
