"""The configuration file for axolotl.

Source of the names: axolotl-ai-cloud/axolotl, src/axolotl/utils/schemas (config.py, peft.py, training.py, model.py,
datasets.py). The keys used here are listed with their sources in tests/unit/export/documented_keys.json.
"""

from __future__ import annotations

from typing import Any

from tunebook.core.factor_kind import Tool
from tunebook.core.keywords import config_entries
from tunebook.export.target import ExportTarget
from tunebook.export.yaml_text import yaml_text

__all__ = ["configuration", "render"]


def configuration(target: ExportTarget) -> dict[str, Any]:
    """The values of the file, under axolotl's names."""
    values: dict[str, Any] = {"base_model": target.model}
    if target.revision:
        values["revision_of_model"] = target.revision
    return {
        **values,
        **_adapter(target.quantised_here),
        "chat_template": "tokenizer_default",
        "datasets": [_dataset(target)],
        "val_set_size": 0.0,
        "excess_length_strategy": "truncate",  # axolotl's default drops longer rows
        "sample_packing": False,
        "output_dir": "./output",
        **config_entries(target.settled, Tool.AXOLOTL, target.total_steps),
        "bf16": target.dtype == "bfloat16",
        **({"fp16": True} if target.dtype == "float16" else {}),
        "seed": target.seed,
        "logging_steps": 10,
    }


def _adapter(quantised: str) -> dict[str, Any]:
    """With qlora the 4 bits are nf4 with its scales quantised too."""
    if quantised == "nf4":
        return {"adapter": "qlora", "load_in_4bit": True}
    return {"adapter": "lora"} | ({"load_in_8bit": True} if quantised else {})


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
        f"From the tunebook study {target.study}. {target.accuracy}",
        "Run in this folder: axolotl train axolotl.yaml",
        "The effective batch is micro_batch_size x gradient_accumulation_steps x number of devices.",
    ]
    comments += target.differences(Tool.AXOLOTL)
    return {"axolotl.yaml": yaml_text(configuration(target), comments)}
