"""LLaMA-Factory as tunebook's trainer: its own configuration file from tunebook's, then the adapter it left is scored.

    engine: command
    command: [python, recipes/command_llama_factory.py, "{config}"]

Needs LLaMA-Factory (`llamafactory-cli`) where this Python runs. JSON is YAML, so no YAML library is needed.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from trainer_files import model_and_revision, refuse, score, start, training_texts


def training_file(config: dict[str, Any]) -> dict[str, Any]:
    """The file for `llamafactory-cli train`: names of its src/llamafactory/hparams and of the Trainer's arguments."""
    refuse(config["not_in_llama_factory"])
    model, revision = model_and_revision(config["model"])
    return {
        "model_name_or_path": model,
        **({"model_revision": revision} if revision else {}),
        "stage": "sft",
        "do_train": True,
        "finetuning_type": "lora",
        **config["llama_factory"],
        "template": "empty",  # the texts have the model's own template already
        "dataset": "tunebook",
        "dataset_dir": str(Path(config["data"]["train"]).parent),
        "seed": config["seed"],
        "output_dir": config["output"],
        "save_strategy": "no",  # the adapter is saved at the end in any case
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "report_to": "none",
    }


def steps(output: Path) -> list[dict[str, float]]:
    """The training curve, from the log that the Trainer leaves."""
    history = json.loads((output / "trainer_state.json").read_text(encoding="utf-8"))["log_history"]
    names = {"step": "step", "epoch": "epoch", "loss": "loss", "learning_rate": "learning_rate",
             "gradient_norm": "grad_norm"}  # fmt: skip
    return [{ours: row[theirs] for ours, theirs in names.items()} for row in history if "grad_norm" in row]


def main(path: str) -> None:
    config = json.loads(Path(path).read_text(encoding="utf-8"))
    if not config["configuration"]["num_train_epochs"]:  # the reference
        return score(path, None)
    data, output = Path(config["data"]["train"]), Path(config["output"])
    texts = training_texts(config)
    lines = (json.dumps({"prompt": prompt, "response": answer}) + "\n" for prompt, answer in texts)
    data.with_name("texts.jsonl").write_text("".join(lines), encoding="utf-8")
    entry = {"tunebook": {"file_name": "texts.jsonl", "columns": {"prompt": "prompt", "response": "response"}}}
    data.with_name("dataset_info.json").write_text(json.dumps(entry), encoding="utf-8")
    file = data.with_name("llama_factory.yaml")
    file.write_text(json.dumps(training_file(config), indent=2), encoding="utf-8")
    start(["llamafactory-cli", "train", str(file)])
    (output / "steps.jsonl").write_text("".join(json.dumps(row) + "\n" for row in steps(output)), encoding="utf-8")
    return score(path, str(output))


if __name__ == "__main__":
    main(sys.argv[1])
