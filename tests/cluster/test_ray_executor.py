"""Executor ray on a cluster of this machine: what is killed, cut off and missing there. The head dies last."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "executors"))

from scripted_engine import SCRIPTS, adapter_of

from tunebook.core.configuration import Configuration
from tunebook.core.events import Failed, Finished, Requeued, Started, Step, WorkerDied
from tunebook.core.ports import EngineOptions, Scoring, TrialJob, Workload
from tunebook.errors import EnvironmentStop
from tunebook.executors.ray import cluster as runner_side
from tunebook.executors.ray.executor import RayExecutor
from tunebook.executors.ray.messages import Wanted

pytestmark = pytest.mark.ray
SEEDS = {script: seed for seed, script in SCRIPTS.items()}
WORKLOAD = Workload((), {}, Scoring())


class Run:
    """What came of running jobs on the cluster."""

    def __init__(self, cluster, folder: Path, scripts, watch=None, idle_seconds=60.0, model_hash="", **extra):
        options = EngineOptions(model="no-such-model", threads=1, extra={"marks": str(folder), **extra})
        wanted = Wanted(address=cluster.address, insecure=False, gpu=False, cpus=1)
        self.executor = RayExecutor(
            "scripted_engine:ScriptedEngine", options, WORKLOAD, wanted=wanted, idle_seconds=idle_seconds,
            model_hash=model_hash,
        )  # fmt: skip
        self.events, self.folder = [], folder
        jobs = [self._job(number, script) for number, script in enumerate(scripts, 1)]

        def on_event(event):
            self.events.append(event)
            if watch:
                watch(event)

        try:
            self.executor.run(jobs, on_event)
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


def test_trials_run_on_both_nodes_and_their_adapters_come_home(cluster, tmp_path):
    """One kills its worker once, one always: they are tried again, and the one that always does fails alone."""
    scripts = ["killed once", "killed", *["writes an adapter"] * 3, "train"]
    seen = []

    def watch(event):
        if isinstance(event, Finished) and event.trial in (3, 4, 5):
            seen.append((tmp_path / "adapters" / str(event.trial) / "adapter_model.safetensors").read_bytes())

    run = Run(cluster, tmp_path, scripts, watch, step_seconds=0.3)
    assert run.finished == [1, 3, 4, 5, 6]
    assert [event.trial for event in run.of(Failed)] == [2]
    assert "SIGKILL" in run.of(Failed)[0].message
    assert sorted(seen) == sorted(adapter_of(number) for number in (3, 4, 5))
    assert len({event.worker for event in run.of(Started)}) == 2


def test_a_killed_seat_is_replaced(cluster, tmp_path):
    run = Run(cluster, tmp_path, ["train"] * 2, once(Step, lambda: cluster.seats()[0].kill()), step_seconds=0.7)
    assert run.finished == [1, 2]
    [died] = run.of(WorkerDied)
    assert "seat" in died.reason


@pytest.mark.parametrize(("how", "step_seconds"), [("kill", 1.5), ("stop", 3.5)])
def test_a_node_that_is_gone_or_cut_off_blames_no_trial_and_a_new_one_is_used(cluster, tmp_path, how, step_seconds):
    """`stop` stands for a broken network: the cluster gives the node up, and the node ends when it hears of that."""
    number = 0 if how == "kill" else 1
    run = Run(cluster, tmp_path, ["train"] * 2, once(Step, lambda: cluster.do(how, number)), step_seconds=step_seconds)
    assert run.finished == [1, 2]
    [died] = run.of(WorkerDied)
    assert "is gone" in died.reason
    assert all("is gone" in event.reason for event in run.of(Requeued)), "none if its worker was still starting"
    if how == "stop":
        cluster.do("go-on", number)
    cluster.replace_node()


def test_devices_are_given_back_when_nothing_waits(cluster, tmp_path):
    counted = []

    def watch(event):
        if isinstance(event, Step) and event.record.step == 3:
            counted.append(len(cluster.seats()))

    Run(cluster, tmp_path, ["train", "does not fit"], watch, idle_seconds=0.5, step_seconds=2.0)
    assert counted[-1] == 1
    assert not cluster.seats(), "and all of them in the end"


def test_nodes_without_the_model_are_named(cluster, tmp_path):
    with pytest.raises(EnvironmentStop, match="no-such-model is not there"):
        Run(cluster, tmp_path, ["train"], model_hash="0" * 64)


def test_a_wrong_token_and_a_cluster_that_is_not_there_are_told(cluster, monkeypatch):
    monkeypatch.setattr(runner_side, "_CONNECT_SECONDS", 5.0)
    began = time.monotonic()
    wanted = Wanted(address="127.0.0.1:9", insecure=False, gpu=False, cpus=1)
    with pytest.raises(EnvironmentStop, match="un again"):
        runner_side.Cluster(wanted, "")
    assert time.monotonic() - began < 15
    monkeypatch.setenv("RAY_AUTH_TOKEN", "another-token-than-that-of-the-cluster")
    with pytest.raises(EnvironmentStop, match="Ray cluster"):
        runner_side.Cluster(Wanted(address=cluster.address, insecure=False, gpu=False, cpus=1), "")


def test_without_its_head_a_cluster_ends_the_run_before_ray_ends_it(cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(runner_side, "_SILENT_SECONDS", 8.0)
    ended = []
    with pytest.raises(EnvironmentStop, match="head may be gone"):
        Run(cluster, tmp_path, ["slow"] * 8, once(Step, lambda: ended.append(time.monotonic()) or cluster.do("head")))
    assert time.monotonic() - ended[0] < 15, "Ray itself ends the gateway after a minute"
