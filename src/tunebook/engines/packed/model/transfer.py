"""Several arrays to a device in one copy that nobody waits for, and numbers back from it that are read later."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["OnItsWay", "apart", "to_device", "together"]


def to_device(device: torch.device, *arrays: NDArray[Any]) -> list[Tensor]:
    """Several arrays in one copy, from memory that the device reads by itself; each begins at a multiple of 8 bytes."""
    if device.type == "cpu":
        return [torch.from_numpy(np.ascontiguousarray(array)) for array in arrays]
    return apart(together(device, arrays).to(device, non_blocking=True), arrays)


def together(device: torch.device, arrays: Sequence[NDArray[Any]]) -> Tensor:
    """The bytes of several arrays in one piece of the host's memory, uint8, from which a device may copy by itself."""
    flat = [np.ascontiguousarray(array).view(np.uint8).ravel() for array in arrays]
    starts = _starts(arrays)
    buffer = torch.empty(starts[-1], dtype=torch.uint8, pin_memory=device.type == "cuda")
    for part, start in zip(flat, starts, strict=False):
        buffer[start : start + len(part)] = torch.from_numpy(part)
    return buffer


def apart(buffer: Tensor, arrays: Sequence[NDArray[Any]]) -> list[Tensor]:
    """The arrays in a copy of what `together` gave; of the arrays only type and shape are looked at."""
    return [
        buffer[start : start + array.nbytes].view(torch.from_numpy(np.empty(0, dtype=array.dtype)).dtype)
        .view(array.shape)
        for array, start in zip(arrays, _starts(arrays), strict=False)
    ]  # fmt: skip


def _starts(arrays: Sequence[NDArray[Any]]) -> list[int]:
    """Where each array begins, and how many bytes there are."""
    return [0, *accumulate(-(-array.nbytes // 8) * 8 for array in arrays)]


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
