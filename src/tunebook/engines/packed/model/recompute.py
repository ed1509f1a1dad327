"""Activation checkpointing by layer: a decoder layer keeps its input alone, and runs again in the backward pass.

What runs again is the same layer on the same rows with the same dropout masks (they come from a counter), so the
gradient has the same bits as without it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, cast

import torch
from torch import Tensor

__all__ = ["recomputed"]

_Layer = Callable[[Tensor], Tensor]
_Again = Callable[[], AbstractContextManager[None]]


def recomputed(layer: _Layer, hidden_states: Tensor, anchor: Tensor, again: _Again) -> Tensor:
    """What a layer gives, without keeping anything but its input.

    Args:
        layer: from hidden states to hidden states.
        anchor: a tensor that requires a gradient, so that the first layer is recorded too.
        again: entered while the layer runs once more.
    """
    return _apply(hidden_states, anchor, layer, again)


class _Recomputed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, anchor: Tensor, layer: _Layer, again: _Again) -> Tensor:
        ctx.save_for_backward(x)
        ctx.layer, ctx.again = layer, again
        return layer(x)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Any, ...]:
        (saved,) = ctx.saved_tensors
        x = saved.detach().requires_grad_(ctx.needs_input_grad[0])
        with torch.enable_grad(), ctx.again():
            y = ctx.layer(x)
        torch.autograd.backward(y, grads[0])
        return x.grad, None, None, None


_apply = cast("Callable[..., Tensor]", _Recomputed.apply)
