"""Adapters on disk in PEFT's own format, written atomically."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from peft import LoraConfig
from safetensors.torch import save_file
from torch import Tensor

from tunebook.core.configuration import Configuration
from tunebook.core.keywords import lora_keywords
from tunebook.engines.packed.model.bank import Adapter, ModuleShape
from tunebook.files import writing

__all__ = ["WEIGHTS", "peft_tensors", "save_adapter"]

WEIGHTS = "adapter_model.safetensors"
CONFIG = "adapter_config.json"


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
    with writing(folder, "Nothing that was finished is lost."):
        folder.mkdir(parents=True, exist_ok=True)
        scratch = folder / ".writing"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        save_file(peft_tensors(adapter), scratch / WEIGHTS, metadata={"format": "pt"})
        _peft_config(adapter, configuration, all_shapes, base).save_pretrained(scratch)
        shutil.copymode(scratch / CONFIG, scratch / WEIGHTS)  # safetensors lets nobody else read its files
        for path in sorted(scratch.iterdir(), key=lambda p: p.name == WEIGHTS):  # the weights last
            os.replace(path, folder / path.name)
        scratch.rmdir()
    return (folder / WEIGHTS).stat().st_size


def _peft_config(
    adapter: Adapter, configuration: Configuration, all_shapes: tuple[ModuleShape, ...], base: str
) -> LoraConfig:
    values = lora_keywords(configuration) | {"target_modules": _target_names(adapter, all_shapes)}
    return LoraConfig(base_model_name_or_path=base, inference_mode=True, **values)


def _target_names(adapter: Adapter, all_shapes: tuple[ModuleShape, ...]) -> list[str]:
    """Last parts of the names where they mean exactly the adapter's modules, else whole names."""
    leaves = {name.rsplit(".", 1)[-1] for name in adapter.shapes}
    meant = {shape.name for shape in all_shapes if shape.name.rsplit(".", 1)[-1] in leaves}
    return sorted(leaves if meant == set(adapter.shapes) else adapter.shapes)
