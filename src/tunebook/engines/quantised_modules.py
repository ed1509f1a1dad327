"""Linear modules whose weights bitsandbytes keeps in 4 or 8 bits: how inputs are multiplied by them, and their size.

bitsandbytes dequantises one weight matrix at a time; the multiplication is an ordinary one in the model's dtype. That
holds for 8 bits too: LLM.int8() would round the activations as well, and it takes its outlier columns from the whole
batch, so that a trial's numbers would depend on the trials that are computed with it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import MethodType
from typing import Any, cast

import torch
from torch import Tensor, nn

__all__ = ["base_weight", "is_held", "keep_exact", "weight_bytes"]


def keep_exact(model: Any, dtype: Any) -> None:
    """Make every quantised module multiply by its dequantised weights, in one dtype, in training and in scoring.

    By default, bitsandbytes computes in the dtype that the folder names, rounds activations to 8 bits where it can, and
    on processors with bfloat16 repacks 4-bit weights in the first scoring pass, after which training them fails.

    Args:
        dtype: a torch dtype.
    """
    for module in model.modules():
        if not is_held(module):
            continue
        state = getattr(module.weight, "quant_state", None)
        if state is None:
            module.forward = MethodType(_forward, module)
        else:
            state.dtype = dtype
            module.compute_dtype, module.compute_type_is_set = dtype, True
            module.support_avx512bf16_for_cpu = False


# -- multiplying


def is_held(module: Any) -> bool:
    """Whether a module is linear and bitsandbytes keeps its weight."""
    library = sys.modules.get("bitsandbytes")  # a module of it exists only where it has been imported
    return library is not None and isinstance(module, library.nn.Linear4bit | library.nn.Linear8bitLt)


def base_weight(module: Any, dtype: torch.dtype) -> Tensor:
    """A linear module's weight, shape (O, D); one that bitsandbytes keeps is dequantised, in the given dtype."""
    if not is_held(module):
        return cast(Tensor, module.weight)
    import bitsandbytes.functional as library

    weight = module.weight
    if getattr(weight, "quant_state", None) is not None:
        return cast(Tensor, library.dequantize_4bit(weight.data, weight.quant_state)).to(dtype)
    return cast(Tensor, library.int8_vectorwise_dequant(weight.data, _row_scales(module))).to(dtype)


def _forward(self: Any, x: Tensor) -> Tensor:
    """Replaces `Linear8bitLt.forward`."""
    return _multiply(x, self)


class _Multiply(torch.autograd.Function):
    """Keeps neither the dequantised weight nor the input for the backward pass."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, module: Any) -> Tensor:
        ctx.module = module
        return nn.functional.linear(x, base_weight(module, x.dtype), module.bias)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Any, ...]:
        return grads[0] @ base_weight(ctx.module, grads[0].dtype), None


_multiply = cast("Callable[[Tensor, Any], Tensor]", _Multiply.apply)


def weight_bytes(model: Any) -> int:
    """Bytes of a model's weights, with the scales of those that are quantised."""
    scales = [each for module in filter(is_held, model.modules()) for each in _scales(module)]
    return sum(int(each.numel()) * int(each.element_size()) for each in (*model.parameters(), *scales))


def _scales(module: Any) -> list[Tensor]:
    state = getattr(module.weight, "quant_state", None)
    if state is None:
        return [_row_scales(module)]
    return [state.absmax, *([state.state2.absmax] if state.nested else [])]


def _row_scales(module: Any) -> Tensor:
    """The scales of an 8-bit weight; the first multiplication by bitsandbytes moves them."""
    return cast(Tensor, module.weight.SCB if module.state.SCB is None else module.state.SCB)
