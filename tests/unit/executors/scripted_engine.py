"""An engine for tests whose trials do what their seed says; built by name in workers. Nothing random, no model."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np

from tunebook.core.configuration import Configuration
from tunebook.core.events import Cancelled, Failed, Finished, Noted, Progress, Step
from tunebook.core.facts import Cost, Curve, StepRecord
from tunebook.core.ports import Calibration, EngineOptions, RawScores, RawTrial, Sink, TrialJob, TrialSource, Workload
from tunebook.core.space import Folding
from tunebook.errors import ModelError
from tunebook.files import writing

SCRIPTS = {
    0: "train",
    1: "killed",  # kills its own process, every time
    2: "killed once",
    3: "hangs",
    4: "fails",
    5: "does not fit",
    6: "slow",
    7: "breaks the engine",
    8: "prints",
    9: "disk full",
    10: "signs of life without progress",
    11: "leaves a child behind",
    12: "memory",
    13: "hangs once",
    14: "tells its splits",
    15: "asks at every step",
    16: "asks until it gets more",
    17: "writes an adapter",
    18: "hangs five times",
}


ADAPTER_BYTES = 20_000_000


def adapter_of(trial_id: int) -> bytes:
    """What the trial's adapter file holds."""
    return np.random.default_rng(trial_id).bytes(ADAPTER_BYTES)


class ScriptedEngine:
    name = "scripted"
    folding = Folding()

    def __init__(self, options: EngineOptions) -> None:
        assert not any(map(importlib.util.find_spec, options.unused))
        if options.extra.get("broken"):
            raise ModelError("model: this one is broken, by design. Nothing can be done.")
        if options.extra.get("dies"):
            print("no such device", file=sys.stderr, flush=True)
            os._exit(3)
        self._slots = options.extra.get("slots", 1)
        self._marks = Path(options.extra.get("marks", "."))
        self._seconds = options.extra.get("step_seconds", 0.0)
        self._options = options

    def refuses(self, configuration: Configuration) -> str | None:
        return None

    def calibrate(self, workload: Workload) -> Calibration:
        trouble = self._options.extra.get("calibration")
        if trouble == "breaks":
            raise ZeroDivisionError("no time has passed")
        if trouble == "hangs":
            time.sleep(600)
        if trouble == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        return Calibration(
            train_tokens_per_second=1.0,
            score_examples_per_second=2.0,
            one_by_one_tokens_per_second=3.0,
            base_bytes=4,
            trial_bytes=5,
            device=self._options.device,
        )

    def run(self, source: TrialSource, workload: Workload, sink: Sink) -> None:
        self._source, self._workload = source, workload
        while not sink.should_stop():
            jobs = source.take(self._slots)
            if not jobs:
                return
            values = {
                "trials": [job.id for job in jobs], "threads": os.environ.get("OMP_NUM_THREADS"),
                "cards": os.environ.get("CUDA_VISIBLE_DEVICES"), "device": self._options.device,
            }  # fmt: skip
            sink.emit(Noted("cohort", values))
            for job in jobs:
                self._one(job, sink)

    def _one(self, job: TrialJob, sink: Sink) -> None:
        script = SCRIPTS[job.seed]
        getattr(self, "_" + script.replace(" ", "_"))(job, sink)

    def _train(self, job: TrialJob, sink: Sink, steps: int = 3) -> None:
        records = []
        for step in range(1, steps + 1):
            records.append(StepRecord(step, step / steps, 1.0 / step + job.id, 1e-3, 0.5))
            sink.emit(Step(job.id, records[-1]))
            sink.emit(Progress(job.id, step / steps, "train"))
            time.sleep(self._seconds)
            if sink.should_stop():
                return
            if sink.is_cancelled(job.id):
                sink.emit(Cancelled(job.id))
                return
        for epoch, other in job.checkpoints:
            self._report(other, epoch, sink, records)
        self._report(job.id, 0, sink, records)

    def _report(self, trial_id: int, epoch: int, sink: Sink, records: list[StepRecord]) -> None:
        scores = {"validation": RawScores(((trial_id, epoch),), np.array([1.0]), (1,))}
        sink.emit(
            Finished(RawTrial(id=trial_id, scores=scores, curve=Curve(tuple(records)), cost=Cost(train_seconds=1.0)))
        )

    def _tells_its_splits(self, job: TrialJob, sink: Sink) -> None:
        sink.emit(Noted("splits", {"splits": list(self._workload.splits)}))
        self._train(job, sink)

    def _writes_an_adapter(self, job: TrialJob, sink: Sink) -> None:
        for trial_id in (*(other for _, other in job.checkpoints), job.id):
            folder = Path(job.folder).with_name(str(trial_id))
            (folder / "resume").mkdir(parents=True)
            (folder / "resume" / "state").write_bytes(b"of no use elsewhere")
            (folder / "adapter_config.json").write_text("{}")
            (folder / "adapter_model.safetensors").write_bytes(adapter_of(trial_id))
        self._train(job, sink)

    def _asks_at_every_step(self, job: TrialJob, sink: Sink) -> None:
        for _ in range(50):
            assert not self._source.take(1)
        self._train(job, sink)

    def _asks_until_it_gets_more(self, job: TrialJob, sink: Sink) -> None:
        assert not self._source.take(1)
        sink.emit(Failed(job.id + 1, "not yet"))
        give_up = time.monotonic() + 20
        while not self._source.take(1):  # the neighbour again, which this cohort holds already
            assert time.monotonic() < give_up
            time.sleep(0.01)
        self._train(job, sink)

    def _killed(self, job: TrialJob, sink: Sink) -> None:
        sink.emit(Step(job.id, StepRecord(1, 0.1, 1.0, 1e-3, 0.5)))
        os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(60)

    def _killed_once(self, job: TrialJob, sink: Sink) -> None:
        if self._first_time(job):
            self._killed(job, sink)
        self._train(job, sink)

    def _hangs(self, job: TrialJob, sink: Sink) -> None:
        time.sleep(600)

    def _hangs_once(self, job: TrialJob, sink: Sink) -> None:
        if self._first_time(job):
            self._hangs(job, sink)
        self._train(job, sink)

    def _hangs_five_times(self, job: TrialJob, sink: Sink) -> None:
        begun = len(list(self._marks.glob(f"begun-{job.id}-*")))
        (self._marks / f"begun-{job.id}-{begun}").touch()
        if begun < 5:
            sink.emit(Step(job.id, StepRecord(1, 0.1, 1.0, 1e-3, 0.5)))
            self._hangs(job, sink)
        self._train(job, sink)

    def _signs_of_life_without_progress(self, job: TrialJob, sink: Sink) -> None:
        while not sink.should_stop():
            sink.emit(Progress(job.id, 0.5, "train"))
            time.sleep(0.05)

    def _fails(self, job: TrialJob, sink: Sink) -> None:
        sink.emit(Failed(job.id, f"trial {job.id} cannot be trained"))

    def _does_not_fit(self, job: TrialJob, sink: Sink) -> None:
        sink.emit(Failed(job.id, "needs 80 GiB", out_of_memory=True))

    def _slow(self, job: TrialJob, sink: Sink) -> None:
        self._seconds = max(self._seconds, 0.02)
        self._train(job, sink, steps=500)

    def _breaks_the_engine(self, job: TrialJob, sink: Sink) -> None:
        raise ZeroDivisionError("one by none")

    def _disk_full(self, job: TrialJob, sink: Sink) -> None:
        with writing("/dev/full"):
            Path("/dev/full").write_bytes(b"the system refuses this as on a full disk")

    def _prints(self, job: TrialJob, sink: Sink) -> None:
        print("this goes to standard output, which is the pipe" * 100)
        os.write(1, b"and this to the descriptor itself\n")
        self._train(job, sink)

    def _leaves_a_child_behind(self, job: TrialJob, sink: Sink) -> None:
        child = os.fork()
        if child == 0:
            time.sleep(600)
            os._exit(0)
        sink.emit(Noted("child", {"pid": child}))
        self._killed(job, sink)

    def _memory(self, job: TrialJob, sink: Sink) -> None:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
        ctypes.create_string_buffer(4 << 30)

    def _first_time(self, job: TrialJob) -> bool:
        mark = self._marks / f"begun-{job.id}"
        if mark.exists():
            return False
        mark.touch()
        return True
