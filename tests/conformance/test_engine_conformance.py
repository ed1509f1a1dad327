"""The built-in engines against the suite that is shipped for all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tunebook.core.ports import EngineOptions
from tunebook.engines.entries import PACKED, PEFT, RECORDED, SIMULATED
from tunebook.errors import EnvironmentStop
from tunebook.testing.engine_suite import WORDS, EngineSuite
from tunebook.testing.event_recorder import EventRecorder
from tunebook.testing.recorded_engine import FOLDER
from tunebook.testing.recorded_table import TrialRow, write_header, write_shard
from tunebook.testing.tiny_model import write_tiny_model


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("model"), WORDS)


class OfModels(EngineSuite):
    breaking = EngineSuite.configuration.with_values(learning_rate=1e30)
    failing = EngineSuite.configuration.with_values(max_length=3)

    @pytest.fixture
    def options(self, model_folder: Path) -> EngineOptions:
        return EngineOptions(model=str(model_folder), threads=1)


class TestPacked(OfModels):
    entry = PACKED


class TestPeft(OfModels):
    entry = PEFT


class TestSimulated(EngineSuite):
    entry = SIMULATED
    configuration = EngineSuite.configuration.with_values(learning_rate=2e-4)

    @pytest.fixture
    def options(self) -> EngineOptions:
        return EngineOptions(model="none")


class TestRecorded(EngineSuite):
    entry = RECORDED
    refused = EngineSuite.configuration.with_values(weight_decay=0.1)
    breaking = EngineSuite.configuration.with_values(learning_rate=3e-2)

    def test_it_scores_the_splits_that_are_asked_for(self, engine, workload, tmp_path):
        """Of a test split there are no recorded answers."""
        both = replace(workload, splits={**workload.splits, "test": workload.splits["validation"]})
        recorder = EventRecorder([self._job(tmp_path)])
        with pytest.raises(EnvironmentStop, match="no test split"):
            engine.run(recorder, both, recorder)

    @pytest.fixture
    def options(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EngineOptions:
        write_table(tmp_path / "table", self.configuration)
        monkeypatch.setenv(FOLDER, str(tmp_path / "table"))
        return EngineOptions(model="none")


def write_table(folder: Path, configuration) -> None:
    """Six rates and two seeds each; the highest breaks."""
    rates = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2)
    header = {
        "name": "tiny",
        "configurations": [configuration.with_values(learning_rate=rate).as_dict() for rate in rates],
        "seeds": [0, 1], "split": ["tuning", "kept_out"] * 3, "fractions": [0.15, 0.25, 0.5, 1.0], "n_train": 10,
        "n_validation": 6, "n_partial": 6, "commonest_share": 0.5,
        "untrained": {"losses": [3.0] * 6, "scores": [0.0] * 6},
    }  # fmt: skip
    write_header(folder, header)
    draw = np.random.default_rng(3)
    rows = [
        _row(i, seed, draw, broke=7 if rate == max(rates) else None) for i, rate in enumerate(rates) for seed in (0, 1)
    ]
    write_shard(folder, 0, rows)


def _row(number: int, seed: int, draw: np.random.Generator, broke: int | None) -> TrialRow:
    end = 2.0 - 0.2 * number + 0.1 * draw.random(6)
    losses = np.array([2.5, 2.2, 1.2, 1.0])[:, None] * end
    scores = (draw.random(6) < 0.2 + 0.15 * number).astype(float)
    losses[1:] = np.where(broke, np.nan, losses[1:])
    return TrialRow(
        configuration=number, seed=seed, losses=losses, scores=np.where(broke, np.nan, scores),
        steps=np.linspace(3, 1, broke or 20), broke_at_step=broke, reason="loss_rose" if broke else "",
        train_seconds=2.0, score_seconds=1.0, raw_tokens=500, computed_tokens=500,
    )  # fmt: skip
