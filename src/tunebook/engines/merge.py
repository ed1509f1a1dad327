"""Adds an adapter into its base model's weights, so that the result needs no PEFT."""

from __future__ import annotations

from pathlib import Path

import torch
from peft import PeftModel

from tunebook.engines.base_model import load_model, load_tokenizer, quiet_transformers

__all__ = ["merge"]


def merge(base: Path, adapter: Path, target: Path, dtype: str = "float32", trust_remote_code: bool = False) -> Path:
    """Write base + adapter as a plain model folder with its tokenizer.

    Args:
        base: folder of the base model (safetensors).
        adapter: PEFT folder.
        target: made; existing files of the same names are replaced.
        dtype: the number format the weights are stored in; the sum W + s B A is taken in float32.

    Returns: target.
    Raises: ModelError: the base model cannot be loaded.
    Cost: the base model in float32 in memory, on the processor.
    """
    target.mkdir(parents=True, exist_ok=True)
    with quiet_transformers():
        model = load_model(base, "float32", "cpu", trust_remote_code)
        merged = PeftModel.from_pretrained(model, str(adapter)).merge_and_unload()
        merged.to(getattr(torch, dtype)).save_pretrained(target)
        load_tokenizer(base, trust_remote_code).save_pretrained(target)
    return target
