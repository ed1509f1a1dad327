"""A trainer of one's own, as tunebook's engine `command` starts it: plain PEFT and a plain loop.

    engine: command
    command: [python, recipes/command_peft.py, "{config}"]

Reads what to do from the configuration file, trains, saves the adapter, writes losses and predictions. Change it as you
like: tunebook reads only the files.
"""

from __future__ import annotations

import json
import math
import random
import sys
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from peft.optimizers import create_loraplus_optimizer
from score_adapter import encode, load, score
from trainer_files import read_lines
from transformers import get_scheduler


def loss_of(model: Any, rows: list[tuple[list[int], list[int]]], max_length: int) -> torch.Tensor:
    """Mean loss a label token over some rows; only completions are learnt."""
    ids = [(prompt + completion)[:max_length] for prompt, completion in rows]
    width = max(map(len, ids))
    input_ids, labels, mask = (torch.full((len(ids), width), fill) for fill in (0, -100, 0))
    for row, (line, (prompt, _)) in enumerate(zip(ids, rows, strict=True)):
        input_ids[row, : len(line)] = torch.tensor(line)
        labels[row, len(prompt) : len(line)] = input_ids[row, len(prompt) : len(line)]
        mask[row, : len(line)] = 1
    device = model.device
    loss: torch.Tensor = model(
        input_ids=input_ids.to(device), attention_mask=mask.to(device), labels=labels.to(device)
    ).loss
    return loss


KNOWN = {
    "learning_rate", "per_device_train_batch_size", "gradient_accumulation_steps", "num_train_epochs",
    "lr_scheduler_type", "lr_scheduler_kwargs", "warmup_steps", "weight_decay", "max_grad_norm", "adam_beta2",
}  # fmt: skip
"""The Trainer's settings that `train` below realises."""


def check_known(config: dict[str, Any]) -> None:
    """End the trial where the configuration has a setting that this program would silently leave out."""
    unknown = sorted(set(config["training_arguments"]) - KNOWN)
    if config["configuration"]["class_weights"] != "none":
        unknown.append("class_weights")
    if unknown:
        sys.exit(f"{', '.join(unknown)}: this recipe does not know this setting. Add it to `train` and to KNOWN.")


def train(model: Any, rows: list[tuple[list[int], list[int]]], config: dict[str, Any]) -> list[dict[str, float]]:
    """Train in place; gives one record for each optimiser step."""
    c = config["configuration"]
    batch = c["per_device_train_batch_size"] * c["gradient_accumulation_steps"]
    per_epoch = math.ceil(len(rows) / batch)
    total = per_epoch * c["num_train_epochs"]
    warmup = c["warmup_steps"] if c["warmup_steps"] >= 1 else math.ceil(c["warmup_steps"] * total)
    weights = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimiser = create_loraplus_optimizer(  # plain AdamW at ratio 1
        model,
        torch.optim.AdamW,
        lr=c["learning_rate"],
        betas=(0.9, c["adam_beta2"]),
        loraplus_lr_ratio=c["lora_plus_lr_ratio"],
        loraplus_weight_decay=c["weight_decay"],
    )
    scheduler = get_scheduler(
        c["lr_scheduler_type"], optimiser, int(warmup), total, config["training_arguments"].get("lr_scheduler_kwargs")
    )
    shuffle = random.Random(config["seed"])
    model.train()
    records = []
    for step in range(total):
        if step % per_epoch == 0:
            order = shuffle.sample(range(len(rows)), len(rows))
        start = step % per_epoch * batch
        loss = loss_of(model, [rows[i] for i in order[start : start + batch]], c["max_length"])
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(weights, c["max_grad_norm"])
        rate = scheduler.get_last_lr()[0]
        optimiser.step()
        scheduler.step()
        optimiser.zero_grad()
        values = (step + 1, (step + 1) / per_epoch, loss.item(), rate, norm.item())
        records.append(dict(zip(("step", "epoch", "loss", "learning_rate", "gradient_norm"), values, strict=True)))
        print(f"step {step + 1} of {total}: loss {loss.item():.4f}", flush=True)
    return records


def main(path: str) -> None:
    config = json.loads(Path(path).read_text(encoding="utf-8"))
    check_known(config)
    torch.manual_seed(config["seed"])
    model, tokenizer = load(config["model"])
    if config["configuration"]["num_train_epochs"]:  # 0: the reference, the base model as it is
        model = get_peft_model(model, LoraConfig(**config["lora_config"]))
        rows = [encode(tokenizer, example) for example in read_lines(config["data"]["train"])]
        records = train(model, rows, config)
        output = Path(config["output"])
        (output / "steps.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records), encoding="utf-8")
        model.save_pretrained(output)
    score(model, tokenizer, config)


if __name__ == "__main__":
    main(sys.argv[1])
