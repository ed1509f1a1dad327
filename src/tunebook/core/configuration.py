"""A configuration: one value for every factor, with a stable key. Its fields are the table of factors.

A `Configuration` holds the values that the user asked for; `core.space.effective` turns it into the effective
configuration, which has the same type. Defaults are those of PEFT's LoraConfig (r 8, alpha 8, dropout 0) and of the
Trainer (rate 5e-5, batch 8, 3 epochs, linear schedule, no warm-up, no weight decay); max_length 1024 is TRL's
SFTConfig.
"""

from __future__ import annotations

import hashlib
import json
import math
import types
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, get_args, get_type_hints

from tunebook.core.factor_kind import UNKNOWN, FactorKind, Key, Level, Scale, row
from tunebook.core.order import steps_per_epoch

__all__ = ["ALL_LINEAR", "FACTOR_KINDS", "Configuration"]

ALL_LINEAR = "all-linear"
"""PEFT's word for every linear layer but the head."""


def _count_or_share(level: float) -> float | int:
    return level if level < 1 else int(level)


def _if(key: str) -> Key:
    """The key of a flag that is written only where it is set."""
    return Key(name=key, values={False: {}})


def _llama_factory_start(level: str) -> Any:
    """LLaMA-Factory's keys for an initialisation other than the default: PiSSA only; `pissa_iter` -1 is the exact
    decomposition."""
    if not level.startswith("pissa"):
        return UNKNOWN
    steps = int(level.removeprefix("pissa_niter_")) if "niter" in level else -1
    return {"pissa_init": True, "pissa_iter": steps, "pissa_convert": True}


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """One value for every factor. Each field is that factor's row: see `core.factor_kind`.

    New factors come last, with `later=True`. `num_train_epochs` 0 is the untrained reference.
    """

    learning_rate: float = row(
        5e-5, Scale.LOG, "peak learning rate of AdamW", words=("learning rate", "学习率"), minimum=0.0,
        minimum_open=True, example="2e-4", aliases=("lr",),
        trainer="learning_rate", llama_factory="learning_rate", axolotl="learning_rate",
    )  # fmt: skip
    per_device_train_batch_size: int = row(
        8, Scale.LOG, "rows a micro-batch", words=("batch size", "批大小"), minimum=1, moves_learning_rate=True,
        aliases=("batch_size",), trainer="per_device_train_batch_size", llama_factory="per_device_train_batch_size",
        axolotl="micro_batch_size",
    )  # fmt: skip
    gradient_accumulation_steps: int = row(
        1, Scale.LOG, "micro-batches an optimiser step", words=("accumulation", "梯度累积"), minimum=1,
        moves_learning_rate=True, aliases=("grad_accum",), trainer="gradient_accumulation_steps",
        llama_factory="gradient_accumulation_steps", axolotl="gradient_accumulation_steps",
    )  # fmt: skip
    num_train_epochs: int = row(
        3, Scale.LINEAR, "passes over the training data", words=("epochs", "训练轮数"), minimum=1,
        moves_learning_rate=True, example="3", aliases=("epochs",),
        trainer="num_train_epochs", llama_factory="num_train_epochs", axolotl="num_epochs",
    )  # fmt: skip
    lora_r: int = row(
        8, Scale.LOG, "rank of the adapter", words=("rank", "rank"), minimum=1, maximum=1024, moves_learning_rate=True,
        example="8", aliases=("r", "rank"), peft="r", llama_factory="lora_rank", axolotl="lora_r",
    )  # fmt: skip
    lora_alpha: float = row(
        8, Scale.LOG, "scale of the adapter, divided by the rank", words=("alpha", "alpha"), minimum=0.0,
        minimum_open=True, moves_learning_rate=True, example="16", aliases=("alpha",), peft="lora_alpha",
        llama_factory=Key(name="lora_alpha", whole=True), axolotl=Key(name="lora_alpha", whole=True),
    )  # fmt: skip
    lora_dropout: float = row(
        0.0, Scale.LINEAR, "share of adapter inputs dropped", words=("dropout", "dropout"), minimum=0.0, maximum=1.0,
        maximum_open=True, example="0.05", aliases=("dropout",),
        peft="lora_dropout", llama_factory="lora_dropout", axolotl="lora_dropout",
    )  # fmt: skip
    max_length: int = row(
        1024, Scale.LOG, "longest example kept, in tokens of prompt and answer together",
        words=("max_length", "最大长度"), minimum=1, example="512", llama_factory="cutoff_len", axolotl="sequence_len",
    )  # fmt: skip
    gradient_checkpointing: bool | None = row(
        None, Scale.FLAG, "recompute activations to save memory", words=("gradient checkpointing", "梯度检查点"),
        null="the machine's choice", aliases=("grad_checkpoint",),
        trainer=Key(name="gradient_checkpointing", values={None: {}}),
        llama_factory=Key(name="disable_gradient_checkpointing", values={False: True, True: {}, None: {}}),
        axolotl=Key(name="gradient_checkpointing", values={None: {}}),
    )  # fmt: skip
    lr_scheduler_type: str = row(
        "linear", Scale.CHOICE, "shape of the learning-rate schedule", words=("schedule", "学习率调度"),
        choices=("linear", "cosine", "constant", "constant_with_warmup", "cosine_with_min_lr", "warmup_stable_decay"),
        aliases=("scheduler",),
        trainer="lr_scheduler_type", llama_factory="lr_scheduler_type", axolotl="lr_scheduler",
    )  # fmt: skip
    warmup_steps: float = row(
        0, Scale.LINEAR, "warm-up in steps, or below 1 a fraction of all steps", words=("warm-up", "预热"),
        minimum=0.0, count_or_share=True, example="0.03", aliases=("warmup",),
        trainer=Key(name="warmup_steps", write=_count_or_share), llama_factory="warmup_steps", axolotl="warmup_steps",
    )  # fmt: skip
    weight_decay: float = row(
        0.0, Scale.LINEAR, "decoupled weight decay of AdamW", words=("weight decay", "权重衰减"), minimum=0.0,
        example="0.01", trainer="weight_decay", llama_factory="weight_decay", axolotl="weight_decay",
    )  # fmt: skip
    target_modules: str | tuple[str, ...] | None = row(
        None, Scale.CHOICE, "which linear layers get an adapter", words=("layers", "适配层"), is_list=True,
        null="PEFT's choice for the model", example=ALL_LINEAR, peft=Key(name="target_modules", values={None: {}}),
        llama_factory=Key(name="lora_target", values={None: "all", ALL_LINEAR: "all"}, write=",".join),
        axolotl=Key(
            name="lora_target_modules",
            values={None: {"lora_target_linear": True}, ALL_LINEAR: {"lora_target_linear": True}},
        ),
    )  # fmt: skip
    use_rslora: bool = row(
        False, Scale.FLAG, "scale by alpha/sqrt(r) instead of alpha/r", words=("rsLoRA", "rsLoRA"),
        peft="use_rslora", llama_factory=_if("use_rslora"), axolotl=_if("peft_use_rslora"),
    )  # fmt: skip
    init_lora_weights: str = row(
        "kaiming", Scale.CHOICE, "how the adapter begins", words=("initial weights", "初始化方式"),
        choices=("kaiming", "gaussian", "orthogonal", "olora", "pissa", "mica"),
        pattern=(r"pissa_niter_[1-9]\d?", "pissa_niter_N"), moves_learning_rate=True,
        peft=Key(name="init_lora_weights", values={"kaiming": True}),
        llama_factory=Key(name="pissa_init", values={"kaiming": {}}, write=_llama_factory_start),
        axolotl=Key(name="peft_init_lora_weights", values={"kaiming": {}}),
    )  # fmt: skip
    max_grad_norm: float = row(
        1.0, Scale.LOG, "gradient norm that larger gradients are clipped to", words=("clipping", "梯度裁剪"),
        minimum=0.0, minimum_open=True, example="0.3", later=True,
        trainer="max_grad_norm", llama_factory="max_grad_norm", axolotl="max_grad_norm",
    )  # fmt: skip
    adam_beta2: float = row(
        0.999, Scale.LINEAR, "decay of AdamW's squared gradients", words=("beta2", "beta2"), minimum=0.0, maximum=1.0,
        maximum_open=True, example="0.95", later=True,
        trainer="adam_beta2", llama_factory="adam_beta2", axolotl="adam_beta2",
    )  # fmt: skip
    lora_plus_lr_ratio: float = row(
        1.0, Scale.LOG, "LoRA+: the rate of B divided by that of A; 1 is plain LoRA",
        words=("LoRA+ ratio", "LoRA+ 比值"), minimum=1.0, moves_learning_rate=True, example="16", later=True,
        llama_factory=Key(name="loraplus_lr_ratio", values={1: {}}),
        axolotl=Key(name="loraplus_lr_ratio", values={1: {}}),
    )  # fmt: skip
    use_dora: bool = row(
        False, Scale.FLAG, "learn the weights' length and direction apart (DoRA)", words=("DoRA", "DoRA"), later=True,
        peft="use_dora", llama_factory=_if("use_dora"), axolotl=_if("peft_use_dora"),
    )  # fmt: skip
    optim: str = row(
        "adamw_torch", Scale.CHOICE, "optimiser: AdamW with its moments in 32 bits, in 8, or paged (bitsandbytes)",
        words=("optimiser", "优化器"), choices=("adamw_torch", "adamw_8bit", "paged_adamw_8bit", "paged_adamw_32bit"),
        later=True, trainer=Key(name="optim", values={"adamw_torch": {}}),  # Trainer: fused if possible
        llama_factory="optim", axolotl="optimizer",
    )  # fmt: skip
    class_weights: str = row(
        "none", Scale.CHOICE, "what an answer counts in the loss: the same, or `balanced`, less the oftener it occurs",
        words=("class weights", "类别权重"), choices=("none", "balanced"), later=True, example="balanced",
    )  # fmt: skip

    @property
    def effective_batch_size(self) -> int:
        """Rows per optimiser step."""
        return self.per_device_train_batch_size * self.gradient_accumulation_steps

    def total_steps(self, n_rows: int) -> int:
        """Optimiser steps needed to train on `n_rows` rows."""
        return self.num_train_epochs * steps_per_epoch(n_rows, self.effective_batch_size)

    @property
    def scaling(self) -> float:
        """The factor applied to the low-rank product: alpha/r, or alpha/sqrt(r) with rsLoRA (arXiv:2312.03732)."""
        return self.lora_alpha / (math.sqrt(self.lora_r) if self.use_rslora else self.lora_r)

    @property
    def key(self) -> str:
        """Twelve hexadecimal digits, equal for equal configurations only, and the same on every machine."""
        text = json.dumps(self.as_told(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values by factor name. Whole numbers are written as integers, so that 8 and 8.0 give the
        same key."""
        return {field.name: _plain(getattr(self, field.name)) for field in fields(self)}

    def as_told(self) -> dict[str, Any]:
        """Like `as_dict`, but without factors marked `later` that have their default value, so that the keys and
        records of older ledgers do not change."""
        return {name: value for name, value in self.as_dict().items() if not _is_later_default(name, value)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Configuration:
        """The inverse of `as_dict`. Missing factors take their defaults; unknown names raise TypeError."""
        plain: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
        return cls(**plain)

    def with_values(self, **values: Level) -> Configuration:
        """A copy with some factors changed."""
        return replace(self, **values)  # type: ignore[arg-type]

    def changes_from(self, other: Configuration) -> dict[str, tuple[Any, Any]]:
        """The factors on which the two differ, in field order, as name to (the other's value, this one's value)."""
        mine, theirs = self.as_dict(), other.as_dict()
        return {name: (theirs[name], mine[name]) for name in mine if mine[name] != theirs[name]}


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return list(value) if isinstance(value, tuple) else value


def _value_type(hint: Any) -> type:
    """The type of a factor's values: the first type in its hint."""
    first: type = get_args(hint)[0] if isinstance(hint, types.UnionType) else hint
    return first


def _kinds() -> dict[str, FactorKind]:
    hints = get_type_hints(Configuration)
    return {
        f.name: FactorKind(name=f.name, value_type=_value_type(hints[f.name]), **f.metadata["factor"])
        for f in fields(Configuration)
    }


FACTOR_KINDS: dict[str, FactorKind] = _kinds()
"""Every factor that tunebook knows, by name, in field order."""


def _is_later_default(name: str, value: Any) -> bool:
    kind = FACTOR_KINDS[name]
    return kind.later and bool(value == kind.default)
