"""A merged model answers as the base model with its adapter."""

import json
import shutil

import pytest

torch = pytest.importorskip("torch")
from peft import LoraConfig, get_peft_model  # noqa: E402
from tokenizers import Tokenizer, models, pre_tokenizers  # noqa: E402
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast  # noqa: E402

from tunebook.engines.merge import merge  # noqa: E402
from tunebook.errors import ModelError  # noqa: E402


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("merge")
    torch.manual_seed(0)
    config = LlamaConfig(vocab_size=97, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
                         num_attention_heads=4, num_key_value_heads=2, tie_word_embeddings=False)  # fmt: skip
    base = LlamaForCausalLM(config)
    base.save_pretrained(root / "base")
    words = Tokenizer(models.WordLevel({f"w{i}": i for i in range(96)} | {"</s>": 96}, unk_token="w0"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=words, eos_token="</s>").save_pretrained(root / "base")
    adapted = get_peft_model(base, LoraConfig(r=4, lora_alpha=16, target_modules=["q_proj", "v_proj", "down_proj"]))
    for name, weight in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.1)
    adapted.save_pretrained(root / "adapter")
    ids = torch.arange(12)[None] * 7 % 97
    with torch.no_grad():
        expected = adapted.eval()(ids).logits
    return root, ids, expected


def test_merged_model_needs_no_peft_and_gives_the_adapted_logits(folders):
    root, ids, expected = folders
    merged = AutoModelForCausalLM.from_pretrained(merge(root / "base", root / "adapter", root / "merged")).eval()
    with torch.no_grad():
        assert torch.allclose(merged(ids).logits, expected, atol=1e-5)
    assert not list((root / "merged").glob("adapter*"))
    assert list((root / "merged").glob("*.safetensors"))
    assert (root / "merged" / "tokenizer.json").exists()


def test_merged_model_is_stored_in_the_wanted_format(folders):
    root, _, _ = folders
    target = merge(root / "base", root / "adapter", root / "half", "bfloat16", stops=(96, 5))
    assert json.loads((target / "generation_config.json").read_text())["eos_token_id"] == [96, 5]
    assert AutoModelForCausalLM.from_pretrained(target, dtype="auto").dtype == torch.bfloat16


def test_an_adapters_configuration_imports_nothing(folders, tmp_path, monkeypatch):
    """PEFT imports the module that `megatron_core` names."""
    root, ids, expected = folders
    shutil.copytree(root / "adapter", tmp_path / "adapter")
    (tmp_path / "imported.py").write_text(f"open({str(tmp_path / 'started')!r}, 'w')")
    monkeypatch.syspath_prepend(str(tmp_path))
    file = tmp_path / "adapter" / "adapter_config.json"
    facts = json.loads(file.read_text()) | {"megatron_config": {"x": 1}, "megatron_core": "imported"}
    file.write_text(json.dumps(facts))
    merged = AutoModelForCausalLM.from_pretrained(merge(root / "base", tmp_path / "adapter", tmp_path / "out")).eval()
    assert not (tmp_path / "started").exists()
    with torch.no_grad():
        assert torch.allclose(merged(ids).logits, expected, atol=1e-5)


def test_a_pickled_adapter_is_refused(folders, tmp_path):
    root, _, _ = folders
    (tmp_path / "adapter").mkdir()
    shutil.copy(root / "adapter" / "adapter_config.json", tmp_path / "adapter")
    torch.save({}, tmp_path / "adapter" / "adapter_model.bin")
    with pytest.raises(ModelError, match="safetensors only"):
        merge(root / "base", tmp_path / "adapter", tmp_path / "out")


@pytest.mark.parametrize("text", ["{", "[]", '{"peft_type": "IA3"}'])
def test_another_configuration_is_refused(folders, tmp_path, text):
    root, _, _ = folders
    shutil.copytree(root / "adapter", tmp_path / "adapter")
    (tmp_path / "adapter" / "adapter_config.json").write_text(text)
    with pytest.raises(ModelError, match="not the configuration of a LoRA adapter"):
        merge(root / "base", tmp_path / "adapter", tmp_path / "out")


def test_an_adapter_that_does_not_fit_the_model_is_told_as_such(folders, tmp_path):
    root, _, _ = folders
    shutil.copytree(root / "adapter", tmp_path / "adapter")
    file = tmp_path / "adapter" / "adapter_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"r": "x"}))
    with pytest.raises(ModelError, match="does not fit the model"):
        merge(root / "base", tmp_path / "adapter", tmp_path / "out")
