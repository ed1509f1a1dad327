"""Models of true shapes with random weights, and token data like that of real tasks; nothing is downloaded.

Needs torch, transformers and the engine alone.
"""

from __future__ import annotations

import copy
import random
from typing import Any

import torch
from transformers import AutoModelForCausalLM, LlamaConfig, Qwen2Config

from tunebook.core.ports import TokenizedExample

__all__ = ["SHAPES", "TINY", "alpaca_like", "long_answers", "model_of", "trec_like"]

SHAPES: dict[str, Any] = {
    "135M": lambda **v: LlamaConfig(
        **{
            "vocab_size": 49152, "hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30,
            "num_attention_heads": 9, "num_key_value_heads": 3, "head_dim": 64, "tie_word_embeddings": True,
            "max_position_embeddings": 8192, **v,
        }
    ),
    "1.5B": lambda **v: Qwen2Config(
        **{
            "vocab_size": 151936, "hidden_size": 1536, "intermediate_size": 8960, "num_hidden_layers": 28,
            "num_attention_heads": 12, "num_key_value_heads": 2, "tie_word_embeddings": True,
            "max_position_embeddings": 32768, **v,
        }
    ),
    "8B": lambda **v: LlamaConfig(
        **{
            "vocab_size": 128256, "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32,
            "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 128, "tie_word_embeddings": False,
            "max_position_embeddings": 131072, **v,
        }
    ),
}  # fmt: skip
"""Configurations of SmolLM2-135M, Qwen2.5-1.5B and Llama-3.1-8B; arguments replace values."""
TINY = {
    "vocab_size": 97, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 8,
}  # fmt: skip
"""Values that make a tiny model of each shape."""


def model_of(config: Any, dtype: torch.dtype, device: str = "cpu", seed: int = 0) -> Any:
    """A frozen random model, made on the device: weights normal with deviation 0.02."""
    torch.manual_seed(seed)
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            model = AutoModelForCausalLM.from_config(copy.deepcopy(config))
    finally:
        torch.set_default_dtype(before)
    return model.requires_grad_(False).eval()


def trec_like(n: int, vocabulary: int, seed: int = 0) -> tuple[TokenizedExample, ...]:
    """Short answers behind a long common prompt: 74 tokens, 49 of them shared, 3 labels."""
    return _examples(n, vocabulary, seed, shared=49, own=(16, 28), answer=(3, 3))


def alpaca_like(n: int, vocabulary: int, seed: int = 0, tokens: int = 206) -> tuple[TokenizedExample, ...]:
    """Long answers, nothing shared: `tokens` tokens on average, 30 % of them labels."""
    own, answer = int(tokens * 0.7), int(tokens * 0.3)
    return _examples(n, vocabulary, seed, shared=0, own=(own - own // 4, own + own // 4), answer=(answer, answer))


def long_answers(n: int, vocabulary: int, tokens: int, seed: int = 0) -> tuple[TokenizedExample, ...]:
    """Answers of so many tokens behind prompts of 71 tokens, 49 of them shared."""
    return _examples(n, vocabulary, seed, shared=49, own=(16, 28), answer=(tokens, tokens))


def _examples(
    n: int, vocabulary: int, seed: int, shared: int, own: tuple[int, int], answer: tuple[int, int]
) -> tuple[TokenizedExample, ...]:  # fmt: skip
    source = random.Random(seed)
    ids = range(3, vocabulary)
    beginning = tuple(source.choices(ids, k=shared))
    made = []
    for _ in range(n):
        prompt = beginning + tuple(source.choices(ids, k=source.randint(*own)))
        made.append(TokenizedExample(prompt, (*source.choices(ids, k=source.randint(*answer) - 1), 2)))
    return tuple(made)
