"""Which configurations engine `peft` can train on a machine. Imports no torch."""

from __future__ import annotations

import importlib.util

from tunebook.core.configuration import FACTOR_KINDS, Configuration
from tunebook.core.factor_kind import Tool
from tunebook.core.ports import EngineOptions
from tunebook.core.quantisation import NONE
from tunebook.engines.starts import DRAWN, initial_problem
from tunebook.phrases import Phrase

__all__ = ["refusal"]

_BY_HAND = frozenset({"max_length", "lora_plus_lr_ratio", "class_weights"})
"""Factors without a keyword in PEFT or the Trainer, which this engine implements itself."""


def refusal(configuration: Configuration, options: EngineOptions) -> Phrase | None:
    """Why neither PEFT nor the Trainer can train a configuration, as the end of a sentence, or None."""
    for name, kind in FACTOR_KINDS.items():
        keyword = kind.keys.get(Tool.PEFT) or kind.keys.get(Tool.TRAINER)
        level = getattr(configuration, name)
        if keyword is None and name not in _BY_HAND and level != kind.default:
            return Phrase("it does not train {name} {level}", name=name, level=level)
    return (
        initial_problem(configuration)
        or _quantised_problem(configuration, options.quantization)
        or _optimiser_problem(configuration, options.device)
    )


def _quantised_problem(configuration: Configuration, quantization: str) -> Phrase | None:
    """Why a configuration needs a base model in full precision, as the end of a sentence, or None."""
    kind = configuration.init_lora_weights
    if quantization == NONE or kind in DRAWN:
        return None
    return Phrase(
        "init_lora_weights {kind} is computed from the base weights in full precision, and these are kept in "
        "{quantization}",
        kind=kind,
        quantization=quantization,
    )


def _optimiser_problem(configuration: Configuration, device: str) -> Phrase | None:
    """Why an optimiser of bitsandbytes cannot be used here, as the end of a sentence, or None."""
    if configuration.optim == FACTOR_KINDS["optim"].default:
        return None
    if not device.startswith("cuda"):
        return Phrase("optim {optim} needs a GPU, and the device is {device}", optim=configuration.optim, device=device)
    if importlib.util.find_spec("bitsandbytes") is None:
        return Phrase('optim {optim} needs bitsandbytes: pip install "tunebook[quant]"', optim=configuration.optim)
    return None
