"""`tunebook status` in windows of every size, in a pipe, and as JSON."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from rich.console import Console
from typer.testing import CliRunner

from tunebook.api import Study
from tunebook.cli import status as command
from tunebook.cli.main import app
from tunebook.core.configuration import Configuration
from tunebook.core.facts import History, TrialFact
from tunebook.core.outlook import Outlook
from tunebook.core.study import Purpose, RoundKind, Trial, Wave
from tunebook.run.commands.status import BestSoFar, RoundStatus, StudyStatus, study_status
from tunebook.run.event_log import UnderWay
from tunebook.testing.sample_study import bare_spec
from tunebook.words import words_for


def state(done: int, running: bool) -> StudyStatus:
    """A study of five rounds, the first `done` of them done, the next one running."""
    kinds = ("explore", "refine", "combine", "boundary", "confirm")
    rounds = tuple(
        RoundStatus(
            i + 1 if i <= done else None,
            kind,
            "done" if i < done else "running" if i == done and running else "to come",
            {"completed": 12, "running": 4} if i <= done else {"planned": 9},
        )
        for i, kind in enumerate(kinds)
    )
    changes = {"learning_rate": (2e-4, 6e-4), "lora_r": (8, 32), "lora_alpha": (16, 64)}
    best = BestSoFar(key="k", accuracy=0.712, low=0.68, high=0.75, changes=changes, trials=(1, 2))
    return StudyStatus(
        study="tickets", finished=not running, rounds=rounds, best=best, baseline_accuracy=0.639,
        cohort=(20, 21, 22, 23), budget_trials=74, spent_trials=30 + done, budget_hours=8.0, spent_seconds=7800.0,
        trials_per_hour=12.5, seconds_left=12600.0, failed=(9,),
    )  # fmt: skip


def shown(s: StudyStatus, width: int, height: int) -> list[str]:
    console = Console(width=width, height=height)
    with console.capture() as capture:
        console.print(command._view(s, words_for("en"), width, height))
    return capture.get().splitlines()


@pytest.mark.parametrize(("width", "height"), [(80, 24), (40, 10), (60, 12), (200, 60), (30, 12)])
@pytest.mark.parametrize("done", [0, 2, 4])
def test_the_view_fits_the_window_and_names_the_round_that_runs(width, height, done):
    lines = shown(state(done, running=True), width, height)
    assert len(lines) <= height
    text = " ".join(lines)
    assert "running" in text
    for important in ("leading: 71.2 %", "spent:", "left:"):
        assert important in text


def test_a_large_window_shows_everything():
    text = "\n".join(shown(state(2, running=True), 120, 40))
    for part in (
        "1 explore", "3 combine", "boundary", "learning rate 6e-4", "rank 32", "68.0 to 75.0", "baseline: 63.9 %",
        "32 of 74 trials, 2 h 10 of 8 h", "4 side by side, trials 20-23", "12.5 trials an hour", "3 h 30", "trial 9",
    ):  # fmt: skip
        assert part in text, part


def test_the_trials_that_can_be_stopped_are_named_and_those_that_can_go_on():
    s = replace(
        state(2, running=True),
        planned=(30, 31, 32, 33),
        under_way=(UnderWay(trial=31, saved_step=4), UnderWay(trial=20)),
    )
    text = "\n".join(shown(s, 120, 40))
    assert "trials 20-23" in text
    assert "interrupted: trial 31 goes on after step 4" in text
    assert "waiting: trials 30, 32-33" in text


def test_trials_at_a_checkpoint_of_another_are_not_counted_twice():
    base = Configuration()
    trials = [
        Trial(id=1, round=1, kind=RoundKind.EXPLORE, purpose=Purpose.LEVEL, configuration=base, effective=base, seed=1),
        Trial(
            id=2,
            round=1,
            kind=RoundKind.EXPLORE,
            purpose=Purpose.LEVEL,
            configuration=base,
            effective=base,
            seed=1,
            checkpoint_of=1,
        ),
    ]
    history = History(
        waves=(Wave(round=1, kind=RoundKind.EXPLORE, number=1, trials=tuple(trials)),),
        trials={trial.id: TrialFact(trial=trial) for trial in trials},
    )
    status = study_status(bare_spec(baseline=base), history, None, Outlook(rounds=()))
    assert status.planned == (1,)
    assert status.rounds[0].trials == {"planned": 1}


def test_a_pipe_gets_one_line_for_each_change(monkeypatch, tmp_path):
    seen = iter([state(0, True), state(0, True), state(1, True), state(4, False)])

    class Watched:
        words = words_for("en")

        def status(self) -> StudyStatus:
            return next(seen)

    monkeypatch.setattr(Study, "load", lambda *_: Watched())
    monkeypatch.setattr(command.time, "sleep", lambda _: None)
    result = CliRunner().invoke(app, ["status", str(tmp_path), "--watch"])
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("study tickets: not finished; spent: 30 of 74 trials")
    assert "round 1 explore (12 completed, 4 running)" in lines[0]
    assert lines[-1].startswith("study tickets: done")


def test_json_has_the_same_numbers(monkeypatch, tmp_path):
    monkeypatch.setattr(Study, "load", lambda *_: type("Known", (), {"status": lambda self: state(1, True)})())
    found = json.loads(CliRunner().invoke(app, ["status", str(tmp_path), "--json"]).output)
    assert found["schema_version"] == 1
    assert found["best"]["accuracy"] == 0.712
    assert found["cohort"] == [20, 21, 22, 23]
