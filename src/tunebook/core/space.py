"""The search space, and the folding of settings that do not change the result.

`effective` maps a configuration to its canonical form: two configurations train the same adapter (up to the order of
float additions) exactly when their effective configurations are equal, as far as the engine's `Folding` promises.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from tunebook.core.configuration import Configuration
from tunebook.core.factor import Factor

__all__ = ["FoldReason", "Folding", "SearchSpace", "checkpoint_family", "effective", "fold_reasons"]

SIGNIFICANT_DIGITS = 12
"""Derived values are rounded to this many digits so that equal settings reached by different sums stay equal."""

FoldReason = str
"""A code that `words` turns into a sentence: batch_split, gradient_checkpointing, max_length, rslora, warmup."""


@dataclass(frozen=True)
class Folding:
    """The settings that an engine promises not to change the mathematics. Engine `command` promises nothing.

    Attributes:
        batch_split: only the product of batch size and accumulation matters (the loss is normalised over the effective
            batch).
        gradient_checkpointing: it changes memory and time only.
        max_length: all values at or above the longest example are equivalent.
        scaling: only alpha/r acts, so rsLoRA is another way to write alpha.
        checkpoints: with a constant schedule a shorter trial is a checkpoint of a longer one.
    """

    batch_split: bool = False
    gradient_checkpointing: bool = False
    max_length: bool = False
    scaling: bool = False
    checkpoints: bool = False

    @classmethod
    def everything(cls) -> Folding:
        return cls(True, True, True, True, True)


@dataclass(frozen=True)
class SearchSpace:
    """The factors that a study varies, in the order of the study file."""

    factors: tuple[Factor, ...] = ()

    def __iter__(self):  # type: ignore[no-untyped-def]
        return iter(self.factors)

    def get(self, name: str) -> Factor | None:
        """The factor of that name, or None."""
        return next((factor for factor in self.factors if factor.name == name), None)


def effective(configuration: Configuration, folding: Folding, longest_tokens: int | None) -> Configuration:
    """The configuration with everything folded away that the engine says changes nothing. Idempotent.

    Args:
        longest_tokens: tokens of the longest training example, prompt and completion; None when unknown.
    """
    changes = _canonical(configuration, folding, longest_tokens)
    return configuration.with_values(**{name: value for name, (value, _) in changes.items()})


def fold_reasons(configuration: Configuration, folding: Folding, longest_tokens: int | None) -> tuple[FoldReason, ...]:
    """Codes of the reasons why the effective configuration differs from the one asked for, each once."""
    before = configuration.as_dict()
    changes = _canonical(configuration, folding, longest_tokens)
    changed = configuration.with_values(**{name: value for name, (value, _) in changes.items()}).as_dict()
    return tuple(dict.fromkeys(why for name, (_, why) in changes.items() if changed[name] != before[name]))


def checkpoint_family(configuration: Configuration) -> Configuration | None:
    """The configuration shared by all trials that are checkpoints of one run (with epochs set to 0), or None if there
    can be no checkpoints.

    Checkpoints exist with a constant schedule whose warm-up is a number of steps: the first epochs of a longer trial
    are then identical to the shorter trial.
    """
    constant = configuration.lr_scheduler_type in ("constant", "constant_with_warmup")
    absolute = configuration.warmup_steps == 0 or configuration.warmup_steps >= 1
    return configuration.with_values(num_train_epochs=0) if constant and absolute else None


def _canonical(c: Configuration, folding: Folding, longest: int | None) -> dict[str, tuple[Any, FoldReason]]:
    changes: dict[str, tuple[Any, FoldReason]] = {}
    if folding.batch_split:
        changes["per_device_train_batch_size"] = (c.effective_batch_size, "batch_split")
        changes["gradient_accumulation_steps"] = (1, "batch_split")
    if folding.gradient_checkpointing:
        changes["gradient_checkpointing"] = (None, "gradient_checkpointing")
    if folding.max_length and longest is not None and c.max_length > longest:
        changes["max_length"] = (longest, "max_length")
    if folding.scaling and c.use_rslora:
        changes["use_rslora"] = (False, "rslora")
        changes["lora_alpha"] = (_rounded(c.lora_alpha * math.sqrt(c.lora_r)), "rslora")
    if c.lr_scheduler_type == "constant" and c.warmup_steps:
        changes["warmup_steps"] = (0, "warmup")
    if c.lr_scheduler_type == "constant_with_warmup" and c.warmup_steps == 0:
        changes["lr_scheduler_type"] = ("constant", "warmup")
    return changes


def _rounded(value: float) -> float:
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}")
