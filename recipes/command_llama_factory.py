"""LLaMA-Factory as tunebook's trainer: its own configuration file from tunebook's, then the adapter it left is scored.

    engine: command
    command: [python, recipes/command_llama_factory.py, "{config}"]

Needs LLaMA-Factory (`llamafactory-cli`) where this Python runs. JSON is YAML, so no YAML library is needed.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any


def training_file(config: dict[str, Any]) -> dict[str, Any]:
    """The file for `llamafactory-cli train`; names as LLaMA-Factory documents them."""
    c, modules = config["configuration"], config["configuration"]["target_modules"]
    warmup = c["warmup_steps"]
    return {
        "model_name_or_path": config["model"],
        "stage": "sft",
        "do_train": True,
        "finetuning_type": "lora",
        "lora_rank": c["lora_r"],
        "lora_alpha": round(c["lora_alpha"]),
        "lora_dropout": c["lora_dropout"],
        "lora_target": ",".join(modules) if isinstance(modules, list) else "all",
        "use_rslora": c["use_rslora"],
        "dataset": "tunebook",
        "dataset_dir": str(Path(config["data"]["train"]).parent),
        "cutoff_len": c["max_length"],
        "per_device_train_batch_size": c["per_device_train_batch_size"],
        "gradient_accumulation_steps": c["gradient_accumulation_steps"],
        "learning_rate": c["learning_rate"],
        "num_train_epochs": float(c["num_train_epochs"]),
        "lr_scheduler_type": c["lr_scheduler_type"],
        **({"warmup_ratio": warmup} if 0 < warmup < 1 else {"warmup_steps": int(warmup)}),
        "weight_decay": c["weight_decay"],
        "seed": config["seed"],
        "output_dir": config["output"],
        "save_strategy": "no",
        "report_to": "none",
    }


def main(path: str) -> None:
    config = json.loads(Path(path).read_text(encoding="utf-8"))
    scoring = [sys.executable, str(Path(__file__).with_name("score_adapter.py")), path]
    if config["configuration"]["num_train_epochs"]:
        folder = Path(config["data"]["train"]).parent
        columns = {"prompt": "prompt", "response": "completion"}
        entry = {"tunebook": {"file_name": "train.jsonl", "columns": columns}}
        (folder / "dataset_info.json").write_text(json.dumps(entry), encoding="utf-8")
        file = folder / "llama_factory.yaml"
        file.write_text(json.dumps(training_file(config), indent=2), encoding="utf-8")
        subprocess.run(["llamafactory-cli", "train", str(file)], check=True)
        scoring.append(config["output"])
    subprocess.run(scoring, check=True)


if __name__ == "__main__":
    main(sys.argv[1])
