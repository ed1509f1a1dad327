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

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from tunebook.engines.packed.model.attention import IMPLEMENTATION, OwnAttention, register
from tunebook.engines.packed.model.bank import ModuleShape
from tunebook.engines.packed.model.batches import Batch, Part, lay_out
from tunebook.engines.packed.model.dropout import Masks
from tunebook.engines.packed.model.layers import AdaptedLinear, Group
from tunebook.engines.packed.model.lean_modules import swap_known_modules, swap_last_layer
from tunebook.engines.packed.model.multiplies import base_linear, row_multiple
from tunebook.engines.packed.model.targets import chosen_shapes, compute_dtype, linear_shapes, unsupported
from tunebook.errors import PackingError

__all__ = ["PackedModel"]


class PackedModel:
    """Wraps a causal language model; the model is frozen, and its linear layers give way to `AdaptedLinear`.

    Several threads may run it at the same time.

    Args:
        model: a stock transformers model of a supported family, on its device and in its dtype.

    Raises: PackingError: the model cannot be packed (`targets.unsupported` says why).
    """

    def __init__(self, model: Any) -> None:
        reason = unsupported(model)
        if reason is not None:
            raise PackingError(f"model: {reason}. Use engine 'peft'.")
        self.model: Any = model.eval().requires_grad_(False)
        self.device = next(model.parameters()).device
        self.dtype = next(model.parameters()).dtype
        self.adapter_dtype = compute_dtype(model)
        self.n_layers: int = model.config.num_hidden_layers
        self.all_shapes = linear_shapes(model)
        self._anchor = torch.zeros((), device=self.device, requires_grad=True)
        head = model.get_output_embeddings()
        self.vocabulary: int = head.weight.shape[0]
        self.row_multiple = row_multiple([*(model.get_submodule(shape.name) for shape in self.all_shapes), head])
        self._groups = self._take_over()
        swap_known_modules(model)
        last = swap_last_layer(model)
        self._cuts_last = last is not None
        self._beyond = [group for group in self._groups if last is not None and group.shapes[0].name.startswith(last)]
        register()
        model.set_attn_implementation(IMPLEMENTATION)

    def shapes(self, target_modules: str | Sequence[str] | None) -> tuple[ModuleShape, ...]:
        """The modules that `target_modules` means for this model, in its order."""
        return chosen_shapes(self.all_shapes, self.model.config.model_type, target_modules)

    def lay_out(self, parts: Sequence[Part]) -> Batch:
        """Lay trees end to end on the model's device (`batches.lay_out`)."""
        return lay_out(parts, self.row_multiple, self.device)

    def forward(self, batch: Batch, attention: OwnAttention | None = None, training: bool = False) -> Tensor:
        """Hidden states after the final norm of a batch's rows, those of `Batch.reading` if it has one, padding
        included, shape (N, D), the model's dtype.

        Args:
            attention: what attends by itself, for scoring; None: each node attends to its ancestors and itself.
            training: drop adapter inputs. Gradients flow whenever autograd is on.
        """
        masks = Masks() if training else None
        read = batch.reading
        for group in self._groups:
            group.begin(batch, masks)
        if read is not None:
            for group in self._beyond:
                group.begin(read.batch, masks)
        try:
            out = self.model.base_model(
                input_ids=batch.input_ids[None], position_ids=batch.position_ids[None], use_cache=False,
                packed_batch=batch, packed_attention=attention,
            )  # fmt: skip
        finally:
            for group in self._groups:
                group.forget()
        hidden: Tensor = out.last_hidden_state[0]
        return hidden if read is None or self._cuts_last else hidden.index_select(0, read.rows)

    def logits(self, hidden_MD: Tensor) -> Tensor:
        """Next-token logits for chosen rows, shape (M, V); soft-capped where the model does that."""
        logits = base_linear(self.model.get_output_embeddings(), hidden_MD)
        cap = getattr(self.model.config, "final_logit_softcapping", None)
        return logits if cap is None else torch.tanh(logits / cap) * cap

    @property
    def base_shapes(self) -> list[tuple[int, int]]:
        """Inputs and outputs of every base multiply: the linear modules and the head."""
        head = self.model.get_output_embeddings().weight
        return [*((shape.n_in, shape.n_out) for shape in self.all_shapes), (head.shape[1], head.shape[0])]

    def _take_over(self) -> list[Group]:
        groups = []
        for first in dict.fromkeys(shape.group for shape in self.all_shapes):
            members = [shape for shape in self.all_shapes if shape.group == first]
            modules = [self.model.get_submodule(shape.name) for shape in members]
            group = Group(members, modules, self._anchor)
            for shape, module in zip(members, modules, strict=True):
                self.model.set_submodule(shape.name, AdaptedLinear(module, shape.name, group))
            groups.append(group)
        return groups
