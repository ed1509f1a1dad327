"""Several metrics in one study: one decides, the others are reported, a limit narrows what may be best."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tunebook import Study
from tunebook.cli.main import main as command_line
from tunebook.errors import StudyFileError
from tunebook.study_file import parse_study, write_study

pytestmark = pytest.mark.usefixtures("few_pictures")

STUDY = """
study: several
model: none
engine: simulated
executor: inline
data: {train: train.jsonl, validation: validation.jsonl}
metrics: [macro_f1, exact_match, length]
baseline: {learning_rate: 2e-4, per_device_train_batch_size: 8, lora_r: 8, lora_alpha: 16, num_train_epochs: 2}
space: {learning_rate: {low: 5e-5, high: 2e-3}}
design: one_factor
budget: {trials: 9}
trackers: []
"""


def written(folder: Path, more: str = "") -> Path:
    labels = ("red", "green", "blue", "greyish")
    for first, split in enumerate(("train", "validation")):
        rows = [{"text": f"Question {i}?", "label": labels[i * 7 % 4]} for i in range(1000 * first, 1000 * first + 60)]
        (folder / f"{split}.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    (folder / "study.yaml").write_text(STUDY + more, encoding="utf-8")
    return folder / "study.yaml"


def test_plan_says_which_metric_decides_and_has_the_margin(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line(["plan", str(written(tmp_path))]) == 0
    assert "metrics: macro_f1 decides, and differences and the margin below are of it; exact_match and length are" in (
        capsys.readouterr().out
    )


def test_the_first_decides_and_the_others_are_reported(tmp_path: Path) -> None:
    file = written(tmp_path)
    Study.load(file).run()
    record = (tmp_path / "runs" / "several" / "record.md").read_text(encoding="utf-8")
    assert "the highest macro-F1" in record
    assert "by class" not in record, "one number of all rows has no mean by class"
    table = record.partition("Other metrics")[2]
    assert "| exact_match |" in table
    assert "| length |" in table
    assert "characters" in table
    results = json.loads((tmp_path / "runs" / "several" / "results.json").read_text(encoding="utf-8"))
    assert results["study"]["metric"] == "macro_f1"
    assert results["study"]["scale"]["kind"] == "statistic"
    head = (tmp_path / "runs" / "several" / "trials.csv").read_text(encoding="utf-8").splitlines()[0]
    assert ",score,score_low,score_high," in head


def test_a_limit_keeps_configurations_out_of_being_the_best(tmp_path: Path) -> None:
    study = Study.load(written(tmp_path, "max: {length: 1}\n"))
    assert study.run().best is None


def test_what_several_metrics_say_of_each_other(tmp_path: Path) -> None:
    spec = parse_study(STUDY + "max: {length: 200}\n")
    assert (spec.metric, spec.metrics) == ("macro_f1", ("macro_f1", "exact_match", "length"))
    assert spec.at_most == {"length": 200}
    assert parse_study(write_study(spec)) == spec
    for more, told in (
        ("metric: exact_match\n", "the first of metrics decides"),
        ("max: {bleu: 3}\n", "which is none of the further metrics"),
    ):
        with pytest.raises(StudyFileError, match=told):
            parse_study(STUDY + more)
    with pytest.raises(StudyFileError, match="metrics are installed ones"):
        parse_study(STUDY.replace("length]", "mine:f]"))
