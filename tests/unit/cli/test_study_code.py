"""A program or a metric that a study file names runs only when this user has confirmed exactly it, or says so."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from init_text import init_text

from tunebook.api import Study
from tunebook.cli.main import main as command_line
from tunebook.errors import UserError
from tunebook.run.requests.consent import confirm, unconfirmed_code

STUDY = """
study: named
model: none
data: {{train: rows.jsonl, allow_overlap: true}}
metric: {metric}
baseline: {{lora_r: 4, lora_alpha: 8}}
space: {{lora_r: [4, 8]}}
design: one_factor
budget: {{trials: 7}}
{engine}
"""
BAD_INPUT = 2


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch) -> Path:
    """An empty state folder and a working folder with data, a trainer and a metric that leave a trace when run."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    rows = [{"prompt": f"what is {i}", "completion": f"number {i % 3}"} for i in range(120)]
    Path("rows.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    trace = "import pathlib\npathlib.Path('started').touch()\n"
    Path("train.py").write_text(trace + "raise SystemExit('no')\n", encoding="utf-8")
    Path("mine.py").write_text(trace + "def same(answer, gold):\n    return answer == gold\n", encoding="utf-8")
    return tmp_path / "state"


def with_program(arguments: str = 'train.py, "{config}"') -> Study:
    engine = f"engine: command\ncommand: [{sys.executable}, {arguments}]"
    Path("study.yaml").write_text(STUDY.format(metric="exact_match", engine=engine), encoding="utf-8")
    return Study.load("study.yaml")


def with_metric(metric: str = "mine:same") -> Study:
    Path("study.yaml").write_text(STUDY.format(metric=metric, engine="engine: simulated"), encoding="utf-8")
    return Study.load("study.yaml")


def at_a_terminal(monkeypatch, answer: bool) -> list[str]:
    asked: list[str] = []
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr("typer.confirm", lambda text, **_: asked.append(text) or answer)
    return asked


def test_without_a_terminal_a_program_is_refused_and_named(capsys) -> None:
    with_program()
    assert command_line(["run", "study.yaml", "--quiet"]) == BAD_INPUT
    said = capsys.readouterr().err
    assert "study.yaml:11: command: found `" in said
    assert "train.py '{config}'" in said
    assert "--trust-study-code" in said
    assert not Path("started").exists()
    assert not Path("runs").exists()


@pytest.mark.parametrize("command", ["plan", "run"])
@pytest.mark.parametrize("metric", ["mine:same", "os:system"])
def test_without_a_terminal_a_metric_is_refused_before_it_is_imported(command, metric, capsys) -> None:
    with_metric(metric)
    assert command_line([command, "study.yaml"]) == BAD_INPUT
    assert f"study.yaml:5: metric: found `{metric}" in capsys.readouterr().err
    assert not Path("started").exists()


@pytest.mark.parametrize("command", ["plan", "run"])
def test_a_metric_that_is_not_there_is_told_before_trust_is_asked(command, capsys) -> None:
    with_metric("nofile:score")
    assert command_line([command, "study.yaml"]) == BAD_INPUT
    said = capsys.readouterr().err
    assert "study.yaml:5: metric: found nofile:score; there is no " in said
    assert "trust" not in said


def test_plan_starts_no_program_and_names_it(capsys) -> None:
    with_program()
    assert command_line(["plan", "study.yaml"]) == 0
    assert "train.py '{config}'" in capsys.readouterr().out
    assert not Path("started").exists()


def test_the_flag_is_enough_and_is_not_remembered(state) -> None:
    study = with_metric()
    assert command_line(["plan", "study.yaml", "--trust-study-code"]) == 0
    assert Path("started").exists()
    assert not state.exists()
    with pytest.raises(UserError, match="trust_study_code=True"):
        study.plan()
    Study.load("study.yaml", trust_study_code=True).plan()


def test_a_yes_is_remembered_for_exactly_this(monkeypatch, capsys) -> None:
    with_metric()
    asked = at_a_terminal(monkeypatch, answer=True)
    assert command_line(["plan", "study.yaml"]) == 0
    assert "mine.py" in capsys.readouterr().err
    assert command_line(["plan", "study.yaml"]) == 0
    assert len(asked) == 1
    Path("mine.py").write_text(Path("mine.py").read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
    assert command_line(["plan", "study.yaml"]) == 0
    assert len(asked) == 2


def test_a_no_starts_nothing(monkeypatch) -> None:
    with_program()
    asked = at_a_terminal(monkeypatch, answer=False)
    assert command_line(["run", "study.yaml", "--quiet"]) == BAD_INPUT
    assert asked
    assert not Path("started").exists()


def test_another_argument_or_another_script_is_another_program() -> None:
    def missing(study: Study) -> int:
        return len(unconfirmed_code(study.spec, study.paths, starts_program=True))

    study = with_program()
    assert missing(study) == 1
    confirm(unconfirmed_code(study.spec, study.paths, starts_program=True))
    assert missing(study) == 0
    assert missing(with_program('train.py, "{config}", --fast')) == 1
    assert missing(with_program()) == 0
    Path("train.py").write_text("print('another')\n", encoding="utf-8")
    assert missing(with_program()) == 1


def test_text_of_a_dataset_starts_nothing() -> None:
    attack = "yes\nengine: command\ncommand: [touch, started]\n#"
    rows = [{"prompt": f"Is it open on day {i}?", "completion": ["no", "yes"][i % 2]} for i in range(120)]
    rows[0]["completion"] = attack
    Path("train.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    Path("study.yaml").write_text(init_text("train.jsonl", "."), encoding="utf-8")
    study = Study.load("study.yaml")
    assert (study.spec.engine, study.spec.command) == ("packed", ())


def test_what_is_shown_of_a_program_cannot_act_on_the_terminal() -> None:
    study = with_program(r'"\u2066]0;x\u2069"')
    text = unconfirmed_code(study.spec, study.paths, starts_program=True)[0].text
    assert "$'\\u2066]0;x\\u2069'" in text
    assert text.isprintable()
