"""The machine is measured once for all studies with a model, within seconds, or not at all if that is not wanted."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks.soak import make_real_study
from tunebook import Study
from tunebook.cli.main import app
from tunebook.core.cost import OTHER_WORKLOAD, SPREAD, time_range
from tunebook.core.ports import Calibration
from tunebook.errors import TrialFailed
from tunebook.run import speeds
from tunebook.run.observers import Silent
from tunebook.run.prepare import Prepared, prepare
from tunebook.run.speeds import kept_speeds

FOUND = Calibration(
    train_tokens_per_second=1000.0,
    score_examples_per_second=100.0,
    one_by_one_tokens_per_second=300.0,
    base_bytes=10**8,
    trial_bytes=10**6,
    device="cpu",
)


class Listener(Silent):
    def __init__(self) -> None:
        self.phases: list[str] = []

    def phase(self, text: str) -> None:
        self.phases.append(text)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A study of a tiny model; the user's cache folder is empty."""
    file = make_real_study(tmp_path / "study", 6)
    monkeypatch.setenv("TUNEBOOK_CACHE", str(tmp_path / "cache"))
    return file


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the studies for which the machine was measured."""
    names: list[str] = []

    def calibrate(prepared: Prepared, executor: object) -> Calibration:
        names.append(prepared.spec.name)
        return FOUND

    monkeypatch.setattr(Prepared, "calibrate", calibrate)
    return names


def changed(file: Path, name: str, change: Callable[[str], str]) -> Path:
    other = file.with_name(f"{name}.yaml")
    other.write_text(change(file.read_text("utf-8")), "utf-8")
    return other


def test_a_second_plan_and_another_study_measure_nothing(file: Path, measured: list[str]) -> None:
    first, second = Study.load(file).plan(), Study.load(file).plan()
    assert first.calibration == FOUND
    assert second.calibration is not None
    assert second.calibration.train_tokens_per_second == FOUND.train_tokens_per_second
    other = changed(file, "other", lambda text: text.replace("study: soak", "study: another"))
    plan = Study.load(other).plan()
    assert plan.calibration is not None
    assert plan.total_cost.seconds > 0
    assert measured == ["soak"]


def test_speeds_of_another_model_or_version_are_not_taken(file: Path, measured: list[str]) -> None:
    study = Study.load(file)
    study.plan()
    prepared = prepare(study.spec, study.paths)
    assert kept_speeds(prepared) is not None
    facts = prepared.facts
    for other in (
        replace(facts, hashes={**facts.hashes, "model": "another"}),
        replace(facts, environment={**facts.environment, "versions": {"torch": "1.0"}}),
        replace(facts, environment={**facts.environment, "device_name": "another"}),
    ):
        assert kept_speeds(replace(prepared, facts=other)) is None


def test_speeds_from_other_data_are_fitted_and_trusted_less(file: Path, measured: list[str]) -> None:
    study = Study.load(file)
    study.plan()
    [path] = (file.parent.parent / "cache" / "speeds").iterdir()
    kept = json.loads(path.read_text())
    kept["workload"]["scored_tokens"] *= 2
    path.write_text(json.dumps(kept))
    found = kept_speeds(prepare(study.spec, study.paths))
    assert found is not None
    assert found.score_examples_per_second == 2 * FOUND.score_examples_per_second
    assert time_range(100.0, found) == (100 / OTHER_WORKLOAD, 100 * OTHER_WORKLOAD)
    assert time_range(100.0, FOUND) == (pytest.approx(100 / SPREAD), 100 * SPREAD)
    busy = replace(FOUND, values={"others_busy": 0.5})
    assert time_range(100.0, busy) == (pytest.approx(50 / SPREAD), 100 * SPREAD)
    path.write_text("rubbish")
    assert kept_speeds(prepare(study.spec, study.paths)) is None


def test_nobody_has_to_wait_for_the_measurement(file: Path, measured: list[str]) -> None:
    result = CliRunner().invoke(app, ["plan", str(file), "--no-measure"])
    assert result.exit_code == 0, result.output
    assert measured == []
    assert "One after another" not in result.output
    assert "not measured" in result.output


def test_a_measurement_says_how_long_it_has_taken_and_may_fail(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speeds, "TOLD_EVERY_SECONDS", 0.02)

    def calibrate(prepared: Prepared, executor: object) -> Calibration:
        time.sleep(0.2)
        raise TrialFailed("too busy")

    monkeypatch.setattr(Prepared, "calibrate", calibrate)
    plan = Study.load(file).plan(observer=(listener := Listener()))
    assert "--no-measure" in listener.phases[0]
    assert any("still measuring" in text for text in listener.phases)
    assert [warning.code for warning in plan.warnings if warning.code == "not_measured"]
    assert not (file.parent.parent / "cache").exists()
