"""The configuration in PEFT's and the Trainer's own argument names.

Sources: `peft.LoraConfig` (0.19) and `transformers.TrainingArguments` (5.x); both are constructed from it in the tests.
"""

from __future__ import annotations

from typing import Any

from tunebook.export.target import ExportTarget
from tunebook.export.yaml_text import yaml_text

__all__ = ["lora_config", "render", "training_arguments"]

MAX_GRADIENT_NORM = 1.0
"""What every engine of tunebook clips at, and the Trainer's default."""


def lora_config(target: ExportTarget) -> dict[str, Any]:
    """Keyword arguments of `peft.LoraConfig`."""
    c, modules = target.configuration, target.modules
    values: dict[str, Any] = {
        "r": c.lora_r,
        "lora_alpha": c.lora_alpha,
        "lora_dropout": float(c.lora_dropout),
        "use_rslora": c.use_rslora,
        "init_lora_weights": "gaussian" if c.init_lora_weights == "gaussian" else True,
        "task_type": "CAUSAL_LM",
    }
    if modules is not None:
        values["target_modules"] = list(modules) if isinstance(modules, tuple) else modules
    return values


def training_arguments(target: ExportTarget) -> dict[str, Any]:
    """Keyword arguments of `transformers.TrainingArguments`; `output_dir` is left to the caller."""
    c = target.configuration
    values: dict[str, Any] = {
        "learning_rate": float(c.learning_rate),
        "per_device_train_batch_size": c.per_device_train_batch_size,
        "gradient_accumulation_steps": c.gradient_accumulation_steps,
        "num_train_epochs": c.num_train_epochs,
        "lr_scheduler_type": c.lr_scheduler_type,
        "warmup_steps": float(c.warmup_steps) if c.warmup_steps < 1 else int(c.warmup_steps),
        "weight_decay": float(c.weight_decay),
        "max_grad_norm": MAX_GRADIENT_NORM,
        "seed": target.seed,
    }
    if c.gradient_checkpointing is not None:
        values["gradient_checkpointing"] = c.gradient_checkpointing
    if target.dtype == "bfloat16":
        values["bf16"] = True
    return values


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
