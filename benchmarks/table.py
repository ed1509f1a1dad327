"""The 19-row trial table and the rows of data that every benchmark runs on.

`seed_table.csv` is a table of settings of the kind that people write by hand. Data is JSON Lines, prompt/completion or
alpaca (instruction/input/output); both engines get exactly the token ids made here.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunebook.core.configuration import Configuration
from tunebook.core.ports import TokenizedExample

__all__ = ["SEED_TABLE", "TableRow", "model_folder", "read_examples", "read_rows", "read_table"]

SEED_TABLE = Path(__file__).with_name("seed_table.csv")


@dataclass(frozen=True)
class TableRow:
    """One trial of the table: its name there, and its configuration."""

    name: str
    configuration: Configuration


def read_table(only: Sequence[str] = (), path: Path = SEED_TABLE) -> list[TableRow]:
    """The rows of the table in order, or those named in `only` (an unknown name raises ValueError)."""
    with open(path, newline="", encoding="utf-8") as handle:
        rows = [TableRow(line["trial"], _configuration(line)) for line in csv.DictReader(handle)]
    known = {row.name for row in rows}
    unknown = [name for name in only if name not in known]
    if unknown:
        raise ValueError(
            f"--only: got {', '.join(unknown)}; the table has {', '.join(sorted(known))}. Name rows of it."
        )
    return [row for row in rows if not only or row.name in only]


def _configuration(line: dict[str, str]) -> Configuration:
    return Configuration(
        learning_rate=float(line["learning_rate"]),
        per_device_train_batch_size=int(line["batch_size"]),
        gradient_accumulation_steps=int(line["grad_accum"]),
        num_train_epochs=int(line["epochs"]),
        lora_r=int(line["lora_r"]),
        lora_alpha=float(line["lora_alpha"]),
        lora_dropout=float(line["lora_dropout"]),
        max_length=int(line["max_length"]),
        gradient_checkpointing=line["grad_checkpoint"] == "True",
        target_modules="all-linear",
    )


def read_rows(path: Path, limit: int | None) -> list[dict[str, str]]:
    """The first `limit` rows of a JSON Lines file as {"prompt", "completion"}; None: all of them."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [_prompt_and_completion(json.loads(line)) for line in lines[:limit]]


def _prompt_and_completion(row: dict[str, Any]) -> dict[str, str]:
    if "prompt" in row:
        return {"prompt": row["prompt"], "completion": row["completion"]}
    question = "\n\n".join(part for part in (row["instruction"], row.get("input", "")) if part)
    return {"prompt": question, "completion": row["output"]}


def read_examples(tokenizer: Any, rows: Sequence[dict[str, str]]) -> tuple[TokenizedExample, ...]:
    """Rows as token ids: the prompt as one user turn of the chat template, the completion with end-of-text."""
    return tuple(_tokenized(tokenizer, row) for row in rows)


def _tokenized(tokenizer: Any, row: dict[str, str]) -> TokenizedExample:
    turn = [{"role": "user", "content": row["prompt"]}]
    prompt = tokenizer.apply_chat_template(turn, add_generation_prompt=True, tokenize=True, return_dict=False)
    completion = tokenizer(row["completion"], add_special_tokens=False)["input_ids"]
    return TokenizedExample(tuple(prompt), (*completion, tokenizer.eos_token_id))


def model_folder(name: str) -> Path:
    """The folder of a base model: a folder, "smollm2" or a hub id, as `model` in a study file."""
    from tunebook.engines.base_model import resolve_model

    return resolve_model(name)
