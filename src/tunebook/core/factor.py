"""Factors: what can be varied, under which names, within which bounds.

The names are those of transformers, PEFT and TRL. `FACTOR_KINDS` is the one list of known factors; a `Factor` is one
of them as a study uses it, with its levels or its range. Nothing here knows a study's data or model.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

__all__ = ["ALIASES", "FACTOR_KINDS", "Factor", "FactorKind", "Level", "Role", "Scale"]

Level = float | int | bool | str | tuple[str, ...] | None
"""One value of a factor."""


class Scale(StrEnum):
    """How distances between levels are measured."""

    LOG = "log"
    LINEAR = "linear"
    CHOICE = "choice"
    FLAG = "flag"


class Role(StrEnum):
    """What a factor is for (Tuning Playbook): asked about, re-tuned for fairness, or left alone."""

    SCIENTIFIC = "scientific"
    NUISANCE = "nuisance"
    FIXED = "fixed"


@dataclass(frozen=True)
class FactorKind:
    """A known factor: its type, its bounds and how it behaves.

    Attributes:
        name: the library's name, used in code, ledger, command line and record.
        value_type: `float`, `int`, `bool` or `str`.
        scale: how levels are spaced.
        minimum, maximum: inclusive bounds unless `minimum_open`/`maximum_open`; None: unbounded.
        choices: the allowed words, for `str` factors with a closed list.
        moves_learning_rate: whether the best learning rate moves with it, so that a fair comparison re-tunes the rate.
        description: one line for people, with the unit.
    """

    name: str
    value_type: type
    scale: Scale
    description: str
    minimum: float | None = None
    maximum: float | None = None
    minimum_open: bool = False
    maximum_open: bool = False
    choices: tuple[str, ...] = ()
    moves_learning_rate: bool = False

    def problem(self, value: Any) -> str | None:
        """What is wrong with a value, as the rule it breaks ("ranks are integers >= 1"), or None."""
        if self.value_type is bool:
            return None if isinstance(value, bool) or value is None else "it is true or false"
        if self.value_type is str:
            return self._word_problem(value)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return f"it is a number ({self.description})"
        if value != value or value in (float("inf"), float("-inf")):
            return "it is a finite number"
        if self.value_type is int and int(value) != value:
            return f"it is a whole number ({self.description})"
        if self.minimum is not None and (value < self.minimum or (self.minimum_open and value == self.minimum)):
            return f"it is {'above' if self.minimum_open else 'at least'} {self.minimum:g}"
        if self.maximum is not None and (value > self.maximum or (self.maximum_open and value == self.maximum)):
            return f"it is {'below' if self.maximum_open else 'at most'} {self.maximum:g}"
        return None

    def _word_problem(self, value: Any) -> str | None:
        if self.name == "target_modules":
            words = (value,) if isinstance(value, str) else value
            if isinstance(words, list | tuple) and words and all(isinstance(w, str) and w for w in words):
                return None
            return 'it is "all-linear" or a list of module names'
        if not isinstance(value, str) or (self.choices and value not in self.choices):
            return "it is one of " + ", ".join(self.choices)
        return None


FACTOR_KINDS: dict[str, FactorKind] = {
    kind.name: kind
    for kind in (
        FactorKind("learning_rate", float, Scale.LOG, "peak learning rate of AdamW", 0.0, minimum_open=True),
        FactorKind("per_device_train_batch_size", int, Scale.LOG, "rows a micro-batch", 1, moves_learning_rate=True),
        FactorKind(
            "gradient_accumulation_steps",
            int,
            Scale.LOG,
            "micro-batches an optimiser step",
            1,
            moves_learning_rate=True,
        ),
        FactorKind("num_train_epochs", int, Scale.LINEAR, "passes over the training data", 1, moves_learning_rate=True),
        FactorKind("lora_r", int, Scale.LOG, "rank of the adapter", 1, 1024, moves_learning_rate=True),
        FactorKind(
            "lora_alpha",
            float,
            Scale.LOG,
            "scale of the adapter, divided by the rank",
            0.0,
            minimum_open=True,
            moves_learning_rate=True,
        ),
        FactorKind("lora_dropout", float, Scale.LINEAR, "share of adapter inputs dropped", 0.0, 1.0, maximum_open=True),
        FactorKind("max_length", int, Scale.LOG, "longest example kept, in tokens", 1),
        FactorKind("gradient_checkpointing", bool, Scale.FLAG, "recompute activations to save memory"),
        FactorKind(
            "lr_scheduler_type",
            str,
            Scale.CHOICE,
            "shape of the learning-rate schedule",
            choices=("linear", "cosine", "constant", "constant_with_warmup"),
        ),
        FactorKind("warmup_steps", float, Scale.LINEAR, "warm-up in steps, or below 1 a fraction of all steps", 0.0),
        FactorKind("weight_decay", float, Scale.LINEAR, "decoupled weight decay of AdamW", 0.0),
        FactorKind("target_modules", str, Scale.CHOICE, "which linear layers get an adapter"),
        FactorKind("use_rslora", bool, Scale.FLAG, "scale by alpha/sqrt(r) instead of alpha/r"),
        FactorKind(
            "init_lora_weights", str, Scale.CHOICE, "how the adapter's A is drawn", choices=("kaiming", "gaussian")
        ),
    )
}
"""Every factor that tunebook knows, by its name."""

ALIASES: dict[str, str] = {
    "lr": "learning_rate",
    "r": "lora_r",
    "rank": "lora_r",
    "alpha": "lora_alpha",
    "dropout": "lora_dropout",
    "epochs": "num_train_epochs",
    "batch_size": "per_device_train_batch_size",
    "grad_accum": "gradient_accumulation_steps",
    "grad_checkpoint": "gradient_checkpointing",
    "scheduler": "lr_scheduler_type",
    "warmup": "warmup_steps",
}
"""Short names that are accepted and written back in full."""


@dataclass(frozen=True)
class Factor:
    """One factor of a study's search space: a list of levels, or a range from `low` to `high`.

    Attributes:
        name: a key of `FACTOR_KINDS`.
        levels: the values to try, in the order of the study file; empty when a range is given.
        low, high: the range, when no levels are given. The planner places levels in it.
        role: scientific unless said otherwise; learning rate is also the nuisance factor of the others.
    """

    name: str
    levels: tuple[Level, ...] = ()
    low: float | None = None
    high: float | None = None
    role: Role = Role.SCIENTIFIC

    @property
    def kind(self) -> FactorKind:
        return FACTOR_KINDS[self.name]

    @property
    def is_range(self) -> bool:
        return self.low is not None
