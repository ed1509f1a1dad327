"""Norms, gated activations and attention with backward passes of their own, in the place of stock modules that compute
the same.

Only stock classes of transformers whose forward is known are swapped; every other class, and every other use, goes
through the stock module. The lean forms keep less for the backward pass and need fewer passes (decision 012).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor, nn

from tunebook.engines.packed.model.attention import OwnAttention
from tunebook.engines.packed.model.kernels import rotate
from tunebook.engines.packed.model.ops import Ops

__all__ = ["swap_known_modules", "swap_last_layer"]

_NORMS = {"LlamaRMSNorm", "MistralRMSNorm", "Qwen2RMSNorm", "Qwen3RMSNorm", "Phi3RMSNorm"}
"""Classes that compute weight · x / rms(x)."""
_OFFSET_NORMS = {"Gemma2RMSNorm", "Gemma3RMSNorm"}
"""Classes that compute (1 + weight) · x / rms(x)."""
_GATED = {"LlamaMLP", "MistralMLP", "Qwen2MLP", "Qwen3MLP"}
"""Classes that compute down(act(gate(x)) · up(x))."""


_ROTARY = {"LlamaAttention", "MistralAttention", "Qwen2Attention", "Qwen3Attention"}
"""Classes that project, norm heads (Qwen3), turn by the rotary angles and attend."""


_LAYERS = {"LlamaDecoderLayer", "MistralDecoderLayer", "Qwen2DecoderLayer", "Qwen3DecoderLayer"}
"""Classes that add attention of a norm, then a gated activation of a norm."""


def swap_last_layer(model: Any) -> str | None:
    """Where its class is known, put a layer that computes only what is read in the place of the last one; gives the
    dotted name of what it computes for these rows alone, or None."""
    layers = model.base_model.layers
    last = layers[-1]
    if type(last).__name__ not in _LAYERS or not type(last).__module__.startswith("transformers.models."):
        return None
    name = next(name for name, module in model.named_modules() if module is last)
    model.set_submodule(name, _LastLayer(last))
    return f"{name}.mlp"


def swap_known_modules(model: Any, ops: Ops) -> bool:
    """Put the lean forms in the place of the modules that are known to be equal, in place. Weights must be frozen.

    Returns: whether every norm, gate and attention was known.
    """
    swapped = set()
    for name, module in list(model.named_modules()):
        lean = _lean_form(module, ops)
        if lean is not None:
            model.set_submodule(name, lean)
            swapped.add(type(lean))
    return swapped == {_LeanNorm, _LeanGated, _LeanAttention}


def _lean_form(module: Any, ops: Ops) -> nn.Module | None:
    kind = type(module).__name__
    if not type(module).__module__.startswith("transformers.models."):
        return None
    if kind in _NORMS:
        return _LeanNorm(module, module.weight, module.variance_epsilon, ops)
    if kind in _OFFSET_NORMS:
        return _LeanNorm(module, 1.0 + module.weight.float(), module.eps, ops)
    if kind in _GATED and type(module.act_fn).__name__ in ("SiLUActivation", "SiLU"):
        return _LeanGated(module, ops)
    return _LeanAttention(module) if kind in _ROTARY else None


class _LeanNorm(nn.Module):
    def __init__(self, stock: nn.Module, scale: Tensor, epsilon: float, ops: Ops) -> None:
        super().__init__()
        self.stock = stock
        self._scale, self._epsilon, self._ops = scale.detach(), epsilon, ops

    def forward(self, x: Tensor) -> Tensor:
        if x.dtype == torch.float64:
            return cast(Tensor, self.stock(x))
        return _norm(x, self._scale, self._epsilon, self._ops)


class _LeanGated(nn.Module):
    def __init__(self, stock: Any, ops: Ops) -> None:
        super().__init__()
        self._ops = ops
        self.gate_proj, self.up_proj, self.down_proj = stock.gate_proj, stock.up_proj, stock.down_proj

    def forward(self, x: Tensor) -> Tensor:
        gate, up = self.gate_proj(x), self.up_proj(x)
        kept = gate.detach(), up.detach()  # the gate's gradient needs them anyway, and of them its output is soon made
        return cast(Tensor, self.down_proj(_gate(gate, up, self._ops), lambda: self._ops.silu_gate(*kept)))


class _LeanAttention(nn.Module):
    """Attention with the rotary encoding inside its own function, or before scoring's own attention."""

    def __init__(self, stock: Any) -> None:
        super().__init__()
        self.q_proj, self.k_proj, self.v_proj, self.o_proj = stock.q_proj, stock.k_proj, stock.v_proj, stock.o_proj
        self.q_norm, self.k_norm = getattr(stock, "q_norm", None), getattr(stock, "k_norm", None)
        self._stock = [stock]  # in a list, so that its modules are not registered twice
        window = getattr(stock, "sliding_window", getattr(stock.config, "sliding_window", None))
        self._window = None if type(stock).__name__ == "LlamaAttention" else window

    def forward(self, hidden_states: Tensor, position_embeddings: tuple[Tensor, Tensor], **kwargs: Any) -> Any:
        stock = self._stock[0]
        heads = (hidden_states.shape[1], -1, stock.head_dim)
        q, k, v = (p(hidden_states).view(heads) for p in (self.q_proj, self.k_proj, self.v_proj))
        if self.q_norm is not None and self.k_norm is not None:
            q, k = self.q_norm(q), self.k_norm(k)
        cosine, sine = position_embeddings
        own: OwnAttention | None = kwargs.get("packed_attention")
        if own is not None:
            q_HNE, k_GNE = (rotate(x, cosine[0], sine[0]).transpose(0, 1) for x in (q, k))
            out_HNE = own.attend(stock.layer_idx, q_HNE, k_GNE, v.transpose(0, 1), stock.scaling, self._window, None)
            return self.o_proj(out_HNE.transpose(0, 1).reshape(1, len(q), -1)), None
        out_NHE = kwargs["packed_ops"].attend(
            kwargs["packed_batch"], q.transpose(0, 1), k.transpose(0, 1), v.transpose(0, 1), stock.scaling,
            self._window, None, (cosine[0], sine[0]),
        )  # fmt: skip
        return self.o_proj(out_NHE.reshape(1, len(out_NHE), -1)), None


class _LastLayer(nn.Module):
    """A decoder layer whose output is wanted for some rows: those of `Batch.reading`."""

    def __init__(self, stock: Any) -> None:
        super().__init__()
        self.self_attn, self.mlp = stock.self_attn, stock.mlp
        self.input_layernorm = stock.input_layernorm
        self.post_attention_layernorm = stock.post_attention_layernorm
        for name in ("attention_type", "layer_idx"):
            if hasattr(stock, name):
                setattr(self, name, getattr(stock, name))

    def forward(self, hidden_states: Tensor, **kwargs: Any) -> Tensor:
        attended, _ = self.self_attn(hidden_states=self.input_layernorm(hidden_states), **kwargs)
        x = hidden_states + attended
        read = kwargs["packed_batch"].reading
        if read is not None:
            x = x.index_select(1, read.rows)
        return cast(Tensor, x + self.mlp(self.post_attention_layernorm(x)))


class _NormFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: Tensor, epsilon: float, ops: Ops) -> Tensor:
        rows = x.reshape(-1, x.shape[-1])
        y, inverse = ops.rms_norm(rows, scale, epsilon)
        ctx.save_for_backward(rows, scale, inverse)
        ctx.ops = ops
        return y.view(x.shape)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Any, ...]:
        rows, scale, inverse = ctx.saved_tensors
        grad = ctx.ops.rms_norm_backward(grads[0].reshape(rows.shape).contiguous(), rows, scale, inverse)
        return grad.view(grads[0].shape), None, None, None


class _GateFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, gate: Tensor, up: Tensor, ops: Ops) -> Tensor:
        ctx.save_for_backward(gate, up)
        ctx.ops = ops
        return ops.silu_gate(gate, up)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Any, ...]:
        return *ctx.ops.silu_gate_backward(grads[0].contiguous(), *ctx.saved_tensors), None


_norm = cast("Callable[..., Tensor]", _NormFunction.apply)
_gate = cast("Callable[..., Tensor]", _GateFunction.apply)
