"""The executor without processes: the same events, the same retries."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from scripted_engine import SCRIPTS, ScriptedEngine

from tunebook.core.configuration import Configuration
from tunebook.core.events import Cancelled, Failed, Finished, Requeued, Started, Step
from tunebook.core.ports import EngineOptions, Scoring, TrialJob, Workload
from tunebook.errors import DiskFull, LedgerLocked
from tunebook.executors import InlineExecutor

SEEDS = {script: seed for seed, script in SCRIPTS.items()}


def run(scripts, watch=None, **extra):
    executor = InlineExecutor(ScriptedEngine(EngineOptions(model="m", extra=extra)), Workload((), {}, Scoring()))
    jobs = [
        TrialJob(id=n, configuration=Configuration(), seed=SEEDS[s], splits=("validation",), folder="/none")
        for n, s in enumerate(scripts, 1)
    ]
    events = []

    def on_events(told):
        for event in told:
            events.append(event)
            if watch:
                watch(executor, event)

    executor.run(jobs, on_events)
    return events


def kinds(events, *wanted):
    return [(type(event), event.trial) for event in events if isinstance(event, wanted)]


def test_trials_are_started_and_finished_in_order():
    events = run(["train", "train"])
    assert kinds(events, Started, Finished) == [(Started, 1), (Finished, 1), (Started, 2), (Finished, 2)]


def test_a_broken_engine_costs_the_trial_that_broke_it():
    events = run(["breaks the engine", "train"])
    assert kinds(events, Finished, Failed) == [(Failed, 1), (Finished, 2)]


def test_a_failing_trial_is_tried_three_times():
    events = run(["fails"])
    assert [kind for kind, _ in kinds(events, Requeued, Failed)] == [Requeued, Requeued, Failed]


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
        if isinstance(event, Step):
            executor.stop()

    events = run(["slow", "train"], watch=stop)
    assert kinds(events, Step, Finished, Started) == [(Started, 1), (Step, 1)]


def test_cancelled_trials_end_after_the_step_or_are_never_begun():
    def cancel(executor, event):
        if isinstance(event, Step) and event.trial == 1:
            executor.cancel(1)
            executor.cancel(2)

    events = run(["slow", "train", "train"], watch=cancel)
    assert kinds(events, Started, Finished, Cancelled) == [
        (Started, 1), (Cancelled, 1), (Cancelled, 2), (Started, 3), (Finished, 3)
    ]  # fmt: skip
