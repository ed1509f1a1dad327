"""A trial that is cancelled, by the user or by the planner: it ends, stays ended, and counts for no claim."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from test_whole_simulated_study import ended, study_file, unbroken
from typer.testing import CliRunner

from tunebook import Study
from tunebook.cli.main import app
from tunebook.core.events import Cancelled, Event, Recorded, Started
from tunebook.core.facts import History
from tunebook.core.study import TrialState
from tunebook.errors import Interrupted, NotFoundError, UserError
from tunebook.planning import racing
from tunebook.run import runner, session
from tunebook.run.observers import Silent
from tunebook.run.reading import read_study

__all__ = ["ended", "study_file", "unbroken"]

pytestmark = pytest.mark.usefixtures("few_pictures")


class When(Silent):
    """Does something when a trial begins, and keeps the events."""

    def __init__(self, trial: int, act) -> None:
        self.trial, self.act, self.events = trial, act, []

    def event(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, Started) and event.trial == self.trial:
            self.act()


@pytest.fixture(autouse=True)
def looks_often(monkeypatch):
    monkeypatch.setattr(runner, "_LOOK_SECONDS", 0.01)


def cancelled(study: Study) -> dict[int, str | None]:
    facts = read_study(study.paths).history.trials.values()
    return {fact.trial.id: fact.reason for fact in facts if fact.state is TrialState.CANCELLED}


def claims(study: Study) -> set[int]:
    """Trials that what is recommended rests on."""
    best = read_study(study.paths).conclusions.best
    return set(best.trials) if best else set()


def test_a_running_trial_is_cancelled_by_the_command_line(study_file: Path) -> None:
    study = Study.load(study_file)

    def ask() -> None:
        result = CliRunner().invoke(app, ["stop", str(study_file), "4"])
        assert result.exit_code == 0, result.output
        time.sleep(0.3)

    observer = When(4, ask)
    study.run(observer)
    assert [event.trial for event in observer.events if isinstance(event, Cancelled)] == [4]
    assert cancelled(study) == {4: "by_user"}
    assert not list((study.paths.folder / "cancel").iterdir())
    assert 4 not in claims(study)
    assert study.status().finished
    record = (study.paths.folder / "record.md").read_text(encoding="utf-8")
    assert "Trial 4 was cancelled" in record
    again = When(4, lambda: None)
    study.run(again)
    assert not [event for event in again.events if isinstance(event, Started)]


def test_a_request_made_while_nothing_runs_is_heeded_by_the_next_run(study_file: Path) -> None:
    study = Study.load(study_file)

    def interrupt() -> None:
        import signal

        signal.raise_signal(signal.SIGINT)

    with pytest.raises(Interrupted):
        study.run(When(4, interrupt))
    study.cancel(5)
    observer = When(5, lambda: pytest.fail("trial 5 was begun"))
    study.run(observer)
    assert cancelled(study) == {5: "by_user"}


def test_what_cannot_be_cancelled_is_said(ended: Path) -> None:
    study = Study.load(ended)
    with pytest.raises(NotFoundError, match="trial 999"):
        study.cancel(999)
    with pytest.raises(UserError, match="completed already"):
        study.cancel(1)


def cancelling(monkeypatch, unwanted) -> None:
    """The study's own planner, which also cancels what `unwanted` names for a history."""
    real = session.planner_of

    def planner(*given):
        made = real(*given)
        made.to_cancel = unwanted
        return made

    monkeypatch.setattr(session, "planner_of", planner)


def test_a_planner_may_cancel_trials_under_way(study_file: Path, monkeypatch) -> None:
    def unwanted(history: History) -> list[int]:
        """Trial 5, once trial 3 is there."""
        return [5] if 3 in history.trials and history.trials[3].state.is_final else []

    cancelling(monkeypatch, unwanted)
    study = Study.load(study_file)
    observer = When(5, lambda: pytest.fail("trial 5 was begun"))
    study.run(observer)
    assert cancelled(study) == {5: "by_planner"}
    assert [event.fact.trial.id for event in observer.events if isinstance(event, Recorded)].count(5) == 1


def test_a_trial_that_falls_behind_is_stopped_and_what_it_showed_is_kept(study_file: Path, monkeypatch) -> None:
    monkeypatch.setattr(racing, "CLEARLY", 1.1)  # in this world losses differ little on the way,
    monkeypatch.setattr(racing, "FINISHED", 1)  # and pilots come in order of their rates, the best one late
    study_file.write_text(study_file.read_text(encoding="utf-8").replace("one_factor", "model"), encoding="utf-8")
    study = Study.load(study_file)
    study.run()
    history = read_study(study.paths).history
    stopped = [fact for fact in history.trials.values() if fact.state is TrialState.STOPPED]
    assert stopped
    for fact in stopped:
        assert 0 < fact.share < 1
        assert fact.curve.steps
        assert fact.cost.train_seconds > 0
        assert not fact.outcomes
        assert fact.trial.id not in claims(study)
    record = (study.paths.folder / "record.md").read_text(encoding="utf-8")
    assert "stopped early" in record
    study.report("zh")
    assert "提前停止" in (study.paths.folder / "record.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("share", [2, 3])
def test_a_study_with_many_cancelled_trials_claims_nothing_by_them(study_file: Path, monkeypatch, share) -> None:
    cancelling(monkeypatch, lambda history: [number for number in history.trials if number % share == 1])
    study = Study.load(study_file)
    study.run()
    gone = cancelled(study)
    assert len(gone) >= 2
    assert not gone.keys() & claims(study)
    for language in ("en", "zh"):
        study.report(language)
