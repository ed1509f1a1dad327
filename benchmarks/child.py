"""What one engine is asked to do in a process of its own, and what it says afterwards.

Each engine runs in a fresh child process, so that its peak memory is its own. The child measures the machine's
multiply rate just before and just after its work: on a shared machine a rate from another minute means nothing.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from benchmarks.multiply_rate import layer_shapes, multiply_rate
from benchmarks.table import TableRow, model_folder, read_rows, read_table

__all__ = ["ChildResult", "ChildTask", "RowResult", "add_task_options", "child_main", "peak_bytes", "task_from"]

RATE_ROWS = 512
"""Rows at which a child measures the multiply rate: where the rate curve of a CPU is nearly flat."""


@dataclass(frozen=True)
class ChildTask:
    """What a child process does.

    Attributes:
        model: folder of the base model.
        data: folder with train.jsonl and validation.jsonl.
        rows: training rows used (the first ones); None: all.
        test_rows: validation rows scored (the first ones); None: all; 0: no scoring.
        only: rows of the trial table, by name; empty: all.
        max_steps: stop each trial after so many optimiser steps; None: train to the end.
        fold: train equal effective configurations once (the packed engine only).
        device, dtype, threads, seed, max_new_tokens: as everywhere.
    """

    model: str
    data: str
    rows: int | None = None
    test_rows: int | None = None
    only: tuple[str, ...] = ()
    max_steps: int | None = None
    fold: bool = False
    device: str = "cpu"
    dtype: str = "float32"
    threads: int = 1
    seed: int = 0
    max_new_tokens: int = 12

    def tokenizer(self) -> Any:
        from tunebook.engines.base_model import load_tokenizer

        return load_tokenizer(self.model)

    def train_rows(self) -> list[dict[str, str]]:
        return read_rows(Path(self.data) / "train.jsonl", self.rows)

    def scored_rows(self) -> list[dict[str, str]]:
        return read_rows(Path(self.data) / "validation.jsonl", self.test_rows)

    def table_rows(self) -> list[TableRow]:
        return read_table(self.only)


@dataclass(frozen=True)
class RowResult:
    """One trial of the table, trained and scored.

    Attributes:
        raw_tokens: tokens of the examples trained on, as the data has them.
        computed_tokens: tokens that went through the model: with padding, or without what was shared.
        label_tokens: tokens with a label among them.
        peak_bytes: most memory the process has held until the end of this row (resident set; on CUDA, allocated).
    """

    trial: str
    rank: int
    train_seconds: float
    score_seconds: float
    train_examples: float
    raw_tokens: float
    computed_tokens: float
    label_tokens: float
    test_examples: int
    accuracy: float
    peak_bytes: int
    train_peak_bytes: int


@dataclass(frozen=True)
class ChildResult:
    """What a child process did: its rows, wall and processor seconds without imports (the model loaded, everything
    trained and scored), and the multiply rates around its work."""

    rows: list[RowResult]
    wall_seconds: float
    cpu_seconds: float
    multiply_rates: list[float] = field(default_factory=list)


def peak_bytes(device: str) -> int:
    """The most memory this process has held: allocated on a CUDA device, else the resident set of the process."""
    if device != "cpu":
        return torch.cuda.max_memory_allocated(device)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def add_task_options(parser: argparse.ArgumentParser) -> None:
    """The options that say what is trained and scored, the same for every benchmark."""
    parser.add_argument("--model", required=True, help="folder of the base model, a hub id, or smollm2")
    parser.add_argument("--data", required=True, help="folder with train.jsonl and validation.jsonl")
    parser.add_argument("--rows", type=int, help="training rows (the first ones); default: all")
    parser.add_argument("--test-rows", type=int, help="validation rows scored; default: all, 0: none")
    parser.add_argument("--only", default="", help="rows of the trial table, comma-separated; default: the whole table")
    parser.add_argument("--max-steps", type=int, help="stop each trial after so many optimiser steps")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--max-new-tokens", type=int, default=12)
    parser.add_argument("--json", type=Path, help="write the figures to this file")


def task_from(args: argparse.Namespace) -> ChildTask:
    """The parsed options as a task."""
    only = tuple(name.strip() for name in args.only.split(",") if name.strip())
    read_table(only)
    return ChildTask(
        model=str(model_folder(args.model)),
        data=args.data,
        rows=args.rows,
        test_rows=args.test_rows,
        only=only,
        max_steps=args.max_steps,
        device=args.device,
        dtype=args.dtype,
        threads=args.threads,
        seed=args.seed,
        max_new_tokens=args.max_new_tokens,
    )


def child_main(doc: str | None, run: Callable[[ChildTask], list[RowResult]]) -> None:
    """Entry point of an engine's module: run it here and write its result as JSON."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_task_options(parser)
    parser.add_argument("--fold", action="store_true", help="train equal effective configurations once")
    args = parser.parse_args()
    task = dataclasses.replace(task_from(args), fold=args.fold)
    result = run_child(task, run)
    if args.json:
        args.json.write_text(json.dumps(dataclasses.asdict(result), indent=2) + "\n", encoding="utf-8")


def run_child(task: ChildTask, run: Callable[[ChildTask], list[RowResult]]) -> ChildResult:
    """Do the work in this process, with the multiply rate measured before and after it."""
    torch.set_num_threads(task.threads)
    shapes = layer_shapes(Path(task.model))
    settings = {"dtype": getattr(torch, task.dtype), "device": task.device}
    before = multiply_rate(shapes, RATE_ROWS, **settings)
    began, began_cpu = time.perf_counter(), time.process_time()
    rows = run(task)
    wall_seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - began_cpu
    after = multiply_rate(shapes, RATE_ROWS, **settings)
    return ChildResult(rows, wall_seconds, cpu_seconds, [before, after])
