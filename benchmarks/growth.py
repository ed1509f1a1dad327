"""How the packed engine's time grows with the number of trials, rank, rows and length; one figure each.

    python -m benchmarks.growth --model smollm2 --data DIR [--figures docs/figures] [--json FILE] [--repeat 2]

Each sweep varies one thing and keeps the rest: trials of rank 8 in one cohort; rank of one trial; training rows of one
trial; tokens of an example (random tokens, nothing shared). Seconds are those of training alone: wall time, or with
`--clock cpu` the processor time of the process, which other work on the machine disturbs less. The least of the repeats
counts, which come in turn, so that a slow minute does not fall on one point. The dashed line is what strict proportion
to the first point would give.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from benchmarks.child import ChildTask, add_task_options, task_from
from benchmarks.packed import workload_of
from tunebook.core.configuration import Configuration
from tunebook.core.ports import Engine, EngineOptions, Scoring, TokenizedExample, TrialJob, Workload
from tunebook.testing.event_recorder import EventRecorder

Clock = Callable[[], float]

__all__ = ["SWEEPS", "Point", "Sweep", "draw", "measured"]

BASE = Configuration(
    learning_rate=2e-4, per_device_train_batch_size=8, num_train_epochs=1, lora_r=8, lora_alpha=32, lora_dropout=0.1,
    target_modules="all-linear",
)  # fmt: skip
ROWS = 16
"""Training rows of one trial, where they are not what is varied."""
VOCABULARY = 1000
"""Random tokens are drawn below this id."""


@dataclass(frozen=True)
class Sweep:
    """What is varied, over which values."""

    name: str
    label: str
    values: tuple[int, ...]


@dataclass
class Point:
    """One value of a sweep with the seconds of its repeats."""

    value: int
    seconds: list[float] = field(default_factory=list)


SWEEPS = (
    Sweep("trials", "trials in the cohort", (1, 2, 4, 8)),
    Sweep("rank", "rank of the adapter", (4, 8, 16, 32, 64, 128)),
    Sweep("rows", "training rows", (8, 16, 32, 64)),
    Sweep("length", "tokens of an example", (32, 64, 128, 256, 512)),
)


def jobs_and_workload(sweep: Sweep, value: int, workload: Workload, folder: str) -> tuple[list[TrialJob], Workload]:
    """What is trained for one point."""
    n_trials = value if sweep.name == "trials" else 1
    rank = value if sweep.name == "rank" else BASE.lora_r
    train = workload.train[: value if sweep.name == "rows" else ROWS]
    if sweep.name == "length":
        train = random_examples(ROWS // 2, value)
    configuration = BASE.with_values(lora_r=rank, lora_alpha=4 * rank)
    jobs = [
        TrialJob(id=n, configuration=configuration, seed=n, splits=(), folder=str(Path(folder) / str(n)))
        for n in range(1, n_trials + 1)
    ]
    return jobs, Workload(train, {"validation": ()}, Scoring())


def random_examples(n: int, length: int) -> tuple[TokenizedExample, ...]:
    """Examples of random tokens, a quarter of each its completion."""
    source = random.Random(length)
    texts = [tuple(source.randrange(3, VOCABULARY) for _ in range(length)) for _ in range(n)]
    return tuple(TokenizedExample(text[: -(length // 4)], text[-(length // 4) :]) for text in texts)


def measured(
    engine: Engine, sweeps: Sequence[Sweep], workload: Workload, repeat: int, clock: Clock
) -> dict[str, list[Point]]:
    """Seconds of training for every point; the repeats of all points come in turn."""
    points = {sweep.name: [Point(value) for value in sweep.values] for sweep in sweeps}
    for _ in range(repeat):
        for sweep in sweeps:
            for point in points[sweep.name]:
                point.seconds.append(_seconds(engine, sweep, point.value, workload, clock))
                print(f"{sweep.name} {point.value}: {point.seconds[-1]:.2f} s", file=sys.stderr, flush=True)
    return points


def _seconds(engine: Engine, sweep: Sweep, value: int, workload: Workload, clock: Clock) -> float:
    with tempfile.TemporaryDirectory(prefix="growth-") as folder:
        jobs, own = jobs_and_workload(sweep, value, workload, folder)
        began = clock()
        recorder = EventRecorder(jobs)
        engine.run(recorder, own, recorder)
        return clock() - began


def draw(sweep: Sweep, points: Sequence[Point], file: Path) -> None:
    """One figure: least seconds against the varied value, both logarithmic, beside strict proportion."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    matplotlib.rcParams["svg.hashsalt"] = "tunebook"
    values = [point.value for point in points]
    seconds = [min(point.seconds) for point in points]
    figure, axes = plt.subplots(figsize=(5.0, 3.4), layout="constrained")
    axes.plot(values, seconds, "o-", color="#1f5fa8", label="packed engine")
    axes.plot(values, [seconds[0] * value / values[0] for value in values], "--", color="#888888",
              label="in proportion to the first point")  # fmt: skip
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    axes.set_xticks(values, [str(value) for value in values])
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_xlabel(sweep.label)
    axes.set_ylabel("seconds of training")
    axes.legend(frameon=False)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, format="svg", metadata={"Date": None})
    plt.close(figure)


def _engine(task: ChildTask) -> Any:
    from tunebook.engines.packed.engine import PackedEngine

    return PackedEngine(EngineOptions(model=task.model, device=task.device, dtype=task.dtype, threads=task.threads))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_task_options(parser)
    parser.add_argument("--figures", type=Path, default=Path("docs/figures"))
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    parser.add_argument("--sweeps", default=",".join(sweep.name for sweep in SWEEPS))
    args = parser.parse_args()
    task = task_from(args)
    sweeps = [sweep for sweep in SWEEPS if sweep.name in args.sweeps.split(",")]
    torch.set_num_threads(task.threads)
    clock = time.process_time if args.clock == "cpu" else time.perf_counter
    engine, workload = _engine(task), workload_of(task)
    _seconds(engine, SWEEPS[0], 1, workload, clock)  # warms up
    points = measured(engine, sweeps, workload, args.repeat, clock)
    for sweep in sweeps:
        for point in points[sweep.name]:
            print(f"{sweep.name:8s} {point.value:5d}  {min(point.seconds):8.2f} s")
        draw(sweep, points[sweep.name], args.figures / f"growth_{sweep.name}.svg")
    if args.json:
        content = {name: {str(p.value): p.seconds for p in found} for name, found in points.items()}
        args.json.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
