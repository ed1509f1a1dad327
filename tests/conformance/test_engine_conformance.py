"""The built-in engines against the suite that is shipped for all."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunebook.core.ports import EngineOptions
from tunebook.engines.entries import PACKED, PEFT, SIMULATED
from tunebook.testing.engine_suite import WORDS, EngineSuite
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
