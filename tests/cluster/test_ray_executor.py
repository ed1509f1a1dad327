"""Executor ray on a cluster of this machine: what is killed, cut off and missing there."""

from __future__ import annotations

import time

import pytest
from scripted_engine import adapter_of
from scripted_runs import Run, once

from tunebook.core.events import Failed, Finished, Requeued, Started, Step, WorkerDied
from tunebook.errors import EnvironmentStop
from tunebook.executors.ray import cluster as runner_side
from tunebook.executors.ray.messages import Wanted

pytestmark = pytest.mark.ray


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


@pytest.mark.parametrize("how", ["kill", "suspend"])
def test_a_node_that_is_gone_or_cut_off_blames_no_trial_and_another_one_is_used(cluster, tmp_path, how):
    """A suspended node stands for a broken network: the cluster gives it up, and it ends when it hears of that."""
    raylets = []

    def act():
        raylets.append(cluster.seats()[0].parent())
        getattr(raylets[0], how)()

    run = Run(cluster, tmp_path, ["hangs once"], once(Started, act), n_workers=1)
    assert run.finished == [1]
    [requeued] = run.of(Requeued)
    assert "is gone" in requeued.reason
    if how == "suspend":
        raylets[0].resume()
    cluster.add_node()


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


def test_a_full_disk_costs_its_node_and_without_any_other_the_run(cluster, tmp_path):
    with pytest.raises(EnvironmentStop, match="has no node that can be used") as stopped:
        Run(cluster, tmp_path, ["disk full"], n_workers=1)
    assert str(stopped.value).count("no room left on the disk") >= 2, "one node after the other"


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
