"""What executor ray is made of, without Ray: seats, their messages, and adapters on their way home."""

from __future__ import annotations

import pickle
import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from scripted_engine import SCRIPTS, adapter_of

from tunebook.core.configuration import Configuration
from tunebook.core.events import Finished
from tunebook.core.ports import EngineOptions, Scoring, TrialJob, Workload
from tunebook.executors.handle import GONE
from tunebook.executors.job_queue import Death
from tunebook.executors.ray.arrivals import Arrivals, DamagedAdapter
from tunebook.executors.ray.messages import ADAPTER, HOME, Piece, SeatOrder, is_safe, own_versions
from tunebook.executors.ray.outbox import Outbox
from tunebook.executors.ray.seat import Seat
from tunebook.executors.worker import Assignment

SEEDS = {script: seed for seed, script in SCRIPTS.items()}
WORKLOAD = pickle.dumps((Workload((), {}, Scoring()), None))


def order(model: str = "m", model_hash: str = "", versions=own_versions(), **extra) -> SeatOrder:
    assignment = Assignment("scripted_engine:ScriptedEngine", EngineOptions(model=model, threads=1, extra=extra), None)
    return SeatOrder(seat=1, assignment=assignment, workload=1, model_hash=model_hash, versions=versions)


def job(number: int, script: str, folder: Path, checkpoints=()) -> TrialJob:
    return TrialJob(
        id=number,
        configuration=Configuration(),
        seed=SEEDS[script],
        splits=("validation",),
        folder=str(folder / str(number)),
        checkpoints=checkpoints,
    )


@pytest.fixture
def seat(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    seat = Seat()
    yield seat
    seat.end()
    assert not list(tmp_path.glob("tunebook-seat-*")), "a seat leaves nothing on its node"


def work(seat: Seat, jobs, losing_every: int = 0):
    """Let a seat do jobs as the gateway does; gives its messages. Every so many answers are lost on the way."""
    orders = iter(range(1, 100))
    received, asked, messages, waiting = 0, 0, [], [*jobs]
    while True:
        asked += 1
        number, batch = seat.messages(received)
        if losing_every and asked % losing_every == 0:
            continue
        received = number
        for kind, value in batch:
            messages.append((kind, value))
            if kind == "ready":
                seat.order(next(orders), "run", None)
            elif kind == "take":
                given, waiting = waiting, []
                told = next(orders)
                seat.order(told, "jobs", given)
                seat.order(told, "jobs", given)  # repeated, because its answer was lost
            elif kind in ("idle", GONE):
                return messages


def test_adapters_come_home_before_their_results_and_nothing_is_lost_on_the_way(seat, tmp_path):
    home, arrivals = tmp_path / "adapters", Arrivals()
    assert seat.open(order(), WORKLOAD) == ""
    jobs = [job(4, "writes an adapter", home, checkpoints=((1, 3),)), job(5, "train", home)]
    for trial in (3, 4, 5):
        arrivals.expect(trial, home / str(trial))
    finished = []
    for kind, value in work(seat, jobs, losing_every=2):
        if kind == ADAPTER:
            assert len(value.data) <= 8 * 2**20
            arrivals.take(value)
        elif kind == HOME:
            arrivals.put_in_place(value)
        elif kind == "event" and isinstance(value, Finished):
            finished.append(value.trial)
            if value.trial != 5:
                folder = home / str(value.trial)
                assert (folder / "adapter_model.safetensors").read_bytes() == adapter_of(value.trial)
                assert sorted(path.name for path in folder.iterdir()) == [
                    "adapter_config.json", "adapter_model.safetensors"]  # fmt: skip
    assert finished == [3, 4, 5]
    assert sorted(path.name for path in home.iterdir()) == ["3", "4"]


def test_how_a_worker_ended_is_told_where_it_ran(seat, tmp_path):
    seat.open(order(), WORKLOAD)
    *_, (kind, death) = work(seat, [job(1, "killed", tmp_path)])
    assert kind == GONE
    assert isinstance(death, Death)
    assert "SIGKILL" in death.reason


def test_a_node_without_room_for_a_seat_is_refused(seat, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", "/dev/full")
    assert "temporary files: cannot be written" in seat.open(order(), WORKLOAD)


def test_a_node_that_differs_is_refused(seat, tmp_path):
    model = tmp_path / "model"
    assert "is not there" in seat.open(order(str(model), "0" * 64), WORKLOAD)
    model.mkdir()
    (model / "config.json").write_text("{}")
    assert "another model" in seat.open(order(str(model), "0" * 64), WORKLOAD)
    other = tuple({**dict(own_versions()), "torch": "1.0"}.items())
    assert "instead of 1.0" in seat.open(order(versions=other), WORKLOAD)


def piece(data: bytes = b"abc", **changed) -> Piece:
    whole = Piece(trial=7, name="adapter_model.safetensors", offset=0, data=data, sha256="")
    return replace(whole, **changed)


def test_an_adapter_that_was_cut_is_not_put_in_place_and_the_next_attempt_begins_anew(tmp_path):
    home, arrivals = tmp_path / "7", Arrivals()
    arrivals.expect(7, home)
    arrivals.take(piece())
    assert not home.exists()
    arrivals.expect(7, home)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "bad",
    [piece(sha256="0" * 64), piece(name="../7/x"), piece(name=".."), piece(trial=8)],
    ids=["contents", "outside", "parent", "another trial"],
)
def test_what_was_not_sent_or_is_not_asked_for_is_refused(tmp_path, bad):
    arrivals = Arrivals()
    arrivals.expect(7, tmp_path / "7")
    with pytest.raises(DamagedAdapter):
        arrivals.take(bad)
    assert not (tmp_path / "7").exists()


def test_a_batch_is_given_again_until_it_is_acknowledged():
    box = Outbox()
    box.put("a")
    first = box.batch(0, 1.0)
    box.put("b")
    assert box.batch(0, 1.0) == first == (1, ["a"])
    assert box.batch(1, 1.0) == (2, ["b"])
    assert box.batch(2, 0.0) == (2, [])


@pytest.mark.parametrize(
    ("head", "token", "insecure", "is_used"),
    [
        ("10.0.0.1", False, False, False),
        ("10.0.0.1", True, False, True),
        ("10.0.0.1", False, True, True),
        ("127.0.0.1", False, False, True),
        ("[::1]", False, False, True),
        ("head.example", False, False, False),
    ],
)
def test_a_cluster_without_a_token_is_used_on_loopback_only_unless_told(head, token, insecure, is_used):
    assert is_safe(head, token, insecure) is is_used
