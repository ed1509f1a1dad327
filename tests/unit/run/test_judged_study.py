"""Whole studies with a judge on loopback: what is asked, kept, counted, and survives an interruption."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.judge_server import KEY, JudgeServer, Material, addressed
from tunebook import Study
from tunebook.errors import EnvironmentStop, StudyFileError, UserError
from tunebook.record.plots import gallery
from tunebook.run import prepare

pytestmark = pytest.mark.usefixtures("no_pictures")

STUDY = """
study: judged
model: none
engine: simulated
executor: inline
data: {{train: train.jsonl, validation: validation.jsonl}}
metric: {{name: judge, model: tiny, rubric: "{rubric}", twice: 0.2, price_per_million_tokens: 2.0{options}}}
baseline: {{learning_rate: 2e-4, per_device_train_batch_size: 8, lora_r: 8, lora_alpha: 16, num_train_epochs: 2}}
space: {{learning_rate: {{low: 5e-5, high: 2e-3}}}}
design: one_factor
budget: {{trials: 6}}
trackers: []
"""
N = 40


def by_reference(material: Material, before: int) -> str:
    right = material["answer"] in material["reference"]
    return json.dumps({"reason": "compared", "grade": 5 if right else 2 + before})


def by_length(material: Material, before: int) -> str:
    first, second = len(material["first"]), len(material["second"])
    return json.dumps({"better": "first" if first > second else "second" if second > first else "tie"})


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures are most of the time of a simulated study, and none of it is about these."""
    monkeypatch.setattr(gallery, "PAINTERS", [])


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[JudgeServer]:
    with addressed(by_reference, monkeypatch) as found:
        yield found


def written(folder: Path, options: str = "", rubric: str = "5: as the reference. 1: not.") -> Path:
    labels = ("red", "green", "blue", "greyish")
    for first, split in enumerate(("train", "validation", "test")):
        rows = [{"text": f"Question {i}?", "label": labels[i * 7 % 4]} for i in range(1000 * first, 1000 * first + N)]
        (folder / f"{split}.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    text = STUDY.format(options=options, rubric=rubric)
    (folder / "study.yaml").write_text(text, encoding="utf-8")
    return folder / "study.yaml"


def test_a_judged_study_says_what_it_asked(server: JudgeServer, tmp_path: Path) -> None:
    file = written(tmp_path)
    plan = Study.load(file).plan(measure=False)
    assert plan.service is not None
    assert len(server.statuses) == 1
    Study.load(file).run(measure=False)
    folder = tmp_path / "runs" / "judged"
    asked = len(server.statuses) - 1
    assert asked <= plan.service.requests + 1
    record = (folder / "record.md").read_text(encoding="utf-8")
    assert f"Metric judge asked its service {asked} times" in record
    assert f"and {asked * 10:,} out" in record
    assert "got the same judgement" in record
    assert "grades** (99 % simultaneous interval" in record
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert KEY.encode() not in content, path
            assert server.url.encode() not in content, path
    assert not list(folder.rglob("*.unscored.json"))


def test_a_service_that_goes_down_costs_no_training(server: JudgeServer, tmp_path: Path) -> None:
    """Run again, the study takes up the trained answers and asks for what was not judged."""
    file = written(tmp_path, ", retries: 0, parallel: 2")
    server.before = lambda n: 503 if n > 50 else None
    with pytest.raises(EnvironmentStop, match="Run again when it answers"):
        Study.load(file).run(measure=False)
    folder = tmp_path / "runs" / "judged"
    waiting = list((folder / "adapters").glob("*.unscored.json"))
    assert waiting
    server.before = lambda n: None
    trained: list[int] = []
    spied = prepare.RoutingExecutor.run
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            prepare.RoutingExecutor,
            "run",
            lambda self, jobs, on_events: (trained.extend(j.id for j in jobs), spied(self, jobs, on_events))[1],
        )
        Study.load(file).run(measure=False)
    assert not {int(path.name.partition(".")[0]) for path in waiting} & set(trained)
    assert not list((folder / "adapters").glob("*.unscored.json"))
    judged = [json.dumps(material, sort_keys=True) for material in server.asked]
    gold = [text for text in set(judged) if judged.count(text) > 2]
    assert not gold  # at most twice: those of the sample, and what is asked before each run


def test_answers_that_are_not_judged_are_counted_and_no_zeros(server: JudgeServer, tmp_path: Path) -> None:
    broken = "Question 2007?"

    def judge(material: Material, before: int) -> str:
        return "no idea" if broken in material["question"] else by_reference(material, 0)

    server.judge = judge
    file = written(tmp_path)
    text = file.read_text(encoding="utf-8").replace("validation.jsonl", "test.jsonl")
    file.write_text(text, encoding="utf-8")
    Study.load(file).run(measure=False)
    record = (tmp_path / "runs" / "judged" / "record.md").read_text(encoding="utf-8")
    assert "not judged count with the mean of the trial's other answers (trial 0: 1 of 40 on validation" in record
    assert "reply without a grade: " in record
    results = json.loads((tmp_path / "runs" / "judged" / "results.json").read_text(encoding="utf-8"))
    assert all(trial["accuracy"] != 0 for trial in results["trials"])


def test_a_trial_with_too_few_judgements_fails_and_is_judged_again(server: JudgeServer, tmp_path: Path) -> None:
    def judge(material: Material, before: int) -> str:
        first = "Question 1000?" in material["question"]
        return by_reference(material, 0) if first or is_well else "no idea"

    is_well = False
    server.judge = judge
    file = written(tmp_path)
    study = Study.load(file)
    study.run(measure=False)
    record = (tmp_path / "runs" / "judged" / "record.md").read_text(encoding="utf-8")
    assert "39 of 40 answers on validation were not judged" in record
    is_well = True
    findings = study.run(retry_failed=True, measure=False)
    assert findings.best is not None


def test_pairs_against_the_untrained_model(server: JudgeServer, tmp_path: Path) -> None:
    server.judge = by_length
    file = written(tmp_path, ", mode: pairwise, against: untrained", "The longer is better.")
    text = file.read_text(encoding="utf-8")
    file.write_text(
        text.replace("validation.jsonl}", "validation.jsonl, test: test.jsonl}") + "floor: go_on\n", encoding="utf-8"
    )
    Study.load(file).run(measure=False)
    record = (tmp_path / "runs" / "judged" / "record.md").read_text(encoding="utf-8")
    assert "the highest win rate" in record
    assert "base model without adapter 50.0" in record
    assert "each pair was asked about in both orders" in record
    results = json.loads((tmp_path / "runs" / "judged" / "results.json").read_text(encoding="utf-8"))
    assert {finding["split"] for finding in results["findings"]} == {"validation", "test"}


def test_without_network_nothing_begins(server: JudgeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = written(tmp_path)
    monkeypatch.setenv("TUNEBOOK_JUDGE_URL", "http://127.0.0.1:9/v1")
    for begin in (Study.load(file).plan, Study.load(file).run):
        with pytest.raises(UserError, match="asked once before anything is trained"):
            begin()
    assert not (tmp_path / "runs").exists()


def test_a_begun_study_keeps_its_rubric_and_may_change_how_it_asks(server: JudgeServer, tmp_path: Path) -> None:
    (tmp_path / "rubric.md").write_text("5: good", encoding="utf-8")
    file = written(tmp_path, ", rubric_file: rubric.md")
    text = file.read_text(encoding="utf-8").replace('rubric: "5: as the reference. 1: not.", ', "")
    file.write_text(text, encoding="utf-8")
    Study.load(file).run(measure=False)
    file.write_text(text.replace("twice: 0.2,", "twice: 0.2, parallel: 2, retries: 1,"), encoding="utf-8")
    Study.load(file).run(measure=False)
    file.write_text(text.replace("tiny", "other"), encoding="utf-8")
    with pytest.raises(StudyFileError, match="metric"):
        Study.load(file).run(measure=False)
    file.write_text(text, encoding="utf-8")
    (tmp_path / "rubric.md").write_text("5: bad", encoding="utf-8")
    with pytest.raises(StudyFileError, match="is not what the study was begun with"):
        Study.load(file).run(measure=False)
