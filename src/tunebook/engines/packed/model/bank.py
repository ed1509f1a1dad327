"""The adapter bank: the low-rank weights of every trial that is being trained or scored.

Each adapter has its own rank and its own modules. All its values lie in one flat tensor, so that the optimiser, the
clipping and a checkpoint treat it as one vector; every A and B is a view into it. B is kept transposed, (R, O): its
gradient is then one thin multiply. The A's of projections that share an input lie side by side, so that one multiply
serves them all when there is no dropout.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from itertools import count
from typing import Any

import torch
from torch import Tensor

from tunebook.core.configuration import Configuration
from tunebook.engines.initial import initial_values

__all__ = ["Adapter", "ModuleShape", "new_adapter"]

_numbers = count()
_ALIGNMENT = 64
"""Bytes at which every A and B starts, a cache line: thin multiplies are reproducible only on aligned data."""


@dataclass(frozen=True)
class ModuleShape:
    """A linear module of the base model.

    Attributes:
        name: dotted name in the base model.
        n_in, n_out: its features.
        group: name of the group of modules that share its input (the first of them).
    """

    name: str
    n_in: int
    n_out: int
    group: str


class Adapter:
    """The low-rank weights of one trial.

    Attributes:
        number: tells it from every other adapter of this process, also from one that lay at the same place; twins have
            the same.
        rank: R.
        scaling: what the low-rank product is multiplied with.
        dropout: share of its inputs dropped while training, in [0, 1).
        seed: seed of its dropout masks.
        shapes: its modules, by name, in the order in which their values lie.
        values: every A and B, one flat tensor, float32 (float64 for a float64 model).
        grads: same shape as `values`, or None while it is only scored.
        memo: what was derived from where values and gradients lie; forgotten when these move.
    """

    def __init__(
        self,
        shapes: Sequence[ModuleShape],
        rank: int,
        scaling: float,
        dropout: float = 0.0,
        seed: int = 0,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> None:
        self.number = next(_numbers)
        self.rank, self.scaling, self.dropout, self.seed = rank, scaling, dropout, seed
        self.shapes = {shape.name: shape for shape in shapes}
        step = _ALIGNMENT // dtype.itemsize
        self._at: dict[str, tuple[int, int]] = {}
        end = 0
        for group in dict.fromkeys(shape.group for shape in shapes):
            members = [shape for shape in shapes if shape.group == group]
            a_at = {}
            for shape in members:
                a_at[shape.name], end = end, end + rank * shape.n_in
            end = _rounded(end, step)
            for shape in members:
                self._at[shape.name] = (a_at[shape.name], end)
                end = _rounded(end + rank * shape.n_out, step)
        self.values = torch.zeros(end, dtype=dtype, device=device)
        self.grads: Tensor | None = None
        self.memo: dict[str, Any] = {}
        self._views: dict[str, tuple[Tensor, Tensor]] = self._view(self.values)
        self._grad_views: dict[str, tuple[Tensor, Tensor]] = {}

    def a(self, name: str) -> Tensor:
        """A of one module, shape (R, D), a view."""
        return self._views[name][0]

    def b(self, name: str) -> Tensor:
        """B of one module, transposed, shape (R, O), a view."""
        return self._views[name][1]

    def grad_a(self, name: str) -> Tensor:
        """Gradient of A, shape (R, D), a view. Only after `want_grads`."""
        return self._grad_views[name][0]

    def grad_b(self, name: str) -> Tensor:
        """Gradient of the transposed B, shape (R, O), a view. Only after `want_grads`."""
        return self._grad_views[name][1]

    def stacked_a(self, names: Sequence[str]) -> Tensor | None:
        """The A's of several modules as one matrix (len(names)·R, D), or None when they don't lie side by side."""
        first = self.shapes[names[0]]
        start, size = self._at[names[0]][0], self.rank * first.n_in
        if any(self._at[name][0] != start + i * size for i, name in enumerate(names)):
            return None
        return self.values[start : start + len(names) * size].view(len(names) * self.rank, first.n_in)

    def flat(self, a: float, b: float) -> Tensor:
        """A vector like `values` with `a` at the entries of every A and `b` at those of every B."""
        made = torch.zeros_like(self.values)
        for view_a, view_b in self._view(made).values():
            view_a.fill_(a)
            view_b.fill_(b)
        return made

    def want_grads(self) -> None:
        """Make room for gradients, all zero."""
        self.grads = torch.zeros_like(self.values)
        self._grad_views, self.memo = self._view(self.grads), {}

    def twin(self) -> Adapter:
        """The same weights with room for gradients of its own, all zero."""
        twin = copy(self)
        twin.want_grads()
        return twin

    def drop_grads(self) -> None:
        """Give the room for gradients back."""
        self.grads, self._grad_views, self.memo = None, {}, {}

    def _view(self, flat: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
        views = {}
        for name, (a_at, b_at) in self._at.items():
            shape = self.shapes[name]
            views[name] = (
                flat[a_at : a_at + self.rank * shape.n_in].view(self.rank, shape.n_in),
                flat[b_at : b_at + self.rank * shape.n_out].view(self.rank, shape.n_out),
            )
        return views


def new_adapter(
    shapes: Sequence[ModuleShape],
    configuration: Configuration,
    seed: int,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
) -> Adapter:
    """The adapter with which a trial starts: values of `engines.initial`.

    Args:
        shapes: the modules that the configuration targets (`targets.target_shapes`).
        dtype: float32, or float64 for a float64 model.
    """
    adapter = Adapter(
        shapes, configuration.lora_r, configuration.scaling, configuration.lora_dropout, seed, dtype, device
    )
    for shape in shapes:
        kind = configuration.init_lora_weights
        a_RD, b_OR = initial_values(seed, shape.name, adapter.rank, shape.n_in, shape.n_out, kind)
        adapter.a(shape.name).copy_(a_RD)
        adapter.b(shape.name).copy_(b_OR.T)
    return adapter


def _rounded(n: int, step: int) -> int:
    return -(-n // step) * step
