"""The configuration for LLaMA-Factory: a file for `llamafactory-cli train`, and the dataset's entry.

Source of the names: hiyouga/LLaMA-Factory, src/llamafactory/hparams (finetuning_args.py, data_args.py, model_args.py),
examples/train_lora/qwen3_lora_sft.yaml and data/README.md; the rest are the Trainer's. The keys used here are listed
with their sources in tests/unit/export/documented_keys.json.
"""

from __future__ import annotations

import json
from typing import Any

from tunebook.core.factor_kind import Tool
from tunebook.core.keywords import config_entries
from tunebook.core.quantisation import BITS
from tunebook.export.target import ExportTarget
from tunebook.export.yaml_text import yaml_text

__all__ = ["configuration", "dataset_info", "render"]

DATASET = "tunebook_train"


def configuration(target: ExportTarget) -> dict[str, Any]:
    """The values of the training file, under LLaMA-Factory's names."""
    values: dict[str, Any] = {"model_name_or_path": target.model}
    if target.revision:
        values["model_revision"] = target.revision
    values |= {"stage": "sft", "do_train": True, "finetuning_type": "lora"}
    values |= {"dataset": DATASET, "dataset_dir": ".", "mask_history": True, "output_dir": "output"}
    values |= config_entries(target.settled, Tool.LLAMA_FACTORY, target.total_steps)
    values |= {"seed": target.seed, "logging_steps": 10, "report_to": "none"}
    if target.quantised_here:  # 4 bits: nf4 with its scales quantised too, LLaMA-Factory's defaults
        values["quantization_bit"] = BITS[target.quantised_here]
    return values | {"bfloat16": {"bf16": True}, "float16": {"fp16": True}}.get(target.dtype, {})


def dataset_info(target: ExportTarget) -> dict[str, Any]:
    """The entry in dataset_info.json for training data as chat messages."""
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
        f"From the tunebook study {target.study}. {target.accuracy}",
        "Run in this folder: llamafactory-cli train train.yaml",
        "No template is named: the tokenizer's own chat template is used, as in the study.",
        "The effective batch is per_device_train_batch_size x gradient_accumulation_steps x number of devices.",
    ]
    comments += target.differences(Tool.LLAMA_FACTORY)
    info = json.dumps(dataset_info(target), indent=2, ensure_ascii=False) + "\n"
    return {"train.yaml": yaml_text(configuration(target), comments), "dataset_info.json": info}
