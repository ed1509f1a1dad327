"""The trial table, and what folding makes of it."""

from __future__ import annotations

import json

import pytest

from benchmarks.child import ChildTask
from benchmarks.packed import jobs_of
from benchmarks.table import read_rows, read_table
from tunebook.core.ports import Scoring, TokenizedExample, Workload
from tunebook.core.space import Folding

WORKLOAD = Workload(train=(TokenizedExample((1, 2), (3,)),), splits={"validation": ()}, scoring=Scoring())


def test_table_has_nineteen_trials_with_their_settings():
    rows = {row.name: row.configuration for row in read_table()}
    assert len(rows) == 19
    assert (rows["exp16"].lora_r, rows["exp16"].lora_dropout, rows["exp16"].num_train_epochs) == (32, 0.05, 4)
    assert rows["exp3"].effective_batch_size == 16


def test_rows_are_chosen_by_name_and_unknown_names_are_refused():
    assert [row.name for row in read_table(["exp9", "exp2"])] == ["exp2", "exp9"]
    with pytest.raises(ValueError, match="exp17"):
        read_table(["exp17"])


def test_folding_trains_equal_effective_configurations_once():
    plain = jobs_of(read_table(), ChildTask("m", "d"), WORKLOAD, Folding.everything(), "folder")
    folded = jobs_of(read_table(), ChildTask("m", "d", fold=True), WORKLOAD, Folding.everything(), "folder")
    assert len({job.id for job in plain.values()}) == 19
    assert folded["exp8"] is folded["exp15"] is folded["exp1"]
    assert folded["exp20"] is folded["exp16"]
    assert len({job.id for job in folded.values()}) == 16


def test_alpaca_rows_become_prompt_and_completion(tmp_path):
    lines = [{"instruction": "Add.", "input": "1 and 2", "output": "3"}, {"instruction": "Hi", "input": "",
             "output": "Hello"}, {"prompt": "p", "completion": "c", "label": "x"}]  # fmt: skip
    file = tmp_path / "train.jsonl"
    file.write_text("\n".join(json.dumps(line) for line in lines) + "\n", encoding="utf-8")
    assert read_rows(file, None) == [
        {"prompt": "Add.\n\n1 and 2", "completion": "3"},
        {"prompt": "Hi", "completion": "Hello"},
        {"prompt": "p", "completion": "c"},
    ]
    assert len(read_rows(file, 2)) == 2
    assert read_rows(file, 0) == []
