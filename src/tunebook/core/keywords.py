"""A configuration under the names that PEFT, the Trainer, LLaMA-Factory and axolotl use, from the table of factors."""

from __future__ import annotations

from typing import Any

from tunebook.core.configuration import FACTOR_KINDS, Configuration
from tunebook.core.factor_kind import Tool
from tunebook.core.order import warmup_count
from tunebook.core.schedule import schedule_arguments

__all__ = ["config_entries", "differences", "lora_keywords", "training_keywords"]


def lora_keywords(configuration: Configuration) -> dict[str, Any]:
    """Keyword arguments of `peft.LoraConfig`."""
    return {**_entries(configuration, Tool.PEFT), "task_type": "CAUSAL_LM"}


def training_keywords(configuration: Configuration, total_steps: int) -> dict[str, Any]:
    """Keyword arguments of `transformers.TrainingArguments` for a trial of `total_steps` optimiser steps."""
    return _entries(configuration, Tool.TRAINER) | _schedule(configuration, total_steps)


def config_entries(configuration: Configuration, tool: Tool, total_steps: int) -> dict[str, Any]:
    """Entries for LLaMA-Factory's or axolotl's configuration file. `differences` lists what they leave out.

    The warm-up is written as a number of steps, because versions of these tools differ in whether they accept a
    fraction and under which name.
    """
    counted = configuration.with_values(warmup_steps=warmup_count(configuration.warmup_steps, total_steps))
    return _entries(counted, tool) | _schedule(configuration, total_steps)


def differences(configuration: Configuration, tool: Tool) -> tuple[str, ...]:
    """What LLaMA-Factory or axolotl cannot do as the configuration says, one clause per factor."""
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


def _schedule(configuration: Configuration, total_steps: int) -> dict[str, Any]:
    arguments = schedule_arguments(configuration, total_steps)
    return {"lr_scheduler_kwargs": arguments} if arguments else {}


def _entries(configuration: Configuration, tool: Tool) -> dict[str, Any]:
    entries: dict[str, Any] = {}
    for name, kind in FACTOR_KINDS.items():
        if tool in kind.keys:
            entries |= kind.keys[tool].entries(getattr(configuration, name)) or {}
    return entries


def _text(level: Any) -> str:
    return f"{level:g}" if isinstance(level, float) else str(level)
