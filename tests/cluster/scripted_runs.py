"""Jobs of the scripted engine on a cluster, and what came of them."""

from __future__ import annotations

import time
from pathlib import Path

from scripted_engine import SCRIPTS

from tunebook.core.configuration import Configuration
from tunebook.core.events import Finished
from tunebook.core.ports import EngineOptions, Scoring, TrialJob, Workload
from tunebook.executors.ray.executor import RayExecutor
from tunebook.executors.ray.messages import Wanted

SEEDS = {script: seed for seed, script in SCRIPTS.items()}
WORKLOAD = Workload((), {}, Scoring())


class Run:
    """What came of running jobs on the cluster."""

    def __init__(
        self, cluster, folder: Path, scripts, watch=None, idle_seconds=60.0, model_hash="", n_workers=None,
        model="no-such-model", workload=WORKLOAD, **extra,
    ):  # fmt: skip
        options = EngineOptions(model=model, threads=1, extra={"marks": str(folder), **extra})
        wanted = Wanted(address=cluster.address, insecure=False, gpu=False, cpus=1)
        self.executor = RayExecutor(
            "scripted_engine:ScriptedEngine", options, workload, wanted=wanted, idle_seconds=idle_seconds,
            model_hash=model_hash, n_workers=n_workers,
        )  # fmt: skip
        self.events, self.folder = [], folder
        jobs = [self._job(number, script) for number, script in enumerate(scripts, 1)]

        def on_events(events):
            for event in events:
                self.events.append(event)
                if watch:
                    watch(event)

        try:
            self.executor.run(jobs, on_events)
        finally:
            self.executor.close()

    def _job(self, number: int, script: str) -> TrialJob:
        return TrialJob(
            id=number, configuration=Configuration(), seed=SEEDS[script], splits=("validation",),
            folder=str(self.folder / "adapters" / str(number)),
        )  # fmt: skip

    def of(self, kind):
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def finished(self):
        return sorted(event.trial for event in self.of(Finished))


def once(kind, action):
    """A watch that acts at the first event of a kind."""
    acted = []

    def watch(event):
        if isinstance(event, kind) and not acted:
            acted.append(time.monotonic())
            action()

    return watch
