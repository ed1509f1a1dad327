"""`init`, `plan` and the README say the same of what a study can detect: one function computes it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tunebook import Study
from tunebook.core.facts import DataFacts
from tunebook.run.commands.init import first_compared, study_file_for

ROOT = Path(__file__).parents[3]


def written(folder: Path, splits: dict[str, int]) -> Path:
    labels = ("red", "green", "blue")
    for first, (split, n) in enumerate(splits.items()):
        rows = [{"text": f"Question {i}?", "label": labels[i % 3]} for i in range(1000 * first, 1000 * first + n)]
        (folder / f"{split}.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    return folder / "train.jsonl"


@pytest.mark.parametrize("trials", [20, 75])
@pytest.mark.parametrize("splits", [{"train": 90}, {"train": 60, "validation": 150, "test": 100}])
def test_the_comment_of_init_is_the_first_line_of_plan(tmp_path: Path, splits: dict[str, int], trials: int) -> None:
    data = written(tmp_path, splits)
    text, _ = study_file_for(str(data), tmp_path, "study.yaml", model="none", trials=trials, language="en")
    told = r"(\w+): .*first comparisons are made on them and detect differences of ([\d.]+) points or more"
    found = re.search(told, text)
    (tmp_path / "study.yaml").write_text(text + "executor: inline\n", encoding="utf-8")
    compared = Study.load(tmp_path / "study.yaml").plan().outlook.first_compared
    assert found is not None
    assert compared is not None
    assert found[1] == ("test" if "test" in splits else "validation")
    assert compared.on_test == ("test" in splits)
    assert found[2] == f"{100 * (compared.smallest_detectable_effect or 0):.1f}"


def test_a_study_of_perplexity_is_not_told_in_points(tmp_path: Path) -> None:
    story = "Once upon a time " + "there was a model that learned to write long stories. " * 12
    rows = [{"prompt": f"Story {i}", "completion": f"{story} {i}"} for i in range(60)]
    (tmp_path / "train.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    text, _ = study_file_for(str(tmp_path / "train.jsonl"), tmp_path, "s.yaml", model="none", trials=20, language="en")
    assert "metric: perplexity" in text
    assert "detect differences" not in text


def test_the_readme_says_what_init_and_plan_would_say(tmp_path: Path) -> None:
    data = written(tmp_path, {"train": 500, "validation": 400, "test": 400})
    text, _ = study_file_for(str(data), tmp_path, "study.yaml", model="none", trials=75, language="en")
    compared = first_compared(text, "study.yaml", DataFacts(n_train=500, n_validation=400, n_test=400))
    assert compared is not None
    points = f"{100 * (compared.smallest_detectable_effect or 0):.1f}"
    readme = " ".join((ROOT / "README.md").read_text("utf-8").split())
    line = next(line for line in text.splitlines() if line.startswith("  test:"))
    assert f"are made on them and detect differences of {points} points or more" in line
    assert "With 400 test examples the first comparisons" in readme
    assert f"detect differences of {points} points or more" in readme
    assert "用 400 个测试样本，" in (zh := (ROOT / "README.zh.md").read_text("utf-8"))
    assert f"能检出 {points} 个百分点以上的差异" in zh
