"""Writes a small Llama model that a GGUF file holds as plain float32 safetensors, with its configuration and tokenizer.

`transformers` reads GGUF too, but for this family it goes through the file's vocabulary three times and builds a table
of names anew for each module, which takes 25 seconds of a processor for 135 M parameters. Here the file is read once,
and its tensors one after another, so that there is progress to tell. The files are the same to the byte.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["convert"]

_LAYER = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_NAMES = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}
_KEYS = {
    "max_position_embeddings": "llama.context_length",
    "hidden_size": "llama.embedding_length",
    "num_hidden_layers": "llama.block_count",
    "intermediate_size": "llama.feed_forward_length",
    "num_attention_heads": "llama.attention.head_count",
    "num_key_value_heads": "llama.attention.head_count_kv",
    "rms_norm_eps": "llama.attention.layer_norm_rms_epsilon",
    "rope_theta": "llama.rope.freq_base",
    "head_dim": "llama.rope.dimension_count",
    "vocab_size": "llama.vocab_size",
    "bos_token_id": "tokenizer.ggml.bos_token_id",
    "eos_token_id": "tokenizer.ggml.eos_token_id",
    "pad_token_id": "tokenizer.ggml.padding_token_id",
    "unk_token_id": "tokenizer.ggml.unknown_token_id",
    "_model_name_or_path": "general.name",
}
"""What the configuration of a Llama model calls a key of the file."""


def convert(gguf: Path, target: Path, told: Callable[[int, int], None] = lambda done, total: None) -> None:
    """Write the model of a GGUF file into a folder.

    Args:
        gguf: a file of architecture llama.
        told: called after each tensor with the number of tensors that are done, and of all.
    """
    from gguf import GGUFReader, dequantize
    from safetensors.numpy import save_file
    from transformers import GenerationConfig, PreTrainedTokenizerFast

    told(0, 0)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(gguf.parent, gguf_file=gguf.name)
    reader = GGUFReader(gguf)
    config = _config(reader)
    tensors = {}
    for tensor in reader.tensors:
        weights = dequantize(tensor.data, tensor.tensor_type)
        tensors[_name(tensor.name)] = _in_order(tensor.name, weights, config)
        told(len(tensors), len(reader.tensors))
    save_file(tensors, target / "model.safetensors", metadata={"format": "pt"})
    config.save_pretrained(target)
    GenerationConfig.from_model_config(config).save_pretrained(target)
    tokenizer.init_kwargs["local_files_only"] = False  # of the environment, not of the model: files stay the same
    tokenizer.save_pretrained(target)


def _config(reader: Any) -> Any:
    """The model's configuration."""
    from transformers import LlamaConfig

    fields = reader.fields
    values = {name: fields[key].contents() for name, key in _KEYS.items() if key in fields}
    return LlamaConfig(
        **values,
        architectures=["LlamaForCausalLM"],
        dtype="float32",
        tie_word_embeddings=all(tensor.name != "output.weight" for tensor in reader.tensors),
    )


def _name(name: str) -> str:
    """A tensor's name in `transformers`: blk.3.attn_q.weight is model.layers.3.self_attn.q_proj.weight."""
    layer = re.fullmatch(r"blk\.(\d+)\.(\w+)\.weight", name)
    if layer:
        return f"model.layers.{layer[1]}.{_LAYER[layer[2]]}.weight"
    return f"{_NAMES[name.removesuffix('.weight')]}.weight"


def _in_order(name: str, weights: NDArray[np.float32], config: Any) -> NDArray[np.float32]:
    """A tensor with its rows as `transformers` has them. GGUF keeps the two halves of each head's queries and keys,
    which rotary positions turn together, as neighbours."""
    heads = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}.get(name.split(".")[-2])
    if heads is not None:
        pairs = weights.reshape(heads, weights.shape[0] // heads // 2, 2, *weights.shape[1:])
        weights = pairs.swapaxes(2, 1).reshape(weights.shape)
    return np.ascontiguousarray(weights)
