"""The configuration for LLaMA-Factory: a file for `llamafactory-cli train`, and the data set's entry.

Source of the names: hiyouga/LLaMA-Factory, src/llamafactory/hparams (finetuning_args.py, data_args.py, model_args.py),
examples/train_lora/qwen3_lora_sft.yaml and data/README.md; the rest are the Trainer's. The keys used here are listed
with their sources in tests/unit/export/documented_keys.json.
"""

from __future__ import annotations

import json
from typing import Any

from tunebook.export.target import ExportTarget
from tunebook.export.yaml_text import yaml_text

__all__ = ["configuration", "dataset_info", "render"]

DATASET = "tunebook_train"


def configuration(target: ExportTarget) -> dict[str, Any]:
    """The training file's values under LLaMA-Factory's names."""
    c, modules = target.configuration, target.modules
    values: dict[str, Any] = {"model_name_or_path": target.model}
    if target.revision:
        values["model_revision"] = target.revision
    values |= {
        "stage": "sft",
        "do_train": True,
        "finetuning_type": "lora",
        "lora_rank": c.lora_r,
        "lora_alpha": round(c.lora_alpha),
        "lora_dropout": float(c.lora_dropout),
        "lora_target": "all" if modules in (None, "all-linear") else ",".join(modules or ()),
        "dataset": DATASET,
        "dataset_dir": ".",
        "cutoff_len": c.max_length,
        "mask_history": True,
        "output_dir": "output",
        "per_device_train_batch_size": c.per_device_train_batch_size,
        "gradient_accumulation_steps": c.gradient_accumulation_steps,
        "learning_rate": float(c.learning_rate),
        "num_train_epochs": float(c.num_train_epochs),
        "lr_scheduler_type": c.lr_scheduler_type,
        "warmup_steps": target.warmup_steps,
        "weight_decay": float(c.weight_decay),
        "max_grad_norm": 1.0,
        "seed": target.seed,
        "logging_steps": 10,
        "report_to": "none",
    }
    if c.use_rslora:
        values["use_rslora"] = True
    if c.gradient_checkpointing is False:
        values["disable_gradient_checkpointing"] = True
    if target.dtype == "bfloat16":
        values["bf16"] = True
    return values


def dataset_info(target: ExportTarget) -> dict[str, Any]:
    """The entry of dataset_info.json for training data as chat messages."""
    tags = {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant",
            "system_tag": "system"}  # fmt: skip
    entry = {
        "file_name": target.train_file,
        "formatting": "sharegpt",
        "columns": {"messages": "messages"},
        "tags": tags,
    }
    return {DATASET: entry}


def render(target: ExportTarget) -> dict[str, str]:
    """`train.yaml` and `dataset_info.json`, by file name."""
    comments = [
        f"Recommended by the tunebook study {target.study}. {target.accuracy}",
        "Run in this folder: llamafactory-cli train train.yaml",
        "No template is named: the tokenizer's own chat template is used, as in the study.",
        "The effective batch is per_device_train_batch_size x gradient_accumulation_steps x number of devices.",
    ]
    c = target.configuration
    if c.init_lora_weights == "gaussian":
        comments.append("Differs from the study: LLaMA-Factory has no Gaussian start of A; it uses PEFT's default.")
    if round(c.lora_alpha) != c.lora_alpha:
        comments.append(f"Differs from the study: lora_alpha is {c.lora_alpha:g}, here a whole number is wanted.")
    if target.modules is None:
        comments.append("Differs from the study: the adapted layers are not known; lora_target takes all linear ones.")
    info = json.dumps(dataset_info(target), indent=2, ensure_ascii=False) + "\n"
    return {"train.yaml": yaml_text(configuration(target), comments), "dataset_info.json": info}
