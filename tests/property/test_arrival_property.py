"""Results may come in any order and a run may be killed anywhere: with one, two or three workers the study is the same.

The real runner and planner; a ledger in memory, and an executor that trains in the order that it is told.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from tunebook.core.events import Finished, Started
from tunebook.core.facts import History, StudyFacts, TrialFact
from tunebook.core.space import Folding
from tunebook.core.study import TrialState
from tunebook.core.trial_result import JudgedTrial
from tunebook.planning.own_trials import with_own_trials
from tunebook.planning.planner import StudyPlanner
from tunebook.planning.problem import Problem
from tunebook.run.observers import Silent
from tunebook.run.requests.cancel_requests import CancelRequests
from tunebook.run.runner import Runner, RunnerParts
from tunebook.run.signals import StopRequest
from tunebook.testing.planner_suite import example_facts, example_study
from tunebook.testing.simulated_study import planned, world_oracle
from tunebook.testing.world import World

FACTS = example_facts(n_validation=20, n_test=20)
SPEC = example_study(75)
NOWHERE = Path("/nonexistent")


class Killed(Exception):
    """The process is gone."""


class Memory:
    """What a ledger keeps, in memory."""

    def __init__(self) -> None:
        self._history = History()
        self._token = 0

    def history(self) -> History:
        return self._history

    def add_wave(self, wave) -> None:
        self._history = planned(self._history, wave)

    def start_trials(self, numbers, worker) -> list[int]:
        self._set(*(replace(self._history.trials[n], state=TrialState.RUNNING) for n in numbers))
        self._token += len(numbers)
        return list(range(self._token - len(numbers), self._token))

    def finish_trials(self, ends) -> list[int]:
        running = [self._history.trials[end.fact.trial.id].state is TrialState.RUNNING for end in ends]
        assert all(running), "a trial has one result"
        self._set(*(end.fact for end in ends))
        return []

    def release_trial(self, number, token, reason) -> None:
        self._set(TrialFact(trial=self._history.trials[number].trial))

    def release_running(self, reason) -> None:
        running = [f for f in self._history.trials.values() if f.state is TrialState.RUNNING]
        self._set(*(TrialFact(trial=fact.trial) for fact in running))

    def close_round(self, number, findings) -> None:
        history = self._history
        closed = (*history.closed_rounds, number)
        self._history = replace(history, closed_rounds=closed, findings=(*history.findings, *findings))

    def seal(self, configurations) -> None:
        self._history = replace(self._history, sealed=dict(configurations))

    def note(self, code, values) -> None:
        pass

    def notes(self):
        return ()

    def _set(self, *facts) -> None:
        trials = self._history.trials | {fact.trial.id: fact for fact in facts}
        seconds = sum(fact.cost.train_seconds for fact in trials.values())
        self._history = replace(self._history, trials=trials, spent_seconds=seconds)


class Shuffled:
    """An executor whose workers end their trials in a random order, and which is killed after so many results."""

    def __init__(self, ledger: Memory, workers: int, luck: Random, results: float) -> None:
        self._ledger, self._workers, self._luck, self._results = ledger, workers, luck, results
        self._oracle = world_oracle(World(), FACTS)

    def run(self, jobs, on_events) -> None:
        waiting, running = list(jobs), []
        while waiting or running:
            while waiting and len(running) < self._workers:
                running.append(waiting.pop(0))
                on_events([Started(running[-1].id, f"worker {len(running)}")])
            if self._results <= 0:
                raise Killed
            self._results -= 1
            job = running.pop(self._luck.randrange(len(running)))
            numbers = (*(number for _, number in job.checkpoints), job.id)
            on_events([Finished(self._judged(number)) for number in numbers])

    def _judged(self, number: int) -> JudgedTrial:
        history = self._ledger.history()
        fact = self._oracle(history.trials[number].trial, history)
        broke = fact.diverged_step if fact.state is TrialState.DIVERGED else None
        return JudgedTrial(
            id=number,
            outcomes=fact.outcomes,
            curve=fact.curve,
            cost=fact.cost,
            broke_at_step=broke,
            reason=fact.reason,
            collapse=fact.reason if fact.state is TrialState.COLLAPSED else None,
        )

    def cancel(self, number) -> None: ...

    def close(self) -> None: ...


def run(ledger: Memory, workers: int, luck: Random, results: float) -> None:
    problem = Problem(spec=SPEC, facts=FACTS, folding=Folding.everything())
    parts = RunnerParts(
        spec=SPEC,
        facts=StudyFacts(data=FACTS),
        ledger=ledger,
        planner=with_own_trials(StudyPlanner(SPEC, FACTS, Folding.everything()), problem),
        executor=Shuffled(ledger, workers, luck, results),
        open_test=lambda: None,
        on_round=lambda history, wave, findings: "",
        observer=Silent(),
        stop=StopRequest(),
        adapters=NOWHERE,
        requests=CancelRequests(NOWHERE),
        keep_requests=lambda: None,
        devices=workers,
    )
    Runner(parts).run()


@cache
def unbroken(workers: int) -> History:
    ledger = Memory()
    run(ledger, workers, Random(0), float("inf"))
    return ledger.history()


def told(history: History):
    """Everything but when it came."""
    facts = {
        n: (f.trial, f.state, {s: o.scores.tolist() for s, o in f.outcomes.items()}) for n, f in history.trials.items()
    }
    return history.waves, facts, history.sealed, history.closed_rounds, str(history.findings)


@settings(deadline=None, max_examples=8)
@given(st.integers(1, 3), st.integers(0, 10_000), st.lists(st.integers(0, 40), max_size=4))
def test_any_order_of_results_and_any_interruption_give_the_same_study(workers, luck, kills):
    ledger, chance = Memory(), Random(luck)
    for results in kills:
        try:
            run(ledger, workers, chance, results)
        except Killed:
            continue
    run(ledger, workers, chance, float("inf"))
    assert told(ledger.history()) == told(unbroken(workers))


def test_several_workers_have_several_waves_open():
    assert any(wave.beside for wave in unbroken(2).waves)
    assert told(unbroken(2)) == told(unbroken(3))
