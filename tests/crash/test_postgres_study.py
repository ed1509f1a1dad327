"""A study whose ledger is in PostgreSQL, by the command line: begun in an empty place, killed, gone on with, shown."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import pytest
from forked import Forked, command_line
from forked import tunebook as forked_tunebook

ADDRESS = os.environ.get("TUNEBOOK_TEST_POSTGRES", "")

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.usefixtures("few_pictures"),
    pytest.mark.skipif(not ADDRESS, reason="TUNEBOOK_TEST_POSTGRES names no server"),
]

STUDY = """
study: NAME
model: none
engine: simulated
data: {train: train.jsonl, validation: validation.jsonl}
metric: exact_match
baseline: {learning_rate: 2e-4, lora_r: 8, lora_alpha: 16, num_train_epochs: 2}
space: {learning_rate: {low: 5e-5, high: 2e-3}, lora_r: [8, 16]}
design: one_factor
floor: go_on
budget: {trials: 12}
"""


@pytest.fixture
def study_file(tmp_path: Path) -> Path:
    for number, split in enumerate(("train", "validation")):
        rows = [{"prompt": f"Question {number}-{i}?", "completion": "ab"[i % 2]} for i in range(60)]
        (tmp_path / f"{split}.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    file = tmp_path / "study.yaml"
    file.write_text(STUDY.replace("NAME", f"s{uuid4().hex[:10]}"))
    return file


def environment() -> dict[str, str]:
    return {**os.environ, "TUNEBOOK_LEDGER": ADDRESS}


def tunebook(*arguments: object) -> subprocess.CompletedProcess[str]:
    return forked_tunebook(*arguments, environment=environment())


def killed_after(n_trials: int, *arguments: object) -> None:
    """Start the command and kill it once it has told of so many trials."""
    process = Forked(command_line(*arguments), environment())
    while process.errors.count("/12 ") < n_trials:
        assert process.ended() is None, process.errors
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


def test_a_study_begins_is_killed_goes_on_and_is_shown_by_its_folder(study_file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    killed_after(4, "run", study_file, "--folder", folder)
    assert (folder / "manifest.json").is_file()
    shown = tunebook("status", folder, "--json")
    assert shown.returncode == 0, shown.stderr
    assert not json.loads(shown.stdout)["finished"]
    went_on = tunebook("run", study_file, "--folder", folder)
    assert went_on.returncode == 0, went_on.stderr
    for place in ([folder], [study_file, "--folder", folder]):
        shown = tunebook("status", *place, "--json")
        assert json.loads(shown.stdout)["finished"], shown.stderr
    reported = tunebook("report", folder)
    assert reported.returncode == 0, reported.stderr
    assert (folder / "record.md").is_file()
    assert not (folder / "ledger.sqlite").exists()


def test_gone_on_with_in_another_folder_its_adapters_are_named_until_they_are_there(study_file: Path, tmp_path: Path):
    first, second = tmp_path / "first", tmp_path / "second"
    killed_after(4, "run", study_file, "--folder", first)
    went_on = tunebook("run", study_file, "--folder", second)
    assert went_on.returncode == 0, went_on.stderr
    command = f"rsync -a --ignore-existing {first}/adapters/ {second}/adapters/"
    assert command in went_on.stderr, "what lies in the first folder is told when the study goes on"
    assert (second / "best" / "adapter_model.safetensors").is_file()
    back = tunebook("run", study_file, "--folder", first)
    assert back.returncode == 75, "the best adapter is in the second folder"
    assert f"{second}/adapters/ {first}/adapters/" in back.stderr
    assert (first / "record.md").is_file()
    assert not (first / "best").exists()
    refused = tunebook("export", first, "--format", "peft")
    assert refused.returncode == 2
    assert f"{second}/adapters/" in refused.stderr
    shutil.copytree(second / "adapters", first / "adapters", dirs_exist_ok=True)  # what the command does
    brought = tunebook("run", study_file, "--folder", first)
    assert brought.returncode == 0, brought.stderr
    assert (first / "best" / "adapter_model.safetensors").is_file()
    assert tunebook("export", first, "--format", "peft").returncode == 0


def test_a_folder_that_holds_no_study_is_told_so(tmp_path: Path) -> None:
    """In a process of its own: all that PostgreSQL needs is imported by tunebook itself."""
    program = [sys.executable, "-c", "import sys; from tunebook.cli.main import main; sys.exit(main())"]
    command = [*program, "status", str(tmp_path)]
    told = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    assert told.returncode == 2
    assert "a folder without ledger.sqlite" in told.stderr
