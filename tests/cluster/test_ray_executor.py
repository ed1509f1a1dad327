"""Executor ray on a cluster of this machine: what is killed, cut off and missing there."""

from __future__ import annotations

import threading
import time

import pytest
from scripted_engine import adapter_of
from scripted_runs import Run, once

from tunebook.core.events import Failed, Finished, Noted, Requeued, Started, Step, WorkerDied
from tunebook.core.ports import Scoring, TokenizedExample, Workload
from tunebook.errors import EnvironmentStop
from tunebook.executors import pool
from tunebook.executors.ray import cluster as runner_side
from tunebook.executors.ray.messages import Wanted
from tunebook.testing.tiny_model import write_tiny_model

pytestmark = [pytest.mark.ray, pytest.mark.slow]


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


def test_a_trial_whose_node_is_taken_away_five_times_is_not_blamed_and_begins_anew(cluster, tmp_path):
    """What it had saved went with the node. A worker's third death would have failed it."""
    taken = []

    def watch(event):
        if isinstance(event, Step) and len(taken) < 5:
            taken.append(cluster.seats()[0].parent())
            taken[-1].kill()
            cluster.add_node()

    run = Run(cluster, tmp_path, ["hangs five times"], watch, n_workers=1)
    assert run.finished == [1]
    assert [("is gone" in requeued.reason) for requeued in run.of(Requeued)] == [True] * 5
    assert len(run.of(WorkerDied)) == 5
    assert [event.record.step for event in run.of(Step)] == [1] * 5 + [1, 2, 3], "each attempt begins anew"


def test_a_node_that_is_cut_off_blames_no_trial_and_another_one_is_used(cluster, tmp_path):
    """A suspended node stands for a broken network: the cluster gives it up, and it ends when it hears of that."""
    raylets = []

    def suspend():
        raylets.append(cluster.seats()[0].parent())
        raylets[0].suspend()

    run = Run(cluster, tmp_path, ["hangs once"], once(Started, suspend), n_workers=1)
    assert run.finished == [1]
    [requeued] = run.of(Requeued)
    assert "is gone" in requeued.reason
    raylets[0].resume()
    cluster.add_node()


def test_an_adapter_that_is_cut_off_on_its_way_comes_whole_with_the_next_attempt(cluster, tmp_path):
    """The seat is killed when the first piece has come. Nothing lies in its place before all of it is there."""
    home, seen = tmp_path / "adapters" / "1", []

    def kill_on_the_way():
        give_up = time.monotonic() + 60
        while not list(home.parent.glob(".1.arriving/adapter_model*")) and time.monotonic() < give_up:
            time.sleep(0.001)
        for seat in cluster.seats():
            seat.kill()
        seen.append(home.exists())

    killer = threading.Thread(target=kill_on_the_way)
    killer.start()
    run = Run(cluster, tmp_path, ["writes an adapter"], n_workers=1)
    killer.join()
    assert seen == [False]
    assert len(run.of(Requeued)) == 1
    assert run.finished == [1]
    assert (home / "adapter_model.safetensors").read_bytes() == adapter_of(1)
    assert [path.name for path in home.parent.iterdir()] == ["1"]


def test_a_full_object_store_delays_the_workload_and_loses_nothing(cluster, tmp_path):
    """Another user's job has filled the store of every node with what it still needs."""
    rows = (TokenizedExample(tuple(range(70_000, 2_070_000)), (1,)),)
    cluster.do("fill")
    run = Run(cluster, tmp_path, ["writes an adapter"] * 2, workload=Workload(rows, {}, Scoring()))
    cluster.do("free")
    assert run.finished == [1, 2]
    assert not run.of(Requeued)


def test_a_study_for_which_no_device_is_free_says_so_and_waits(cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(pool, "_WAITING_SECONDS", 1.0)
    cluster.do("hold")
    run = Run(cluster, tmp_path, ["train"], once(Noted, lambda: cluster.do("free")))
    assert run.finished == [1]
    assert run.of(Noted)[0].code == "no_device_free"
    assert not run.of(WorkerDied)


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


def test_nodes_with_another_model_or_other_versions_are_named(cluster, tmp_path, monkeypatch):
    write_tiny_model(tmp_path / "model", ("red", "green"))
    with pytest.raises(EnvironmentStop, match=r"another model lies in .*model"):
        Run(cluster, tmp_path, ["train"], model=str(tmp_path / "model"), model_hash="0" * 64)
    monkeypatch.setattr(runner_side, "own_versions", lambda: (("python", "3.11.0"), ("torch", "1.0")))
    with pytest.raises(EnvironmentStop, match=r"it has .*torch .* instead of 1\.0") as stopped:
        Run(cluster, tmp_path, ["train"])
    assert str(stopped.value).count("instead of 1.0") >= 2, "one node after the other"


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
