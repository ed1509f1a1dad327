"""The configuration under PEFT's and the Trainer's own argument names.

The names come from the table of factors; the tests construct `LoraConfig` and `TrainingArguments` with them.
"""

from __future__ import annotations

from typing import Any

from tunebook.core.keywords import lora_keywords, training_keywords
from tunebook.export.target import ExportTarget
from tunebook.export.yaml_text import yaml_text

__all__ = ["lora_config", "render", "training_arguments"]


def lora_config(target: ExportTarget) -> dict[str, Any]:
    """Keyword arguments of `peft.LoraConfig`."""
    return lora_keywords(target.settled)


def training_arguments(target: ExportTarget) -> dict[str, Any]:
    """Keyword arguments of `transformers.TrainingArguments`, without `output_dir`."""
    values = {**training_keywords(target.configuration, target.total_steps), "seed": target.seed}
    return values | ({"bf16": True} if target.dtype == "bfloat16" else {})


def render(target: ExportTarget) -> dict[str, str]:
    """`config.yaml`: base model, LoraConfig, TrainingArguments and the length limit."""
    values = {
        "model": target.model,
        **({"revision": target.revision} if target.revision else {}),
        "lora_config": lora_config(target),
        "training_arguments": training_arguments(target),
        "max_length": target.configuration.max_length,
    }
    comments = (
        f"Recommended by the tunebook study {target.study}. {target.accuracy}",
        "peft.LoraConfig(**lora_config); transformers.TrainingArguments(output_dir=..., **training_arguments).",
        "The loss counts the answer's tokens and its end-of-text only, normalised over the effective batch.",
    )
    return {"config.yaml": yaml_text(values, comments)}
