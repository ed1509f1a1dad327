"""A trainer that fails for a while: its trials end as failed; `run --retry-failed` trains them once it is mended."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from benchmarks.soak import compare
from tunebook.cli.main import main as command_line
from tunebook.core.study import TrialState
from tunebook.ledger import open_ledger

pytestmark = [pytest.mark.timeout(600), pytest.mark.usefixtures("few_pictures")]

TRAINER = """
import json, os, sys, time
config = json.load(open(sys.argv[1]))
mended = os.path.exists(os.path.join(os.path.dirname(sys.argv[0]), "mended"))
{trouble}
for split, path in config["predictions"].items():
    with open(path, "w") as out:
        for line in open(config["data"][split]):
            row = json.loads(line)
            right = (row["index"] * 7 + config["seed"]) % 5 < 1 + config["configuration"]["lora_r"] // 4
            answer = row["completion"] if right else "?"
            print(json.dumps({{"index": row["index"], "answer": answer, "nll": 0.1 + 0.01 * row["index"]}}), file=out)
"""
STUDY = """
study: trained
model: none
data: {{train: rows.jsonl, allow_overlap: true}}
metric: exact_match
baseline: {{lora_r: 4, lora_alpha: 8}}
space: {{lora_r: [4, 8]}}
design: one_factor
budget: {{trials: 7}}
seeds: {{configuration: 1, baseline: 3}}
engine: command
command: [{python}, -IS, {trainer}, "{{config}}"]
command_limits: {{hours: {hours}}}
"""


def make(folder: Path, trouble: str, hours: float) -> Path:
    folder.mkdir()
    rows = [{"prompt": f"what is {i}", "completion": f"number {i % 3}"} for i in range(120)]
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (folder / "trainer.py").write_text(TRAINER.format(trouble=trouble))
    file = folder / "study.yaml"
    file.write_text(STUDY.format(python=sys.executable, trainer=folder / "trainer.py", hours=hours))
    return file


def run(file: Path, *options: str) -> int:
    return command_line(["run", str(file), "--quiet", "--trust-study-code", *options])


def states(file: Path) -> dict[int, TrialState]:
    with open_ledger(file.parent / "runs" / "trained", write=False) as ledger:
        return {number: fact.state for number, fact in ledger.history().trials.items()}


def test_a_study_whose_trainer_never_worked_is_as_good_as_new_once_it_is_mended(tmp_path, capsys):
    trouble = "if not mended: sys.exit('no such module: nothing_of_this_name')"
    well, ill = make(tmp_path / "well", trouble, 1), make(tmp_path / "ill", trouble, 1)
    (well.parent / "mended").touch()
    assert run(well) == 0
    assert run(ill) == 1
    assert set(states(ill).values()) == {TrialState.FAILED}
    assert f"tunebook run {ill} --retry-failed" in capsys.readouterr().err
    assert run(ill) == 1, "a plain run leaves them failed"
    (ill.parent / "mended").touch()
    assert run(ill, "--retry-failed") == 0
    found = compare(well.parent / "runs" / "trained", ill.parent / "runs" / "trained")
    assert (found.trials_lost, found.differences) == (0, ())
    with open_ledger(ill.parent / "runs" / "trained", write=False) as ledger:
        [retried] = [values for code, values in ledger.notes() if code == "retried"]
        assert retried["trials"] == sorted(retried["trials"])
        assert set(retried["findings_before"].values()) == {"inconclusive"}
    assert "had failed and were tried again" in (ill.parent / "runs" / "trained" / "record.md").read_text()


def test_a_trial_over_its_time_is_failed_and_tried_again_with_more_of_it(tmp_path, capsys):
    trouble = "if config['configuration']['lora_r'] == 8 and not mended: time.sleep(600)"
    file = make(tmp_path / "slow", trouble, 0.001)
    assert run(file) == 1
    before = states(file)
    assert set(before.values()) == {TrialState.FAILED, TrialState.COMPLETED}
    assert "ended after 4 seconds, its time limit" in (file.parent / "runs" / "trained" / "record.md").read_text()
    (file.parent / "mended").touch()
    file.write_text(file.read_text().replace("0.001", "1"))
    assert run(file, "--retry-failed") == 0
    after = states(file)
    assert set(after.values()) == {TrialState.COMPLETED}
    assert list(after)[: len(before)] == list(before)
    capsys.readouterr()
    assert run(file, "--retry-failed") == 0
