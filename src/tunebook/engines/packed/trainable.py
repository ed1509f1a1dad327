"""Which models and configurations engine `packed` trains exactly as PEFT and the Trainer do. What is not named here is
refused. Imports no torch, so that a plan need not wait for it."""

from __future__ import annotations

from typing import Any

from tunebook.core.configuration import FACTOR_KINDS, Configuration
from tunebook.core.ports import EngineOptions
from tunebook.engines.base_model import load_config
from tunebook.engines.quantisation import needs_other_library
from tunebook.engines.starts import DRAWN, initial_problem
from tunebook.phrases import Phrase

__all__ = ["SUPPORTED_MODEL_TYPES", "refusal", "unsupported", "unsupported_config"]

SUPPORTED_MODEL_TYPES = ("llama", "qwen2", "qwen3", "mistral", "gemma2", "gemma3_text", "phi3")
"""Families whose stock class is tested against PEFT: causal attention, with or without window and soft-capping."""

HEAD = "lm_head"
"""The output head of every family that the engine runs. "all-linear" leaves it out, as PEFT does."""

_EVERY_LEVEL = frozenset({
    "learning_rate", "per_device_train_batch_size", "gradient_accumulation_steps", "num_train_epochs", "lora_r",
    "lora_alpha", "lora_dropout", "max_length", "gradient_checkpointing", "warmup_steps", "weight_decay",
    "target_modules", "use_rslora", "max_grad_norm", "adam_beta2",
    "lora_plus_lr_ratio",
})  # fmt: skip
_THESE_LEVELS = {
    "lr_scheduler_type": ("cosine", "constant", "constant_with_warmup", "cosine_with_min_lr", "warmup_stable_decay"),
    "init_lora_weights": DRAWN,
    "class_weights": ("balanced",),
}


def unsupported(folder: str, trust_remote_code: bool = False) -> str | None:
    """Why the packed engine cannot run the model in this folder, as one sentence, or None; reads config.json alone.

    Raises: ModelError: it cannot be read, or needs code of its own.
    """
    return unsupported_config(load_config(folder, trust_remote_code)) or needs_other_library(folder)


def unsupported_config(config: Any) -> Phrase | None:
    """As `unsupported`, from the configuration as transformers reads it."""
    if config.model_type not in SUPPORTED_MODEL_TYPES:
        return Phrase(
            "model type {kind!r} has not been shown to be equal to PEFT under packing", kind=config.model_type
        )
    if getattr(config, "use_bidirectional_attention", False):
        return Phrase("its attention looks ahead (use_bidirectional_attention), which a prompt tree cannot express")
    dropped = getattr(config, "attention_dropout", 0.0)
    if dropped:
        return Phrase(
            "it drops attention weights (attention_dropout {dropped}), which the packed attention does not",
            dropped=dropped,
        )
    rope = str(getattr(config, "rope_parameters", None) or "")
    if "'dynamic'" in rope or "'longrope'" in rope:
        return Phrase("its position encoding depends on the length of the whole batch (dynamic or longrope scaling)")
    return None


def refusal(configuration: Configuration, options: EngineOptions | None = None) -> Phrase | None:
    """Why the engine leaves a configuration to engine `peft`, as the end of a sentence, or None.

    Args:
        options: the same on every machine.
    """
    for name, kind in FACTOR_KINDS.items():
        level = getattr(configuration, name)
        if name not in _EVERY_LEVEL and level != kind.default and level not in _THESE_LEVELS.get(name, ()):
            return Phrase("it does not train {name} {level}", name=name, level=level)
    if HEAD in (configuration.target_modules or ()):
        return Phrase("it does not train the output head, {head}", head=HEAD)
    return initial_problem(configuration)
