"""Looks at what a demo run left behind: files, numbers that agree with each other, an adapter that plain PEFT loads."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from tunebook import Study
from tunebook.engines.base_model import resolve_model
from tunebook.record.results import SCHEMA_VERSION

EXPECTED = (
    "record.md",
    "record.html",
    "results.json",
    "trials.csv",
    "manifest.json",
    "ledger.sqlite",
    "best/adapter_model.safetensors",
    "best/config.yaml",
)


def main(folder: Path) -> None:
    missing = [name for name in EXPECTED if not (folder / name).is_file()]
    assert not missing, f"missing: {missing}"
    assert list((folder / "figures").glob("*.svg")), "no figures"
    assert list((folder / "tensorboard").rglob("events*")), "no TensorBoard events"
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    assert results["schema_version"] == SCHEMA_VERSION
    check_trials(folder, results)
    check_record(folder, results)
    check_adapter(folder)
    print(f"demo: {len(results['trials'])} trials, {len(results['findings'])} findings, record and adapter hold")


def check_trials(folder: Path, results: dict) -> None:
    states = {trial["state"] for trial in results["trials"]}
    assert states <= {"completed", "diverged", "collapsed", "stopped"}, states
    again = Study.load(folder).status()
    assert again.finished
    assert not again.failed


def check_record(folder: Path, results: dict) -> None:
    record = (folder / "record.md").read_text(encoding="utf-8")
    assert "nan" not in record.lower().replace("finance", ""), "a number is missing in the record"
    for finding in results["findings"]:
        assert finding["verdict"] in ("better", "worse", "equivalent", "not_inferior", "inconclusive", "diverged")


def check_adapter(folder: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(resolve_model("smollm2"), dtype=torch.float32)
    adapted = PeftModel.from_pretrained(model, folder / "best")
    moved = sum(float(p.abs().sum()) for n, p in adapted.named_parameters() if "lora_B" in n)
    assert moved > 0, "the best adapter was never trained"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
