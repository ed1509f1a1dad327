"""Trials go to the engine that can train them."""

from __future__ import annotations

from collections.abc import Sequence

from tunebook.core.configuration import Configuration
from tunebook.core.events import Failed, Noted, TrialEvent
from tunebook.core.ports import EngineOptions, OnEvents, TrialJob
from tunebook.run.engines import EngineChoice, RoutingExecutor
from tunebook.testing.simulated_engine import SimulatedEngine

SMALL, LARGE, HUGE = (Configuration(lora_r=rank) for rank in (4, 16, 64))


class Limited(SimulatedEngine):
    """Takes ranks up to a limit."""

    def __init__(self, most: int) -> None:
        super().__init__(EngineOptions(model="none"))
        self._most = most

    def refuses(self, configuration: Configuration) -> str | None:
        return f"ranks above {self._most}" if configuration.lora_r > self._most else None


class Desk:
    """An executor that notes what it is told."""

    def __init__(self, name: str, log: list[object]) -> None:
        self._name, self._log = name, log

    def run(self, jobs: Sequence[TrialJob], on_events: OnEvents) -> None:
        self._log.append((self._name, [job.id for job in jobs]))

    def cancel(self, trial_id: int) -> None:
        self._log.append((self._name, "cancel", trial_id))

    def stop(self, now: bool = False) -> None:
        self._log.append((self._name, "stop"))

    def close(self) -> None:
        self._log.append((self._name, "close"))


def choice() -> EngineChoice:
    known = {"narrow": Limited(8).refuses, "wide": Limited(32).refuses}
    return EngineChoice(("narrow", "wide"), EngineOptions(model="none"), known)


def job(number: int, configuration: Configuration) -> TrialJob:
    return TrialJob(id=number, configuration=configuration, seed=0, splits=("validation",), folder="")


def test_each_trial_goes_to_the_first_engine_that_takes_it() -> None:
    assert choice().of(SMALL) == ("narrow", "")
    assert choice().of(LARGE) == ("wide", "ranks above 8")
    assert choice().of(HUGE) == (None, "engine narrow: ranks above 8; engine wide: ranks above 32")


def test_one_engine_after_another_with_a_note_and_the_failure_of_what_none_takes() -> None:
    log: list[object] = []
    events: list[TrialEvent] = []
    executor = RoutingExecutor(choice(), lambda name: Desk(name, log))
    executor.cancel(2)
    executor.run([job(1, LARGE), job(2, SMALL), job(3, HUGE), job(4, LARGE)], events.extend)
    executor.close()
    assert log == [
        ("narrow", "cancel", 2),
        ("narrow", [2]),
        ("narrow", "close"),
        ("wide", [1, 4]),
        ("wide", "close"),
    ]
    note = {"trials": [1, 4], "engine": "narrow", "taken_by": "wide", "reason": "ranks above 8"}
    assert Noted("engine_refused", note) in events
    assert [event.trial for event in events if isinstance(event, Failed)] == [3]


def test_after_a_stop_no_further_engine_begins() -> None:
    log: list[object] = []
    executor = RoutingExecutor(choice(), lambda name: Desk(name, log))
    executor.stop()
    executor.run([job(1, SMALL), job(2, LARGE)], lambda _: None)
    assert log == []
