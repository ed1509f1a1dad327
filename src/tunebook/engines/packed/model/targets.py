"""Which modules of a base model get an adapter, and which models the packed engine can run.

The choice is PEFT's own, by its own functions, so that a configuration means the same on every engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from tunebook.engines.packed.model.bank import ModuleShape
from tunebook.engines.packed.trainable import unsupported_config
from tunebook.engines.target_modules import Targets, chosen
from tunebook.phrases import Phrase

__all__ = [
    "chosen_shapes",
    "compute_dtype",
    "linear_shapes",
    "unsupported",
]

_SHARED_INPUT = (("q_proj", "k_proj", "v_proj"), ("gate_proj", "up_proj"))
"""Projections that the stock classes feed with one and the same tensor."""


def unsupported(model: Any) -> Phrase | None:
    """Why the packed engine cannot run this model, as one sentence, or None if it can."""
    if not type(model).__module__.startswith("transformers."):
        return Phrase("class {name} is not transformers' own, so its attention is not known", name=type(model).__name__)
    return unsupported_config(model.config)


def linear_shapes(model: Any) -> tuple[ModuleShape, ...]:
    """Every linear module of the model but the output head, in the model's order: PEFT's "all-linear"."""
    head = model.get_output_embeddings() if hasattr(model, "get_output_embeddings") else None
    names = [name for name, m in model.named_modules() if isinstance(m, nn.Linear) and m is not head]
    known = set(names)
    return tuple(_shape(model, name, known) for name in names)


def chosen_shapes(shapes: Sequence[ModuleShape], model_type: str, target_modules: Targets) -> tuple[ModuleShape, ...]:
    """The modules that `target_modules` means, in the model's order.

    Args:
        shapes: every linear module (`linear_shapes`).
        target_modules: "all-linear", names or one regular expression as in PEFT, or None for PEFT's default for the
            model's type.

    Raises: ModelError: as `engines.target_modules.chosen`.
    """
    if target_modules == "all-linear":
        return tuple(shapes)
    names = [shape.name for shape in shapes]
    found = set(chosen(target_modules, names, names, model_type))
    return tuple(shape for shape in shapes if shape.name in found)


def _shape(model: Any, name: str, known: set[str]) -> ModuleShape:
    module = model.get_submodule(name)
    return ModuleShape(name, module.in_features, module.out_features, _group_of(name, known))


def _group_of(name: str, known: set[str]) -> str:
    parent, _, leaf = name.rpartition(".")
    for leaves in _SHARED_INPUT:
        if leaf in leaves:
            return next(f"{parent}.{first}" for first in leaves if f"{parent}.{first}" in known)
    return name


def compute_dtype(model: Any) -> torch.dtype:
    """The type in which adapters of this model are kept and multiplied: float32, or float64 for a float64 model.

    PEFT keeps adapters of a bfloat16 model in float32 too (`autocast_adapter_dtype`).
    """
    return torch.float64 if next(model.parameters()).dtype == torch.float64 else torch.float32
