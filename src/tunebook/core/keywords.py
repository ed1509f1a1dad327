"""A configuration in the words of PEFT, the Trainer, LLaMA-Factory and axolotl, read off the table of factors."""

from __future__ import annotations

from typing import Any

from tunebook.core.configuration import FACTOR_KINDS, Configuration
from tunebook.core.factor_kind import Tool
from tunebook.core.order import steps_per_epoch, warmup_count

__all__ = ["config_entries", "differences", "lora_keywords", "training_keywords", "with_warmup_count"]


def lora_keywords(configuration: Configuration) -> dict[str, Any]:
    """Keyword arguments of `peft.LoraConfig`."""
    return {**_entries(configuration, Tool.PEFT), "task_type": "CAUSAL_LM"}


def training_keywords(configuration: Configuration) -> dict[str, Any]:
    """Keyword arguments of `transformers.TrainingArguments`."""
    return _entries(configuration, Tool.TRAINER)


def config_entries(configuration: Configuration, tool: Tool) -> dict[str, Any]:
    """Entries of the configuration file of LLaMA-Factory or axolotl; `differences` says what they leave out.

    Args:
        configuration: with its warm-up as a count (`with_warmup_count`): not every version of these tools takes a
            fraction, nor under the same name.
    """
    return _entries(configuration, tool)


def differences(configuration: Configuration, tool: Tool) -> tuple[str, ...]:
    """What LLaMA-Factory or axolotl cannot do as the configuration says, a clause for each factor."""
    clauses = []
    for name, kind in FACTOR_KINDS.items():
        level, key = getattr(configuration, name), kind.keys.get(tool)
        if key is None and level != kind.default:
            clauses.append(f"{name} is {_text(level)}, which {tool} cannot set")
        elif key is not None and key.entries(level) is None:
            clauses.append(f"{name} is {_text(level)}, which {tool} does not know")
        elif key is not None and not key.exact(level):
            clauses.append(f"{name} is {_text(level)}, and {tool} takes a whole number")
    return tuple(clauses)


def with_warmup_count(configuration: Configuration, n_rows: int) -> Configuration:
    """The configuration with its warm-up as a count of optimiser steps, for training on so many rows."""
    steps = steps_per_epoch(n_rows, configuration.effective_batch_size) * configuration.num_train_epochs
    return configuration.with_values(warmup_steps=warmup_count(configuration.warmup_steps, steps))


def _entries(configuration: Configuration, tool: Tool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, kind in FACTOR_KINDS.items():
        if tool in kind.keys:
            found |= kind.keys[tool].entries(getattr(configuration, name)) or {}
    return found


def _text(level: Any) -> str:
    return f"{level:g}" if isinstance(level, float) else str(level)
