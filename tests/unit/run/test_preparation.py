"""What is found wrong only when model, data and machine are looked at is told with the study file's line."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tunebook import Study
from tunebook.cli.main import EXIT_INPUT, main
from tunebook.engines import base_model
from tunebook.errors import UserError
from tunebook.run import prepare as preparation
from tunebook.run.observers import Silent
from tunebook.study_file import with_line

STUDY = """\
study: small
model: none
engine: simulated
data: {train: train.jsonl}
metric: exact_match
baseline:
  learning_rate: 2e-4
  max_length: 512
space: {learning_rate: {low: 5e-5, high: 2e-3}}
design: one_factor
budget: {trials: 14}
"""


def study(folder: Path, old: str = "", new: str = "") -> Study:
    rows = [{"prompt": f"What comes after {i}, counted in steps of one?", "completion": str(i + 1)} for i in range(120)]
    (folder / "train.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    file = folder / "study.yaml"
    file.write_text(STUDY.replace(old, new), encoding="utf-8")
    return Study.load(file, trust_study_code=True)


@pytest.mark.parametrize(
    ("old", "new", "begin"),
    [
        ("engine: simulated", "engine: peft", "study.yaml:2: model: found 'none'"),
        ("exact_match", "nowhere:score", "study.yaml:5: metric: found nowhere:score"),
        ("max_length: 512", "max_length: 2", "study.yaml:8: max_length: found 2"),
        ("budget:", "trials: mine.csv\nbudget:", "study.yaml:11: trials: "),
    ],
)
def test_a_late_fault_names_file_line_and_key(tmp_path: Path, old: str, new: str, begin: str) -> None:
    with pytest.raises(UserError) as caught:
        study(tmp_path, old, new).plan()
    assert str(caught.value).startswith(begin)


def test_a_fault_of_the_data_keeps_its_own_place(tmp_path: Path) -> None:
    opened = study(tmp_path)
    with (tmp_path / "train.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"prompt": "half"\n')
    with pytest.raises(UserError, match=r"^train\.jsonl:121: "):
        opened.plan()


def test_a_message_without_a_key_in_the_file_is_kept(tmp_path: Path) -> None:
    file = study(tmp_path).paths.file
    assert file is not None
    assert with_line("device: found 'cuda'", file) == "device: found 'cuda'"
    assert with_line("something else", file) == "something else"
    assert with_line("model: x", tmp_path / "gone.yaml") == "model: x"


def test_files_that_are_not_there_are_told_together_and_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = "data: {train: train.jsonl, validation: gone.jsonl, test: shut.xlsx}"
    study(tmp_path, "data: {train: train.jsonl}", f"{data}\ntrials: mine.csv\nprior: runs/none")
    file = tmp_path / "study.yaml"
    file.write_text(file.read_text().replace("engine: simulated", "engine: peft"))  # whose model is not there either
    with pytest.raises(UserError) as caught:
        Study.load(file).plan()
    first, *found = str(caught.value).splitlines()
    assert first == "study.yaml has 4 problems:"
    gone = f"gone.jsonl: no such file in {tmp_path}. Correct the path."
    assert found[1] == f"  study.yaml:4: data.validation: {gone}"
    assert found[0].startswith("  study.yaml:4: data.test: shut.xlsx: no such file, and the name ends in")
    assert found[2].startswith("  study.yaml:5: trials: ")
    assert found[3].startswith("  study.yaml:6: prior: ")
    file.write_text(STUDY.replace("train.jsonl", "gone.jsonl"))
    monkeypatch.chdir(tmp_path)
    for command in (["plan", "study.yaml"], ["run", "study.yaml"], ["init", "gone.jsonl", "-o", "new.yaml"]):
        assert main(command) == EXIT_INPUT
        assert gone in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "runs").exists()


def test_the_built_in_model_is_converted_with_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Phases(Silent):
        def phase(self, text: str) -> None:
            said.append(text)

    def converts(name: str, told: Callable[[int, int], None]) -> None:
        told(3, 272)
        while len(said) < 3:
            time.sleep(0.001)

    said: list[str] = []
    monkeypatch.setattr(preparation, "CONVERTING_TOLD_SECONDS", 0.001)
    monkeypatch.setattr(base_model, "built_in_is_cached", lambda: False)
    monkeypatch.setattr(base_model, "built_in_wheel", lambda: tmp_path)
    monkeypatch.setattr(base_model, "resolve_model", converts)
    spec = study(tmp_path, "model: none\nengine: simulated", "model: smollm2\nengine: peft").spec
    preparation._convert_model(spec, Phases())
    assert said[0].startswith("converting the built-in model")
    assert said[-1].endswith("3 of 272 tensors")


@pytest.mark.parametrize(
    ("design", "seeds", "keys"),
    [
        ("model", "baseline: 7", ["seeds.baseline"]),
        ("model", "configuration: 3, baseline: 5", ["seeds.configuration"]),
        ("balanced", "configuration: 3, baseline: 7", ["seeds.configuration"]),
        ("one_factor", "configuration: 3, baseline: 7, doubtful: 2", []),
    ],
)
def test_numbers_of_seeds_that_a_design_does_not_ask_for_are_named(
    tmp_path: Path, design: str, seeds: str, keys: list[str]
) -> None:
    opened = study(tmp_path, "design: one_factor", f"design: {design}\nseeds: {{{seeds}}}")
    told = [warning for warning in opened.plan().warnings if warning.code == "seeds_not_used"]
    assert [warning.values["keys"] for warning in told] == ([keys] if keys else [])
    assert all(" ".join(keys) in opened.with_language("zh").words.notice(warning) for warning in told)
