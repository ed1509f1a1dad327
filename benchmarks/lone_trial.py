"""One trial alone against plain PEFT and the Trainer, step by step in turn, in processor time and by the clock.

    python -m benchmarks.lone_trial --model smollm2 --data DIR --only exp16 --threads 1 --steps 8 --json FILE

Both train the same row of the trial table in one process: after each step of the Trainer, whose callback this is, comes
a step of the packed engine. So other work on the machine slows both alike, and neither loading nor scoring is counted.
Printed are the median seconds of a step of each side, the median of the ratios of neighbouring steps, and the same for
the least. The first two steps count nothing.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch

from benchmarks.child import ChildTask, add_task_options, task_from
from benchmarks.table import TableRow, read_examples
from benchmarks.yardstick import PaddingCollator, labelled, trainer_for
from tunebook.core.ports import TrialJob
from tunebook.engines.base_model import load_model
from tunebook.engines.packed.model.multiplies import end_threads
from tunebook.engines.packed.model.packed_model import PackedModel
from tunebook.engines.packed.scheduling.lanes import Lanes, lane_count, threads_agree
from tunebook.engines.packed.scheduling.memory import CPU_ROWS, free_bytes
from tunebook.engines.packed.training.loop import Training
from tunebook.engines.packed.training.trainee import Trainee

__all__ = ["in_turn"]

NOT_COUNTED = 2
CLOCKS: dict[str, Callable[[], float]] = {"processor": time.process_time, "wall": time.perf_counter}

Times = dict[str, list[float]]
"""Seconds of each step, by clock."""


class _Side:
    """Times the steps of one side."""

    def __init__(self) -> None:
        self.times: Times = {name: [] for name in CLOCKS}
        self._began: dict[str, float] = {}

    def begin(self) -> None:
        self._began = {name: clock() for name, clock in CLOCKS.items()}

    def end(self) -> None:
        for name, clock in CLOCKS.items():
            self.times[name].append(clock() - self._began[name])


def in_turn(task: ChildTask, row: TableRow, steps: int) -> tuple[Times, Times]:
    """Seconds of the Trainer's steps and of the packed engine's."""
    from transformers import TrainerCallback

    examples = read_examples(task.tokenizer(), task.train_rows())
    packed = PackedModel(load_model(task.model, task.dtype, task.device))
    packed.lay_out_weights(free_bytes(task.device))
    job = TrialJob(id=0, configuration=row.configuration, seed=task.seed, splits=(), folder="")
    one = Trainee(job, examples, packed.all_shapes, CPU_ROWS, True, None, packed.adapter_dtype, packed.device)
    wide = task.threads > 1 and threads_agree(packed.base_shapes, packed.dtype, task.threads)
    lanes = Lanes(lane_count(task.device, task.threads), task.threads, wide)
    training = Training(packed, lanes.clock, lanes.spread)
    theirs, ours = _Side(), _Side()

    class Turns(TrainerCallback):  # type: ignore[misc]
        def on_step_begin(self, *_: Any, **__: Any) -> None:
            torch.set_num_threads(task.threads)
            theirs.begin()

        def on_step_end(self, *_: Any, **__: Any) -> None:
            theirs.end()
            end_threads()  # each side alone in its process would have no other's threads beside it
            ours.begin()
            lanes.start(lambda: training.step([one]), None)
            while not (done := lanes.wait(1.0)):
                pass
            ours.end()
            if done[0].error is not None:
                raise done[0].error

    data = [labelled(example, row.configuration.max_length) for example in examples]
    trainer = trainer_for(row, task, data, PaddingCollator(task.tokenizer().pad_token_id))
    trainer.args.max_steps = steps + NOT_COUNTED
    trainer.add_callback(Turns())
    with lanes:
        trainer.train()
    return theirs.times, ours.times


def report(theirs: Times, ours: Times) -> dict[str, Any]:
    """The figures as JSON values, by clock."""
    found = {}
    for clock in CLOCKS:
        pairs = list(zip(theirs[clock], ours[clock], strict=True))[NOT_COUNTED:]
        found[clock] = {
            "trainer_seconds": statistics.median(a for a, _ in pairs),
            "packed_seconds": statistics.median(b for _, b in pairs),
            "ratio": statistics.median(a / b for a, b in pairs),
            "ratio_of_least": min(a for a, _ in pairs) / min(b for _, b in pairs),
        }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_task_options(parser)
    parser.add_argument("--steps", type=int, default=8, help="steps that count")
    args = parser.parse_args()
    task = task_from(args)
    torch.set_num_threads(task.threads)
    found = {row.name: report(*in_turn(task, row, args.steps)) for row in task.table_rows()}
    for name, by_clock in found.items():
        for clock, values in by_clock.items():
            print(name, f"{task.threads} threads, {clock}:", ", ".join(f"{k} {v:.3f}" for k, v in values.items()))
    if args.json:
        args.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
