"""What a layer needs beside its base multiplies, as one protocol over whole batches.

Nothing above it is done adapter by adapter. `TorchOps` is the definition: torch, on any device and in any type, with
native kernels for float32 on the CPU. `TritonOps` (triton_ops.py) launches as many kernels for one adapter as for many.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import torch
from numpy.typing import NDArray
from torch import Tensor

from tunebook.engines.packed.model import kernels
from tunebook.engines.packed.model.attention import Rotary, attend
from tunebook.engines.packed.model.bank import ModuleShape
from tunebook.engines.packed.model.batches import Batch, Layout
from tunebook.engines.packed.model.dropout import Masks
from tunebook.engines.packed.model.label_loss import LabelTables, cross_entropy
from tunebook.engines.packed.model.updates import add_updates, backward_updates

__all__ = ["AdamwFacts", "AdamwVectors", "GroupCall", "Ops", "Tables", "TorchOps"]


@dataclass(frozen=True)
class GroupCall:
    """One forward of a group of projections that share their input.

    Attributes:
        batch: whose rows the input has.
        shapes: the projections, of which each adapter may have some.
        masks: of the forward, or None: nothing is dropped.
    """

    batch: Batch
    shapes: Sequence[ModuleShape]
    masks: Masks | None


@dataclass(frozen=True)
class AdamwVectors:
    """Flat vectors of one trial for AdamW, all of one size.

    Attributes:
        shares: of the way that each entry goes (LoRA+), or None: all of it.
    """

    values: Tensor
    grads: Tensor
    first: Tensor
    second: Tensor
    shares: Tensor | None


class AdamwFacts(NamedTuple):
    """Numbers of one trial's step: `most` is the norm to which the gradient is clipped, `bias1` is 1 - beta1^t and
    `bias2` the root of 1 - beta2^t."""

    rate: float
    most: float
    decay: float
    beta2: float
    bias1: float
    bias2: float


@dataclass(frozen=True)
class Tables:
    """What goes to the device with a batch.

    Attributes:
        arrays: the tables.
        keep: notes in the batch what became of them.
        facts: of what else, beside the shapes of arrays, it depends what is computed with the batch. None: of the
            layout itself, so that what was recorded for one batch (`graphs.py`) holds for no other.
    """

    arrays: Sequence[NDArray[Any]]
    keep: Callable[[Batch, Sequence[Tensor]], None]
    facts: Hashable = None


class Ops(Protocol):
    """The work between base multiplies. Axes: N rows, D and O inputs and outputs, H heads of size E, G key heads.

    Attributes:
        joint_updates: whether `norms` and `adamw` are there; else each trial has an optimiser of its own.
        fused: whether gates and attention are kernels that need no memory for what lies between their steps.
    """

    joint_updates: bool
    fused: bool

    def kind(self, dtype: torch.dtype) -> str:
        """Name of what computes, on which a result's last bits depend."""
        ...

    def tables(self, whole: Layout, read: Layout | None, training: bool) -> Tables:
        """What a batch, and the rows of it that are read, want on the device. A batch that comes without makes it when
        it is first asked for."""
        ...

    def add_updates(self, call: GroupCall, x_ND: Tensor, outputs: Sequence[Tensor]) -> Any:
        """Add every adapter's updates to its rows of the outputs, each (N, O), in place; gives what the backward pass
        wants of them."""
        ...

    def backward_updates(
        self, call: GroupCall, x_ND: Tensor, grads: Sequence[Tensor], kept: Any, grad_x: Tensor | None
    ) -> None:
        """Add to the gradients of every adapter's A and B, and to `grad_x`, (N, D), if somebody wants it.

        Args:
            grads: of the outputs, without gaps.
            kept: what `add_updates` gave.
        """
        ...

    def attend(
        self, batch: Batch, q_HNE: Tensor, k_GNE: Tensor, v_GNE: Tensor, scaling: float, window: int | None,
        softcap: float | None, rotary: Rotary | None,
    ) -> Tensor:  # fmt: skip
        """Attention of every row to its ancestors and, causally, to its own node, (N, H, E) (`attention.attend`)."""
        ...

    def rms_norm(self, x_ND: Tensor, scale_D: Tensor, epsilon: float) -> tuple[Tensor, Tensor]:
        """x · scale / rms(x), and 1 / rms(x) of every row."""
        ...

    def rms_norm_backward(self, grad_ND: Tensor, x_ND: Tensor, scale_D: Tensor, inverse_N: Tensor) -> Tensor: ...

    def silu_gate(self, gate: Tensor, up: Tensor) -> Tensor:
        """silu(gate) · up."""
        ...

    def silu_gate_backward(self, grad: Tensor, gate: Tensor, up: Tensor) -> tuple[Tensor, Tensor]: ...

    def cross_entropy(self, logits_mV: Tensor, first: int, labels: LabelTables, nll_L: Tensor) -> Tensor:
        """The gradient of the labels' shares' sum with respect to some rows of logits (`label_loss.cross_entropy`)."""
        ...

    def norms(self, trials: Sequence[AdamwVectors]) -> Tensor:
        """Norm of each trial's gradient, float64; at least one number a trial, in their order."""
        ...

    def adamw(self, trials: Sequence[AdamwVectors], facts: Sequence[AdamwFacts], norms: Tensor) -> None:
        """Clip and take a step of AdamW for all trials, in place; clears the gradients. A trial whose norm is not
        finite stays as it is."""
        ...


class TorchOps:
    """Fulfils `Ops` adapter by adapter, with native kernels where tensors allow (`kernels.native_for`)."""

    joint_updates = False
    fused = False

    def __init__(self, device: torch.device) -> None:
        self._device = device

    rms_norm = staticmethod(kernels.rms_norm)
    rms_norm_backward = staticmethod(kernels.rms_norm_backward)
    silu_gate = staticmethod(kernels.silu_gate)
    silu_gate_backward = staticmethod(kernels.silu_gate_backward)
    cross_entropy = staticmethod(cross_entropy)

    def tables(self, whole: Layout, read: Layout | None, training: bool) -> Tables:
        return Tables((), lambda batch, tensors: None)

    def kind(self, dtype: torch.dtype) -> str:
        return kernels.kernel_kind(self._device, dtype)

    def add_updates(self, call: GroupCall, x_ND: Tensor, outputs: Sequence[Tensor]) -> Any:
        return [
            add_updates(run, run.adapter, call.shapes, call.masks, x_ND, outputs)
            for run in call.batch.runs
            if run.adapter is not None
        ]

    def backward_updates(
        self, call: GroupCall, x_ND: Tensor, grads: Sequence[Tensor], kept: Any, grad_x: Tensor | None
    ) -> None:
        thin = iter(kept)
        for run in call.batch.runs:
            if run.adapter is not None:
                backward_updates(run, run.adapter, call.shapes, call.masks, x_ND, grads, next(thin), grad_x)

    def attend(
        self, batch: Batch, q_HNE: Tensor, k_GNE: Tensor, v_GNE: Tensor, scaling: float, window: int | None,
        softcap: float | None, rotary: Rotary | None,
    ) -> Tensor:  # fmt: skip
        return attend(batch, q_HNE, k_GNE, v_GNE, scaling, window, softcap, rotary)

    def norms(self, trials: Sequence[AdamwVectors]) -> Tensor:
        raise NotImplementedError

    def adamw(self, trials: Sequence[AdamwVectors], facts: Sequence[AdamwFacts], norms: Tensor) -> None:
        raise NotImplementedError
