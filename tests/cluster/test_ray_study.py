"""A whole study on a cluster, by the command line: killed, gone on with, and equal to that of one machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tunebook.testing.tiny_model import write_tiny_model

pytestmark = [pytest.mark.ray, pytest.mark.slow]
TUNEBOOK = [sys.executable, "-c", "import sys; from tunebook.cli.main import main; sys.exit(main())"]
COLOURS = ("red", "green", "blue", "grey")
STUDY = """
study: s
model: model
executor: EXECUTOR
device: cpu:2
data: {train: train.jsonl, validation: validation.jsonl}
metric: exact_match
floor: go_on
baseline: {learning_rate: 2e-3, lora_r: 2, lora_alpha: 4, num_train_epochs: 1, per_device_train_batch_size: 8}
space: {lora_r: [2, 4]}
design: one_factor
budget: {trials: 7}
trackers: []
"""


@pytest.fixture
def studies(tmp_path: Path) -> dict[str, Path]:
    """The same study for both executors."""
    write_tiny_model(tmp_path / "model", (*COLOURS, *(f"w{n}" for n in range(40))))
    for split, n in (("train", 48), ("validation", 40)):
        rows = [{"prompt": f"w{i % 40} w{(7 * i + n) % 40}", "completion": COLOURS[i % 4]} for i in range(n)]
        (tmp_path / f"{split}.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    files = {}
    for executor in ("local", "ray"):
        files[executor] = tmp_path / f"{executor}.yaml"
        files[executor].write_text(STUDY.replace("EXECUTOR", executor))
    return files


def arguments(file: Path) -> list[str]:
    return [*TUNEBOOK, "run", str(file), "--folder", str(file.with_suffix("")), "--no-measure"]


def run(file: Path, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        arguments(file), env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )


def killed_after(n_trials: int, file: Path, meanwhile, **environment: str) -> None:
    """Start the run, and suspend it once it has told of so many trials; kill it when `meanwhile` has ended."""
    with subprocess.Popen(
        arguments(file), env={**os.environ, **environment},
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        told, lines = 0, []
        for line in process.stderr:
            lines.append(line)
            told += "/7 " in line
            if told == n_trials:
                process.send_signal(signal.SIGSTOP)
                meanwhile()
                process.kill()
                return
        raise AssertionError(f"it ended before it could be killed: {''.join(lines)[-2000:]}")


def results(file: Path) -> dict:
    return json.loads((file.with_suffix("") / "results.json").read_text())


def without_cost(trials: list[dict]) -> list[dict]:
    return [{name: value for name, value in trial.items() if name != "cost"} for trial in trials]


def adapters(file: Path) -> dict[str, bytes]:
    folder = file.with_suffix("") / "adapters"
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.safetensors"))}


def test_a_study_on_a_cluster_equals_that_of_one_machine(cluster, studies):
    """Its runner is killed, which leaves no seat; a second runner is refused; gone on with, it ends with the same
    bits."""
    address = {"RAY_ADDRESS": cluster.address}
    refused = []
    killed_after(2, studies["ray"], lambda: refused.append(run(studies["ray"], **address)), **address)
    assert refused[0].returncode == 75, refused[0].stderr
    give_up = time.monotonic() + 10
    while cluster.seats() and time.monotonic() < give_up:
        time.sleep(0.1)
    assert not cluster.seats()
    for executor in ("ray", "local"):
        done = run(studies[executor], **address)
        assert done.returncode == 0, done.stderr
    ours, theirs = results(studies["ray"]), results(studies["local"])
    assert len(adapters(studies["ray"])) >= 6
    assert adapters(studies["ray"]) == adapters(studies["local"])
    assert ours["findings"] == theirs["findings"]
    assert without_cost(ours["trials"]) == without_cost(theirs["trials"])
    assert not list((studies["ray"].with_suffix("") / "adapters").glob(".*")), "nothing is left half arrived"
