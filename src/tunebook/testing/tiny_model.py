"""Writes a tiny random Llama with a tokenizer as a model folder: real training in seconds, without a download."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

__all__ = ["letter_tokenizer", "write_letter_model", "write_tiny_model"]

_SPECIAL = ("<pad>", "<unk>", "<s>", "</s>", "<user>", "<assistant>", "<system>")
_TEMPLATE = (
    "{% for message in messages %}<{{ message['role'] }}> {{ message['content'] }} "
    "{% if message['role'] == 'assistant' %}</s>{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<assistant> {% endif %}"
)


def write_tiny_model(folder: Path, words: Sequence[str]) -> Path:
    """Write a model that knows these words. Returns the folder. The same words give the same weights.

    Cost: about a second, 100 kB.
    """
    vocabulary = {word: number for number, word in enumerate(dict.fromkeys((*_SPECIAL, *words)))}
    _write_model(folder, len(vocabulary), context=128, pad_token_id=0, bos_token_id=2, eos_token_id=3)
    _write_tokenizer(folder, vocabulary)
    return folder


def letter_tokenizer(template: str | None, special: Sequence[str], end: str) -> Any:
    """A tokenizer whose tokens are bytes, with special tokens and a chat template; `end` is its end-of-text."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    letters = Tokenizer(models.BPE())
    letters.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    letters.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    letters.train_from_iterator([], trainers.BpeTrainer(initial_alphabet=alphabet, show_progress=False))
    letters.add_special_tokens([AddedToken(token, special=True) for token in special])
    made = PreTrainedTokenizerFast(tokenizer_object=letters, eos_token=end, pad_token=end)
    made.chat_template = template
    return made


def write_letter_model(folder: Path, tokenizer: Any, rows: int | None = None) -> Path:
    """Write a model for a tokenizer; gives the folder.

    Args:
        rows: of its embedding; None: one for each token.
    """
    _write_model(folder, rows or len(tokenizer), context=512, eos_token_id=tokenizer.eos_token_id)
    tokenizer.save_pretrained(folder)
    return folder


def _write_model(folder: Path, rows: int, context: int, **special: int) -> None:
    import torch
    from transformers import AutoModelForCausalLM, LlamaConfig

    config = LlamaConfig(
        vocab_size=rows,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=context,
        **special,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = AutoModelForCausalLM.from_config(config)
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.dim() == 2:
                    parameter.normal_(std=0.2)
    model.save_pretrained(folder)


def _write_tokenizer(folder: Path, vocabulary: dict[str, int]) -> None:
    from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.add_special_tokens([AddedToken(word, special=True) for word in _SPECIAL])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", unk_token="<unk>", bos_token="<s>", eos_token="</s>"
    )
    fast.chat_template = _TEMPLATE
    fast.save_pretrained(folder)
