"""axolotl as tunebook's trainer: its own configuration file from tunebook's, then the adapter it left is scored.

    engine: command
    command: [python, recipes/command_axolotl.py, "{config}"]

Needs axolotl where this Python runs. JSON is YAML, so no YAML library is needed.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from trainer_files import model_and_revision, refuse, score, start, training_texts


def training_file(config: dict[str, Any], texts: Path) -> dict[str, Any]:
    """The file for `axolotl train`: names of its src/axolotl/utils/schemas."""
    refuse(config["not_in_axolotl"])
    model, revision = model_and_revision(config["model"])
    return {
        "base_model": model,
        **({"revision_of_model": revision} if revision else {}),
        "adapter": "lora",
        **config["axolotl"],
        # Left out, axolotl turns them on by itself, and without a GPU they fail.
        **dict.fromkeys(("lora_mlp_kernel", "lora_qkv_kernel", "lora_o_kernel", "lora_embedding_kernel"), False),
        # The texts have the model's own template already.
        "datasets": [{"path": str(texts), "ds_type": "json", "type": "input_output"}],
        "train_on_inputs": False,
        "dataset_prepared_path": str(texts.with_name("prepared")),
        "val_set_size": 0.0,
        "excess_length_strategy": "truncate",  # its default drops longer rows
        "sample_packing": False,
        "seed": config["seed"],
        "output_dir": config["output"],
        "save_strategy": "no",  # the adapter is saved at the end in any case
    }


def main(path: str) -> None:
    config = json.loads(Path(path).read_text(encoding="utf-8"))
    if not config["configuration"]["num_train_epochs"]:  # the reference
        return score(path, None)
    data = Path(config["data"]["train"])
    rows = training_texts(config)
    texts = data.with_name("texts.jsonl")
    with texts.open("w", encoding="utf-8") as file:
        for prompt, answer in rows:
            segments = [{"label": False, "text": prompt}, {"label": True, "text": answer}]
            file.write(json.dumps({"segments": segments}) + "\n")
    written = data.with_name("axolotl.yaml")
    written.write_text(json.dumps(training_file(config, texts), indent=2), encoding="utf-8")
    start(["axolotl", "train", str(written), "--launcher", "python"])  # accelerate's traceback would hide the reason
    return score(path, config["output"])


if __name__ == "__main__":
    main(sys.argv[1])
