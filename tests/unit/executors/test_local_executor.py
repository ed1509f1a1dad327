"""The local executor with real worker processes that are killed, hang, break and run out of memory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from scripted_engine import SCRIPTS

from tunebook.core.configuration import Configuration
from tunebook.core.events import Cancelled, Failed, Finished, Noted, Progress, Requeued, Started, Step, WorkerDied
from tunebook.core.ports import EngineOptions, Scoring, TrialJob, Workload
from tunebook.errors import DiskFull, EnvironmentStop, ModelError, StaleToken, TrialFailed
from tunebook.executors import Limits, LocalExecutor, Transform, options_by_device
from tunebook.testing.fake_clock import FakeClock

WORKLOAD = Workload((), {}, Scoring())
SEEDS = {script: seed for seed, script in SCRIPTS.items()}


def job(number: int, script: str = "train", checkpoints=()) -> TrialJob:
    return TrialJob(
        id=number,
        configuration=Configuration(),
        seed=SEEDS[script],
        splits=("validation",),
        folder="/none",
        checkpoints=checkpoints,
    )


class Run:
    """What came of running jobs."""

    def __init__(self, tmp_path, jobs, devices=("cpu",), limits=None, watch=None, **extra):
        extra = {"marks": str(tmp_path), **extra}
        options = EngineOptions(model="m", threads=2, extra=extra, unused=("bitsandbytes",))
        self.executor = LocalExecutor(
            "scripted_engine:ScriptedEngine", options_by_device(options, devices), WORKLOAD, limits=limits
        )
        self.events = []

        def on_events(events):
            for event in events:
                self.events.append(event)
                if watch:
                    watch(self.executor, event)

        try:
            self.executor.run(jobs, on_events)
        finally:
            self.executor.close()

    def of(self, kind):
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def finished(self):
        return sorted(event.trial for event in self.of(Finished))

    @property
    def failed(self):
        return {event.trial: event.message for event in self.of(Failed)}


def test_every_trial_is_trained_and_told_in_order(tmp_path):
    run = Run(tmp_path, [job(1), job(2)])
    assert [type(event) for event in run.events if not isinstance(event, Noted)] == (
        [Started, Step, Progress, Step, Step, Finished] * 2
    ), "of progress, one a second is told"
    assert run.finished == [1, 2]


def test_two_devices_share_the_trials_and_the_threads(tmp_path):
    run = Run(tmp_path, [job(n) for n in range(1, 7)], ("cpu:0", "cpu:1"), slots=8, step_seconds=0.6)
    assert run.finished == [1, 2, 3, 4, 5, 6]
    assert {event.worker for event in run.of(Started)} == {"worker 0 (cpu)", "worker 1 (cpu)"}
    assert {note.values["threads"] for note in run.of(Noted)} == {"1"}


@pytest.mark.parametrize(
    ("seen", "cards"), [(None, {"0", "1"}), ("3, GPU-a1b2", {"3", "GPU-a1b2"})], ids=["all", "those that are shown"]
)
def test_a_worker_sees_its_own_card_alone(tmp_path, monkeypatch, seen, cards):
    """So the Trainer cannot take the other cards too; torch is not imported before the variable is set."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if seen:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", seen)
    run = Run(tmp_path, [job(n) for n in range(1, 7)], ("cuda:0", "cuda:1"), slots=8, step_seconds=0.6)
    assert {note.values["cards"] for note in run.of(Noted)} == cards
    assert {note.values["device"] for note in run.of(Noted)} == {"cuda:0"}, "of what it sees, the first"
    assert {event.worker for event in run.of(Started)} == {"worker 0 (cuda:0)", "worker 1 (cuda:1)"}


def test_a_worker_on_the_processor_leaves_the_cards_to_its_programs(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,3")
    [note] = Run(tmp_path, [job(1)]).of(Noted)
    assert (note.values["cards"], note.values["device"]) == ("2,3", "cpu")


def test_a_killed_worker_is_started_again_and_the_other_goes_on(tmp_path):
    run = Run(tmp_path, [job(1, "killed once"), job(2), job(3), job(4)], ("cpu:0", "cpu:1"))
    assert run.finished == [1, 2, 3, 4]
    [requeued], [died] = run.of(Requeued), run.of(WorkerDied)
    assert requeued.trial == 1
    assert died.worker in ("worker 0 (cpu)", "worker 1 (cpu)")
    assert not died.retired
    assert "SIGKILL" in died.reason
    assert "SIGKILL" in requeued.reason


def test_a_trial_that_always_kills_its_worker_fails_alone(tmp_path):
    run = Run(tmp_path, [job(1), job(2, "killed"), job(3), job(4)], slots=4)
    assert run.finished == [1, 3, 4]
    assert "SIGKILL" in run.failed[2]


def test_a_worker_killed_from_outside_is_noticed_at_once(tmp_path):
    killed = []

    def kill_once(executor, event):
        if isinstance(event, Step) and not killed:
            killed.append(time.monotonic())
            os.kill(executor._workers[0].process.pid, signal.SIGKILL)
        if isinstance(event, Requeued):
            killed.append(time.monotonic())

    run = Run(tmp_path, [job(1), job(2)], watch=kill_once, step_seconds=0.2)
    assert run.finished == [1, 2]
    assert killed[1] - killed[0] < 5


def test_a_hanging_trial_is_killed_tried_once_more_and_failed(tmp_path):
    run = Run(tmp_path, [job(1), job(2, "hangs"), job(3)], limits=Limits(no_progress_seconds=0.7))
    assert run.finished == [1, 3]
    assert "no progress" in run.failed[2]
    assert len(run.of(Requeued)) == 1


def test_a_trial_that_hung_once_is_finished(tmp_path):
    run = Run(tmp_path, [job(1, "hangs once")], limits=Limits(no_progress_seconds=0.7))
    assert run.finished == [1]


def test_the_watchdog_goes_by_its_clock_alone(tmp_path):
    """A clock that stands still (a suspended machine) kills nothing; one that moves on by the limit does."""
    clock = FakeClock()
    options = options_by_device(EngineOptions(model="m", extra={"marks": str(tmp_path)}), ["cpu"])
    executor = LocalExecutor("scripted_engine:ScriptedEngine", options, WORKLOAD, clock=clock)
    events = []
    timer = threading.Timer(2.5, clock.advance, (901.0,))

    def on_events(told):
        for event in told:
            events.append((type(event), time.monotonic()))
            if isinstance(event, Started) and len(events) == 1:
                timer.start()

    executor.run([job(1, "hangs once")], on_events)
    executor.close()
    started = events[0][1]
    requeued = next(at for kind, at in events if kind is Requeued)
    assert requeued - started > 2.0
    assert events[-1][0] is Finished


def test_signs_of_life_are_not_progress(tmp_path):
    script = "signs of life without progress"
    run = Run(tmp_path, [job(1, script)], limits=Limits(no_progress_seconds=0.7))
    assert "no progress" in run.failed[1]


def test_slow_progress_is_progress(tmp_path):
    run = Run(tmp_path, [job(1)], limits=Limits(no_progress_seconds=1.5), step_seconds=1.0)
    assert run.finished == [1]
    assert run.of(Requeued) == []


def test_an_engine_that_breaks_costs_the_trial_that_broke_it(tmp_path):
    run = Run(tmp_path, [job(1, "breaks the engine"), job(2)])
    assert run.finished == [2]
    assert "ZeroDivisionError" in run.failed[1]
    assert "scripted_engine.py" in run.failed[1]


def test_failures_that_the_engine_reports_are_tried_again(tmp_path):
    run = Run(tmp_path, [job(1, "fails"), job(2, "does not fit"), job(3)])
    assert run.finished == [3]
    assert run.failed == {1: "trial 1 cannot be trained", 2: "needs 80 GiB"}
    assert [event.trial for event in run.of(Requeued)] == [1, 1]


def test_a_trial_that_takes_all_memory_is_seen_as_that(tmp_path):
    run = Run(tmp_path, [job(1), job(2, "memory"), job(3), job(4)], slots=4)
    assert run.finished == [1, 3, 4]
    assert "out of memory" in run.failed[2]
    assert run.of(Failed)[0].out_of_memory
    limits = [note.values["most_together"] for note in run.of(Noted) if note.code == "fewer_together"]
    assert limits[0] == 1


def test_what_libraries_print_does_not_disturb(tmp_path):
    assert Run(tmp_path, [job(1, "prints"), job(2)]).finished == [1, 2]


def test_what_workers_print_is_kept_where_asked(tmp_path):
    options = options_by_device(EngineOptions(model="m", extra={"marks": str(tmp_path)}), ["cpu"])
    executor = LocalExecutor("scripted_engine:ScriptedEngine", options, WORKLOAD, logs=tmp_path / "logs")
    executor.run([job(1, "prints")], lambda event: None)
    executor.close()
    assert "the descriptor itself" in (tmp_path / "logs" / "worker-0.log").read_text()


def test_a_killed_workers_children_are_ended(tmp_path):
    run = Run(tmp_path, [job(1, "leaves a child behind")])
    pids = [note.values["pid"] for note in run.of(Noted) if note.code == "child"]
    assert len(pids) == 3
    assert not _still_running(pids, seconds=10)


def _still_running(pids, seconds):
    """Those that still run after at most so long: a killed process is gone when the kernel has cleared it away."""
    give_up = time.monotonic() + seconds
    while True:
        alive = [p for p in pids if psutil.pid_exists(p) and psutil.Process(p).status() != psutil.STATUS_ZOMBIE]
        if not alive or time.monotonic() > give_up:
            return alive
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("extra", "script", "error"),
    [({"broken": True}, "train", ModelError), ({"dies": True}, "train", EnvironmentStop), ({}, "disk full", DiskFull)],
)
def test_what_concerns_the_whole_study_is_raised(tmp_path, extra, script, error):
    with pytest.raises(error):
        Run(tmp_path, [job(1, script)], **extra)


def test_one_worker_that_cannot_start_is_left_out_and_the_others_do_its_work(tmp_path):
    options = [
        EngineOptions(model="m", device=f"cuda:{number}", extra={"marks": str(tmp_path), "dies": number == 0})
        for number in range(2)
    ]
    executor = LocalExecutor("scripted_engine:ScriptedEngine", options, WORKLOAD)
    events = []
    executor.run([job(number) for number in range(1, 6)], events.extend)
    executor.run([job(6)], events.extend)
    executor.close()
    assert sorted(event.trial for event in events if isinstance(event, Finished)) == [1, 2, 3, 4, 5, 6]
    deaths = [event for event in events if isinstance(event, WorkerDied)]
    assert len(deaths) <= 3
    if len(deaths) == 3:  # else the other one was done before it had died often enough
        assert [death.retired for death in deaths] == [False, False, True]
        assert "no such device" in deaths[0].reason


def test_a_further_split_reaches_the_workers_that_are_there(tmp_path):
    options = options_by_device(EngineOptions(model="m", extra={"marks": str(tmp_path)}), ["cpu"])
    executor = LocalExecutor("scripted_engine:ScriptedEngine", options, WORKLOAD)
    told = []
    executor.run([job(1, "tells its splits")], told.extend)
    process = executor._workers[0].process
    further = replace(WORKLOAD, splits={"validation": (), "test": ()})
    executor.use(further, Transform(f"{Path(__file__).stem}:upper", ("x",)))
    executor.run([job(2, "tells its splits")], told.extend)
    assert executor._workers[0].process is process
    executor.close()
    assert [(note.code, note.values) for note in told if isinstance(note, Noted) and "splits" in note.values] == [
        ("splits", {"splits": []}), ("x", {"splits": ["validation", "test"]})
    ]  # fmt: skip


def test_an_engine_that_asks_at_every_step_asks_the_runner_once(tmp_path, monkeypatch):
    asked = []
    hand_out = LocalExecutor._hand_out
    monkeypatch.setattr(
        LocalExecutor, "_hand_out", lambda self, worker, *n: (asked.append(n), hand_out(self, worker, *n))
    )
    run = Run(tmp_path, [job(1, "asks at every step"), job(2)], slots=4)
    assert run.finished == [1, 2]
    assert len(asked) <= 3


def test_a_waiting_engine_is_told_when_there_is_more(tmp_path):
    """Told once that nothing waits, it asks no more; then a trial goes back to the queue while it trains another."""
    run = Run(tmp_path, [job(1, "asks until it gets more"), job(2)], slots=2)
    assert run.finished == [1, 2]
    assert [event.trial for event in run.of(Requeued)] == [2]


def test_an_error_of_the_runner_ends_the_workers(tmp_path):
    pids = []

    def refuse(executor, event):
        pids.append(executor._workers[0].process.pid)
        raise StaleToken("taken over")

    with pytest.raises(StaleToken):
        Run(tmp_path, [job(1, "slow")], watch=refuse)
    assert not psutil.pid_exists(pids[0])


def test_a_cancelled_trial_ends_after_its_step_and_the_others_go_on(tmp_path):
    def cancel(executor, event):
        if event == run_started:
            executor.cancel(1)

    run_started = Started(1, "worker 0 (cpu)")
    run = Run(tmp_path, [job(1, "slow"), job(2)], watch=cancel)
    assert run.of(Cancelled) == [Cancelled(1)]
    assert run.finished == [2]
    assert len([event for event in run.of(Step) if event.trial == 1]) < 400


def test_a_waiting_trial_that_is_cancelled_is_never_begun(tmp_path):
    def cancel(executor, event):
        if isinstance(event, Started) and event.trial == 1:
            executor.cancel(2)

    run = Run(tmp_path, [job(1), job(2), job(3)], watch=cancel, step_seconds=0.1)
    assert run.of(Cancelled) == [Cancelled(2)]
    assert [event.trial for event in run.of(Started)] == [1, 3]


def test_a_cancelled_trial_whose_worker_dies_is_not_begun_again(tmp_path):
    def cancel(executor, event):
        if isinstance(event, Started):
            executor.cancel(event.trial)
            os.kill(executor._workers[0].process.pid, signal.SIGSTOP)
            threading.Timer(1.0, executor._workers[0].process.kill).start()

    run = Run(tmp_path, [job(1, "slow")], watch=cancel)
    assert run.of(Cancelled) == [Cancelled(1)]
    assert run.of(Requeued) == []


def test_stopping_ends_after_the_running_step(tmp_path):
    def stop(executor, event):
        if isinstance(event, Step):
            executor.stop()

    run = Run(tmp_path, [job(1, "slow"), job(2)], watch=stop, step_seconds=0.05)
    assert run.finished == []
    assert len(run.of(Step)) <= 2
    assert len(run.of(Started)) == 1


def test_stopping_now_does_not_wait(tmp_path):
    started = time.monotonic()
    run = Run(tmp_path, [job(1, "hangs")], watch=lambda executor, event: executor.stop(now=True))
    assert run.finished == []
    assert time.monotonic() - started < 10


def test_stop_may_come_from_a_signal_handler(tmp_path):
    holder = []
    previous = signal.signal(signal.SIGUSR1, lambda number, frame: holder[0].stop())
    try:
        timer = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGUSR1))

        def remember(executor, event):
            if not holder:
                holder.append(executor)
                timer.start()

        run = Run(tmp_path, [job(1, "slow"), job(2)], watch=remember, step_seconds=0.01)
        assert run.finished == []
    finally:
        signal.signal(signal.SIGUSR1, previous)


def test_workers_end_with_their_runner(tmp_path):
    body = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_local_executor import Run, job
from pathlib import Path
def tell(executor, event):
    print(executor._workers[0].process.pid, flush=True)
Run(Path({str(tmp_path)!r}), [job(1, "hangs")], watch=tell)
"""
    runner = subprocess.Popen([sys.executable, "-c", body], stdout=subprocess.PIPE, text=True)
    worker = int(runner.stdout.readline())
    runner.kill()
    runner.wait()
    deadline = time.monotonic() + 10
    while psutil.pid_exists(worker) and psutil.Process(worker).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, "the worker outlived its runner"
        time.sleep(0.05)


def upper(sink, word):
    """A transform for the test below: notes are shouted."""
    emit = sink.emit
    sink.emit = lambda event: emit(replace(event, code=word) if isinstance(event, Noted) else event)
    return sink


def test_a_transform_wraps_the_sink_in_the_worker(tmp_path):
    options = options_by_device(EngineOptions(model="m", extra={"marks": str(tmp_path)}), ["cpu"])
    transform = Transform(f"{Path(__file__).stem}:upper", ("shouted",))
    executor = LocalExecutor("scripted_engine:ScriptedEngine", options, WORKLOAD, transform=transform)
    events = []
    executor.run([job(1)], events.extend)
    executor.close()
    assert [event.code for event in events if isinstance(event, Noted)] == ["shouted"]


def test_the_first_worker_calibrates(tmp_path):
    options = options_by_device(EngineOptions(model="m", extra={"marks": str(tmp_path)}), ["cpu"])
    executor = LocalExecutor("scripted_engine:ScriptedEngine", options, WORKLOAD)
    assert executor.calibrate().score_examples_per_second == 2.0
    events = []
    executor.run([job(1)], events.extend)
    executor.close()
    assert isinstance(events[-1], Finished)


@pytest.mark.parametrize(
    ("extra", "error", "said"),
    [
        ({"calibration": "breaks"}, TrialFailed, "ZeroDivisionError"),
        ({"calibration": "killed"}, TrialFailed, "SIGKILL"),
        ({"calibration": "hangs"}, TrialFailed, "more than 4 seconds"),
        ({"broken": True}, ModelError, "broken, by design"),
        ({"dies": True}, EnvironmentStop, "no such device"),
    ],
)
def test_a_calibration_that_fails_says_how_and_leaves_no_worker(tmp_path, extra, error, said):
    options = options_by_device(EngineOptions(model="m", extra=extra), ["cpu"])
    executor = LocalExecutor("scripted_engine:ScriptedEngine", options, WORKLOAD)
    before = set(psutil.Process().children())
    limit = 4.0 if "hangs" in extra.values() else 60.0
    with pytest.raises(error, match=said):
        executor.calibrate(limit)
    assert set(psutil.Process().children()) <= before
    executor.close()


def test_the_ledgers_address_is_kept_from_workers(tmp_path, monkeypatch):
    monkeypatch.setenv("TUNEBOOK_LEDGER", "postgresql://me:secret@host/db")
    seen = []

    def look(executor, event):
        seen.append(psutil.Process(executor._workers[0].process.pid).environ())

    Run(tmp_path, [job(1)], watch=look)
    assert "TUNEBOOK_LEDGER" not in seen[0]
