"""`tunebook audit` as a program: files, standard input, JSON, exit codes."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from tunebook.cli.main import main
from tunebook.core.configuration import Configuration
from tunebook.data.trials_table import read_trials_table

RECORDS = Path(__file__).parents[2] / "fixtures" / "records"


class Input:
    def __init__(self, content: bytes) -> None:
        self.buffer = io.BytesIO(content)


def test_a_file_gives_a_record_and_exit_code_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", str(RECORDS / "rounds_en.md")]) == 0
    out = capsys.readouterr().out
    assert out.startswith("# Audit of rounds_en.md\n\n## How it was read")
    assert "p = 0.0625" in out


def test_a_chinese_record_is_answered_in_chinese_unless_told(capsys: pytest.CaptureFixture[str]) -> None:
    main(["audit", str(RECORDS / "rounds_zh.md")])
    assert "## 结论" in capsys.readouterr().out
    main(["audit", str(RECORDS / "rounds_zh.md"), "--language", "en"])
    assert "## Answer" in capsys.readouterr().out


def test_a_paste_on_standard_input_is_read(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", Input((RECORDS / "nineteen.csv").read_bytes()))
    assert main(["audit", "-", "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["schema_version"] == 2
    assert values["source"] == "standard input"
    assert values["examples"]["n"] == 358


def test_the_next_trials_are_a_table_that_a_study_takes(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    main(["audit", str(RECORDS / "nineteen.csv"), "--json"])
    path = tmp_path / "next.csv"
    path.write_text(json.loads(capsys.readouterr().out)["next_trials_csv"], encoding="utf-8")
    table = read_trials_table(path, Configuration())
    assert len(table.configurations) == 11
    assert table.ignored == ("why",)
    assert table.configurations[0].learning_rate == 2e-4


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["audit", "/nowhere/notes.md"], "/nowhere/notes.md"),
        (["audit", "."], "cannot be read"),
        (["audit", str(RECORDS / "nineteen.csv"), "--examples", "0"], "--examples: got 0"),
    ],
)
def test_bad_input_is_one_message_and_exit_code_2(
    arguments: list[str],
    says: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert says in " ".join(captured.err.split())


def test_an_unknown_language_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", str(RECORDS / "nineteen.csv"), "--language", "fr"]) == 2


def test_a_named_column_that_is_not_there_is_refused_with_those_that_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", str(RECORDS / "nineteen.csv"), "--columns", "nope=learning_rate"]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "nineteen.csv has no column 'nope'; its columns are" in said
    header = (RECORDS / "nineteen.csv").read_text(encoding="utf-8").splitlines()[0]
    assert ", ".join(header.split(",")[:3]) in said


def test_a_column_may_be_named(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    record = b"number,value,params_lr\n0,0.61,1e-4\n1,0.66,2e-4\n"
    monkeypatch.setattr("sys.stdin", Input(record))
    assert main(["audit", "-"]) == 2
    assert "--columns" in capsys.readouterr().err
    monkeypatch.setattr("sys.stdin", Input(record))
    assert main(["audit", "-", "--json", "--columns", "value=accuracy"]) == 0
    assert json.loads(capsys.readouterr().out)["measure"]["kind"] == "share"
    monkeypatch.setattr("sys.stdin", Input(record))
    assert main(["audit", "-", "--columns", "value"]) == 2
