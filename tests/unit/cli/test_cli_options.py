"""Options that cannot be meant are refused before anything is read, written or spent."""

from __future__ import annotations

import errno
import io
import json
import math
import os
from pathlib import Path

import pytest
from rich.console import Console

from tunebook import Study
from tunebook.cli.main import main
from tunebook.cli.output import table_of
from tunebook.errors import UserError
from tunebook.study_file import load_study
from tunebook.testing.tiny_model import write_tiny_model

BAD_INPUT = 2


@pytest.fixture
def train(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rows = [{"prompt": f"Question {i}?", "completion": ("yes", "no")[i % 2]} for i in range(120)]
    file = tmp_path / "train.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    return file


@pytest.mark.parametrize(
    "arguments",
    [
        ["report", "runs/x", "--language", "fr"],
        ["compare", "runs/x", "1", "2", "--language", "fr"],
        ["audit", "notes.md", "--language", "fr"],
        ["init", "train.jsonl", "--language", "fr"],
        ["demo", "--language", "fr"],
        ["demo", "--engine", "nothing"],
        ["demo", "--trials", "0"],
    ],
)
def test_a_value_that_is_not_offered_is_refused(
    train: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == BAD_INPUT
    assert arguments[-2] in capsys.readouterr().err
    assert list(train.parent.iterdir()) == [train]


def test_init_writes_no_file_that_would_not_run(train: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "train.jsonl", "--trials", "3"]) == BAD_INPUT
    assert "budget.trials: found 3; must be at least 5: a few pilots" in capsys.readouterr().err
    assert not (train.parent / "study.yaml").exists()
    assert main(["init", "train.jsonl", "--trials", "14", "--language", "zh"]) == 0
    spec = load_study(train.parent / "study.yaml")
    assert (spec.budget.trials, spec.language) == (14, "zh")


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "trains on 500 of the 2,000 rows (`train_rows`)"), ("zh", "只用 2000 条数据中的 500 条训练")],
)
def test_init_says_last_that_it_trains_on_a_part(
    train: Path, capsys: pytest.CaptureFixture[str], language: str, said: str
) -> None:
    assert main(["init", "train.jsonl", "--language", language]) == 0
    assert said.partition(" ")[0] not in capsys.readouterr().err.splitlines()[-1]
    rows = [json.dumps({"prompt": f"Question {i}?", "completion": ("yes", "no")[i % 2]}) for i in range(2500)]
    train.write_text("\n".join(rows) + "\n", encoding="utf-8")
    assert main(["init", "train.jsonl", "--language", language, "--force"]) == 0
    assert said in capsys.readouterr().err.splitlines()[-1]


def test_init_refuses_a_row_beyond_the_models_context(train: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_tiny_model(train.parent / "model", ["Question", "yes", "no"])
    assert main(["init", "train.jsonl", "--trials", "14", "--model", "./model"]) == 0
    with train.open("a", encoding="utf-8") as file:
        for i in range(90):  # some of them are split off for validation
            file.write(json.dumps({"prompt": f"More {i}?", "completion": "no " * 200}) + "\n")
    assert main(["init", "train.jsonl", "--trials", "14", "--model", "./model", "--output", "other.yaml"]) == BAD_INPUT
    assert "the model's context is 128" in capsys.readouterr().err.replace("\n", " ")
    assert not (train.parent / "other.yaml").exists()


@pytest.mark.parametrize("model", ["./gone", "gone", "some/folder/gone"])
def test_init_refuses_a_model_that_is_not_there(train: Path, model: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "train.jsonl", "--model", model]) == BAD_INPUT
    assert f"model: found '{model}', which is no folder here" in capsys.readouterr().err
    assert not (train.parent / "study.yaml").exists()
    assert main(["init", "train.jsonl", "--model", "owner/on-the-hub"]) == 0  # nobody is asked for it yet


def test_a_reader_that_has_closed_its_pipe_is_no_failure(train: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError(errno.EPIPE, "closed")

        def fileno(self) -> int:
            return nowhere.fileno()

    monkeypatch.setattr("sys.stderr", io.StringIO())
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        monkeypatch.setattr("sys.stdout", Closed())
        assert main(["init", str(train), "--output", "-"]) == 0


def test_a_narrow_terminal_leaves_nothing_of_a_table_out() -> None:
    table = table_of([("实验", "left"), ("与基线的不同", "left")])
    table.add_row("3", "学习率 5.8e-4、rank 16、alpha 32")
    narrow = Console(file=io.StringIO(), width=24)
    narrow.print(table)
    said = narrow.file.getvalue()
    assert "…" not in said
    assert "rank16、alpha32" in "".join(said.split())


@pytest.mark.parametrize(("trials", "hours"), [(0, None), (-4, None), (None, 0.0), (None, math.nan), (None, -1.0)])
def test_a_budget_on_the_command_line_is_above_zero(train: Path, trials: int | None, hours: float | None) -> None:
    main(["init", "train.jsonl", "--trials", "14"])
    study = Study.load(train.parent / "study.yaml")
    with pytest.raises(UserError, match=r"^(trials|hours): got "):
        study.with_budget(trials, hours)
    assert study.with_budget(20).spec.budget.trials == 20
    assert study.with_budget().spec == study.spec


def test_plan_says_what_takes_its_time_beside_the_result(train: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["init", "train.jsonl", "--trials", "14", "--model", "none"])
    capsys.readouterr()
    assert main(["plan", "study.yaml", "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["spec"]["budget"] == {"trials": 14, "hours": None}
    assert told.err.splitlines() == ["Checking data and model."]  # nothing to measure
    assert not (train.parent / "runs").exists()


@pytest.mark.usefixtures("few_pictures")
def test_a_simulated_study_ends_and_is_exported_without_an_adapter(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", str(study), "--quiet"]) == 0
    [line] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("best adapter")]
    assert "none, because engine simulated trains nothing" in line
    assert main(["export", str(study), "--format", "axolotl", "--to", str(tmp_path / "out")]) == 0
    assert "Engine simulated trains nothing" in " ".join(capsys.readouterr().err.split())
