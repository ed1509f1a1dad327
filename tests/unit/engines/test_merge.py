"""A merged model answers as the base model with its adapter."""

import pytest

torch = pytest.importorskip("torch")
from peft import LoraConfig, get_peft_model  # noqa: E402
from tokenizers import Tokenizer, models, pre_tokenizers  # noqa: E402
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast  # noqa: E402

from tunebook.engines.merge import merge  # noqa: E402


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
    target = merge(root / "base", root / "adapter", root / "half", "bfloat16")
    assert AutoModelForCausalLM.from_pretrained(target, dtype="auto").dtype == torch.bfloat16
