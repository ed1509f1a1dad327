"""tunebook's packed engine against plain PEFT and the Trainer, in turn, on this machine.

    python -m benchmarks.speed --model smollm2 --data DIR --rows 120 --test-rows 100 --only exp1,exp16 --json FILE
    python -m benchmarks.speed --model smollm2 --data DIR --rows 40 --test-rows 40       the whole table, also folded
    python -m benchmarks.speed ... --engine packed                                       one side only

Each engine runs in fresh child processes, so that its peak memory is its own. The yardstick trains one trial after
another; the packed engine trains all rows asked for as one cohort, as a study would. The yardstick's rows are split
around the engine's turn (half before, half after), so that a machine that slows down does so for both; `--repeat`
takes more turns, and the figures are over all of them.

Prints for each engine and row: trained examples a second, raw and computed tokens a second, share of the machine's
measured multiply rate (benchmarks.account says what is counted), scoring examples a second, peak memory; then the
ratios. In the JSON: `ratio_train`, `ratio_score`, `share_of_multiply_rate`, `ratio_peak_memory`, `rows` by row, and for
the whole table `ratio_wall` and `ratio_wall_folded` (wall time of training and scoring every row, models loaded), and
`ratio_cpu`, the same in processor time, which other work on the machine disturbs less.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks.account import Figures, compare, figures_of, mean_rate
from benchmarks.child import ChildResult, ChildTask, RowResult, add_task_options, task_from
from benchmarks.multiply_rate import LayerShapes, layer_shapes

__all__ = ["Turn", "report", "run_turn", "turns_of"]

ENGINES = ("yardstick", "packed")
FOLDED = "packed_folded"


@dataclass(frozen=True)
class Turn:
    """One child process: which engine, under which name its results are filed, which rows of the table."""

    name: str
    module: str
    task: ChildTask


def turns_of(task: ChildTask, engines: Sequence[str], repeat: int, fold: bool) -> list[Turn]:
    """The child processes in the order they run: half of the yardstick, the engine, the other half."""
    names = [row.name for row in task.table_rows()]
    half = -(-len(names) // 2)
    turns = []
    for _ in range(repeat):
        if "yardstick" in engines:
            turns.append(_yardstick_turn(task, names[:half]))
        if "packed" in engines:
            turns.append(Turn("packed", "benchmarks.packed", task))
        if "yardstick" in engines and names[half:]:
            turns.append(_yardstick_turn(task, names[half:]))
        if "packed" in engines and fold:
            turns.append(Turn(FOLDED, "benchmarks.packed", dataclasses.replace(task, fold=True)))
    return turns


def _yardstick_turn(task: ChildTask, names: Sequence[str]) -> Turn:
    return Turn("yardstick", "benchmarks.yardstick", dataclasses.replace(task, only=tuple(names)))


def run_turn(turn: Turn) -> ChildResult:
    """Run one child process and read its result; its own output goes to standard error."""
    with tempfile.TemporaryDirectory(prefix="speed-") as folder:
        file = Path(folder) / "result.json"
        command = [sys.executable, "-m", turn.module, *_arguments(turn.task), "--json", str(file)]
        environment = os.environ | {"OMP_NUM_THREADS": str(turn.task.threads), "TOKENIZERS_PARALLELISM": "false"}
        subprocess.run(command, check=True, env=environment, stdout=sys.stderr)
        content = json.loads(file.read_text(encoding="utf-8"))
    rows = [RowResult(**row) for row in content.pop("rows")]
    return ChildResult(rows=rows, **content)


def _arguments(task: ChildTask) -> list[str]:
    values = {
        "--model": task.model,
        "--data": task.data,
        "--rows": task.rows,
        "--test-rows": task.test_rows,
        "--only": ",".join(task.only),
        "--max-steps": task.max_steps,
        "--device": task.device,
        "--dtype": task.dtype,
        "--threads": task.threads,
        "--seed": task.seed,
        "--max-new-tokens": task.max_new_tokens,
    }
    given = [text for flag, value in values.items() if value not in (None, "") for text in (flag, str(value))]
    return given + (["--fold"] if task.fold else [])


def report(results: dict[str, list[ChildResult]], shapes: LayerShapes) -> dict[str, Any]:
    """All figures as JSON values.

    Args:
        results: the children of each name, in order ("yardstick", "packed", "packed_folded").
    """
    figures = {name: _figures(name, children, shapes) for name, children in results.items()}
    content: dict[str, Any] = {
        "engines": {name: dataclasses.asdict(value) for name, value in figures.items()},
        "multiply_rate": {name: mean_rate(children) for name, children in results.items()},
        "wall_seconds": {name: sum(child.wall_seconds for child in children) for name, children in results.items()},
        "cpu_seconds": {name: sum(child.cpu_seconds for child in children) for name, children in results.items()},
        "rows": _by_row(results, shapes),
    }
    if "packed" in figures:
        content["share_of_multiply_rate"] = figures["packed"].share_of_multiply_rate
    if {"packed", "yardstick"} <= figures.keys():
        content |= compare(figures["packed"], figures["yardstick"])
        content |= _time_ratios(content, "wall") | _time_ratios(content, "cpu")
    return content


def _figures(name: str, children: Sequence[ChildResult], shapes: LayerShapes, only: str | None = None) -> Figures:
    rows = [row for child in children for row in child.rows if only in (None, row.trial)]
    return figures_of(rows, shapes, mean_rate(children), padded=name == "yardstick")


def _time_ratios(content: dict[str, Any], clock: str) -> dict[str, float]:
    seconds = content[f"{clock}_seconds"]
    names = {"packed": f"ratio_{clock}", FOLDED: f"ratio_{clock}_folded"}
    return {ratio: seconds["yardstick"] / seconds[name] for name, ratio in names.items() if name in seconds}


def _by_row(results: dict[str, list[ChildResult]], shapes: LayerShapes) -> dict[str, Any]:
    names = list(dict.fromkeys(row.trial for children in results.values() for child in children for row in child.rows))
    content: dict[str, Any] = {}
    for trial in names:
        own = {
            name: _figures(name, children, shapes, trial)
            for name, children in results.items()
            if any(row.trial == trial for child in children for row in child.rows)
        }
        content[trial] = {"engines": {name: dataclasses.asdict(value) for name, value in own.items()}}
        if {"packed", "yardstick"} <= own.keys():
            content[trial] |= compare(own["packed"], own["yardstick"])
    return content


def print_report(content: dict[str, Any], task: ChildTask) -> None:
    """The figures as a table."""
    rates = ", ".join(f"{name} {rate / 1e9:.0f}" for name, rate in content["multiply_rate"].items())
    print(
        f"torch {torch.__version__}, {task.device}, {task.threads} threads, {task.dtype}; "
        f"multiply rate beside each engine, GFLOP/s: {rates}"
    )
    print(
        f"{'row':8s} {'engine':14s} {'train ex/s':>10s} {'raw tok/s':>10s} {'comp tok/s':>10s} {'of rate':>8s} "
        f"{'score ex/s':>10s} {'peak GB':>8s} {'accuracy':>8s}"
    )
    for trial, values in (*content["rows"].items(), ("all", content)):
        for name, figures in values["engines"].items():
            print(_line(trial, name, figures))
    for key in ("ratio_train", "ratio_score", "ratio_peak_memory", "ratio_wall", "ratio_wall_folded", "ratio_cpu"):
        if content.get(key) is not None:
            print(f"{key:18s} {content[key]:.2f}")


def _line(trial: str, name: str, figures: dict[str, Any]) -> str:
    def optional(key: str, form: str) -> str:
        return "-" if figures[key] is None else format(figures[key], form)

    return (
        f"{trial:8s} {name:14s} {figures['train_examples_per_second']:10.2f} "
        f"{figures['raw_tokens_per_second']:10.0f} {figures['computed_tokens_per_second']:10.0f} "
        f"{figures['share_of_multiply_rate']:8.1%} {optional('score_examples_per_second', '.2f'):>10s} "
        f"{figures['peak_bytes'] / 1e9:8.2f} {optional('accuracy', '.3f'):>8s}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_task_options(parser)
    parser.add_argument("--engine", default=",".join(ENGINES), help="packed, yardstick, or both (default)")
    parser.add_argument("--repeat", type=int, default=1, help="turns of each engine")
    parser.add_argument(
        "--fold",
        choices=("auto", "yes", "no"),
        default="auto",
        help="also train equal effective configurations once; auto: for the whole table",
    )
    args = parser.parse_args()
    task = task_from(args)
    engines = [name.strip() for name in args.engine.split(",")]
    if unknown := [name for name in engines if name not in ENGINES]:
        parser.error(f"--engine: got {', '.join(unknown)}; engines are {', '.join(ENGINES)}")
    fold = args.fold == "yes" or (args.fold == "auto" and not task.only)
    results: dict[str, list[ChildResult]] = {}
    for turn in turns_of(task, engines, args.repeat, fold):
        results.setdefault(turn.name, []).append(run_turn(turn))
    content = report(results, layer_shapes(Path(task.model)))
    content["task"] = dataclasses.asdict(task)
    content["versions"] = {"torch": torch.__version__}
    print_report(content, task)
    if args.json:
        args.json.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
