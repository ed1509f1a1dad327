"""A model that a GGUF file holds becomes the folder that `transformers` would have written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from tunebook.engines import base_model
from tunebook.engines.gguf_model import convert

gguf = pytest.importorskip("gguf")

TOKENS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "a", "b", "ab", "Ġ"]
IN_A_LAYER = {
    "input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output", "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
}  # fmt: skip


def write_gguf(file: Path, model: LlamaForCausalLM) -> None:
    """A model as llama.cpp's converter writes it, which puts the halves of queries' and keys' heads side by side."""
    config, writer = model.config, gguf.GGUFWriter(file, "llama")
    writer.add_name("Tiny")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(50000.0)
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_vocab_size(config.vocab_size)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(TOKENS)
    writer.add_token_types([3, 3, 3, 1, 1, 1, 1])
    writer.add_token_merges(["a b"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_chat_template("{{ messages[0]['content'] }}")
    for name, tensor in model.state_dict().items():
        weights = tensor.numpy()
        part = name.removesuffix(".weight").split(".", 3)[-1]
        if part in ("self_attn.q_proj", "self_attn.k_proj"):
            heads = len(weights) // config.head_dim
            halves = weights.reshape(heads, 2, config.head_dim // 2, weights.shape[1])
            weights = halves.swapaxes(1, 2).reshape(weights.shape)
        if name.startswith("model.layers."):
            writer.add_tensor(f"blk.{name.split('.')[2]}.{IN_A_LAYER[part]}.weight", np.ascontiguousarray(weights))
        elif name != "lm_head.weight":  # tied
            writer.add_tensor({"model.norm.weight": "output_norm.weight"}.get(name, "token_embd.weight"), weights)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def test_a_converted_model_is_the_model(tmp_path: Path) -> None:
    config = LlamaConfig(
        vocab_size=len(TOKENS), hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, tie_word_embeddings=True, max_position_embeddings=64, rms_norm_eps=1e-5,
    )  # fmt: skip
    torch.manual_seed(0)
    model = LlamaForCausalLM(config)
    write_gguf(tmp_path / "tiny.gguf", model)
    told: list[tuple[int, int]] = []
    (tmp_path / "model").mkdir()
    convert(tmp_path / "tiny.gguf", tmp_path / "model", lambda done, total: told.append((done, total)))
    assert told == [(0, 0), *((n, 20) for n in range(1, 21))]
    loaded = base_model.load_model(tmp_path / "model")
    assert {name: tensor.tolist() for name, tensor in model.state_dict().items()} == {
        name: tensor.tolist() for name, tensor in loaded.state_dict().items()
    }
    assert (loaded.config.rope_parameters["rope_theta"], loaded.config.head_dim) == (50000.0, 8)
    assert loaded.generation_config.eos_token_id == 2
    tokenizer = base_model.load_tokenizer(tmp_path / "model")
    assert tokenizer("ab b<|im_end|>").input_ids == [5, 6, 4, 2]
    assert (tokenizer.eos_token_id, tokenizer.bos_token_id) == (2, 1)
    assert tokenizer.apply_chat_template([{"role": "user", "content": "ab"}], tokenize=False) == "ab"
