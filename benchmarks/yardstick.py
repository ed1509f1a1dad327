"""What a careful user runs today: one trial after another with PEFT and the Hugging Face Trainer.

The yardstick of every speed figure. Trains rows of the trial table with the loss on the completion alone, then scores
exact match by batched greedy generation, exactly as one would with the stock libraries: padded batches, the table's
micro-batches, gradient checkpointing where the table asks for it, generation in batches of 16.

    python -m benchmarks.yardstick --model DIR --data DIR --rows 120 --test-rows 100 --only exp1,exp16 --json FILE

Seconds are wall time, without loading the model. Tokens are counted raw (as the data has them) and computed (with the
padding that really went through the model).
"""

from __future__ import annotations

import dataclasses
import math
import tempfile
import time
from collections.abc import Sequence
from typing import Any

import torch

from benchmarks.child import ChildTask, RowResult, child_main, peak_bytes
from benchmarks.table import TableRow, read_examples
from tunebook.core.ports import TokenizedExample

__all__ = ["GENERATION_BATCH", "train_and_score"]

GENERATION_BATCH = 16
IGNORED_LABEL = -100


class PaddingCollator:
    """Pads a batch on the right to its longest example, and counts what the padding adds.

    Attributes:
        raw_tokens, padded_tokens: tokens of all batches so far, without and with padding.
    """

    def __init__(self, pad_id: int) -> None:
        self.pad_id = pad_id
        self.raw_tokens = 0
        self.padded_tokens = 0

    def __call__(self, batch: Sequence[dict[str, list[int]]]) -> dict[str, torch.Tensor]:
        lengths = [len(example["input_ids"]) for example in batch]
        width = max(lengths)
        self.raw_tokens += sum(lengths)
        self.padded_tokens += width * len(batch)
        return {
            "input_ids": self._filled(batch, "input_ids", self.pad_id, width),
            "labels": self._filled(batch, "labels", IGNORED_LABEL, width),
            "attention_mask": torch.tensor([[1] * n + [0] * (width - n) for n in lengths]),
        }

    @staticmethod
    def _filled(batch: Sequence[dict[str, list[int]]], key: str, value: int, width: int) -> torch.Tensor:
        return torch.tensor([example[key] + [value] * (width - len(example[key])) for example in batch])


def labelled(example: TokenizedExample, max_length: int) -> dict[str, list[int]]:
    """One training example as the Trainer wants it, cut at max_length."""
    ids = [*example.prompt_ids, *example.completion_ids]
    labels = [IGNORED_LABEL] * len(example.prompt_ids) + list(example.completion_ids)
    return {"input_ids": ids[:max_length], "labels": labels[:max_length]}


def trainer_for(row: TableRow, task: ChildTask, data: list[dict[str, list[int]]], collator: PaddingCollator) -> Any:
    """A stock Trainer around a stock PEFT model, with the settings of one row of the table."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments, set_seed

    set_seed(task.seed)
    c = row.configuration
    base = AutoModelForCausalLM.from_pretrained(task.model, dtype=getattr(torch, task.dtype))
    model = get_peft_model(
        base,
        LoraConfig(
            r=c.lora_r,
            lora_alpha=int(c.lora_alpha),
            lora_dropout=c.lora_dropout,
            target_modules="all-linear",
            task_type="CAUSAL_LM",
        ),
    )
    if c.gradient_checkpointing:
        model.enable_input_require_grads()
    arguments = TrainingArguments(
        output_dir=tempfile.mkdtemp(prefix="yardstick-"),
        learning_rate=c.learning_rate,
        seed=task.seed,
        per_device_train_batch_size=c.per_device_train_batch_size,
        num_train_epochs=c.num_train_epochs,
        gradient_accumulation_steps=c.gradient_accumulation_steps,
        max_steps=task.max_steps or -1,
        gradient_checkpointing=bool(c.gradient_checkpointing),
        use_cpu=task.device == "cpu",
        save_strategy="no",
        report_to=[],
        logging_strategy="no",
        disable_tqdm=True,
        remove_unused_columns=False,
    )
    return Trainer(model=model, train_dataset=data, data_collator=collator, args=arguments)


@torch.no_grad()
def exact_match(model: Any, tokenizer: Any, rows: Sequence[dict[str, str]], max_new_tokens: int) -> float:
    """Share of rows whose greedy answer equals the completion, case and outer blanks apart."""
    model.eval()
    tokenizer.padding_side = "left"
    correct = 0
    for start in range(0, len(rows), GENERATION_BATCH):
        batch = rows[start : start + GENERATION_BATCH]
        turns = [[{"role": "user", "content": row["prompt"]}] for row in batch]
        texts = [tokenizer.apply_chat_template(turn, add_generation_prompt=True, tokenize=False) for turn in turns]
        inputs = tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=False).to(model.device)
        out = model.generate(
            **inputs, max_new_tokens=max_new_tokens, do_sample=False, pad_token_id=tokenizer.pad_token_id
        )
        answers = tokenizer.batch_decode(out[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
        correct += sum(
            a.strip().lower() == row["completion"].strip().lower() for a, row in zip(answers, batch, strict=True)
        )
    return correct / len(rows)


def train_and_score(row: TableRow, task: ChildTask) -> RowResult:
    """Train one row of the table, then score it. The model is loaded anew, as one script a trial would."""
    tokenizer = task.tokenizer()
    train_rows, test_rows = task.train_rows(), task.scored_rows()
    data = [labelled(example, row.configuration.max_length) for example in read_examples(tokenizer, train_rows)]
    collator = PaddingCollator(tokenizer.pad_token_id)
    trainer = trainer_for(row, task, data, collator)
    began = time.perf_counter()
    steps = int(trainer.train().global_step)
    train_seconds = time.perf_counter() - began
    train_peak = peak_bytes(task.device)
    began = time.perf_counter()
    accuracy = exact_match(trainer.model, tokenizer, test_rows, task.max_new_tokens) if test_rows else math.nan
    score_seconds = time.perf_counter() - began if test_rows else 0.0

    examples = min(steps * row.configuration.effective_batch_size, len(data) * row.configuration.num_train_epochs)
    raw_tokens = examples * sum(len(example["input_ids"]) for example in data) / len(data)
    return RowResult(
        trial=row.name,
        rank=row.configuration.lora_r,
        train_seconds=train_seconds,
        score_seconds=score_seconds,
        train_examples=examples,
        raw_tokens=raw_tokens,
        computed_tokens=raw_tokens * collator.padded_tokens / collator.raw_tokens,
        label_tokens=examples * sum(label != IGNORED_LABEL for e in data for label in e["labels"]) / len(data),
        test_examples=len(test_rows),
        accuracy=accuracy,
        peak_bytes=peak_bytes(task.device),
        train_peak_bytes=train_peak,
    )


def run(task: ChildTask) -> list[RowResult]:
    """Every row of the task, one after another."""
    results = []
    for row in task.table_rows():
        results.append(train_and_score(row, task))
        print(f"yardstick {row.name}: {dataclasses.asdict(results[-1])}", flush=True)
    return results


if __name__ == "__main__":
    child_main(__doc__, run)
