"""What importing brings in, and which layer may import which."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tomllib
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest

from benchmarks.soak import make_real_study
from tunebook.cli.main import main
from tunebook.engines.packed.trainable import SUPPORTED_MODEL_TYPES, unsupported

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
    read = ("api", "run.reading", "run.commands.status", "run.commands.report", "cli.main")
    modules = modules_after("import " + ", ".join(f"tunebook.{name}" for name in read))
    assert not modules & {"torch", "scipy.stats", "statsmodels", "pandas", "matplotlib", "alembic"}


def test_planning_with_the_packed_engine_does_not_wait_for_peft() -> None:
    """peft brings in bitsandbytes, whose compiled functions bring in torch's compiler: seconds for every `plan`."""
    engines = ROOT / "src" / "tunebook" / "engines"
    files = [engines / "target_modules.py", engines / "calibration.py", *(engines / "packed").rglob("*.py")]
    at_once = [
        (file.name, node.module if isinstance(node, ast.ImportFrom) else node.names[0].name)
        for file in files
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert len(at_once) > 100
    assert not [each for each in at_once if str(each[1]).split(".")[0] == "peft"]


PLANS = """
import json, sys
from pathlib import Path
from tunebook.cli.main import main
file, *folders = sys.argv[1:]
code = main(["plan", file, "--no-measure"])
from tunebook.engines.packed.trainable import unsupported
print(json.dumps([code, [str(unsupported(folder)) for folder in folders], sorted(sys.modules)]), file=sys.stderr)
"""


def test_a_study_is_planned_without_torch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As a program; and of every family that engine packed runs, the configuration is read as it is with torch."""
    file, folders = make_real_study(tmp_path, 8), []
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("baseline: {", "baseline: {target_modules: all-linear, "), encoding="utf-8")
    for kind in SUPPORTED_MODEL_TYPES:
        (tmp_path / kind).mkdir()
        (tmp_path / kind / "config.json").write_text(json.dumps({"model_type": kind}), encoding="utf-8")
        folders.append(str(tmp_path / kind))
    program = [sys.executable, "-c", PLANS, str(file), *folders]
    found = subprocess.run(program, capture_output=True, text=True, check=True)
    *told, last = found.stderr.splitlines()
    code, refused, modules = json.loads(last)
    assert (code, refused) == (0, [str(unsupported(folder)) for folder in folders])
    assert not {"torch", "peft", "pandas"} & set(modules)
    assert main(["plan", str(file), "--no-measure"]) == 0
    assert (found.stdout.splitlines()[:6], told) == (
        capsys.readouterr().out.splitlines()[:6],
        ["Checking data and model."],
    )


def test_no_module_imports_itself_through_others() -> None:
    graph = grimp.build_graph("tunebook", exclude_type_checking_imports=True, cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    TopologicalSorter(imports).prepare()  # raises CycleError with the circle
    assert len(imports) > 300


def test_the_drawing_of_the_packages_is_the_contract() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    layers = [set(line.replace("|", " ").split()) for line in contracts[0]["layers"]]
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    drawing = page.split("## Packages")[1].split("| package |")[0]
    assert [set(line.split()) for line in drawing.splitlines() if line.startswith("    ")] == layers


def test_layers_hold() -> None:
    found = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"], cwd=ROOT, capture_output=True, text=True
    )
    assert found.returncode == 0, found.stdout + found.stderr
