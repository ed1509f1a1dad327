"""`plan` and `status` of a study that was stopped: what waits is counted, speed comes from whole trials alone."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.unit.run.test_whole_simulated_study import StopAfter, write_study
from tunebook import Study
from tunebook.cli.main import app
from tunebook.core.facts import Cost, Curve, EvaluationRecord, History, TrialFact
from tunebook.core.outlook import Outlook, RoundOutlook
from tunebook.core.study import Purpose, RoundKind, TrialState
from tunebook.errors import Interrupted
from tunebook.run.commands.status import study_status
from tunebook.run.reading import StudyReader
from tunebook.testing.sample_study import bare_spec, sample_wave


@pytest.fixture
def stopped(tmp_path: Path) -> Study:
    study = Study.load(write_study(tmp_path))
    with pytest.raises(Interrupted):
        study.run(StopAfter(4))
    return study


def test_plan_of_a_stopped_study_shows_the_trials_that_wait(stopped: Study) -> None:
    plan, status = stopped.plan(measure=False), stopped.status()
    assert status.planned
    assert [trial.id for wave in plan.waves for trial in wave.trials] == list(status.planned)
    assert [each.n_trials for each in plan.outlook.waiting] == [len(status.planned)]
    assert plan.outlook.all_rounds[0].kind is RoundKind.EXPLORE
    assert plan.outlook.all_rounds[0].n_trials >= len(status.planned)
    assert plan.outlook.most_trials == 14 - status.spent_trials


def test_status_computes_no_effects_and_is_otherwise_the_plan(stopped: Study) -> None:
    plan, read = stopped.plan(measure=False), StudyReader(stopped.paths).read()
    rounds = tuple(replace(each, smallest_detectable_effect=None) for each in plan.outlook.rounds)
    assert (read.outlook.rounds, read.outlook.waiting) == (rounds, plan.outlook.waiting)
    assert read.outlook.most_trials == plan.outlook.most_trials
    assert (read.outlook.smallest_margin, read.outlook.detectable_without_cuts) == (None, None)


def test_a_simulated_study_has_no_speed(stopped: Study) -> None:
    status = stopped.status()
    assert status.spent_trials > 0
    assert (status.trials_per_hour, status.seconds_left) == (None, None)


def ended(trial, state, seconds, epochs=0):
    evaluations = (EvaluationRecord(1, float(epochs), "validation", 1.0),) if epochs else ()
    cost = Cost(train_seconds=seconds)
    return TrialFact(trial=trial, state=state, cost=cost, curve=Curve((), evaluations))


def test_speed_counts_whole_trials_and_known_parts_of_one() -> None:
    wave = sample_wave(1, n_trials=5)
    states = (TrialState.COMPLETED, TrialState.CANCELLED, TrialState.FAILED, TrialState.DIVERGED, TrialState.STOPPED)
    seconds = (100.0, 1.0, 2.0, 3.0, 50.0)
    half = wave.trials[4].effective.num_train_epochs / 2
    facts = {
        trial.id: ended(trial, state, each, half if state is TrialState.STOPPED else 0)
        for trial, state, each in zip(wave.trials, states, seconds, strict=True)
    }
    assert all(trial.purpose is not Purpose.REFERENCE for trial in wave.trials)
    history = History(waves=(wave,), trials=facts, spent_seconds=sum(seconds))
    spec = replace(bare_spec(baseline=wave.trials[0].configuration), engine="packed")
    to_come = Outlook(rounds=(RoundOutlook(RoundKind.REFINE, 8, 1, None), RoundOutlook(RoundKind.CONFIRM, 8, 1, None)))
    status = study_status(spec, history, None, replace(to_come, trials_left=10))
    assert status.trials_per_hour == pytest.approx(3600 * 1.5 / 150)
    assert status.seconds_left == pytest.approx(10 * 100)
    assert not status.finished
    broken = {i: fact for i, fact in facts.items() if fact.state is not TrialState.COMPLETED and i != wave.trials[4].id}
    none = study_status(spec, replace(history, trials=broken), None, to_come)
    assert (none.trials_per_hour, none.seconds_left) == (None, None)


def test_lengths_of_an_engine_without_a_model_are_in_words(stopped: Study) -> None:
    shown = CliRunner().invoke(app, ["plan", str(stopped.paths.file), "--no-measure"], env={"COLUMNS": "200"}).output
    assert re.search(r"lengths: \d+ words a training example", shown)
    record = (stopped.paths.folder / "record.md").read_text("utf-8")
    assert "tokens" not in record
