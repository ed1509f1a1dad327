"""Which quantised base models are taken, which are refused, what they weigh, how an adapter is merged into one."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, BitsAndBytesConfig

from tunebook.core.configuration import Configuration
from tunebook.core.ports import EngineOptions
from tunebook.core.quantisation import bitsandbytes_keywords
from tunebook.engines import base_model, quantisation
from tunebook.engines.merge import merge
from tunebook.engines.packed.model.packed_model import PackedModel
from tunebook.engines.packed.scheduling.memory import ModelSize
from tunebook.engines.packed.trainable import unsupported
from tunebook.engines.peft import PeftEngine
from tunebook.engines.quantised_modules import is_held, weight_bytes
from tunebook.errors import MissingExtraError, ModelError
from tunebook.testing.tiny_model import write_tiny_model

LINEAR = 2 * (2 * 32 * 32 + 2 * 16 * 32 + 3 * 32 * 48)
"""Weights of the tiny model's linear layers: q and o, k and v, and those of the gated activation."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("base"), [str(number) for number in range(50)])


def stored(folder: Path, target: Path, **values: object) -> Path:
    """A copy of a model's folder that bitsandbytes quantised."""
    model = AutoModelForCausalLM.from_pretrained(
        folder, quantization_config=BitsAndBytesConfig(**values), dtype=torch.float32, device_map={"": "cpu"}
    )
    model.save_pretrained(target)
    return target


def claims(folder: Path, target: Path, **values: object) -> Path:
    """A copy of a model's folder whose configuration says that it is quantised."""
    shutil.copytree(folder, target)
    file = target / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"quantization_config": values}))
    return target


def test_a_study_asks_or_the_folder_says_how_weights_are_kept(folder: Path, tmp_path: Path) -> None:
    assert quantisation.resolve_quantization(folder, "none", "float32") == "none"
    assert quantisation.resolve_quantization(folder, "nf4", "bfloat16") == "nf4"
    for number, (kind, values) in enumerate({
        "nf4": {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4"},
        "fp4": {"load_in_4bit": True, "bnb_4bit_quant_type": "fp4"},
        "int8": {"load_in_8bit": True},
    }.items()):  # fmt: skip
        place = claims(folder, tmp_path / str(number), quant_method="bitsandbytes", **values)
        assert quantisation.resolve_quantization(place, "none", "float32") == kind
        assert unsupported(str(place)) is None
        with pytest.raises(ModelError, match=f"are quantised already \\({kind}\\)"):
            quantisation.resolve_quantization(place, "int8" if kind != "int8" else "nf4", "float32")


def test_without_the_extra_the_line_that_installs_it_is_given(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quantisation.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r'^quantization: .*Run: pip install "tunebook\[quant\]"$'):
        quantisation.resolve_quantization(folder, "int8", "float32")
    already = claims(folder, tmp_path / "already", quant_method="bitsandbytes", load_in_8bit=True)
    with pytest.raises(MissingExtraError, match=r"^model: weights in int8"):
        quantisation.resolve_quantization(already, "none", "float32")


@pytest.mark.parametrize(("method", "package"), [("gptq", "gptqmodel"), ("awq", "gptqmodel"), ("torchao", "torchao")])
def test_other_libraries_are_named_where_they_are_missing_and_left_to_engine_peft(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, package: str
) -> None:
    place = claims(folder, tmp_path / "other", quant_method=method, bits=4)
    monkeypatch.setattr(quantisation.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        MissingExtraError, match=f"weights in {method} need the package {package}.*pip install {package}"
    ):
        quantisation.resolve_quantization(place, "none", "float32")
    monkeypatch.setattr(quantisation.importlib.util, "find_spec", lambda name: object())
    assert quantisation.resolve_quantization(place, "none", "float32") == method
    assert f"quantised by {method}" in str(unsupported(str(place)))


def test_what_nothing_can_train_on_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="quantised by fp8, which tunebook cannot train on"):
        quantisation.resolve_quantization(claims(folder, tmp_path / "a", quant_method="fp8"), "none", "float32")
    with pytest.raises(ModelError, match="dtype: found float64"):
        quantisation.resolve_quantization(folder, "nf4", "float64")
    engine = PeftEngine(EngineOptions(model=str(folder), quantization="nf4"))
    assert "is computed from the base weights" in str(engine.refuses(Configuration(init_lora_weights="pissa")))
    assert engine.refuses(Configuration()) is None


def test_parameters_are_the_models_however_they_are_packed(folder: Path, tmp_path: Path) -> None:
    expected = base_model.describe_model("m", folder)["parameters"]
    assert expected == sum(p.numel() for p in base_model.load_model(folder).parameters())
    nested = stored(folder, tmp_path / "nested", **bitsandbytes_keywords("nf4"))
    single = stored(folder, tmp_path / "single", load_in_4bit=True)
    eight = stored(folder, tmp_path / "eight", load_in_8bit=True)
    for place in (nested, single, eight):
        assert base_model.describe_model("m", place)["parameters"] == expected
    assert (single / "model.safetensors").stat().st_size < 0.6 * (folder / "model.safetensors").stat().st_size


def test_integers_of_gptq_hold_several_weights(folder: Path, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    place = claims(folder, tmp_path / "gptq", quant_method="gptq", bits=4)
    tensors = {
        "q.qweight": torch.zeros(4, 10, dtype=torch.int32), "q.qzeros": torch.zeros(1, 2, dtype=torch.int32),
        "q.scales": torch.zeros(1, 10), "q.g_idx": torch.zeros(32), "norm.weight": torch.zeros(7),
    }  # fmt: skip
    save_file(tensors, place / "model.safetensors")
    assert base_model.describe_model("m", place)["parameters"] == 32 * 10 + 7


def test_scales_of_torchao_are_no_weights(folder: Path, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    place = claims(folder, tmp_path / "torchao", quant_method="torchao")
    tensors = {
        "q._weight_qdata": torch.zeros(32, 48, dtype=torch.int8), "q._weight_scale": torch.zeros(32, 1),
        "q._weight_zero_point": torch.zeros(32, 1, dtype=torch.int8), "norm.weight": torch.zeros(7),
    }  # fmt: skip
    save_file(tensors, place / "model.safetensors")
    assert base_model.describe_model("m", place)["parameters"] == 32 * 48 + 7


def test_weights_in_four_bits_take_an_eighth(folder: Path) -> None:
    full, four, eight = (weight_bytes(base_model.load_model(folder, quantization=k)) for k in ("none", "nf4", "int8"))
    blocks = LINEAR / 64
    nested = 14 * 4 + LINEAR / 256 / 64  # scales of scales are few here
    assert full - four == pytest.approx(LINEAR * (4 - 0.5) - blocks - nested, rel=0.01)
    rows = 2 * (32 + 16 + 16 + 32 + 48 + 48 + 32)
    assert full - eight == LINEAR * 3 - 4 * rows


@pytest.mark.parametrize(("kind", "matrix"), [("none", 0), ("nf4", 32 * 48), ("int8", 32 * 48)])
def test_the_memory_plan_knows_the_weight_that_is_given_back(folder: Path, kind: str, matrix: int) -> None:
    size = ModelSize.of(PackedModel(base_model.load_model(folder, quantization=kind)))
    assert size.dequantised == matrix
    assert size.fixed("cpu") == replace(size, dequantised=0).fixed("cpu") + 3 * 4 * matrix


def test_another_way_of_keeping_the_weights_is_another_base(folder: Path) -> None:
    found = {base_model.fingerprint(folder, kind) for kind in ("none", "nf4", "int8")}
    assert len(found) == 3
    assert base_model.fingerprint(folder) in found


@pytest.mark.parametrize(("capability", "expected"), [((7, 5), "float16"), ((8, 0), "bfloat16"), ((9, 0), "bfloat16")])
def test_cards_without_bfloat16_compute_in_float16(
    monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], expected: str
) -> None:
    """`is_bf16_supported` says yes to a T4 too: it emulates."""
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda *_: True)
    assert base_model.resolve_dtype("auto", "cuda:0") == expected
    assert base_model.resolve_dtype("auto", "cpu") == "float32"


def test_float16_is_for_gpus() -> None:
    with pytest.raises(ModelError, match="float16, which is for GPUs"):
        base_model.resolve_dtype("float16", "cpu")
    assert base_model.resolve_dtype("float16", "cuda:0") == "float16"


@pytest.mark.parametrize("kind", ["none", "nf4"])
def test_weights_are_read_straight_to_their_device(folder: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    told = {}

    def from_pretrained(place: str, **values: object) -> object:
        told.update(values)
        return torch.nn.Linear(2, 2)

    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", from_pretrained)
    base_model.load_model(folder, device="cuda:1", quantization=kind)
    assert told["device_map"] == {"": "cuda:1"}
    assert ("quantization_config" in told) == (kind != "none")


@pytest.mark.parametrize("kind", ["nf4", "int8"])
def test_merging_adds_to_the_weights_that_are_given_back_as_peft_does(folder: Path, tmp_path: Path, kind: str) -> None:
    torch.manual_seed(0)
    config = LoraConfig(r=4, lora_alpha=16, target_modules=["q_proj", "down_proj"])
    adapted = get_peft_model(base_model.load_model(folder), config)
    for name, weight in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.1)
    adapted.save_pretrained(tmp_path / "adapter")

    merged = AutoModelForCausalLM.from_pretrained(
        merge(folder, tmp_path / "adapter", tmp_path / "merged", quantization=kind)
    )
    base = AutoModelForCausalLM.from_pretrained(
        folder, quantization_config=BitsAndBytesConfig(**bitsandbytes_keywords(kind)), dtype=torch.float32,
        device_map={"": "cpu"},
    ).dequantize()  # fmt: skip
    expected = PeftModel.from_pretrained(base, tmp_path / "adapter").merge_and_unload().state_dict()
    found = merged.state_dict()
    assert found.keys() == expected.keys()
    for name, weight in found.items():
        torch.testing.assert_close(weight, expected[name].float(), rtol=0, atol=1e-6)
    assert not any(map(is_held, merged.modules()))
    assert "quantization_config" not in json.loads((tmp_path / "merged" / "config.json").read_text())
    plain = base_model.load_model(folder).state_dict()["model.layers.0.self_attn.k_proj.weight"]
    assert not torch.allclose(found["model.layers.0.self_attn.k_proj.weight"], plain, atol=1e-3)
