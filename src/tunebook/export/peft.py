"""The configuration under PEFT's and the Trainer's own argument names.

The names come from the table of factors; the tests construct `LoraConfig` and `TrainingArguments` with them.
"""

from __future__ import annotations

from typing import Any

from tunebook.core.keywords import lora_keywords, training_keywords
from tunebook.core.quantisation import NONE, bitsandbytes_keywords
from tunebook.export.quantised import adapter_readme
from tunebook.export.target import ExportTarget
from tunebook.export.yaml_text import yaml_text

__all__ = ["lora_config", "render", "training_arguments"]


def lora_config(target: ExportTarget) -> dict[str, Any]:
    """Keyword arguments of `peft.LoraConfig`."""
    return lora_keywords(target.settled)


def training_arguments(target: ExportTarget) -> dict[str, Any]:
    """Keyword arguments of `transformers.TrainingArguments`, without `output_dir`."""
    values = {**training_keywords(target.configuration, target.total_steps), "seed": target.seed}
    return values | {"bfloat16": {"bf16": True}, "float16": {"fp16": True}}.get(target.dtype, {})


def render(target: ExportTarget) -> dict[str, str]:
    """`config.yaml`: base model, LoraConfig, TrainingArguments and the length limit; of an adapter on a quantised base
    `README.md` too."""
    quantised = target.quantised_here
    values = {
        "model": target.model,
        **({"revision": target.revision} if target.revision else {}),
        **({"quantization_config": bitsandbytes_keywords(quantised, target.dtype)} if quantised else {}),
        "lora_config": lora_config(target),
        "training_arguments": training_arguments(target),
        "max_length": target.configuration.max_length,
    }
    comments = (
        f"From the tunebook study {target.study}. {target.accuracy}",
        "peft.LoraConfig(**lora_config); transformers.TrainingArguments(output_dir=..., **training_arguments).",
        "The loss counts the answer's tokens and its end-of-text only, normalised over the effective batch.",
    )
    texts = {"config.yaml": yaml_text(values, comments)}
    return texts | ({"README.md": adapter_readme(target)} if target.quantization != NONE else {})
