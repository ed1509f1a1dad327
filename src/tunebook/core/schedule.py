"""The learning rate over the steps of a trial, as transformers.optimization schedules it."""

from __future__ import annotations

import math

from tunebook.core.configuration import Configuration
from tunebook.core.order import warmup_count

__all__ = ["rate_factor", "schedule_arguments"]

MIN_RATE = 0.1
"""Share of the peak rate at which `cosine_with_min_lr` ends."""
DECAY_SHARE = 0.1
"""Share of the steps in which `warmup_stable_decay` falls to 0: a tenth suffices (MiniCPM, arXiv:2404.06395)."""


def schedule_arguments(configuration: Configuration, total_steps: int) -> dict[str, float]:
    """The `lr_scheduler_kwargs` that transformers needs for a schedule, beside its name and its warm-up."""
    if configuration.lr_scheduler_type == "cosine_with_min_lr":
        return {"min_lr_rate": MIN_RATE}
    if configuration.lr_scheduler_type == "warmup_stable_decay":
        return {"num_decay_steps": _decay_steps(configuration, total_steps)}
    return {}


def rate_factor(configuration: Configuration, step: int, total_steps: int) -> float:
    """The factor by which the peak learning rate is multiplied at a step (counted from 0)."""
    kind = configuration.lr_scheduler_type
    if kind == "constant":
        return 1.0
    warmup = warmup_count(configuration.warmup_steps, total_steps)
    if step < warmup:
        return step / max(1, warmup)
    if kind == "constant_with_warmup":
        return 1.0
    if kind == "warmup_stable_decay":
        decay = _decay_steps(configuration, total_steps)
        return _cosine((step - (total_steps - decay)) / max(1, decay)) if step >= total_steps - decay else 1.0
    if kind == "linear":
        return max(0.0, (total_steps - step) / max(1, total_steps - warmup))
    progress = (step - warmup) / max(1, total_steps - warmup)
    least = MIN_RATE if kind == "cosine_with_min_lr" else 0.0
    return least + (1 - least) * max(0.0, _cosine(progress))


def _decay_steps(configuration: Configuration, total_steps: int) -> int:
    warmup = warmup_count(configuration.warmup_steps, total_steps)
    return max(0, min(math.ceil(DECAY_SHARE * total_steps), total_steps - warmup))


def _cosine(progress: float) -> float:
    return 0.5 * (1.0 + math.cos(math.pi * progress))
