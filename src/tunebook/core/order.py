"""The order in which a trial sees its training examples: the same for every engine."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["example_order", "steps_per_epoch", "warmup_count"]


def example_order(seed: int, epoch: int, n: int) -> NDArray[np.int64]:
    """The order of n examples in one epoch (counted from 0), a pure function of seed and epoch; shape (n,), int64.

    Drawn from NumPy's Philox counter generator, whose stream is stable across versions and machines.
    """
    generator = np.random.Generator(np.random.Philox(key=[seed, epoch]))
    return generator.permutation(n).astype(np.int64)


def steps_per_epoch(n: int, effective_batch_size: int) -> int:
    """Optimiser steps per epoch; the last one may have fewer rows, as in the Trainer."""
    return -(-n // effective_batch_size)


def warmup_count(warmup_steps: float, total_steps: int) -> int:
    """Warm-up in steps: a count is returned as it is; below 1 it is a share of all steps, rounded up
    (transformers 5)."""
    return int(warmup_steps) if warmup_steps >= 1 else math.ceil(total_steps * warmup_steps)
