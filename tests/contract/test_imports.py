"""What importing brings in, and which layer may import which."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("torch", "transformers", "peft", "sqlalchemy", "matplotlib", "datasets")


def modules_after(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint('\\n'.join(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(found.stdout.split())


def test_importing_tunebook_brings_in_nothing_heavy() -> None:
    assert not modules_after("import tunebook") & set(HEAVY)


@pytest.mark.parametrize(
    "module", ["planning.planner", "statistics.judge_round", "statistics.conclusions", "core.ports", "audit.judge"]
)
def test_the_core_is_pure(module: str) -> None:
    assert not modules_after(f"import tunebook.{module}") & {*HEAVY, "rich", "typer", "pydantic", "ruamel.yaml"}


def test_a_command_that_reads_a_study_imports_nothing_that_it_need_not_wait_for() -> None:
    modules = modules_after("import tunebook.run.reading, tunebook.run.status, tunebook.run.report, tunebook.cli.main")
    assert not modules & {"torch", "scipy.stats", "statsmodels", "pandas", "matplotlib", "alembic"}


def test_layers_hold() -> None:
    found = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"], cwd=ROOT, capture_output=True, text=True
    )
    assert found.returncode == 0, found.stdout + found.stderr
