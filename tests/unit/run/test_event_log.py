"""The event file: thinned, bounded, followed across a new file, and never in a study's way."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from tunebook.core.events import Failed, Noted, Progress, Recorded, Saved, Started, Step, WaveStarted
from tunebook.core.facts import History, StepRecord, TrialFact
from tunebook.core.study import TrialState
from tunebook.run import event_log
from tunebook.run.event_log import EVENTS_FILE, EventLog, UnderWay, follow, under_way
from tunebook.testing.fake_clock import FakeClock
from tunebook.testing.sample_study import result_of, sample_wave


def step(trial: int, number: int, loss: float = 1.0) -> Step:
    return Step(trial, StepRecord(number, number / 10, loss, 1e-4, 0.5))


def lines(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / EVENTS_FILE).read_text().splitlines() if line]


def log_in(folder: Path, clock: FakeClock | None = None, **more) -> EventLog:
    return EventLog(folder, pytest.fail, clock=lambda: 1000.0, monotonic=clock or FakeClock(), **more)


def test_every_line_says_when_which_run_and_what(tmp_path):
    wave = sample_wave(1)
    with log_in(tmp_path) as log:
        log.event(WaveStarted(wave, History()))
        log.event(Started(3, "worker 0 (cpu)"))
        log.event(step(3, 1, float("nan")))
        log.event(Failed(3, "no", out_of_memory=True))
        log.event(Recorded(result_of(wave.trials[0], TrialState.DIVERGED)))
        log.event(Noted("cohort_split", {"trials": (1, 2)}))
    told = lines(tmp_path)
    assert len({line["run"] for line in told}) == 1
    assert all(line["time"] >= 1000 for line in told)
    assert [line["event"] for line in told] == [
        "run_started", "wave_started", "started", "step", "failed", "recorded", "noted", "run_ended"
    ]  # fmt: skip
    assert told[1]["trials"] == [trial.id for trial in wave.trials]
    assert told[3]["record"] == {"step": 1, "epoch": 0.1, "loss": None, "learning_rate": 1e-4, "gradient_norm": 0.5}
    assert told[5]["state"] == "diverged"
    assert told[6]["values"] == {"trials": [1, 2]}


def test_steps_and_progress_are_kept_once_a_second_a_trial(tmp_path):
    clock = FakeClock()
    with log_in(tmp_path, clock) as log:
        for number in range(1, 31):
            for trial in (1, 2):
                log.event(step(trial, number))
                log.event(Progress(trial, number / 30, "train"))
            clock.advance(0.125)
    told = lines(tmp_path)
    assert [(line["trial"], line["record"]["step"]) for line in told if line["event"] == "step"] == [
        (1, 1), (2, 1), (1, 9), (2, 9), (1, 17), (2, 17), (1, 25), (2, 25)
    ]  # fmt: skip
    assert sum(line["event"] == "progress" for line in told) == 8


def test_the_file_is_bounded(tmp_path):
    with log_in(tmp_path, most_bytes=2000) as log:
        for number in range(200):
            log.event(Started(number, "worker 0 (cpu)"))
    sizes = [path.stat().st_size for path in tmp_path.iterdir()]
    assert len(sizes) == 2
    assert max(sizes) <= 2000


def test_whoever_follows_misses_nothing_when_a_new_file_is_begun(tmp_path):
    ended = threading.Event()
    seen: list[dict] = []
    reader = threading.Thread(
        target=lambda: seen.extend(follow(tmp_path / EVENTS_FILE, until=ended.is_set, pause_seconds=0.01))
    )
    reader.start()
    with log_in(tmp_path, most_bytes=1500) as log:
        for number in range(30):
            log.event(Started(number, "worker 0 (cpu)"))
            if number % 5 == 0:
                threading.Event().wait(0.05)  # or two new files are begun between two looks
    ended.set()
    reader.join()
    assert [line["trial"] for line in seen if line["event"] == "started"] == list(range(30))


def test_half_a_line_of_a_killed_run_is_skipped(tmp_path):
    (tmp_path / EVENTS_FILE).write_text('{"time": 1, "run": "a", "event": "sta')
    with log_in(tmp_path) as log:
        log.event(Started(1, "worker 0 (cpu)"))
    told = list(follow(tmp_path / EVENTS_FILE, until=lambda: True))
    assert [line["event"] for line in told] == ["run_started", "started", "run_ended"]


def test_a_file_that_cannot_be_written_costs_one_warning_and_is_tried_again(tmp_path):
    clock, warnings = FakeClock(), []
    (tmp_path / EVENTS_FILE).mkdir()
    with EventLog(tmp_path, warnings.append, monotonic=clock) as log:
        log.event(Started(1, "worker 0 (cpu)"))
        clock.advance(31)
        log.event(Started(2, "worker 0 (cpu)"))
        (tmp_path / EVENTS_FILE).rmdir()
        clock.advance(31)
        log.event(Started(3, "worker 0 (cpu)"))
    assert len(warnings) == 1
    assert "the study goes on" in warnings[0]
    assert [line["trial"] for line in lines(tmp_path) if line["event"] == "started"] == [3]


def test_a_full_disk_is_survived_and_the_cut_line_skipped(tmp_path, monkeypatch):
    real = event_log.os.write
    clock, warnings = FakeClock(), []
    with EventLog(tmp_path, warnings.append, monotonic=clock) as log:
        with monkeypatch.context() as patched:
            patched.setattr(event_log.os, "write", lambda file, line: real(file, line[:10]))
            log.event(Started(1, "worker 0 (cpu)"))
        log.event(Started(2, "worker 0 (cpu)"))
    told = list(follow(tmp_path / EVENTS_FILE, until=lambda: True))
    assert [line.get("trial") for line in told] == [None, 2, None]


def test_what_is_known_of_trials_under_way(tmp_path):
    wave = sample_wave(1)
    first, second, third = wave.trials[:3]
    history = History(trials={trial.id: TrialFact(trial=trial, state=TrialState.RUNNING) for trial in (first, second)})
    history.trials[third.id] = TrialFact(trial=third, state=TrialState.COMPLETED)
    with log_in(tmp_path) as log:
        for trial in (first, second, third):
            log.event(Started(trial.id, "worker 0 (cpu)"))
        log.event(step(first.id, 4, 0.5))
        log.event(Progress(first.id, 0.25, "train"))
        log.event(Saved(first.id, 3))
        log.event(step(third.id, 9))
    with (tmp_path / EVENTS_FILE).open("a") as file:
        file.write('[1]\n{"event": "step", "trial": 1}\n{"event": 7, "trial": {}}\nrubbish\n')
    assert under_way(tmp_path, history, now=1010.0) == (
        UnderWay(trial=first.id, phase="train", done=0.25, step=4, loss=0.5, saved_step=3, heard_seconds_ago=10.0),
        UnderWay(trial=second.id, heard_seconds_ago=10.0),
    )
    assert under_way(tmp_path / "nowhere", history) == ()
    (tmp_path / "adapters").mkdir()
    (tmp_path / "adapters" / f"{first.id}.unscored.json").touch()  # it is trained and waits for a service's scores
    assert [each.saved_step for each in under_way(tmp_path, history)] == [4, None]
