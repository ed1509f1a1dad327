"""All exports of a study that really trained: loaded by PEFT, by transformers alone, and read as the other tools do."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from loader_rules import llama_cpp_takes_adapter, llama_cpp_takes_model, vllm_takes_adapter, vllm_takes_model
from typer.testing import CliRunner

from tunebook.cli.main import app

if TYPE_CHECKING:
    from benchmarks.soak import Soak

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def study(trained: Soak, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished study on a tiny random model: a copy, into which exports are written."""
    folder = tmp_path_factory.mktemp("export") / "study"
    shutil.copytree(trained.file.parent, folder)
    return folder / "runs" / "soak"


def exported(study: Path, form: str) -> Path:
    result = CliRunner().invoke(app, ["export", str(study), "--format", form, "--json"])
    assert result.exit_code == 0, result.output
    paths = json.loads(result.output)["paths"]
    assert all(Path(path).exists() for path in paths.values())
    return Path(paths["folder"])


def base_model(study: Path):
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(study.parents[1] / "model")


def tokens(study: Path, folder: Path):
    """The validation questions as the chat template puts them."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    for line in (study.parents[1] / "validation.jsonl").read_text(encoding="utf-8").splitlines():
        message = [{"role": "user", "content": json.loads(line)["prompt"]}]
        yield tokenizer.apply_chat_template(message, add_generation_prompt=True, return_tensors="pt", return_dict=False)


def test_merged_model_answers_as_the_adapter_does(study: Path) -> None:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    adapter, merged = exported(study, "peft"), exported(study, "merged")
    with_adapter = PeftModel.from_pretrained(base_model(study), str(adapter)).eval()
    alone = AutoModelForCausalLM.from_pretrained(merged).eval()
    plain = base_model(study).eval()
    moved = 0.0
    with torch.no_grad():
        for ids in tokens(study, merged):
            one, other, base = (m(input_ids=ids).logits for m in (with_adapter, alone, plain))
            assert torch.allclose(one, other, atol=1e-4)
            assert torch.equal(one.argmax(-1), other.argmax(-1))
            moved = max(moved, float((one - base).abs().max()))
    assert moved > 0.1  # else the adapter would have been empty
    assert "PEFT is not needed" in (merged / "README.md").read_text(encoding="utf-8")


def test_every_file_of_a_study_and_its_exports_has_the_rights_of_a_new_file(study: Path) -> None:
    folders = [study, *(exported(study, form) for form in ("peft", "merged"))]
    usual = (folders[1] / "config.yaml").stat().st_mode
    files = {path for folder in folders for path in folder.rglob("*") if path.is_file()}
    assert sum(path.suffix == ".safetensors" for path in files) > 3
    assert [path for path in files if path.stat().st_mode != usual] == []


def test_other_programs_loaders_take_the_merged_model(study: Path) -> None:
    merged, base = exported(study, "merged"), study.parents[1] / "model"
    llama_cpp_takes_model(merged)
    vllm_takes_model(merged)
    tokenizer, own = (json.loads((folder / "tokenizer.json").read_text("utf-8")) for folder in (merged, base))
    assert tokenizer == own  # llama.cpp knows a tokenizer by what it does


def test_other_programs_loaders_take_the_adapter(study: Path) -> None:
    adapter = exported(study, "peft")
    llama_cpp_takes_adapter(adapter)
    vllm_takes_adapter(adapter)


def test_an_adapter_trained_with_rslora_says_alpha_as_every_loader_reads_it() -> None:
    """rsLoRA is folded into alpha, so a loader that knows nothing of it scales the adapter right."""
    from tunebook.core.configuration import Configuration
    from tunebook.core.keywords import lora_keywords
    from tunebook.core.space import Folding, effective

    asked = Configuration(lora_r=16, lora_alpha=8, use_rslora=True)
    config = lora_keywords(effective(asked, Folding.everything(), 100))
    assert not config.get("use_rslora")
    assert config["lora_alpha"] == 32  # 8 / sqrt(16) = 32 / 16


def test_exported_adapter_is_the_one_in_best(study: Path) -> None:
    adapter = exported(study, "peft")
    for name in ("adapter_model.safetensors", "adapter_config.json"):
        assert (adapter / name).read_bytes() == (study / "best" / name).read_bytes()


@pytest.mark.parametrize(("form", "name"), [("llama-factory", "train.yaml"), ("axolotl", "axolotl.yaml")])
def test_other_tools_get_the_rows_and_the_layers_that_were_trained(study: Path, form: str, name: str) -> None:
    folder = exported(study, form)
    found = yaml.safe_load((folder / name).read_text(encoding="utf-8"))
    asked = json.loads((study / "best" / "adapter_config.json").read_text(encoding="utf-8"))
    model = found["model_name_or_path" if form == "llama-factory" else "base_model"]
    assert Path(model) == study.parents[1] / "model"  # wherever the other tool is started
    layers = found["lora_target"].split(",") if form == "llama-factory" else found["lora_target_modules"]
    assert sorted(layers) == sorted(asked["target_modules"])
    assert found["lora_rank" if form == "llama-factory" else "lora_r"] == asked["r"]
    rows = (folder / "train.messages.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 24
    assert json.loads(rows[0])["messages"][-1]["content"] in ("red", "green", "blue", "grey")
