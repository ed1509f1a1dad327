"""What the Trainer does after a backward pass, for one trial: clip, AdamW, schedule. Each trial has its own.

An adapter is one flat vector, so clipping is one norm and AdamW is one fused call over it. Defaults are those of
transformers 5: beta1 0.9, epsilon 1e-8; weight decay applies to A and B alike.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, zeros_like

from tunebook.core.configuration import Configuration
from tunebook.core.schedule import rate_factor
from tunebook.engines.packed.model.bank import Adapter
from tunebook.engines.packed.model.ops import AdamwFacts, AdamwVectors

__all__ = ["TrialOptimizer"]

ADAM_BETA1 = 0.9
_CLIP_EPSILON = 1e-6
"""As in torch.nn.utils.clip_grad_norm_."""


class TrialOptimizer:
    """AdamW for one adapter.

    Args:
        adapter: with room for gradients (`want_grads`).
        total_steps: optimiser steps the trial will have.
    """

    def __init__(self, adapter: Adapter, configuration: Configuration, total_steps: int) -> None:
        assert adapter.grads is not None
        self._adapter, self._configuration, self._total = adapter, configuration, total_steps
        ratio = configuration.lora_plus_lr_ratio
        self._shares = adapter.flat(1 / ratio, 1.0) if ratio != 1 else None
        self._joint_steps: int | None = None
        adapter.values.grad = adapter.grads
        self._adamw = torch.optim.AdamW(
            [adapter.values], lr=configuration.learning_rate, betas=(ADAM_BETA1, configuration.adam_beta2),
            weight_decay=configuration.weight_decay, fused=True,
        )  # fmt: skip

    def step(self, step: int) -> tuple[float, float]:
        """Clip, update and clear the gradient; gives the rate used and the norm before clipping.

        With a norm that is not finite nothing is updated: the trial ends there.
        """
        assert self._adapter.grads is not None
        rate = self._configuration.learning_rate * rate_factor(self._configuration, step, self._total)
        norm_0 = torch.linalg.vector_norm(self._adapter.grads)
        norm = float(norm_0)
        if not math.isfinite(norm):
            return rate, norm
        most = self._configuration.max_grad_norm
        if norm + _CLIP_EPSILON > most:
            self._adapter.grads.mul_(most / (norm_0 + _CLIP_EPSILON))
        self._update(rate)
        self._adapter.grads.zero_()
        return rate, norm

    def _update(self, rate: float) -> None:
        """One step of AdamW. With LoRA+ (arXiv:2402.12354) all take the rate of B, and A keeps its share of the way:
        a step of AdamW, weight decay included, is linear in the rate."""
        values = self._adapter.values
        self._adamw.param_groups[0]["lr"] = rate * self._configuration.lora_plus_lr_ratio
        if self._shares is None:
            self._adamw.step()
        else:
            before = values.clone()
            self._adamw.step()
            values.copy_(torch.lerp(before, values, self._shares))

    def vectors(self) -> AdamwVectors:
        """The vectors that a joint update works on; moments are zero before the first step."""
        values, state = self._adapter.values, self._adamw.state[self._adapter.values]
        assert self._adapter.grads is not None
        if not state:
            state |= {"exp_avg": zeros_like(values), "exp_avg_sq": zeros_like(values)}
        return AdamwVectors(values, self._adapter.grads, state["exp_avg"], state["exp_avg_sq"], self._shares)

    def facts(self, step: int) -> tuple[float, AdamwFacts]:
        """The rate of a step, and what a joint update must know of it, which then counts as done."""
        c = self._configuration
        rate = c.learning_rate * rate_factor(c, step, self._total)
        self._joint_steps = step + 1
        corrections = 1 - ADAM_BETA1 ** (step + 1), math.sqrt(1 - c.adam_beta2 ** (step + 1))
        return rate, AdamwFacts(
            rate * c.lora_plus_lr_ratio, c.max_grad_norm, c.weight_decay, c.adam_beta2, *corrections
        )

    def state(self) -> dict[str, Tensor]:
        """What a checkpoint must hold, by name; empty before the first step."""
        state = self._adamw.state.get(self._adapter.values, {})
        if self._joint_steps is not None:
            state["step"] = torch.tensor(float(self._joint_steps))
        return {name: value for name, value in state.items() if isinstance(value, Tensor)}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """The inverse of `state`."""
        if state:
            device = self._adapter.values.device
            self._adamw.state[self._adapter.values] = {name: value.to(device) for name, value in state.items()}
