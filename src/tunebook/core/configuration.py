"""A configuration: one value for every factor, with a stable key.

`Configuration` is what a person asks for; the same type, after `core.space.effective`, is the effective configuration.
Defaults are those of PEFT's LoraConfig (r 8, alpha 8, dropout 0) and of the Trainer (rate 5e-5, batch 8, 3 epochs,
linear schedule, no warm-up, no weight decay); max_length 1024 is TRL's SFTConfig.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from tunebook.core.factor import Level

__all__ = ["Configuration"]


@dataclass(frozen=True)
class Configuration:
    """One value for every factor.

    Attributes:
        learning_rate: peak rate of AdamW.
        per_device_train_batch_size: rows a micro-batch.
        gradient_accumulation_steps: micro-batches an optimiser step.
        num_train_epochs: passes over the training data; 0 is the untrained reference.
        lora_r: rank.
        lora_alpha: scale; acts as alpha/r, or alpha/sqrt(r) with `use_rslora`.
        lora_dropout: share of adapter inputs dropped, in [0, 1).
        max_length: tokens kept of prompt and completion together.
        gradient_checkpointing: None leaves it to the machine.
        lr_scheduler_type: linear, cosine, constant or constant_with_warmup.
        warmup_steps: a count, or below 1 a fraction of all steps.
        weight_decay: decoupled weight decay of AdamW.
        target_modules: "all-linear", module names, or None for PEFT's choice for the model.
        use_rslora: scale by alpha/sqrt(r) (arXiv:2312.03732).
        init_lora_weights: "kaiming" (PEFT's True) or "gaussian".
    """

    learning_rate: float = 5e-5
    per_device_train_batch_size: int = 8
    gradient_accumulation_steps: int = 1
    num_train_epochs: int = 3
    lora_r: int = 8
    lora_alpha: float = 8
    lora_dropout: float = 0.0
    max_length: int = 1024
    gradient_checkpointing: bool | None = None
    lr_scheduler_type: str = "linear"
    warmup_steps: float = 0
    weight_decay: float = 0.0
    target_modules: str | tuple[str, ...] | None = None
    use_rslora: bool = False
    init_lora_weights: str = "kaiming"

    @property
    def effective_batch_size(self) -> int:
        """Rows an optimiser step."""
        return self.per_device_train_batch_size * self.gradient_accumulation_steps

    @property
    def scaling(self) -> float:
        """What the low-rank product is multiplied with: alpha/r, or alpha/sqrt(r) with rsLoRA."""
        return self.lora_alpha / (math.sqrt(self.lora_r) if self.use_rslora else self.lora_r)

    @property
    def key(self) -> str:
        """Twelve hexadecimal digits that are equal exactly for equal configurations, on every machine."""
        text = json.dumps(self.as_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values by factor name. Whole numbers are written as integers, so that 8 and 8.0 are one."""
        return {field.name: _plain(getattr(self, field.name)) for field in fields(self)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Configuration:
        """The inverse of `as_dict`; missing factors take their defaults, unknown names raise TypeError."""
        plain: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
        return cls(**plain)

    def with_values(self, **values: Level) -> Configuration:
        """A copy with some factors changed."""
        return replace(self, **values)  # type: ignore[arg-type]

    def changes_from(self, other: Configuration) -> dict[str, tuple[Any, Any]]:
        """The factors on which the two differ, in field order: name to (other's value, own value)."""
        mine, theirs = self.as_dict(), other.as_dict()
        return {name: (theirs[name], mine[name]) for name in mine if mine[name] != theirs[name]}


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return list(value) if isinstance(value, tuple) else value
