"""Another package's metric, planner, engine, executor and tracker: installed, named in a study file, used."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tunebook.cli.main import main
from tunebook.errors import StudyFileError
from tunebook.plugins import GROUPS, METRICS, PluginGroup

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "tests" / "fixtures" / "plugin_package"

STUDY = """\
study: foreign
model: none
engine: careful
planner: first_rounds
executor: counting
trackers: [failing, lines]
data: {train: train.jsonl}
metric: {name: overlap, floor: 0.25}
space: {learning_rate: {low: 5e-5, high: 2e-3}, lora_r: [8, 16]}
design: one_factor
budget: {trials: 14}
"""


def install(package: Path, target: Path) -> None:
    """As an installer lays a package down: its modules, and beside them its metadata."""
    shutil.copytree(package, target, dirs_exist_ok=True)


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    target = tmp_path / "site"
    install(PACKAGE, target)
    return target


@pytest.fixture
def study(tmp_path: Path) -> Path:
    rows = [{"prompt": f"What comes after {i}, counted in steps of one?", "completion": str(i + 1)} for i in range(120)]
    (tmp_path / "train.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    file = tmp_path / "study.yaml"
    file.write_text(STUDY, encoding="utf-8")
    return file


def tunebook(*arguments: str | Path, site: Path) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(site), str(ROOT / "src")])
    return subprocess.run(
        [sys.executable, "-c", "from tunebook.cli.entry import main; main()", *map(str, arguments)],
        capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path, "COLUMNS": "200"},
    )  # fmt: skip


Here = Callable[..., tuple[int, str, str]]


@pytest.fixture
def here(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Here]:
    """The command line in this process, without the seconds that imports take: gives exit code, output and messages."""
    monkeypatch.setenv("COLUMNS", "200")

    def forget() -> None:
        for group in GROUPS:
            group.__dict__.pop("plugins", None)
        for name in [name for name in sys.modules if name.split(".")[0] == "tunebook_example"]:
            del sys.modules[name]

    def run(*arguments: str | Path, site: Path | None = None) -> tuple[int, str, str]:
        if site is not None:
            monkeypatch.syspath_prepend(str(site))
        forget()
        capsys.readouterr()
        code = main([str(each) for each in arguments])
        return code, *capsys.readouterr()

    yield run
    forget()


@pytest.mark.usefixtures("few_pictures")
def test_a_whole_study_with_another_packages_plugins(here: Here, installed: Path, study: Path) -> None:
    """The first command in a process of its own: the package is found as an installer lays it down."""
    plan = tunebook("plan", study, site=installed)
    assert plan.returncode == 0, plan.stderr
    assert "engine careful refuses some configurations of this study (ranks above 8 are not for it)" in plan.stdout
    code, _, told = here("run", study, site=installed)
    assert code == 0, told
    assert told.count("tracker failing failed with RuntimeError: nobody listens") == 1
    folder = study.parent / "runs" / "foreign"
    lines = (folder / "lines" / "trials.txt").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "trial 0: completed"
    assert len(lines) > 5
    assert lines[-1] == "closed"
    record = (folder / "record.md").read_text(encoding="utf-8")
    assert "trained by engine simulated: engine careful cannot (ranks above 8 are not for it)" in record
    assert "the highest overlap" in record
    assert "- Metric: overlap (floor: 0.25)" in record
    assert (
        "metric overlap from tunebook-example 1.2.0; planner first_rounds from tunebook-example 1.2.0; "
        "engine careful from tunebook-example 1.2.0; executor counting from tunebook-example 1.2.0; "
        "tracker failing from tunebook-example 1.2.0; tracker lines from tunebook-example 1.2.0"
    ) in record
    found = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    assert found["study"]["metric_options"] == {"floor": 0.25}
    assert {"kind": "metric", "name": "overlap", "package": "tunebook-example", "version": "1.2.0"} in found["plugins"]
    assert found["versions"]["tunebook-example"] == "1.2.0"
    assert not (folder / "tensorboard").exists()
    code, _, told = here("report", study, "--language", "zh")
    assert code == 0, told
    assert "由引擎 simulated 训练" in (folder / "record.md").read_text(encoding="utf-8")


def test_another_packages_metric_may_ask_a_service(here: Here, installed: Path, study: Path) -> None:
    text = STUDY.replace("{name: overlap, floor: 0.25}", "courtesy").replace("engine: careful", "engine: simulated")
    text = text.replace("trackers: [failing, lines]", "trackers: []").replace("trials: 14", "trials: 5")
    study.write_text(text, encoding="utf-8")
    code, told, _ = here("plan", "--no-measure", study, site=installed)
    assert code == 0
    assert "Judging takes at most" in told
    code, _, told = here("run", "--no-measure", study, site=installed)
    assert code == 0, told
    record = (study.parent / "runs" / "foreign" / "record.md").read_text(encoding="utf-8")
    assert "courtesy" in record
    assert "base model without adapter 5.00" in record


def test_without_the_package_its_names_are_refused_with_those_that_are_there(here: Here, study: Path) -> None:
    code, _, told = here("plan", study)
    assert code == 2
    assert 'engine: found "careful"; installed are packed, peft, command, simulated, recorded.' in told
    assert 'metric: found "overlap"; installed are exact_match, choice, number, contains' in told
    assert 'planner: found "first_rounds"; installed are rounds, optuna; optuna takes a sampler' in told
    assert 'trackers[1]: found "lines"; installed are tensorboard.' in told


def test_the_doctor_lists_what_is_installed_and_what_is_broken(here: Here, installed: Path) -> None:
    _, told, _ = here("doctor", "--json", site=installed)
    plugins = {(each["group"], each["name"]): each for each in json.loads(told)["plugins"]}
    assert plugins["tunebook.metrics", "overlap"]["package"] == "tunebook-example"
    assert plugins["tunebook.metrics", "overlap"]["version"] == "1.2.0"
    assert plugins["tunebook.metrics", "overlap"]["trouble"] == ""
    assert plugins["tunebook.engines", "packed"]["package"] == "tunebook"
    assert "ZeroDivisionError" in plugins["tunebook.metrics", "broken"]["trouble"]


def test_a_broken_plugin_is_told_by_name_package_and_error(here: Here, installed: Path, study: Path) -> None:
    study.write_text(STUDY.replace("{name: overlap, floor: 0.25}", "broken"), encoding="utf-8")
    code, _, told = here("plan", study, site=installed)
    assert code == 2
    expected = 'metric: found "broken" of package tunebook-example 1.2.0; importing it failed with ZeroDivisionError'
    assert f"study.yaml:8: {expected}" in told
    assert "engine" not in told


def test_a_configuration_that_no_engine_takes_is_refused_in_plan(here: Here, installed: Path, study: Path) -> None:
    study.write_text(STUDY.replace("engine: careful", "engine: alone"), encoding="utf-8")
    code, _, told = here("plan", study, site=installed)
    assert code == 2
    assert "study.yaml:9: lora_r: no engine can train this (engine alone: ranks above 8 are not for it)" in told


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ('floor: "high"', 'study.yaml:8: metric.floor: found "high"; for overlap it must be a number. Correct it.'),
        ("ceiling: 1", "study.yaml:8: metric.ceiling: found 1; overlap has no such option, it takes floor."),
    ],
)
def test_an_option_that_the_metric_cannot_take_is_refused_in_plan(
    option: str, told: str, here: Here, installed: Path, study: Path
) -> None:
    study.write_text(STUDY.replace("floor: 0.25", option), encoding="utf-8")
    code, _, said = here("plan", study, site=installed)
    assert code == 2
    assert told in said


def test_one_name_from_two_packages_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("one", "two"):
        info = tmp_path / f"{package}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n", encoding="utf-8")
        (info / "entry_points.txt").write_text("[tunebook.metrics]\nsame = json:loads\nexact_match = json:loads\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    group = PluginGroup(
        "metric", "tunebook.metrics", {"exact_match": "tunebook.evaluation.text:ExactMatch"}, callable, ""
    )
    with pytest.raises(StudyFileError, match='found "same", which is in the packages one, two'):
        group.load("same")
    assert group.load("exact_match").__name__ == "ExactMatch"
    taken = [plugin for plugin in group.plugins if plugin.name == "exact_match" and plugin.package == "one"]
    assert group.trouble(taken[0]) == "metric exact_match is tunebook's own"


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.group)
def test_everything_in_our_own_tables_can_be_loaded(group: PluginGroup[object]) -> None:
    for plugin in group.plugins:
        if plugin.package == "tunebook":
            group.load(plugin.name)


def test_what_is_of_another_kind_is_told() -> None:
    group = PluginGroup("metric", METRICS.group, {"odd": "math:pi"}, callable, "a class or function")
    with pytest.raises(StudyFileError, match=r'metric: found "odd" .*math:pi is 3\.14.*, not a class or function'):
        group.load("odd")
