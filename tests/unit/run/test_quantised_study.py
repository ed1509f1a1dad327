"""A whole study on a 4-bit base on the CPU, from `init` to the record, the exports and a trial that is run again."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
import torch
import yaml
from peft import PeftModel
from transformers import AutoModelForCausalLM, BitsAndBytesConfig
from typer.testing import CliRunner

from benchmarks.soak import Soak, compare, make_real_study
from tunebook import Study
from tunebook.cli.main import app
from tunebook.core.quantisation import bitsandbytes_keywords
from tunebook.engines import calibration
from tunebook.errors import MissingExtraError, ModelError, StudyFileError
from tunebook.testing.tiny_model import write_tiny_model

pytestmark = [pytest.mark.timeout(600), pytest.mark.usefixtures("few_pictures")]
COLOURS = ("red", "green", "blue", "grey")


def command(*arguments: object) -> str:
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The study file that `init` wrote, with one line more; it has run."""
    folder = tmp_path_factory.mktemp("quantised")
    write_tiny_model(folder / "model", [*COLOURS, *map(str, range(100)), "Question"])
    for first, split in ((0, "train"), (24, "validation")):
        answers = {i: COLOURS[i * 7 % 4] for i in range(first, first + 24)}
        rows = [{"prompt": f"Question {answer} {i}", "completion": answer} for i, answer in answers.items()]
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    file = folder / "study.yaml"
    command("init", folder / "train.jsonl", "--model", "./model", "--trials", 7, "--output", file)
    text = file.read_text(encoding="utf-8").replace("learning_rate: 2e-4", "learning_rate: 2e-2")
    text = text.replace("{low: 5e-5, high: 2e-3}", "{low: 1e-2, high: 4e-2}")
    text = text.replace("device_train_batch_size: 8", "device_train_batch_size: 4").replace("choice  ", "exact_match")
    file.write_text(f"{text}quantization: nf4\ndevice: cpu\nexecutor: inline\nfloor: go_on\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patched:  # the machine is measured for a moment only
        patched.setattr(calibration, "TRAIN_SECONDS", 0.1)
        patched.setattr(calibration, "HIGH_RANK_SECONDS", 0.1)
        command("run", file, "--quiet")
    return file


def folder_of(study: Path) -> Path:
    (folder,) = (study.parent / "runs").iterdir()
    return folder


def test_the_record_and_results_name_the_base(study: Path) -> None:
    results = json.loads((folder_of(study) / "results.json").read_text(encoding="utf-8"))
    model = results["data"]["model"]
    assert (model["quantization"], model["dtype"]) == ("nf4", "float32")
    full = AutoModelForCausalLM.from_pretrained(study.parent / "model")
    assert model["parameters"] == sum(p.numel() for p in full.parameters())
    assert results["versions"]["bitsandbytes"]
    record = (folder_of(study) / "record.md").read_text(encoding="utf-8")
    assert "weights in 4 bits (nf4), float32; engine packed" in record
    assert all(trial["state"] == "completed" for trial in results["trials"])
    assert "model ./model (weights in 4 bits (nf4)), engine packed" in command("plan", study)


def test_the_best_adapter_says_which_base_it_wants(study: Path) -> None:
    best = folder_of(study) / "best"
    assert yaml.safe_load((best / "config.yaml").read_text(encoding="utf-8"))["quantization"] == "nf4"
    text = (best / "README.md").read_text(encoding="utf-8")
    code = text.split("```python\n")[1].split("```")[0].replace("this folder", str(best))
    found: dict[str, object] = {}
    exec(code, found)
    adapted = found["model"]
    assert isinstance(adapted, PeftModel)
    assert adapted.is_loaded_in_4bit


def test_the_merged_model_is_the_adapter_on_the_weights_given_back(study: Path) -> None:
    result = CliRunner().invoke(app, ["export", str(folder_of(study)), "--format", "merged"])
    assert result.exit_code == 0
    assert "warning: the base model's weights were kept in nf4" in result.stderr.replace("\n", " ")
    target = folder_of(study) / "export" / "merged"
    assert "kept in nf4" in (target / "README.md").read_text(encoding="utf-8")
    config = BitsAndBytesConfig(**bitsandbytes_keywords("nf4"))
    base = AutoModelForCausalLM.from_pretrained(
        study.parent / "model", quantization_config=config, dtype=torch.float32, device_map={"": "cpu"}
    )
    adapted = PeftModel.from_pretrained(base.dequantize(), folder_of(study) / "best").eval()
    merged = AutoModelForCausalLM.from_pretrained(target).eval()
    ids = torch.arange(10, 30)[None]
    with torch.no_grad():
        torch.testing.assert_close(merged(ids).logits, adapted(ids).logits, rtol=0, atol=1e-4)


def test_other_trainers_are_told_to_quantise(study: Path) -> None:
    for form, name, expected in (
        ("peft", "config.yaml", {"quantization_config": bitsandbytes_keywords("nf4")}),
        ("llama-factory", "train.yaml", {"quantization_bit": 4}),
        ("axolotl", "axolotl.yaml", {"adapter": "qlora", "load_in_4bit": True}),
    ):
        command("export", folder_of(study), "--format", form)
        found = yaml.safe_load((folder_of(study) / "export" / form / name).read_text(encoding="utf-8"))
        assert {key: found[key] for key in expected} == expected


def test_a_trial_is_reproduced(study: Path) -> None:
    assert Study.load(study).rerun(2).reproduces


def test_another_way_of_keeping_the_weights_is_another_study(study: Path, tmp_path: Path) -> None:
    text = study.read_text(encoding="utf-8")
    other = study.with_name("other.yaml")
    other.write_text(text.replace("quantization: nf4", "quantization: int8"), encoding="utf-8")
    with pytest.raises(StudyFileError, match="quantization"):
        Study.load(other).run()


def test_plan_refuses_before_anything_is_spent(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    other = study.with_name("refused.yaml")
    text = study.read_text(encoding="utf-8").replace("study: ", "study: other-")
    other.write_text(text, encoding="utf-8")
    real = importlib.util.find_spec

    def without_bitsandbytes(name: str, *rest: object) -> object:
        return None if name == "bitsandbytes" else real(name, *rest)

    monkeypatch.setattr(importlib.util, "find_spec", without_bitsandbytes)
    with pytest.raises(MissingExtraError, match=r'refused\.yaml:\d+: quantization: .*pip install "tunebook\[quant\]"'):
        Study.load(other).plan()
    other.write_text(text.replace("model: ./model", "engine: simulated\nmodel: ./model"), encoding="utf-8")
    with pytest.raises(StudyFileError, match="engine simulated does not load the model"):
        Study.load(other).plan()
    config = study.parent / "model" / "config.json"
    facts = config.read_text(encoding="utf-8")
    gptq = {"quantization_config": {"quant_method": "gptq", "bits": 4}}
    try:
        config.write_text(json.dumps(json.loads(facts) | gptq), encoding="utf-8")
        other.write_text(text, encoding="utf-8")
        with pytest.raises(ModelError, match=r"are quantised already \(gptq\)"):
            Study.load(other).plan()
        other.write_text(text.replace("quantization: nf4", ""), encoding="utf-8")
        with pytest.raises(MissingExtraError, match="weights in gptq need the package gptqmodel"):
            Study.load(other).plan()
    finally:
        config.write_text(facts, encoding="utf-8")
    assert [path.name for path in (study.parent / "runs").iterdir()] == [folder_of(study).name]


@pytest.mark.slow
@pytest.mark.usefixtures("one_processor")
def test_a_quantised_study_killed_at_random_ends_like_an_unbroken_one(tmp_path: Path) -> None:
    """In 4 bits; what is saved and read again is the same in 8, which the engines' tests train and resume. Trained by
    the runner itself, which is forked with everything imported; workers are killed in tests/crash."""
    where = "device: cpu\nexecutor: inline"
    calm = Soak(make_real_study(tmp_path / "calm", 5, "nf4", where), random.Random(0))
    calm.run()
    harried = Soak(make_real_study(tmp_path / "killed", 5, "nf4", where), random.Random(3))
    harried.run(3, like=calm)
    found = compare(calm.folder, harried.folder)
    assert harried.kills >= 1
    assert (found.trials_lost, found.trials_doubled, found.differences) == (0, 0, ())
