"""Multiplies by frozen base weights: which library does them, and on how many threads.

A base module is called as it is, with two exceptions. A weight that bitsandbytes keeps in 4 or 8 bits is given back for
each multiply, and again for the gradient, and let go (decision 082). And in float32 on a processor where torch's own
matrix library (MKL) leaves AVX-512 unused, as on AMD's, oneDNN, which comes with torch, computes the same product
(docs/engine.md has the rates, decision 019 the reasons). It is given the weights in the layout that it multiplies with
where memory is plenty (decision 089).
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from tunebook.engines.packed.model.native import library, processor
from tunebook.engines.quantised_modules import base_weight, is_held

__all__ = [
    "RowSizes",
    "base_input_grad",
    "base_linear",
    "end_threads",
    "exact_threads",
    "has_weight",
    "hold_threads",
    "is_plain",
    "lay_out_weights",
    "multiply_kind",
    "padding",
    "row_multiple",
    "row_sizes",
    "use_threads",
    "weights_layout_bytes",
]

ROW_MULTIPLE = 16
"""With MKL the last rows of an odd number go through other kernels with other rounding (float32 below 12 rows,
float64 whenever 4 does not divide the number; measured on AVX2). oneDNN makes a kernel for every number of rows that
it meets, in 1 to 2 ms, and keeps about 1,000: the numbers must be few."""
_PROBED_ROWS = (2, 4, 6, 10, 14, 18, 34, 66)
_LAID_OUT_FOR = 256
"""Rows that a layout is made for: it is the same, and faster than none, from 2 to 1,000."""
SIZES = 8
"""Numbers of rows between a power of two and the next, on a GPU."""


class _Threads(threading.local):
    own: int = 0
    exact: Callable[[], int] | None = None


_threads = _Threads()


def use_threads(own: int, exact: Callable[[], int] | None = None) -> None:
    """How many threads what the calling thread computes may use.

    Args:
        own: for everything that is not exact.
        exact: says at each piece of exact work, what gives the same bits on any number of threads, how many it may use;
            None: as the rest. Multiplies by base weights are exact (`lanes.threads_agree`), and native work is, as its
            sums are never cut; torch's thin multiplies are not.
    """
    torch.get_num_threads()  # a thread's first look sets the number anew, to what any thread asked for last
    _set_threads(own)
    _threads.own, _threads.exact = own, exact


@contextmanager
def exact_threads() -> Iterator[None]:
    """Inside is exact work alone."""
    n = _threads.own if _threads.exact is None else _threads.exact()
    if n == _threads.own:
        yield
        return
    _set_threads(n)
    try:
        yield
    finally:
        _set_threads(_threads.own)


def end_threads() -> None:
    """End the threads that have helped the calling thread in parallel loops."""
    native = library()
    if native is not None:
        native.end_threads()


def hold_threads(n: int) -> None:
    """Have n threads, the calling one included, ready for its parallel loops."""
    native = library()
    if native is not None:
        native.hold_threads(n)


def _set_threads(n: int) -> None:
    torch.set_num_threads(n)
    native = library()
    if native is not None:
        native.set_threads(n)


def is_plain(module: Any) -> bool:
    """Whether a module does nothing but multiply by its weight, and add its bias."""
    return type(module) is nn.Linear


def has_weight(module: Any, dtype: torch.dtype) -> bool:
    """Whether `base_input_grad` can do a module's multiply backwards, for an output of this type."""
    return is_held(module) or (is_plain(module) and module.weight.dtype == dtype)


def base_linear(module: Any, x: Tensor) -> Tensor:
    """What a base module gives for x, shape (..., D); gradients flow to x, never to the weight."""
    if not (is_held(module) or (is_plain(module) and _by_onednn(module.weight, x))):
        return cast(Tensor, module(x))
    if x.requires_grad and torch.is_grad_enabled():
        return _linear(x, module)
    return _product(x, module)


def base_input_grad(module: Any, grad_NO: Tensor, more_ND: Tensor | None = None) -> Tensor:
    """Gradient of a module's input (`has_weight`), shape (N, D); added to `more_ND`, which may be overwritten."""
    weight = base_weight(module, grad_NO.dtype)
    if _by_onednn(weight, grad_NO):
        return _onednn(grad_NO, weight.T if (laid_out := _laid_out(module)) is None else laid_out[1], None, more_ND)
    if more_ND is None:
        return grad_NO @ weight
    return more_ND.addmm_(grad_NO, weight)


def row_multiple(modules: Sequence[Any]) -> int:
    """To a multiple of how many rows a batch of few rows is padded (`padding`).

    Args:
        modules: the linear modules of the base model.
    """
    shapes = {(module.out_features, module.in_features): module for module in modules}
    by_onednn = all(is_plain(module) and _by_onednn(module.weight, module.weight) for module in modules)
    return min(_PROBED_ROWS) if by_onednn and all(map(_rows_agree, shapes.values())) else ROW_MULTIPLE


def padding(n_rows: int, multiple: int) -> int:
    """Rows by which a batch is padded, as a row's bits must not depend on how many others there are.

    Args:
        multiple: what `row_multiple` found.
    """
    return -n_rows % (multiple if n_rows < ROW_MULTIPLE else ROW_MULTIPLE)


@dataclass(frozen=True)
class RowSizes:
    """Which numbers of rows batches have, padding included.

    On a GPU few sizes come again and again, so that kernels compiled for a size, and graphs recorded for it, are used
    again: eight between a power of two and the next, so less than an eighth of the rows is padding, or fewer than 16
    rows. On a CPU nothing is padded but what a row's bits need.

    Attributes:
        multiple: what `row_multiple` found.
        few: whether there are few sizes.
    """

    multiple: int = ROW_MULTIPLE
    few: bool = False

    def size(self, n_rows: int) -> int:
        """Rows of a batch that needs so many, at least one."""
        if not self.few:
            return max(self.multiple, n_rows + padding(n_rows, self.multiple))
        step = max(ROW_MULTIPLE, (1 << max(0, n_rows - 1).bit_length()) // (2 * SIZES))
        return max(1, -(-n_rows // step)) * step

    def head(self, n_rows: int) -> int:
        """Rows of which the head is computed where so many are read."""
        return self.size(n_rows) if self.few else n_rows + -n_rows % self.multiple

    def slots(self, n_trials: int) -> int:
        """Trials for which there is room in a batch's tables."""
        return 1 << max(0, n_trials - 1).bit_length() if self.few else n_trials


def row_sizes(modules: Sequence[Any], device: torch.device) -> RowSizes:
    """The sizes for a model's linear modules on its device."""
    if device.type == "cuda":
        return RowSizes(few=True)
    return RowSizes(row_multiple(modules))


def _rows_agree(module: nn.Linear) -> bool:
    """Whether a few rows alone give the same bits as among many, there and back."""
    n_out, n_in = module.out_features, module.in_features
    x = torch.randn(2 * max(_PROBED_ROWS), n_in, generator=torch.Generator().manual_seed(0))
    grad = torch.randn(len(x), n_out, generator=torch.Generator().manual_seed(0))
    y, back = base_linear(module, x), base_input_grad(module, grad)
    return all(
        torch.equal(base_linear(module, x[:n]), y[:n]) and torch.equal(base_input_grad(module, grad[:n]), back[:n])
        for n in _PROBED_ROWS
    )


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, module: Any) -> Tensor:
        ctx.module = module
        return _product(x, module)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Any, ...]:
        with exact_threads():
            return base_input_grad(ctx.module, grads[0]), None


_linear = cast("Callable[[Tensor, Any], Tensor]", _Linear.apply)


def _product(x: Tensor, module: Any) -> Tensor:
    weight = base_weight(module, x.dtype)
    if not _by_onednn(weight, x):
        return nn.functional.linear(x, weight, module.bias)
    return _onednn(x, weight if (laid_out := _laid_out(module)) is None else laid_out[0], module.bias)


def weights_layout_bytes(modules: Sequence[Any]) -> int:
    """Bytes that `lay_out_weights` takes for these modules; 0 where it does nothing."""
    if not all(is_plain(module) and _by_onednn(module.weight, module.weight) for module in modules):
        return 0
    return sum(2 * module.weight.nbytes for module in modules)


def lay_out_weights(modules: Sequence[Any]) -> None:
    """Keep each weight, and its transpose, as oneDNN multiplies with it, beside the weight itself.

    oneDNN would otherwise make that layout anew for each product, which takes the longer the fewer rows there are. The
    products are the same bits (looked at here, for each shape); where they are not, nothing is kept.
    """
    reorder = torch.ops.mkldnn._reorder_linear_weight
    seen: dict[tuple[int, ...], bool] = {}
    for module in modules:
        weight, shape = module.weight.detach(), tuple(module.weight.shape)
        laid_out = reorder(weight, _LAID_OUT_FOR), reorder(weight.T.contiguous(), _LAID_OUT_FOR)
        if shape not in seen:
            seen[shape] = _gives_the_same(module, laid_out)
        if seen[shape]:
            module.laid_out = laid_out


def _gives_the_same(module: nn.Linear, laid_out: tuple[Tensor, Tensor]) -> bool:
    generator, threads = torch.Generator().manual_seed(0), torch.get_num_threads()
    try:
        for n in (2, 16, 80):
            x = torch.randn(n, module.in_features, generator=generator)
            y = _onednn(x, module.weight, None)
            plain = y, _onednn(y, module.weight.T, None), _onednn(y, module.weight.T, None, x)
            for own in {1, threads}:
                torch.set_num_threads(own)
                found = _onednn(x, laid_out[0], None), _onednn(y, laid_out[1], None), _onednn(y, laid_out[1], None, x)
                if not all(map(torch.equal, found, plain)):
                    return False
    finally:
        torch.set_num_threads(threads)
    return True


def _laid_out(module: Any) -> tuple[Tensor, Tensor] | None:
    """What `lay_out_weights` keeps of a module."""
    return cast("tuple[Tensor, Tensor] | None", getattr(module, "laid_out", None))


def multiply_kind(device: torch.device | str, dtype: torch.dtype) -> str:
    """Which library multiplies by base weights, "onednn" or "torch" for torch's own choice: part of what a result's
    last bits depend on."""
    usable = torch.device(device).type == "cpu" and dtype == torch.float32 and onednn_is_faster()
    return "onednn" if usable else "torch"


@functools.cache
def onednn_is_faster() -> bool:
    """Whether oneDNN is there and uses vector instructions that MKL leaves unused on this processor."""
    if torch.backends.cpu.get_cpu_capability() != "AVX512" or any("GenuineIntel" in line for line in processor()):
        return False
    x, weight = torch.eye(16), torch.arange(256.0).view(16, 16)
    try:  # the call is torch's own, made for its compiler; another version may have it no more, or otherwise
        products = _onednn(x, weight, weight[0]), _onednn(x, weight.T, None, x)
    except (AttributeError, RuntimeError, TypeError):
        return False
    return torch.equal(products[0], weight.T + weight[0]) and torch.equal(products[1], weight + x)


def _by_onednn(weight: Tensor, x: Tensor) -> bool:
    if weight.dtype != torch.float32 or x.dtype != torch.float32 or weight.requires_grad or not onednn_is_faster():
        return False
    return weight.device.type == "cpu" and x.device.type == "cpu"


def _onednn(x: Tensor, weight: Tensor, bias: Tensor | None, more: Tensor | None = None) -> Tensor:
    """x weight^T + bias + more."""
    plain, adding = _calls()
    if more is None:
        return cast(Tensor, plain(x, weight, bias, "none", [], ""))
    return cast(Tensor, adding(x, more, weight, bias, "add"))


@functools.cache
def _calls() -> tuple[Any, Any]:
    linear = torch.ops.mkldnn._linear_pointwise
    return linear.default, linear.binary
