"""How many events a second the executor's loop can take, by the number of workers.

    python -m benchmarks.executor --workers 1 2 4 8 16 --events 20000 --json FILE

Every worker process runs an engine that does nothing but report steps of one trial, as fast as its pipe takes them: a
real study makes far fewer. What is measured is the runner's side: reading the pipes, keeping the books, telling the
runner. Workers compete for the same processors, so a small machine measures too low.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tunebook.core.configuration import Configuration
from tunebook.core.events import Finished, Step, TrialEvent
from tunebook.core.facts import Cost, Curve, StepRecord
from tunebook.core.ports import (
    Calibration,
    EngineOptions,
    RawScores,
    RawTrial,
    Scoring,
    Sink,
    TrialJob,
    TrialSource,
    Workload,
)
from tunebook.core.space import Folding
from tunebook.executors import LocalExecutor

WORKERS = (1, 2, 4, 8, 16)
EVENTS = 20_000


class TalkativeEngine:
    """Reports `extra["events"]` steps of each trial and nothing else."""

    name = "talkative"
    folding = Folding()

    def __init__(self, options: EngineOptions) -> None:
        self._n_events = int(options.extra["events"])

    def calibrate(self, workload: Workload) -> Calibration:
        """Nothing is measured."""
        return Calibration(
            train_tokens_per_second=0.0,
            score_examples_per_second=0.0,
            one_by_one_tokens_per_second=0.0,
            base_bytes=0,
            trial_bytes=0,
            device="none",
        )

    def run(self, source: TrialSource, workload: Workload, sink: Sink) -> None:
        """Trial after trial."""
        while jobs := source.take(1):
            for number in range(self._n_events):
                sink.emit(Step(jobs[0].id, StepRecord(number, 0.0, 1.0, 1e-4, 1.0)))
            scores = {"validation": RawScores((), np.zeros(0), ())}
            sink.emit(Finished(RawTrial(id=jobs[0].id, scores=scores, curve=Curve(), cost=Cost())))


def events_per_second(n_workers: int, n_events: int) -> float:
    """Events a second while every worker reports `n_events` steps of one trial; starting the workers is not counted."""
    options = [EngineOptions(model="none", threads=1, extra={"events": n_events})] * n_workers
    executor = LocalExecutor("benchmarks.executor:TalkativeEngine", options, Workload((), {}, Scoring()))
    jobs = [
        TrialJob(id=number, configuration=Configuration(), seed=0, splits=("validation",), folder="none")
        for number in range(2 * n_workers)
    ]
    seen = 0

    def count(events: Sequence[TrialEvent]) -> None:
        nonlocal seen
        seen += len(events)

    try:
        executor.run(jobs[:n_workers], count)  # starts the workers
        seen = 0
        began = time.perf_counter()
        executor.run(jobs[n_workers:], count)
        return seen / (time.perf_counter() - began)
    finally:
        executor.close()


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print; with --json also write the figures to a file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, nargs="+", default=WORKERS)
    parser.add_argument("--events", type=int, default=EVENTS, help="steps that each worker reports")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args(arguments)
    found = {}
    for n_workers in given.workers:
        found[str(n_workers)] = round(events_per_second(n_workers, given.events))
        print(f"{n_workers} workers: {found[str(n_workers)]} events/s", flush=True)
    if given.json:
        given.json.write_text(json.dumps({"events": given.events, "events_per_second": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
