"""Adapters on disk in PEFT's own format, written atomically."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors.torch import save
from torch import Tensor

from tunebook.core.configuration import Configuration
from tunebook.core.keywords import lora_keywords
from tunebook.engines.packed.model.bank import Adapter, ModuleShape
from tunebook.files import write_atomically, writing

if TYPE_CHECKING:
    from peft import LoraConfig

__all__ = ["WEIGHTS", "peft_tensors", "save_adapter"]

WEIGHTS = "adapter_model.safetensors"
CONFIG = "adapter_config.json"
SAFE = "Nothing that was finished is lost."


def peft_tensors(adapter: Adapter) -> dict[str, Tensor]:
    """An adapter's weights under PEFT's names: A as (R, D), B as (O, R); float32, or float64 for a float64 model."""
    tensors = {}
    for name in adapter.shapes:
        tensors[f"base_model.model.{name}.lora_A.weight"] = adapter.a(name).detach().cpu().contiguous()
        tensors[f"base_model.model.{name}.lora_B.weight"] = adapter.b(name).detach().T.cpu().contiguous()
    return tensors


def save_adapter(
    adapter: Adapter, configuration: Configuration, all_shapes: tuple[ModuleShape, ...], base: str, folder: Path
) -> int:
    """Write a folder that `peft.PeftModel.from_pretrained` loads; gives the bytes of its weights.

    Args:
        all_shapes: every linear module of the model, to name the targets as briefly as is unambiguous.
        base: the base model's name or folder, for the record in adapter_config.json.
        folder: made when it is not there; each file appears whole, the weights last.

    Raises: DiskFull, UnwritableFolder: it cannot be written.
    """
    with writing(folder, SAFE), tempfile.TemporaryDirectory(prefix="tunebook-") as scratch:
        _peft_config(adapter, configuration, all_shapes, base).save_pretrained(scratch)
        write_atomically(folder / CONFIG, (Path(scratch) / CONFIG).read_bytes(), SAFE)
    weights = save(peft_tensors(adapter), metadata={"format": "pt"})
    write_atomically(folder / WEIGHTS, weights, SAFE)
    return len(weights)


def _peft_config(
    adapter: Adapter, configuration: Configuration, all_shapes: tuple[ModuleShape, ...], base: str
) -> LoraConfig:
    from peft import LoraConfig  # slow to import, and only needed once a trial has ended

    values = lora_keywords(configuration) | {"target_modules": _target_names(adapter, all_shapes)}
    return LoraConfig(base_model_name_or_path=base, inference_mode=True, **values)


def _target_names(adapter: Adapter, all_shapes: tuple[ModuleShape, ...]) -> list[str]:
    """Last parts of the names where they mean exactly the adapter's modules, else whole names."""
    leaves = {name.rsplit(".", 1)[-1] for name in adapter.shapes}
    meant = {shape.name for shape in all_shapes if shape.name.rsplit(".", 1)[-1] in leaves}
    return sorted(leaves if meant == set(adapter.shapes) else adapter.shapes)
