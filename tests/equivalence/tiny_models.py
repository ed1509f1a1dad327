"""Tiny random models of every supported family, made here, and random examples for them."""

from __future__ import annotations

import random
from typing import Any

import torch
from transformers import (
    AutoModelForCausalLM,
    Gemma2Config,
    Gemma3TextConfig,
    LlamaConfig,
    MistralConfig,
    Phi3Config,
    Qwen2Config,
    Qwen3Config,
)

from tunebook.core.ports import TokenizedExample

VOCABULARY = 97
END = 96
_SIZES: dict[str, Any] = {
    "vocab_size": VOCABULARY, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 128, "pad_token_id": 0,
    "bos_token_id": 1, "eos_token_id": END,
}  # fmt: skip
_WINDOW = 6
"""Shorter than the branches and the prompts of the examples."""

FAMILIES: dict[str, Any] = {
    "llama": lambda: LlamaConfig(**_SIZES),
    "llama_bias": lambda: LlamaConfig(**_SIZES, attention_bias=True, mlp_bias=True, tie_word_embeddings=True),
    "qwen2": lambda: Qwen2Config(**_SIZES),
    "qwen2_window": lambda: Qwen2Config(**_SIZES, use_sliding_window=True, sliding_window=_WINDOW, max_window_layers=1),
    "qwen3": lambda: Qwen3Config(**_SIZES, head_dim=16),
    "mistral": lambda: MistralConfig(**_SIZES, sliding_window=None),
    "mistral_window": lambda: MistralConfig(**_SIZES, sliding_window=_WINDOW),
    "gemma2": lambda: Gemma2Config(
        **_SIZES, head_dim=8, sliding_window=_WINDOW, attn_logit_softcapping=2.0, final_logit_softcapping=3.0
    ),
    "gemma3": lambda: Gemma3TextConfig(
        **_SIZES, head_dim=8, sliding_window=_WINDOW, layer_types=["sliding_attention", "full_attention"]
    ),
    "phi3": lambda: Phi3Config(**_SIZES),
    "phi3_window": lambda: Phi3Config(**_SIZES, sliding_window=_WINDOW),
}


def tiny_model(
    family: str = "llama", dtype: torch.dtype = torch.float32, attention: str = "sdpa", layers: int | None = None
) -> Any:
    """A frozen random model; weights wide enough that its logits depend on every token.

    Args:
        layers: how many; None: two.
    """
    torch.manual_seed(0)
    config = FAMILIES[family]()
    if layers is not None:
        config.num_hidden_layers = layers
    model = AutoModelForCausalLM.from_config(config, attn_implementation=attention)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() == 2:
                parameter.normal_(std=0.25)
            elif "norm" not in name:
                parameter.normal_(std=0.1)
    return model.to(dtype).requires_grad_(False).eval()


def examples(n: int, shared: int = 9, seed: int = 0) -> tuple[TokenizedExample, ...]:
    """Examples of unequal lengths; all prompts begin with the same `shared` tokens, some with more."""
    source = random.Random(seed)
    beginning = tuple(source.randrange(2, 40) for _ in range(shared))
    middles = [(), (41, 42, 43, 44, 45)]
    made = []
    for _ in range(n):
        own = tuple(source.randrange(46, END) for _ in range(source.randrange(1, 9)))
        answer = tuple(source.randrange(46, END) for _ in range(source.randrange(1, 4)))
        made.append(TokenizedExample(beginning + source.choice(middles) + own, (*answer, END)))
    return tuple(made)
