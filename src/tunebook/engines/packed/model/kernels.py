"""The small work between the large multiplies: thin multiplies, dropout masks, norms, gates.

Each function has a torch form, which works everywhere, and a native one (native/kernels.c), which does the same in one
pass over the data. The native form is used for float32 tensors on the CPU where it could be built. Both are exact up
to the order of additions; masks are the same bits.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from tunebook.engines.packed.model.multiplies import exact_threads
from tunebook.engines.packed.model.native import library

__all__ = [
    "keep_mask", "kernel_kind", "native_for", "rms_norm", "rms_norm_backward", "rotate", "silu_gate",
    "silu_gate_backward", "thin_expand", "thin_outer", "thin_reduce",
]  # fmt: skip


def kernel_kind(device: torch.device | str, dtype: torch.dtype) -> str:
    """Which form is used, "native" or "torch": part of what a result's last bits depend on."""
    usable = torch.device(device).type == "cpu" and dtype == torch.float32 and library() is not None
    return "native" if usable else "torch"


def keep_mask(rows_N: Tensor, words_W: Tensor, threshold: int) -> Tensor:
    """Dropout masks from mixed keys, shape (N, 4·W), bool: True where the lane, a number of 16 bits that is uniform in
    [-32768, 32768), is at least the threshold."""
    native = library() if rows_N.device.type == "cpu" else None
    if native is None:
        return _mixed(rows_N, words_W) >= threshold
    keep = torch.empty(len(rows_N), 4 * len(words_W), dtype=torch.bool)
    native.keep_masks(rows_N.data_ptr(), words_W.data_ptr(), keep.data_ptr(), len(rows_N), len(words_W), threshold)
    return keep


def _mixed(rows_N: Tensor, words_W: Tensor) -> Tensor:
    z = rows_N[:, None] + words_W[None]
    z ^= (z >> 32) & 0xFFFFFFFF
    z *= -7723592293110705685  # 0x94D049BB133111EB
    z ^= (z >> 32) & 0xFFFFFFFF
    z *= -4658895280553007687  # 0xBF58476D1CE4E5B9
    z ^= (z >> 32) & 0xFFFFFFFF
    return z.view(torch.int16)


def thin_reduce(x_ND: Tensor, keep_ND: Tensor | None, a_RD: Tensor, scale: float = 1.0) -> Tensor:
    """scale · (x masked) a^T, shape (N, R)."""
    out = _masked(x_ND, keep_ND) @ a_RD.T
    return out if scale == 1.0 else out.mul_(scale)


def thin_expand(out_ND: Tensor, left_NR: Tensor, right_RD: Tensor, keep_ND: Tensor | None = None) -> None:
    """out += (left right) masked, in place."""
    if keep_ND is not None:
        _masked_add(out_ND, left_NR @ right_RD, keep_ND)
    elif out_ND.dtype == left_NR.dtype:
        out_ND.addmm_(left_NR, right_RD)
    else:
        out_ND.add_(left_NR @ right_RD)


def thin_outer(acc_RD: Tensor, left_NR: Tensor, x_ND: Tensor, keep_ND: Tensor | None = None) -> None:
    """acc += left^T (x masked), in place."""
    acc_RD.addmm_(left_NR.T, _masked(x_ND, keep_ND))


def _masked(x_ND: Tensor, keep_ND: Tensor | None) -> Tensor:
    """What is kept of x; x itself without a mask."""
    if keep_ND is None:
        return x_ND
    native = native_for(x_ND)
    if native is None:
        return x_ND * keep_ND
    out = x_ND.new_empty(x_ND.shape)
    native.masked_copy(x_ND.data_ptr(), x_ND.stride(0), *_mask(keep_ND), out.data_ptr(), *x_ND.shape)
    return out


def _masked_add(out_ND: Tensor, x_ND: Tensor, keep_ND: Tensor) -> None:
    native = native_for(out_ND, x_ND)
    if native is None:
        out_ND.add_(x_ND.mul_(keep_ND))
        return
    native.masked_add(x_ND.data_ptr(), *_mask(keep_ND), out_ND.data_ptr(), out_ND.stride(0), *x_ND.shape)


def silu_gate(gate: Tensor, up: Tensor) -> Tensor:
    """silu(gate) · up."""
    native = native_for(gate, up)
    if native is None:
        return torch.nn.functional.silu(gate).mul_(up)
    out = torch.empty_like(gate)
    with exact_threads():
        native.silu_gate(gate.data_ptr(), up.data_ptr(), out.data_ptr(), gate.numel())
    return out


def silu_gate_backward(grad: Tensor, gate: Tensor, up: Tensor) -> tuple[Tensor, Tensor]:
    """Gradients of `silu_gate` with respect to gate and up."""
    native = native_for(grad, gate, up)
    if native is None:
        s = torch.sigmoid(gate)
        grad_up = grad * gate * s
        return (1 - s).mul_(gate).add_(1).mul_(s).mul_(up).mul_(grad), grad_up
    grad_gate, grad_up = torch.empty_like(gate), torch.empty_like(up)
    with exact_threads():
        native.silu_gate_backward(
            grad.data_ptr(), gate.data_ptr(), up.data_ptr(), grad_gate.data_ptr(), grad_up.data_ptr(), gate.numel()
        )
    return grad_gate, grad_up


def rms_norm(x_ND: Tensor, scale_D: Tensor, epsilon: float) -> tuple[Tensor, Tensor]:
    """x · scale / rms(x) and, for the gradient, 1 / rms(x), shape (N,); as transformers computes it, in float32, and
    for a scale of the type of x rounded before it is multiplied with the scale."""
    native = native_for(x_ND, scale_D)
    if native is None:
        wide = _wide(x_ND)
        inverse = torch.rsqrt(wide.square().mean(-1) + epsilon)
        return (wide * inverse[:, None]).to(scale_D.dtype).mul_(scale_D).to(x_ND.dtype), inverse
    y, inverse = torch.empty_like(x_ND), x_ND.new_empty(len(x_ND))
    with exact_threads():
        native.rms_norm(x_ND.data_ptr(), scale_D.data_ptr(), y.data_ptr(), inverse.data_ptr(), *x_ND.shape, epsilon)
    return y, inverse


def rms_norm_backward(grad_ND: Tensor, x_ND: Tensor, scale_D: Tensor, inverse_N: Tensor) -> Tensor:
    """Gradient of `rms_norm` with respect to x."""
    native = native_for(grad_ND, x_ND, scale_D)
    if native is None:
        scaled, wide = _wide(grad_ND) * scale_D, _wide(x_ND)
        c = (scaled * wide).mean(-1).mul_(inverse_N**3)
        return scaled.mul_(inverse_N[:, None]).sub_(wide * c[:, None]).to(x_ND.dtype)
    out = torch.empty_like(x_ND)
    of = (grad_ND, x_ND, scale_D, inverse_N)
    with exact_threads():
        native.rms_norm_backward(*(t.data_ptr() for t in of), None, out.data_ptr(), *x_ND.shape)
    return out


def _wide(x: Tensor) -> Tensor:
    """In float32 at least."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def rotate(x_NHE: Tensor, cosine_NE: Tensor, sine_NE: Tensor) -> Tensor:
    """Rotary position encoding in the half-split layout of transformers; the same shape, without gaps."""
    native = native_for(x_NHE, cosine_NE, sine_NE)
    if native is None or not x_NHE.is_contiguous():
        first, second = x_NHE.chunk(2, dim=-1)
        return x_NHE * cosine_NE[:, None] + torch.cat((-second, first), dim=-1) * sine_NE[:, None]
    y = torch.empty_like(x_NHE)
    with exact_threads():
        native.rotate(x_NHE.data_ptr(), cosine_NE.data_ptr(), sine_NE.data_ptr(), y.data_ptr(), *x_NHE.shape)
    return y


def native_for(*tensors: Tensor) -> Any:
    """The native library when it can work on these tensors: float32, CPU, rows without gaps."""
    for tensor in tensors:
        if tensor.dtype != torch.float32 or tensor.device.type != "cpu" or tensor.stride(-1) != 1:
            return None
    return library()


def _mask(keep_ND: Tensor) -> tuple[int, int]:
    return keep_ND.data_ptr(), keep_ND.stride(0)
