"""Several arrays to a device in one copy that nobody waits for, and numbers back from it that are read later."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["OnItsWay", "to_device"]


def to_device(device: torch.device, *arrays: NDArray[Any]) -> list[Tensor]:
    """Several arrays in one copy, from memory that the device reads by itself; each begins at a multiple of 8 bytes."""
    if device.type == "cpu":
        return [torch.from_numpy(np.ascontiguousarray(array)) for array in arrays]
    flat = [np.ascontiguousarray(array).view(np.uint8).ravel() for array in arrays]
    starts = np.cumsum([0, *(-(-len(part) // 8) * 8 for part in flat)])
    buffer = torch.empty(int(starts[-1]), dtype=torch.uint8, pin_memory=device.type == "cuda")
    for part, start in zip(flat, starts, strict=False):
        buffer[start : start + len(part)] = torch.from_numpy(part)
    there = buffer.to(device, non_blocking=True)
    return [
        there[start : start + len(part)].view(torch.from_numpy(array).dtype).view(array.shape)
        for array, part, start in zip(arrays, flat, starts, strict=False)
    ]


class OnItsWay:
    """Numbers that go from a device to the host once the device has computed them; nobody waits before `values`.

    Args:
        numbers: shape (n,).
    """

    def __init__(self, numbers: Tensor) -> None:
        self._numbers, self._there = numbers, None
        if numbers.device.type == "cuda":
            self._numbers = torch.empty(numbers.shape, dtype=numbers.dtype, pin_memory=True)
            self._numbers.copy_(numbers, non_blocking=True)
            self._there = torch.cuda.Event()  # type: ignore[no-untyped-call]
            self._there.record(torch.cuda.current_stream(numbers.device))

    def values(self) -> list[float]:
        """The numbers; waits for the device, and for everything that it was given before them."""
        if self._there is not None:
            self._there.synchronize()
        found: list[float] = self._numbers.tolist()
        return found
