"""Lanes compute side by side and hand back what was computed, or what went wrong."""

from __future__ import annotations

import gc
import threading
import time
import weakref

import pytest
import torch

from tunebook.engines.packed.model.multiplies import exact_threads
from tunebook.engines.packed.scheduling import helpers
from tunebook.engines.packed.scheduling import lanes as lanes_module
from tunebook.engines.packed.scheduling.lanes import MAX_LANES, Lanes, lane_count, threads_agree


def collect(lanes, n):
    done = []
    while len(done) < n:
        done += lanes.wait(10)
    return done


def test_lanes_run_at_the_same_time():
    together = threading.Barrier(2, timeout=10)
    with Lanes(2, 2, False) as lanes:
        for tag in ("a", "b"):
            lanes.start(together.wait, tag)
        assert lanes.n_idle == 0
        done = collect(lanes, 2)
        assert lanes.n_idle == 2
    assert {one.tag for one in done} == {"a", "b"}
    assert all(one.error is None for one in done)


def test_an_error_comes_back_with_its_tag():
    def fails():
        raise ValueError("broken")

    with Lanes(2, 2, False) as lanes:
        lanes.start(fails, "x")
        (done,) = collect(lanes, 1)
    assert (done.tag, str(done.error)) == ("x", "broken")


class Activations:
    """What a failed forward holds."""


def runs_out_of_memory(left, depth=2):
    held = Activations()
    left.append(weakref.ref(held))
    if depth:
        runs_out_of_memory(left, depth - 1)
    raise torch.OutOfMemoryError("CUDA out of memory")


@pytest.mark.parametrize("how", ["start", "spread"])
def test_what_a_forward_held_that_ran_out_of_memory_is_free_before_it_is_tried_again(how):
    left = []
    gc.disable()  # whatever is only freed by a collection some time later counts as held
    try:
        with Lanes(2, 2, False) as lanes:
            if how == "start":
                lanes.start(lambda: runs_out_of_memory(left), None)
            else:
                lanes.start(lambda: lanes.spread(lambda _: runs_out_of_memory(left), (0, 1)), None)
            (done,) = collect(lanes, 1)
            assert isinstance(done.error, torch.OutOfMemoryError)
            assert left
            assert [ref() for ref in left if ref() is not None] == []
    finally:
        gc.enable()


def test_each_raises_what_a_lane_raised_and_leaves_the_lanes_idle():
    with Lanes(2, 2, False) as lanes:
        with pytest.raises(ZeroDivisionError):
            lanes.each(lambda: 1 / 0)
        assert lanes.n_idle == 2
        assert lanes.each(lambda: 3) == [3, 3]


@pytest.mark.parametrize("may_widen", [True, False])
def test_only_base_multiplies_take_all_threads_and_only_while_one_lane_computes(may_widen):
    def counts():
        with exact_threads():
            base = torch.get_num_threads()
        return base, torch.get_num_threads()

    def both():
        together.wait()
        found = counts()
        together.wait()
        return found

    together = threading.Barrier(2, timeout=10)
    with Lanes(2, 4, may_widen) as lanes:
        lanes.start(counts, None)
        assert collect(lanes, 1)[0].result == (4 if may_widen else 2, 2)
        assert lanes.each(both) == [(2, 2), (2, 2)]


def test_side_by_side_costs_the_machine_its_time_once():
    def takes_a_while():
        began = lanes.clock()
        together.wait()
        time.sleep(0.2)
        together.wait()
        return lanes.clock() - began

    together = threading.Barrier(2, timeout=10)
    with Lanes(2, 2, False) as lanes:
        began = time.perf_counter()
        shares = lanes.each(takes_a_while)
        passed = time.perf_counter() - began
    assert sum(shares) == pytest.approx(passed, abs=0.1)
    assert max(shares) < 0.8 * passed


def in_a_lane(lanes, work):
    lanes.start(work, None)
    (done,) = collect(lanes, 1)
    return done


def test_what_is_spread_is_computed_side_by_side_and_comes_back_in_order():
    together = threading.Barrier(3, timeout=10)

    def work(item):
        if item < 3:
            together.wait()
        return item, threading.current_thread().name

    with Lanes(3, 3, False) as lanes:
        found = in_a_lane(lanes, lambda: lanes.spread(work, range(7))).result
        deadline = time.monotonic() + 10
        while lanes.n_idle < 3 and time.monotonic() < deadline:
            lanes.wait(0.1)
        assert lanes.n_idle == 3
    assert [item for item, _ in found] == list(range(7))
    assert len({name for _, name in found}) == 3


def test_a_lane_that_gets_idle_later_helps_when_it_is_told_to():
    helped, go_on = threading.Event(), threading.Event()

    def work(item):
        if threading.current_thread().name != names[0]:
            helped.set()
        else:
            assert helped.wait(10)
        return item

    names = []

    def spreads():
        names.append(threading.current_thread().name)
        return lanes.spread(work, (0, 1, 2))

    with Lanes(2, 2, False) as lanes:
        lanes.start(lambda: go_on.wait(10), "other")
        time.sleep(0.05)
        lanes.start(spreads, "spreads")
        go_on.set()
        assert [one.tag for one in collect(lanes, 1)] == ["other"]
        lanes.help()
        assert collect(lanes, 1)[0].result == [0, 1, 2]


def test_an_error_in_a_piece_comes_back_and_ends_the_rest():
    done = []

    def work(item):
        if item == 1:
            raise ValueError("piece 1")
        done.append(item)

    with Lanes(2, 2, False) as lanes:
        error = in_a_lane(lanes, lambda: lanes.spread(work, range(1000))).error
    assert str(error) == "piece 1"
    assert len(done) < 1000


def test_pieces_computed_by_others_count_for_the_lane_that_spread_them():
    def spreads():
        began = lanes.clock()
        lanes.spread(lambda seconds: time.sleep(seconds), (0.2, 0.4))
        return lanes.clock() - began

    with Lanes(2, 2, False) as lanes:
        began = time.perf_counter()
        seconds = in_a_lane(lanes, spreads).result
        passed = time.perf_counter() - began
    assert seconds == pytest.approx(passed, abs=0.1)


def test_one_lane_from_here_on():
    with Lanes(2, 2, False) as lanes:
        lanes.narrow()
        assert lanes.n_idle == 1
        names = in_a_lane(lanes, lambda: lanes.spread(lambda _: threading.current_thread().name, range(5))).result
    assert len(set(names)) == 1


def test_a_gpu_has_one_lane_and_a_processor_one_a_thread():
    assert lane_count("cuda:0", 16) == 1
    assert [lane_count("cpu", n) for n in (1, 2, 16)] == [1, 2, MAX_LANES]


def test_multiplies_that_depend_on_the_number_of_threads_are_noticed(monkeypatch):
    shapes = [(24, 16)]
    real = lanes_module.base_linear
    assert isinstance(threads_agree(shapes, torch.float32, 2), bool)

    def cut_sums(module, x):
        return real(module, x) + 1e-6 * (torch.get_num_threads() - 1)

    monkeypatch.setattr(lanes_module, "base_linear", cut_sums)
    assert not threads_agree(shapes, torch.float32, 2)


def test_helping_threads_wait_awake_only_while_the_machine_has_room(tmp_path, monkeypatch):
    held = []
    file = tmp_path / "cpu"
    monkeypatch.setattr(helpers, "PRESSURE", file)
    monkeypatch.setattr(helpers, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(helpers, "hold_threads", held.append)
    monkeypatch.setattr(helpers, "end_threads", lambda: held.append(0))

    def waited(seconds):
        file.write_text(f"some avg10=0.00 avg60=0.00 avg300=0.00 total={int(seconds * 1e6)}\nfull total=0\n")

    waited(5)
    one = helpers.Helpers(2)
    one.begin()
    one.look()  # nobody has waited
    waited(100)
    one.look()
    one.look()
    assert held == [2, 0, 2, 0]
    file.unlink()
    unknown = helpers.Helpers(2)
    unknown.begin()
    unknown.look()
    assert held[4:] == [2]
