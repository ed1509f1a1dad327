"""What a user is told when a run ends early: how to end it, what is saved, and what is known so far."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks.soak import make_simulated_study
from tunebook import Study
from tunebook.cli.main import app
from tunebook.cli.progress import TerminalObserver
from tunebook.core.events import Event, Recorded, Started, WorkerDied
from tunebook.errors import Interrupted, UserError
from tunebook.executors.inline import InlineExecutor
from tunebook.run import runner
from tunebook.run.observers import Silent

pytestmark = pytest.mark.usefixtures("few_pictures")


class At(Silent):
    """Does something at the first event that fits, and keeps what it is told."""

    def __init__(self, fits: Callable[[Event], bool], act: Callable[[], object]) -> None:
        self.fits, self.act, self.done = fits, act, False
        self.phases: list[str] = []

    def phase(self, text: str) -> None:
        self.phases.append(text)

    def event(self, event: Event) -> None:
        if not self.done and self.fits(event):
            self.done = True
            self.act()


def begins(trial: int) -> Callable[[Event], bool]:
    return lambda event: isinstance(event, Started) and event.trial == trial


def has_result(trial: int) -> Callable[[Event], bool]:
    return lambda event: isinstance(event, Recorded) and event.fact.trial.id == trial


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return make_simulated_study(tmp_path, 14)


@pytest.fixture
def interrupted(file: Path) -> Study:
    """A study that was interrupted when one trial of the baseline had a result."""
    study = Study.load(file)
    with pytest.raises(Interrupted):
        study.run(At(has_result(1), lambda: signal.raise_signal(signal.SIGINT)))
    return study


def test_a_run_that_ignores_ctrl_c_says_so_at_its_start_and_how_to_end_it(file: Path) -> None:
    """As under nohup, and in a shell's background job."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        observer = At(has_result(1), lambda: signal.raise_signal(signal.SIGTERM))
        with pytest.raises(Interrupted):
            Study.load(file).run(observer)
    finally:
        signal.signal(signal.SIGINT, before)
    [told] = [text for text in observer.phases if "Ctrl-C (SIGINT) does nothing" in text]
    assert f"kill -TERM {os.getpid()}" in told
    assert f"tunebook stop {file}" in told


def test_a_run_that_heeds_ctrl_c_says_nothing_of_it(interrupted: Study) -> None:
    observer = At(begins(2), lambda: signal.raise_signal(signal.SIGINT))
    with pytest.raises(Interrupted):
        interrupted.run(observer)
    assert not [text for text in observer.phases if "SIGINT" in text]


def test_the_whole_run_is_ended_by_a_command(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "_LOOK_SECONDS", 0.01)
    study = Study.load(file)

    def ask() -> None:
        result = CliRunner().invoke(app, ["stop", str(file)])
        assert result.exit_code == 0, result.output

    with pytest.raises(Interrupted) as stopped:
        study.run(At(begins(2), ask))
    assert stopped.value.exit_code == 143
    assert not study.status().finished
    with pytest.raises(UserError, match="nothing runs this study"):
        study.stop()
    study.run()
    assert study.status().finished


def test_status_says_what_is_saved_and_of_how_many_steps(interrupted: Study) -> None:
    """States as the packed engine writes them; the events of the run are gone, as after a move of the folder."""
    folder = interrupted.paths.folder
    for trial, name in ((2, "resume"), (3, ".resume.old")):
        (folder / "adapters" / str(trial) / name).mkdir(parents=True)
        state = {"steps": [{"step": step} for step in range(1, 4 + trial)]}
        (folder / "adapters" / str(trial) / name / "state.json").write_text(json.dumps(state))
    (folder / "adapters" / "4" / "resume").mkdir(parents=True)
    (folder / "adapters" / "4" / "resume" / "state.json").write_text('{"steps": [')
    (folder / "events.jsonl").unlink()
    told = {each.trial: (each.saved_step, each.total_steps) for each in interrupted.status().under_way}
    assert told == {2: (5, 8), 3: (6, 8)}
    shown = CliRunner().invoke(app, ["status", str(folder)], env={"COLUMNS": "300"}).output
    assert "interrupted: trial 2 goes on after step 5 of 8; trial 3 goes on after step 6 of 8" in shown


def test_a_record_says_nothing_that_has_no_trial_behind_it(interrupted: Study) -> None:
    CliRunner().invoke(app, ["report", str(interrupted.paths.folder)])
    record = (interrupted.paths.folder / "record.md").read_text("utf-8")
    assert "Nothing has been compared yet" in record
    assert "Planned, and without a result yet: trials 2-7." in record
    for text in ("Keep the baseline", "nothing that was tried", "within 100 points", "## Best configuration"):
        assert text not in record
    rows = [line for line in record.splitlines() if line.startswith("|")]
    assert not [line for line in rows if "planned" in line or "Not started yet" in line]
    assert len([line for line in rows if line.lstrip("| ★").startswith(("1 |", "1-3 |"))]) == 2


def test_a_workers_death_is_told_in_the_terminal_in_status_and_in_the_record(file: Path, monkeypatch, capsys) -> None:
    deaths = [WorkerDied("worker 0 (cpu)", "killed by SIGKILL"), WorkerDied("worker 1 (cpu)", "no room", retired=True)]
    plain = InlineExecutor.run

    def run(self, jobs, on_events):
        on_events(deaths)
        deaths.clear()
        plain(self, jobs, on_events)

    class Terminal(TerminalObserver):
        def event(self, event: Event) -> None:
            super().event(event)
            if has_result(1)(event):
                signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(InlineExecutor, "run", run)
    study = Study.load(file)
    with pytest.raises(Interrupted), Terminal(14) as observer:
        study.run(observer)
    said = " ".join(capsys.readouterr().err.split())
    assert "worker 0 (cpu) died: killed by SIGKILL; its unfinished work is done again" in said
    assert "worker 1 (cpu) died: no room; it cannot be started and is left out" in said
    shown = CliRunner().invoke(app, ["status", str(file)], env={"COLUMNS": "300"}).output
    assert "workers that died: 2, the last one worker 1 (cpu): no room" in shown
    CliRunner().invoke(app, ["report", str(file)])
    record = (study.paths.folder / "record.md").read_text("utf-8")
    assert "A worker process died (worker 0 (cpu): killed by SIGKILL); its unfinished work was done again." in record
    assert "A worker process could not be started and was left out (worker 1 (cpu): no room)." in record
