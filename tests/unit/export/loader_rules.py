"""What other programs demand of a model's and an adapter's files, after their published rules; without their code.

llama.cpp: `convert_hf_to_gguf.py` reads config.json, maps every tensor to a name of its own (the table is in the `gguf`
package, which is that project's) and stops at one that it cannot map; `convert_lora_to_gguf.py` takes `lora_alpha` over
the rank as the scale and stops at a tensor that is neither lora_A nor lora_B. vLLM: reads the architecture, the type
and the rotary base from config.json, wants `lm_head.weight` where the embeddings are not tied; of an adapter it refuses
DoRA, modules saved whole, and a module that it does not know, and takes alpha over r, or over its root where
`use_rslora` says so.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from safetensors import safe_open

LINEAR = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}
"""What vLLM's Llama takes adapters for, beside embeddings."""
LLAMA_KEYS = {
    "hidden_size", "num_hidden_layers", "intermediate_size", "num_attention_heads", "num_key_value_heads",
    "rms_norm_eps", "max_position_embeddings", "vocab_size", "rope_theta",
}  # fmt: skip
OLD_CLASSES = {"PreTrainedTokenizerFast", "LlamaTokenizerFast", "GPT2TokenizerFast", "GPT2Tokenizer", "LlamaTokenizer"}
"""Of tokenizers, as transformers 4 has them, which these programs may use."""


def tensors(folder: Path) -> dict[str, tuple[int, ...]]:
    """Shapes of all tensors, by name; an index, where there is one, names every file and tensor."""
    found: dict[str, tuple[int, ...]] = {}
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, "pt") as file:
            found |= {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        named = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
        assert set(named) == set(found)
    return found


def llama_cpp_takes_model(folder: Path) -> None:
    import gguf

    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    assert config["architectures"] == ["LlamaForCausalLM"]
    assert set(config) >= LLAMA_KEYS
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config["num_hidden_layers"])
    shapes = tensors(folder)
    unmapped = [name for name in shapes if names.get_name(name, try_suffixes=(".weight", ".bias")) is None]
    assert not unmapped
    assert shapes["model.embed_tokens.weight"] == (config["vocab_size"], config["hidden_size"])
    tokenizer = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    assert max(tokenizer["model"]["vocab"].values()) < config["vocab_size"]


def vllm_takes_model(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    assert config["architectures"] == ["LlamaForCausalLM"]
    assert config["torch_dtype"] == config["dtype"] in ("float32", "bfloat16", "float16")
    assert config["rope_theta"] == config["rope_parameters"]["rope_theta"]
    assert ("lm_head.weight" in tensors(folder)) != config["tie_word_embeddings"]
    settings = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    assert settings["tokenizer_class"] in OLD_CLASSES
    assert (folder / "chat_template.jinja").is_file()
    assert json.loads((folder / "generation_config.json").read_text(encoding="utf-8"))["eos_token_id"]


def vllm_takes_adapter(folder: Path) -> None:
    config = _adapter_config(folder)
    assert config["r"] > 0
    assert not config.get("use_dora")
    assert config.get("modules_to_save") is None
    assert config.get("bias", "none") == "none"
    for name, shape in tensors(folder).items():
        parts = name.split(".")
        assert parts[:2] == ["base_model", "model"]
        assert parts[-2:] in (["lora_A", "weight"], ["lora_B", "weight"])
        assert parts[-3] in LINEAR
        assert shape[0 if parts[-2] == "lora_A" else 1] == config["r"]


def llama_cpp_takes_adapter(folder: Path) -> None:
    import gguf

    config = _adapter_config(folder)
    # alpha / r is what it takes as the scale, of every layer
    assert not config.get("use_rslora")
    assert not config.get("rank_pattern")
    assert not config.get("alpha_pattern")
    assert config["lora_alpha"] > 0
    assert config["base_model_name_or_path"]
    found = tensors(folder)
    layers = 1 + max(int(re.search(r"layers\.(\d+)\.", name)[1]) for name in found)  # type: ignore[index]
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, layers)
    pairs: dict[str, set[str]] = {}
    for name in found:
        base = name.removeprefix("base_model.model.")
        stem, _, kind = base.removesuffix(".weight").rpartition(".")
        assert kind in ("lora_A", "lora_B")
        assert names.get_name(stem + ".weight", try_suffixes=(".weight",)) is not None
        pairs.setdefault(stem, set()).add(kind)
    assert all(kinds == {"lora_A", "lora_B"} for kinds in pairs.values())


def _adapter_config(folder: Path) -> dict[str, Any]:
    config: dict[str, Any] = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    assert config["peft_type"] == "LORA"
    assert (folder / "adapter_model.safetensors").is_file()
    return config
