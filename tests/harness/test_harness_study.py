"""A study whose metric is a task of lm_eval: asked about before its code runs, and equal to lm_eval itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tunebook import Study
from tunebook.core.ports import TrialJob
from tunebook.core.space import effective
from tunebook.errors import UserError
from tunebook.run.commands.single import train_single
from tunebook.run.observers import Silent
from tunebook.run.prepare import prepare
from tunebook.run.requests.consent import unconfirmed_code
from tunebook.testing.tiny_model import write_tiny_model

lm_eval = pytest.importorskip("lm_eval")

COLOURS = ("red", "green", "blue")
TASK = """\
task: colours
dataset_path: json
dataset_kwargs: {data_files: {final: documents.jsonl}}
output_type: multiple_choice
test_split: final
doc_to_text: "Question what colour has {{thing}}"
doc_to_choice: [red, green, blue]
doc_to_target: "{{['red', 'green', 'blue'].index(colour)}}"
metric_list: [{metric: acc}]
"""
STUDY = """\
study: colours
model: ./model
data: {train: train.jsonl}
metric: lm_eval:colours
baseline: {learning_rate: 2e-2, lora_r: 4, num_train_epochs: 4, per_device_train_batch_size: 4,
           gradient_accumulation_steps: 1}
space: {lora_r: [4, 8]}
design: one_factor
budget: {trials: 5}
seeds: {configuration: 1, baseline: 3}
executor: inline
device: cpu
trackers: []
floor: go_on
"""


def write_files(folder: Path) -> Path:
    words = [*COLOURS, *map(str, range(160)), "Question", "what", "colour", "has"]
    write_tiny_model(folder / "model", words)
    rows = [(str(i), COLOURS[i * i % 3]) for i in range(130)]
    train = [{"prompt": f"Question what colour has {thing}", "completion": colour} for thing, colour in rows[:40]]
    documents = [{"thing": thing, "colour": colour} for thing, colour in rows[40:]]
    for name, each in (("train", train), ("documents", documents)):
        (folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, each)), encoding="utf-8")
    (folder / "task.yaml").write_text(TASK, encoding="utf-8")
    (folder / "study.yaml").write_text(STUDY, encoding="utf-8")
    return folder / "study.yaml"


def test_a_task_beside_the_study_file_is_asked_about_and_one_of_the_package_is_not(tmp_path: Path) -> None:
    file = write_files(tmp_path)
    study = Study.load(file)
    named = unconfirmed_code(study.spec, study.paths, starts_program=False)
    assert [code.key for code in named] == ["metric"]
    assert str(tmp_path) in named[0].text
    with pytest.raises(UserError, match=r"metric: found `lm_eval:colours with the task files in .*--trust-study-code"):
        study.plan(measure=False)
    (tmp_path / "helpers.py").write_text("raise SystemExit", encoding="utf-8")
    changed = unconfirmed_code(study.spec, study.paths, starts_program=False)
    assert changed[0].digest != named[0].digest
    file.write_text(STUDY.replace("lm_eval:colours", "lm_eval:arc_easy"), encoding="utf-8")
    study = Study.load(file)
    assert unconfirmed_code(study.spec, study.paths, starts_program=False) == ()


def test_an_engine_without_a_model_is_refused(tmp_path: Path) -> None:
    file = write_files(tmp_path)
    file.write_text(STUDY + "engine: simulated\n", encoding="utf-8")
    with pytest.raises(UserError, match="the requests of a task are put to a model that the engine loads"):
        Study.load(file, trust_study_code=True).plan(measure=False)


@pytest.mark.slow  # imports and loads all that lm_eval needs for a model of its own
def test_a_trial_is_scored_as_lm_eval_scores_its_adapter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = Study.load(write_files(tmp_path))
    prepared = prepare(study.spec, study.paths)
    data = prepared.data.facts
    assert (data.n_validation + data.n_test, data.rows_per_example) == (90, 3.0)
    examples = prepared.data.examples
    assert not {each.prompt for each in examples["validation"]} & {each.prompt for each in examples["test"]}
    splits, adapter = ("validation", "test"), tmp_path / "adapter"
    configuration = effective(study.spec.baseline, prepared.engine.folding, None)
    job = TrialJob(id=1, configuration=configuration, seed=1, splits=splits, folder=str(adapter))
    judged = train_single(prepared, job, Silent())

    monkeypatch.chdir(tmp_path)
    model = {"pretrained": str(tmp_path / "model"), "peft": str(adapter), "dtype": "float32"}
    task = str(tmp_path / "task.yaml")
    told = lm_eval.simple_evaluate(
        model="hf", model_args=model, tasks=[task], device="cpu", apply_chat_template=True, bootstrap_iters=0
    )
    theirs = {f"Question what colour has {each['doc']['thing']}": each["acc"] for each in told["samples"]["colours"]}
    for split in splits:
        ours = judged.outcomes[split].scores.tolist()
        assert ours == [theirs[example.prompt] for example in examples[split]]
        assert 0 < sum(ours) < len(ours)
