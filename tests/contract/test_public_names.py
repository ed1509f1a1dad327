"""The public names exist, and every command has help with an example."""

from __future__ import annotations

import importlib
import pkgutil
from importlib.util import find_spec

import pytest
import typer
from typer.testing import CliRunner

import tunebook
from tunebook.cli.main import app

COMMANDS = sorted(typer.main.get_command(app).commands)


BEHIND_EXTRAS = {"tunebook.executors.ray.": "ray", "tunebook.evaluation.harness.lm_eval_": "lm_eval"}
"""Beginnings of the names of modules that import what an extra installs."""


def test_every_name_in_all_exists() -> None:
    absent = tuple(beginning for beginning, package in BEHIND_EXTRAS.items() if not find_spec(package))
    for info in pkgutil.walk_packages(tunebook.__path__, "tunebook."):
        if ".migrations" in info.name:
            continue
        try:
            module = importlib.import_module(info.name)
        except ModuleNotFoundError:
            if info.name.startswith(absent):
                continue
            raise
        missing = [name for name in getattr(module, "__all__", []) if not hasattr(module, name)]
        assert not missing, f"{info.name}: {missing}"


def test_the_commands_are_those_of_the_design() -> None:
    expected = [
        "add",
        "audit",
        "compare",
        "demo",
        "doctor",
        "export",
        "init",
        "note",
        "plan",
        "report",
        "rerun",
        "rows",
    ]
    expected += ["run", "status", "stop"]
    assert expected == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_that_ends_with_an_example(command: str) -> None:
    result = CliRunner().invoke(app, [command, "--help"])
    assert result.exit_code == 0
    assert "Example: tunebook " + command in result.output


PUBLIC = [
    "AskedAnswers",
    "Budget",
    "Configuration",
    "DataSpec",
    "Engine",
    "EngineEntry",
    "EngineOptions",
    "ExampleMetric",
    "Factor",
    "Metric",
    "Observer",
    "Planner",
    "ScoreKind",
    "ScoreScale",
    "SearchSpace",
    "SeedCounts",
    "ServiceExampleMetric",
    "ServiceMetric",
    "Study",
    "StudySpec",
    "Tracker",
    "TunebookError",
    "UserError",
    "__version__",
]
"""What other people's code imports; a name leaves this list with a new major version only."""


def test_the_public_names_are_these_and_all_can_be_imported() -> None:
    assert sorted(tunebook.__all__) == PUBLIC == dir(tunebook)
    for name in PUBLIC:
        loaded = getattr(tunebook, name)
        assert name == "__version__" or loaded.__name__ == name
