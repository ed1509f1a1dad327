"""The configuration for axolotl.

Source of the names: axolotl-ai-cloud/axolotl, src/axolotl/utils/schemas (config.py, peft.py, training.py, model.py,
datasets.py). The keys used here are listed with their sources in tests/unit/export/documented_keys.json.
"""

from __future__ import annotations

from typing import Any

from tunebook.export.target import ExportTarget
from tunebook.export.yaml_text import yaml_text

__all__ = ["configuration", "render"]


def configuration(target: ExportTarget) -> dict[str, Any]:
    """The file's values under axolotl's names."""
    c, modules = target.configuration, target.modules
    values: dict[str, Any] = {"base_model": target.model}
    if target.revision:
        values["revision_of_model"] = target.revision
    values |= {
        "adapter": "lora",
        "lora_r": c.lora_r,
        "lora_alpha": round(c.lora_alpha),
        "lora_dropout": float(c.lora_dropout),
    }
    values |= {"lora_target_linear": True} if not isinstance(modules, tuple) else {"lora_target_modules": list(modules)}
    if c.use_rslora:
        values["peft_use_rslora"] = True
    if c.init_lora_weights == "gaussian":
        values["peft_init_lora_weights"] = "gaussian"
    values |= {
        "chat_template": "tokenizer_default",
        "datasets": [_dataset(target)],
        "val_set_size": 0.0,
        "sequence_len": c.max_length,
        "excess_length_strategy": "truncate",  # its default drops longer rows
        "sample_packing": False,
        "output_dir": "./output",
        "micro_batch_size": c.per_device_train_batch_size,
        "gradient_accumulation_steps": c.gradient_accumulation_steps,
        "num_epochs": float(c.num_train_epochs),
        "optimizer": "adamw_torch",
        "learning_rate": float(c.learning_rate),
        "lr_scheduler": c.lr_scheduler_type,
        "warmup_steps": target.warmup_steps,
        "weight_decay": float(c.weight_decay),
        "max_grad_norm": 1.0,
        "bf16": target.dtype == "bfloat16",
        "seed": target.seed,
        "logging_steps": 10,
    }
    if c.gradient_checkpointing is not None:
        values["gradient_checkpointing"] = c.gradient_checkpointing
    return values


def _dataset(target: ExportTarget) -> dict[str, Any]:
    return {
        "path": target.train_file,
        "ds_type": "json",
        "type": "chat_template",
        "field_messages": "messages",
        "message_property_mappings": {"role": "role", "content": "content"},
        "message_field_training": "train",
        "roles_to_train": [],
        "train_on_eos": "turn",
    }


def render(target: ExportTarget) -> dict[str, str]:
    """`axolotl.yaml`, by file name."""
    comments = [
        f"Recommended by the tunebook study {target.study}. {target.accuracy}",
        "Run in this folder: axolotl train axolotl.yaml",
        "The effective batch is micro_batch_size x gradient_accumulation_steps x number of devices.",
    ]
    c = target.configuration
    if round(c.lora_alpha) != c.lora_alpha:
        comments.append(f"Differs from the study: lora_alpha is {c.lora_alpha:g}, here a whole number is wanted.")
    if target.modules is None:
        comments.append("Differs from the study: the adapted layers are not known; all linear ones are taken here.")
    return {"axolotl.yaml": yaml_text(configuration(target), comments)}
