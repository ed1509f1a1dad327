"""How the built-in data answers to the learning rate: trains the demo's baseline at several rates and draws the curve.

    python benchmarks/demo_lr_sweep.py [--rates 1e-4 1e-3] [--seeds 0 1] [--engine packed] [--out docs/figures] [--add]

Writes demo_lr_sweep.json and demo_lr_sweep.svg; prints one line a trial. With --add, trials of an earlier report in
the same place are kept.
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from tunebook.core.divergence import collapse_reason, worse_than_untrained
from tunebook.core.ports import EngineOptions, TrialJob
from tunebook.data import prepare
from tunebook.demo import write_demo
from tunebook.engines import base_model
from tunebook.engines.packed.engine import PackedEngine
from tunebook.engines.peft import PeftEngine
from tunebook.evaluation import load_metric
from tunebook.study_file import load_study
from tunebook.testing.event_recorder import EventRecorder

ENGINES: dict[str, Any] = {"packed": PackedEngine, "peft": PeftEngine}
RATES = (3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rates", type=float, nargs="+", default=RATES)
    parser.add_argument("--seeds", type=int, nargs="+", default=(0, 1))
    parser.add_argument("--add", action="store_true")
    parser.add_argument("--engine", choices=("packed", "peft"), default="packed")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--change", nargs="*", default=[], help="other factors, as lora_r=32")
    parser.add_argument("--out", type=Path, default=Path("docs/figures"))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = sweep(arguments, Path(folder))
    arguments.out.mkdir(parents=True, exist_ok=True)
    file = arguments.out / "demo_lr_sweep.json"
    if arguments.add and file.exists():
        new = {(row["learning_rate"], row["seed"]) for row in report["trials"]}
        old = json.loads(file.read_text(encoding="utf-8"))
        report["runs"] = old.get("runs", []) + report["runs"]
        report["trials"] += [row for row in old["trials"] if (row["learning_rate"], row["seed"]) not in new]
        report["trials"].sort(key=lambda row: (row["learning_rate"], row["seed"]))
    file.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    draw(report, arguments.out / "demo_lr_sweep.svg")


def sweep(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    spec = load_study(write_demo(folder))
    model = base_model.resolve_model(spec.model, folder)
    tokenizer = base_model.load_tokenizer(model)
    data = prepare(spec, tokenizer, folder)
    changes = {
        name: float(value) if "." in value else int(value)
        for name, _, value in (change.partition("=") for change in arguments.change)
    }
    baseline = spec.baseline.with_values(**changes)
    jobs = [
        TrialJob(
            id=0,
            configuration=baseline.with_values(num_train_epochs=0),
            seed=0,
            splits=("validation",),
            folder=str(folder / "0"),
        )
    ]
    for rate in arguments.rates:
        for seed in arguments.seeds:
            jobs.append(
                TrialJob(
                    id=len(jobs),
                    configuration=baseline.with_values(learning_rate=rate),
                    seed=seed,
                    splits=("validation",),
                    folder=str(folder / str(len(jobs))),
                )
            )
    by_id = {job.id: job for job in jobs}
    recorder, start = EventRecorder(jobs), time.monotonic()
    engine = ENGINES[arguments.engine](EngineOptions(model=str(model), threads=arguments.threads))
    engine.run(recorder, data.workload, recorder)
    seconds = time.monotonic() - start
    metric, texts = load_metric(spec.metric), data.examples["validation"]
    rows, untrained = [], None
    for trial in sorted(recorder.results.values(), key=lambda trial: trial.id):
        job = by_id[trial.id]
        row: dict[str, Any] = {
            "learning_rate": job.configuration.learning_rate,
            "seed": job.seed,
            "broke_at_step": trial.broke_at_step,
            "reason": trial.reason,
        }
        if "validation" in trial.scores:
            raw = trial.scores["validation"]
            answers = [tokenizer.decode(ids, skip_special_tokens=True) for ids in raw.answers]
            scores = [metric.score(a, t.gold, t) for a, t in zip(answers, texts, strict=True)]
            kinds: dict[str, list[float]] = defaultdict(list)
            for text, score in zip(texts, scores, strict=True):
                kinds[text.group or ""].append(score)
            row |= {
                "accuracy": sum(scores) / len(scores),
                "loss": float(raw.nll.mean()),
                "groups": {kind: sum(s) / len(s) for kind, s in sorted(kinds.items())},
            }
            if trial.id == 0:
                untrained, row["learning_rate"] = row["loss"], 0.0
            elif untrained is not None and worse_than_untrained(row["loss"], untrained):
                row["reason"] = row["reason"] or "worse_than_untrained"
            else:
                parsable = [metric.parsable(answer) for answer in answers]
                row["reason"] = row["reason"] or collapse_reason(
                    answers, parsable, data.facts.commonest_share, row["accuracy"]
                )
            row["answers"] = Counter(answers).most_common(3)
        rows.append(row)
        print(json.dumps(row), flush=True)
    print(f"{len(jobs)} trials in {seconds:.0f} s", recorder.failures or "")
    run = {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "engine": arguments.engine,
        "machine": f"{platform.machine()}, {arguments.threads} threads",
        "trials": len(jobs),
        "wall_seconds": round(seconds, 1),
        "cpu_seconds": round(time.process_time(), 1),
    }
    return {
        "runs": [run],
        "changes": changes,
        "rows": len(data.workload.train),
        "validation": len(texts),
        "mean_tokens": data.facts.mean_tokens,
        "trials": rows,
    }


def draw(report: dict[str, Any], file: Path) -> None:
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    pyplot.rcParams["svg.hashsalt"] = "tunebook"
    trained = [row for row in report["trials"] if row["learning_rate"] and "accuracy" in row and not row["reason"]]
    broken = [row for row in report["trials"] if row["learning_rate"] and row["reason"]]
    figure, axes = pyplot.subplots(figsize=(6, 3.6), layout="constrained")
    rates = sorted({row["learning_rate"] for row in trained})
    by_rate = [[100 * row["accuracy"] for row in trained if row["learning_rate"] == rate] for rate in rates]
    means = [sum(accuracies) / len(accuracies) for accuracies in by_rate]
    axes.plot(rates, means, color="#2b6cb0")
    axes.plot(
        [r["learning_rate"] for r in trained],
        [100 * r["accuracy"] for r in trained],
        "o",
        color="#2b6cb0",
        label="trained (one point a seed)",
    )
    if broken:
        axes.plot(
            [r["learning_rate"] for r in broken],
            [100 * r.get("accuracy", 0) for r in broken],
            "x",
            color="#c53030",
            label="did not train (collapsed or diverged)",
        )
    axes.set(xscale="log", xlabel="learning rate", ylabel="validation accuracy, %", ylim=(-3, 100))
    axes.legend(frameon=False)
    figure.savefig(file, metadata={"Date": None})


if __name__ == "__main__":
    main()
