"""Initial values of an adapter, the same for every engine.

They are drawn from a generator that is seeded by the trial's seed and the module's name, so that they depend neither on
the other modules that get an adapter nor on the order in which they are visited. B A is zero, so that every adapter
starts as the base model. Values are drawn on the CPU in float32 and are cast afterwards: a trial starts from the same
numbers on every device.
"""

from __future__ import annotations

import hashlib
import math

import torch
from torch import Tensor

from tunebook.engines.starts import DRAWN

__all__ = ["initial_values"]

_SEED_BITS = 63


def initial_values(
    seed: int, module_name: str, rank: int, n_in: int, n_out: int, kind: str = "kaiming"
) -> tuple[Tensor, Tensor]:
    """The first values of the adapter's A and B for one module.

    Args:
        seed: the trial's seed.
        module_name: the module's dotted name in the base model, such as "model.layers.0.self_attn.q_proj".
        rank: rank of the adapter, R.
        n_in, n_out: features of the module, D and O.
        kind: one of `DRAWN`. "kaiming": A uniform with bound 1/sqrt(D), PEFT's `init_lora_weights=True`; "gaussian": A
            normal with standard deviation 1/R; both with B zero. "orthogonal": A and B normal within two halves of the
            rank that are orthogonal to each other.

    Returns: A of shape (R, D), B of shape (O, R), float32, on the CPU.
    Raises: ValueError: an unknown kind, or an odd rank with "orthogonal".
    Source: peft.tuners.lora.layer.LoraLayer: reset_lora_parameters, orthogonal_init.
    """
    generator = torch.Generator().manual_seed(_seed_of(seed, module_name))
    a_RD, b_OR = torch.empty(rank, n_in), torch.zeros(n_out, rank)
    if kind == "kaiming":
        bound = 1 / math.sqrt(n_in)
        return a_RD.uniform_(-bound, bound, generator=generator), b_OR
    if kind == "gaussian":
        return a_RD.normal_(std=1 / rank, generator=generator), b_OR
    if kind == "orthogonal" and rank % 2 == 0:
        q_RR = torch.linalg.qr(torch.randn(rank, rank, generator=generator))[0]
        a_RD = (torch.randn(n_in, rank // 2, generator=generator) @ q_RR[0::2]).T / 10
        return a_RD, torch.randn(rank // 2, n_out, generator=generator).T @ q_RR[1::2] / 10
    raise ValueError(
        f"init_lora_weights: got {kind!r} with rank {rank}; it is one of {', '.join(DRAWN)}, orthogonal with an even "
        "rank. Set init_lora_weights in the study file."
    )


def _seed_of(seed: int, module_name: str) -> int:
    digest = hashlib.sha256(f"{seed}:{module_name}".encode()).digest()
    return int.from_bytes(digest[:8], "little") >> (64 - _SEED_BITS)
