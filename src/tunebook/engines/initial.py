"""Initial values of an adapter, the same for every engine.

A is drawn from a generator that is seeded by the trial's seed and the module's name, so that it depends neither on the
other modules that get an adapter nor on the order in which they are visited. B starts at zero, so that every adapter
starts as the base model. Values are drawn on the CPU in float32 and are cast afterwards: a trial starts from the same
numbers on every device.
"""

from __future__ import annotations

import hashlib
import math

import torch
from torch import Tensor

__all__ = ["DRAWN", "initial_a"]

DRAWN = ("kaiming", "gaussian")
"""Levels of `init_lora_weights` that are drawn here."""

_SEED_BITS = 63


def initial_a(seed: int, module_name: str, rank: int, n_in: int, kind: str = "kaiming") -> Tensor:
    """The first value of the adapter's A for one module.

    Args:
        seed: the trial's seed.
        module_name: the module's dotted name in the base model, such as "model.layers.0.self_attn.q_proj".
        rank: rank of the adapter, R.
        n_in: input features of the module, D.
        kind: "kaiming" (uniform with bound 1/sqrt(D): PEFT's `init_lora_weights=True`) or "gaussian" (normal with
            standard deviation 1/R: PEFT's "gaussian").

    Returns: shape (R, D), float32, on the CPU.
    Raises: ValueError: an unknown kind.
    Source: peft.tuners.lora.layer.LoraLayer.reset_lora_parameters.
    """
    generator = torch.Generator().manual_seed(_seed_of(seed, module_name))
    a_RD = torch.empty(rank, n_in)
    if kind == "kaiming":
        bound = 1 / math.sqrt(n_in)
        return a_RD.uniform_(-bound, bound, generator=generator)
    if kind == "gaussian":
        return a_RD.normal_(std=1 / rank, generator=generator)
    raise ValueError(
        f"init_lora_weights: got {kind!r}; it is 'kaiming' or 'gaussian'. Set init_lora_weights in the study file."
    )


def _seed_of(seed: int, module_name: str) -> int:
    digest = hashlib.sha256(f"{seed}:{module_name}".encode()).digest()
    return int.from_bytes(digest[:8], "little") >> (64 - _SEED_BITS)
