"""A transformers causal language model that runs the adapters of many trials at once.

    packed = PackedModel(model)                      # stock model, in eval mode, frozen
    shapes = packed.shapes("all-linear")             # what target_modules means for it
    adapter = new_adapter(shapes, configuration, seed, packed.adapter_dtype, packed.device)
    batch = packed.lay_out([Part(adapter, tree)])    # batches.py; adapter None: the base model
    hidden_ND = packed.forward(batch)                # rows of the batch, after the final norm
    logits = packed.logits(hidden_ND[rows])          # head, only where it is wanted

Scoring brings its own attention, which keeps the keys it needs (`attention.OwnAttention`).
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from importlib.util import find_spec
from typing import Any, cast

import torch
from torch import Tensor

from tunebook.engines.packed.model.attention import IMPLEMENTATION, OwnAttention, register
from tunebook.engines.packed.model.bank import ModuleShape
from tunebook.engines.packed.model.batches import Batch, Layout, Part, arrays_of, batch_from, layout_of, reading_layout
from tunebook.engines.packed.model.dropout import Masks
from tunebook.engines.packed.model.layers import AdaptedLinear, Group
from tunebook.engines.packed.model.lean_modules import swap_known_modules, swap_last_layer
from tunebook.engines.packed.model.multiplies import (
    base_linear,
    exact_threads,
    is_plain,
    lay_out_weights,
    row_sizes,
    weights_layout_bytes,
)
from tunebook.engines.packed.model.ops import Ops, Tables, TorchOps
from tunebook.engines.packed.model.recompute import recomputed
from tunebook.engines.packed.model.targets import chosen_shapes, compute_dtype, linear_shapes, unsupported
from tunebook.engines.packed.model.transfer import to_device
from tunebook.errors import PackingError

__all__ = ["PackedModel", "ops_for"]


class _Now(threading.local):
    """Of the training forward that a thread runs: what is entered while a layer runs again, None where none does."""

    again: Callable[[], AbstractContextManager[None]] | None = None


_log = logging.getLogger(__name__)

TENSOR_CORES = 8, 0
"""Compute capability from which on a card has what Triton's thin products are made of."""


def ops_for(device: torch.device) -> Ops:
    """What computes on a device: Triton's kernels on an NVIDIA card of the Ampere generation or later where triton is
    installed and can compile, else torch and native kernels. TUNEBOOK_OPS=torch takes torch everywhere."""
    there = device.type == "cuda" and torch.version.cuda is not None and find_spec("triton") is not None
    wanted = there and os.environ.get("TUNEBOOK_OPS") != "torch"
    if wanted and torch.cuda.get_device_capability(device) >= TENSOR_CORES:
        from tunebook.engines.packed.model.triton_ops import TritonOps

        ops = TritonOps(device)
        try:
            ops.silu_gate(torch.zeros(1, device=device), torch.zeros(1, device=device))
        except Exception as error:  # of many types: no C compiler, no Python headers, a driver that is too old
            _log.warning("Triton's kernels do not compile here, torch's are slower and taken instead: %s", error)
        else:
            return ops
    return TorchOps(device)


PLENTY = 8
"""Memory is plenty where so many times what is wanted is free."""


class PackedModel:
    """Wraps a causal language model; the model is frozen, and its linear layers give way to `AdaptedLinear`.

    Several threads may run it at the same time.

    Attributes:
        vocabulary: rows of the output head.
        row_sizes: which numbers of rows batches have.
        is_plain: whether the base's weights are multiplied with as they are, not dequantised.
        is_lean: whether all norms, gates and attentions are the engine's own (`lean_modules.py`).
        recompute: activation checkpointing by layer; may be set between forwards, and changes no number.

    Args:
        model: a stock transformers model of a supported family, on its device and in its dtype.
        ops: what computes between the base multiplies; None: torch and native kernels.

    Raises: PackingError: the model cannot be packed (`targets.unsupported` says why).
    """

    def __init__(self, model: Any, ops: Ops | None = None) -> None:
        reason = unsupported(model)
        if reason is not None:
            raise PackingError(f"model: {reason}. Use engine 'peft'.")
        self.model: Any = model.eval().requires_grad_(False)
        self.device = next(model.parameters()).device
        self.dtype = next(model.parameters()).dtype
        self.adapter_dtype = compute_dtype(model)
        self.ops: Ops = ops_for(self.device) if ops is None else ops
        self.n_layers: int = model.config.num_hidden_layers
        self.all_shapes = linear_shapes(model)
        self.recompute = False
        self._now = _Now()
        self._anchor = torch.zeros((), device=self.device, requires_grad=True)
        head = model.get_output_embeddings()
        self.vocabulary: int = head.out_features
        linear = [*(model.get_submodule(shape.name) for shape in self.all_shapes), head]
        self._linear: list[Any] = linear
        self.row_sizes = row_sizes(linear, self.device)
        self.is_plain = all(map(is_plain, linear))
        self._groups = self._take_over()
        self.is_lean = swap_known_modules(model, self.ops)
        last = swap_last_layer(model)
        self._cuts_last = last is not None
        self._beyond = [group for group in self._groups if last is not None and group.shapes[0].name.startswith(last)]
        for layer in model.base_model.layers:
            self._make_recomputable(layer)
        register()
        model.set_attn_implementation(IMPLEMENTATION)

    def shapes(self, target_modules: str | Sequence[str] | None) -> tuple[ModuleShape, ...]:
        """The modules that `target_modules` means for this model, in its order."""
        return chosen_shapes(self.all_shapes, self.model.config.model_type, target_modules)

    def lay_out(self, parts: Sequence[Part], picked: Sequence[Sequence[int]] | None = None) -> Batch:
        """Lay trees end to end on the model's device.

        Args:
            picked: for each part which of its rows are read, each once; None: all.
        """
        whole = layout_of(parts, self.row_sizes)
        read = None if picked is None else reading_layout(whole, picked, self.row_sizes)
        return self.sent(whole, read)

    def sent(self, whole: Layout, read: Layout | None) -> Batch:
        """A batch without dropout, with the tables of what computes between the base multiplies, in one copy to the
        device.

        Args:
            read: the rows that are read, None: all.
        """
        tables = self.ops.tables(whole, read, False)
        tensors = to_device(self.device, *arrays_of(whole, read), *tables.arrays)
        return self.received(whole, read, tables, tensors)[0]

    def received(
        self, whole: Layout, read: Layout | None, tables: Tables, tensors: Sequence[Tensor]
    ) -> tuple[Batch, list[Tensor]]:
        """A batch of what became of `arrays_of` and the tables on the device, and the tensors after these."""
        batch, rest = batch_from(whole, read, tensors)
        n = len(tables.arrays)
        tables.keep(batch, rest[:n])
        return batch, rest[n:]

    def forward(self, batch: Batch, attention: OwnAttention | None = None, training: bool = False) -> Tensor:
        """Hidden states after the final norm of a batch's rows, those of `Batch.reading` if it has one, padding
        included, shape (N, D), the model's dtype.

        Args:
            attention: what attends by itself, for scoring; None: each node attends to its ancestors and itself.
            training: drop adapter inputs. Gradients flow whenever autograd is on.
        """
        masks = Masks() if training else None
        self._now.again = partial(self._running, batch, masks) if training and self.recompute else None
        with self._running(batch, masks):
            out = self.model.base_model(
                input_ids=batch.input_ids[None], position_ids=batch.position_ids[None], use_cache=False,
                packed_batch=batch, packed_attention=attention, packed_ops=self.ops,
            )  # fmt: skip
        hidden: Tensor = out.last_hidden_state[0]
        read = batch.reading
        return hidden if read is None or self._cuts_last else hidden.index_select(0, read.rows)

    def logits(self, hidden_MD: Tensor) -> Tensor:
        """Next-token logits for chosen rows, shape (M, V); soft-capped where the model does that."""
        with exact_threads():
            logits = base_linear(self.model.get_output_embeddings(), hidden_MD)
        cap = getattr(self.model.config, "final_logit_softcapping", None)
        return logits if cap is None else torch.tanh(logits / cap) * cap

    def lay_out_weights(self, free: int) -> None:
        """Have base multiplies find their weights as they want them, if so much memory is free that it does not matter.

        Args:
            free: bytes.
        """
        if 0 < weights_layout_bytes(self._linear) <= free // PLENTY:
            lay_out_weights(self._linear)

    @property
    def base_shapes(self) -> list[tuple[int, int]]:
        """Inputs and outputs of every base multiply: the linear modules and the head."""
        head = self.model.get_output_embeddings()
        return [*((shape.n_in, shape.n_out) for shape in self.all_shapes), (head.in_features, head.out_features)]

    @contextmanager
    def _running(self, batch: Batch, masks: Masks | None) -> Iterator[None]:
        """While the calling thread runs layers on a batch."""
        for group in self._groups:
            group.begin(batch, masks)
        if batch.reading is not None:
            for group in self._beyond:
                group.begin(batch.reading.batch, masks)
        try:
            yield
        finally:
            for group in self._groups:
                group.forget()

    def _make_recomputable(self, layer: Any) -> None:
        """Let a decoder layer keep nothing but its input in training forwards while `recompute` is set."""
        forward = layer.forward

        def keeping_less(hidden_states: Tensor, *args: Any, **kwargs: Any) -> Tensor:
            again = self._now.again
            if again is None or not torch.is_grad_enabled():
                return cast(Tensor, forward(hidden_states, *args, **kwargs))
            return recomputed(lambda x: forward(x, *args, **kwargs), hidden_states, self._anchor, again)

        layer.forward = keeping_less

    def _take_over(self) -> list[Group]:
        groups = []
        for first in dict.fromkeys(shape.group for shape in self.all_shapes):
            members = [shape for shape in self.all_shapes if shape.group == first]
            modules = [self.model.get_submodule(shape.name) for shape in members]
            group = Group(members, modules, self._anchor, self.ops)
            for shape, module in zip(members, modules, strict=True):
                self.model.set_submodule(shape.name, AdaptedLinear(module, shape.name, group))
            groups.append(group)
        return groups
