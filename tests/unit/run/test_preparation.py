"""What is found wrong only when model, data and machine are looked at is told with the study file's line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tunebook import Study
from tunebook.errors import UserError
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
