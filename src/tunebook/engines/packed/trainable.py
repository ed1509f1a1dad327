"""Which configurations engine `packed` trains exactly as PEFT and the Trainer do. What is not named here is refused."""

from __future__ import annotations

from tunebook.core.configuration import FACTOR_KINDS, Configuration
from tunebook.engines.initial import DRAWN, initial_problem
from tunebook.phrases import Phrase

__all__ = ["refusal"]

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


def refusal(configuration: Configuration) -> Phrase | None:
    """Why the engine leaves a configuration to engine `peft`, as the end of a sentence, or None."""
    for name, kind in FACTOR_KINDS.items():
        level = getattr(configuration, name)
        if name not in _EVERY_LEVEL and level != kind.default and level not in _THESE_LEVELS.get(name, ()):
            return Phrase("it does not train {name} {level}", name=name, level=level)
    if HEAD in (configuration.target_modules or ()):
        return Phrase("it does not train the output head, {head}", head=HEAD)
    return initial_problem(configuration)
