"""What one dropout mask for a shared prompt changes: the demo's baseline with and without shared prompts, many seeds.

    python -m benchmarks.dropout_sharing [--seeds 20] [--rows 64] [--json FILE]

A seed fixes the initial weights and the order of the data, so the two modes are compared seed by seed. Prints mean and
spread of accuracy and validation loss in each mode, the mean difference with its 95 % interval, and whether it lies
within the margin.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from tunebook.core.ports import EngineOptions, RawTrial, TrialJob, Workload
from tunebook.data import prepare
from tunebook.demo import write_demo
from tunebook.engines import base_model
from tunebook.engines.packed.engine import PackedEngine
from tunebook.evaluation import load_metric
from tunebook.study_file import load_study
from tunebook.testing.event_recorder import EventRecorder

DROPOUT, RATE = 0.1, 1e-3
"""PEFT users' usual dropout, and a rate at which the demo learns most within an epoch."""
MARGIN = {"accuracy": 0.03, "loss": 0.1}
"""Differences that would matter: three points, a tenth of a nat a label token."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--rows", type=int, default=64, help="training rows")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = measure(arguments, Path(folder))
    for name, values in report["differences"].items():
        low, high = values["interval"]
        print(f"{name}: shared {values['shared']:.4f} (deviation {values['shared_deviation']:.4f}), strict "
              f"{values['strict']:.4f} ({values['strict_deviation']:.4f}), difference {values['mean']:+.4f} "
              f"({low:+.4f} to {high:+.4f}), within {values['margin']}: {values['within_margin']}")  # fmt: skip
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def measure(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Train every seed in both modes, and compare."""
    spec = load_study(write_demo(folder))
    model = base_model.resolve_model(spec.model, folder)
    tokenizer = base_model.load_tokenizer(model)
    data = prepare(spec, tokenizer, folder)
    workload = replace(data.workload, train=data.workload.train[: arguments.rows], curve_examples=0)
    configuration = spec.baseline.with_values(lora_dropout=DROPOUT, learning_rate=RATE)
    metric, texts = load_metric(spec.metric), data.examples["validation"]
    found: dict[str, dict[str, list[float]]] = {}
    for mode, share in (("shared", True), ("strict", False)):
        jobs = [
            TrialJob(
                id=seed,
                configuration=configuration,
                seed=seed,
                splits=("validation",),
                folder=str(folder / mode / str(seed)),
            )
            for seed in range(arguments.seeds)
        ]
        sink = EventRecorder(jobs)
        options = EngineOptions(model=str(model), threads=arguments.threads, share_prompts=share)
        PackedEngine(options).run(sink, workload, sink)
        trials = [sink.results[job.id] for job in jobs]
        found[mode] = {
            "accuracy": [_accuracy(trial, tokenizer, metric, texts) for trial in trials],
            "loss": [_loss(trial, workload) for trial in trials],
        }
        print(mode, {name: [round(value, 3) for value in values] for name, values in found[mode].items()})
    differences = {name: _difference(found, name) for name in ("accuracy", "loss")}
    return {"seeds": arguments.seeds, "rows": arguments.rows, "found": found, "differences": differences}


def _accuracy(trial: RawTrial, tokenizer: Any, metric: Any, texts: Any) -> float:
    answers = [tokenizer.decode(ids, skip_special_tokens=True) for ids in trial.scores["validation"].answers]
    return float(np.mean([metric.score(a, t.gold, t) for a, t in zip(answers, texts, strict=True)]))


def _loss(trial: RawTrial, workload: Workload) -> float:
    n_tokens = sum(len(example.completion_ids) for example in workload.splits["validation"])
    return float(trial.scores["validation"].nll.sum()) / n_tokens


def _difference(found: dict[str, dict[str, list[float]]], name: str) -> dict[str, Any]:
    shared, strict = (np.array(found[mode][name]) for mode in ("shared", "strict"))
    d = shared - strict
    half = stats.t.ppf(0.975, len(d) - 1) * d.std(ddof=1) / len(d) ** 0.5
    interval = float(d.mean() - half), float(d.mean() + half)
    return {
        "shared": float(shared.mean()), "shared_deviation": float(shared.std(ddof=1)),
        "strict": float(strict.mean()), "strict_deviation": float(strict.std(ddof=1)),
        "mean": float(d.mean()), "interval": interval, "margin": MARGIN[name],
        "within_margin": -MARGIN[name] < interval[0] and interval[1] < MARGIN[name],
    }  # fmt: skip


if __name__ == "__main__":
    main()
