"""The ledger as plain files, and the examination of a study folder."""

from __future__ import annotations

import csv
import json

import pytest

from tunebook.core.study import TrialState
from tunebook.ledger import examine, export_csv, export_jsonl, open_ledger
from tunebook.testing.sample_study import N_EXAMPLES, finding_of, result_of, sample_facts, sample_spec, sample_wave


@pytest.fixture
def study(tmp_path):
    folder = tmp_path / "study"
    with open_ledger(folder, write=True) as ledger:
        ledger.create_study(sample_spec(), sample_facts())
        ledger.add_wave(sample_wave(1))
        for trial, state in zip(sample_wave(1).trials, (TrialState.COMPLETED, TrialState.DIVERGED), strict=False):
            ledger.finish_trial(result_of(trial, state), ledger.start_trial(trial.id, "here"))
        ledger.start_trial(3, "here")
        ledger.note("calibration", {"seconds": 2.5})
        ledger.close_round(1, [finding_of(1)])
    return folder


def test_json_lines_hold_everything(study, tmp_path):
    with open_ledger(study, write=False) as ledger:
        n = export_jsonl(ledger, tmp_path / "all.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text().splitlines()]
    assert len(lines) == n
    kinds = [line["kind"] for line in lines]
    assert kinds == [
        "header",
        "study",
        "wave",
        "trial",
        "trial",
        "trial",
        "finding",
        "attempt",
        "attempt",
        "attempt",
        "note",
    ]
    assert lines[4]["value"]["outcomes"]["validation"]["nll"][0] == {"~float": "nan"}
    assert len(lines[3]["value"]["outcomes"]["validation"]["answers"]) == N_EXAMPLES


def test_csv_cells_are_no_formulas(study, tmp_path):
    with open_ledger(study, write=False) as ledger:
        of_trials, of_outcomes = export_csv(ledger, tmp_path)
    with of_trials.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["state"] for row in rows] == ["completed", "diverged", "running"]
    with of_outcomes.open(newline="", encoding="utf-8") as file:
        outcomes = list(csv.DictReader(file))
    assert len(outcomes) == 2 * (N_EXAMPLES + 2)
    answers = [row["answer"] for row in outcomes]
    assert "'=1+1" in answers
    assert not [answer for answer in answers if answer.startswith(("=", "+", "-", "@"))]
    assert {row["nll"] for row in outcomes} >= {"nan", "inf"}


def test_a_sound_study_is_called_sound(study):
    found = examine(study)
    assert found.summary == "The ledger is sound: 2 of 3 trials are finished."
    assert {problem.level for problem in found.problems} <= {"ok", "hint"}
    assert any("trial 3: running" in problem.found for problem in found.problems)


def test_who_holds_a_study_is_said(study):
    with open_ledger(study, write=True):
        assert any("held by process" in problem.found for problem in examine(study).problems)
    assert any("nobody holds" in problem.found for problem in examine(study).problems)


def test_a_folder_without_a_ledger_is_said(tmp_path):
    found = examine(tmp_path)
    assert [problem.level for problem in found.problems] == ["missing"]
    assert list(tmp_path.iterdir()) == []


def test_an_adapter_that_is_gone_is_a_hint(study):
    assert any(problem.what == "adapters" and problem.level == "hint" for problem in examine(study).problems)
