"""How many rows a forward has and how many trials train at a time, from measured memory and the machine's kind.

On a CPU a forward of about 512 rows reaches the multiply rate of any larger one and its activations still fit the
caches; on a GPU more rows fill the chip. Memory is predicted from the model's shapes and checked by what is free.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psutil
import torch

from tunebook.core.configuration import Configuration
from tunebook.engines.packed.model.bank import ModuleShape

__all__ = ["MemoryPlan", "adapter_bytes", "free_bytes", "peak_bytes", "plan_memory", "row_bytes"]

CPU_ROWS = 512
"""Rows a forward on a CPU: the multiply rate no longer grows beyond (docs/engine.md)."""
GPU_ROWS = 8192
MAX_SLOTS = 64
MIN_SLOTS = 1
_SHARE_OF_FREE = 0.8
"""Part of the free memory that is planned with: the rest is for what the prediction does not see."""
_STATES = 5
"""Vectors of an adapter's size while it trains: values, gradients (two while a long step is computed), two moments."""


@dataclass(frozen=True)
class MemoryPlan:
    """How a cohort is cut.

    Attributes:
        rows: computed tokens a forward, so also of a trial's micro-batch; a trial's last bits depend on it.
        slots: trials in training at a time.
    """

    rows: int
    slots: int


def row_bytes(shapes: Sequence[ModuleShape], hidden: int, itemsize: int) -> int:
    """Bytes that training keeps a row between forward and backward: each group's input, each module's output, and about
    four more vectors of the hidden size a layer (norms, attention weights)."""
    n_layers = max(1, sum(shape.name.endswith(("o_proj", "dense")) for shape in shapes))
    groups = {shape.group: shape.n_in for shape in shapes}
    inputs, outputs = sum(groups.values()), sum(shape.n_out for shape in shapes)
    return (inputs + outputs + 4 * n_layers * hidden) * itemsize


def adapter_bytes(shapes: Sequence[ModuleShape], rank: int, itemsize: int = 4) -> int:
    """Bytes of one adapter in training."""
    return _STATES * itemsize * rank * sum(shape.n_in + shape.n_out for shape in shapes)


def plan_memory(
    shapes: Sequence[ModuleShape], hidden: int, itemsize: int, device: str, limit: int | None = None,
    largest: Configuration | None = None, slots: int | None = None, lanes: int = 1,
) -> MemoryPlan:  # fmt: skip
    """A plan that fits, with at least one slot and 16 rows.

    Args:
        limit: bytes that may be used in all; None: what is free now.
        largest: configuration of the largest adapter expected; None: rank 64.
        slots: trials in training at a time, when they are given.
        lanes: forwards that are computed at the same time.
    """
    free = free_bytes(device) if limit is None else min(free_bytes(device), max(0, limit - used_bytes(device)))
    room = int(free * _SHARE_OF_FREE)
    rows = GPU_ROWS if device.startswith("cuda") else CPU_ROWS
    per_row = lanes * row_bytes(shapes, hidden, itemsize)
    per_trial = adapter_bytes(shapes, largest.lora_r if largest else 64)
    fits = max(MIN_SLOTS, (room - rows * per_row) // per_trial)
    wanted = slots if slots is not None else _useful_slots(lanes * rows)
    n_slots = int(max(MIN_SLOTS, min(wanted, fits, MAX_SLOTS)))
    rows = int(max(16, min(rows, (room - n_slots * per_trial) // per_row)))
    return MemoryPlan(rows, n_slots)


def _useful_slots(rows: int) -> int:
    """Trials that keep every forward full: a step of a short-answer task has 75 to 250 computed tokens."""
    return max(4, rows // 128)


def free_bytes(device: str) -> int:
    """Bytes that could still be taken on a device."""
    if device.startswith("cuda"):
        return int(torch.cuda.mem_get_info(device)[0])
    return int(psutil.virtual_memory().available)


def used_bytes(device: str) -> int:
    """Bytes that this process holds on a device now."""
    if device.startswith("cuda"):
        return int(torch.cuda.memory_allocated(device))
    return int(psutil.Process().memory_info().rss)


def peak_bytes(device: str) -> int:
    """The most this process has held on a device so far."""
    if device.startswith("cuda"):
        return int(torch.cuda.max_memory_allocated(device))
    if sys.platform == "win32":
        memory: Any = psutil.Process().memory_info()
        return int(memory.peak_wset)
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak if sys.platform == "darwin" else peak * 1024)
