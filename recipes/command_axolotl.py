"""axolotl as tunebook's trainer: its own configuration file from tunebook's, then the adapter it left is scored.

    engine: command
    command: [python, recipes/command_axolotl.py, "{config}"]

Needs axolotl where this Python runs. JSON is YAML, so no YAML library is needed.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any


def training_file(config: dict[str, Any], train: Path) -> dict[str, Any]:
    """The file for `axolotl train`; names as axolotl documents them."""
    c, modules = config["configuration"], config["configuration"]["target_modules"]
    warmup = c["warmup_steps"]
    return {
        "base_model": config["model"],
        "adapter": "lora",
        "lora_r": c["lora_r"],
        "lora_alpha": round(c["lora_alpha"]),
        "lora_dropout": c["lora_dropout"],
        **({"lora_target_modules": modules} if isinstance(modules, list) else {"lora_target_linear": True}),
        "peft_use_rslora": c["use_rslora"],
        "chat_template": "tokenizer_default",
        "datasets": [
            {
                "path": str(train),
                "ds_type": "json",
                "type": "chat_template",
                "field_messages": "messages",
                "message_property_mappings": {"role": "role", "content": "content"},
                "roles_to_train": ["assistant"],
                "train_on_eos": "turn",
            }
        ],
        "val_set_size": 0.0,
        "sequence_len": c["max_length"],
        "sample_packing": False,
        "micro_batch_size": c["per_device_train_batch_size"],
        "gradient_accumulation_steps": c["gradient_accumulation_steps"],
        "num_epochs": c["num_train_epochs"],
        "optimizer": "adamw_torch",
        "learning_rate": c["learning_rate"],
        "lr_scheduler": c["lr_scheduler_type"],
        **({"warmup_ratio": warmup} if 0 < warmup < 1 else {"warmup_steps": int(warmup)}),
        "weight_decay": c["weight_decay"],
        "seed": config["seed"],
        "output_dir": config["output"],
    }


def main(path: str) -> None:
    config = json.loads(Path(path).read_text(encoding="utf-8"))
    scoring = [sys.executable, str(Path(__file__).with_name("score_adapter.py")), path]
    if config["configuration"]["num_train_epochs"]:
        given = Path(config["data"]["train"])
        chats = given.with_name("chats.jsonl")
        with chats.open("w", encoding="utf-8") as file:
            for line in given.read_text(encoding="utf-8").splitlines():
                example = json.loads(line)
                turns = (("user", example["prompt"]), ("assistant", example["completion"]))
                messages = [{"role": role, "content": content} for role, content in turns]
                file.write(json.dumps({"messages": messages}) + "\n")
        written = given.with_name("axolotl.yaml")
        written.write_text(json.dumps(training_file(config, chats), indent=2), encoding="utf-8")
        subprocess.run(["axolotl", "train", str(written)], check=True)
        scoring.append(config["output"])
    subprocess.run(scoring, check=True)


if __name__ == "__main__":
    main(sys.argv[1])
