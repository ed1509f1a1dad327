"""The executor without processes: the same events, the same retries."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from scripted_engine import SCRIPTS, ScriptedEngine

from tunebook.core.configuration import Configuration
from tunebook.core.ports import EngineOptions, Scoring, TrialJob, Workload
from tunebook.errors import DiskFull, LedgerLocked
from tunebook.executors import InlineExecutor

SEEDS = {script: seed for seed, script in SCRIPTS.items()}


def run(scripts, watch=None, **extra):
    executor = InlineExecutor(ScriptedEngine(EngineOptions("m", extra=extra)), Workload((), {}, Scoring()))
    jobs = [TrialJob(n, Configuration(), SEEDS[s], ("validation",), "/none") for n, s in enumerate(scripts, 1)]
    events = []

    def on_event(event):
        events.append(event)
        if watch:
            watch(executor, event)

    executor.run(jobs, on_event)
    return events


def kinds(events, *wanted):
    return [(kind, getattr(arguments[0], "id", arguments[0])) for kind, arguments in events if kind in wanted]


def test_trials_are_started_and_finished_in_order():
    events = run(["train", "train"])
    assert kinds(events, "started", "finished") == [("started", 1), ("finished", 1), ("started", 2), ("finished", 2)]


def test_a_broken_engine_costs_the_trial_that_broke_it():
    events = run(["breaks the engine", "train"])
    assert kinds(events, "finished", "failed") == [("failed", 1), ("finished", 2)]


def test_a_failing_trial_is_tried_three_times():
    events = run(["fails"])
    assert [kind for kind, _ in kinds(events, "requeued", "failed")] == ["requeued", "requeued", "failed"]


def test_a_full_disk_stops_the_study():
    with pytest.raises(DiskFull):
        run(["disk full"])


def test_an_error_of_the_runner_is_not_taken_for_the_trials():
    def refuse(executor, event):
        raise LedgerLocked("taken over")

    with pytest.raises(LedgerLocked):
        run(["train"], watch=refuse)


def test_stopping_ends_after_the_running_step():
    def stop(executor, event):
        if event[0] == "step":
            executor.stop()

    events = run(["slow", "train"], watch=stop)
    assert kinds(events, "step", "finished", "started") == [("started", 1), ("step", 1)]
