"""Kernels, copies to the device and reads from it in one training step, counted without a GPU.

    python -m benchmarks.launches --adapters 1,8,32 --json FILE

The step runs on the CPU with the operations of the CUDA path. Triton's kernels count as one each and are left out, so
its numbers mean nothing; every other operation that is no view counts as one. FlexAttention has no backward pass on the
CPU: torch attends there, counted as what FlexAttention launches, one kernel forward and three backward. Kernels a layer
are the difference between models of two depths, so they hold for any depth. Not in it: what a step launches once for
FlexAttention's block mask, and one more copy for it.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any
from unittest.mock import patch

os.environ.setdefault("TRITON_INTERPRET", "1")

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from benchmarks.shapes import SHAPES, TINY, model_of, trec_like
from tunebook.core.configuration import Configuration
from tunebook.core.ports import TrialJob
from tunebook.engines.packed.model import attention, batches, transfer, triton_ops
from tunebook.engines.packed.model.packed_model import PackedModel
from tunebook.engines.packed.training import losses
from tunebook.engines.packed.training.loop import train_together
from tunebook.engines.packed.training.trainee import Trainee

__all__ = ["counted"]

DEPTHS = (2, 4)
FLEX_FORWARD, FLEX_BACKWARD = 1, 3
_NO_KERNELS = {
    "view", "_unsafe_view", "t", "transpose", "permute", "expand", "slice", "select", "as_strided", "detach", "alias",
    "unsqueeze", "squeeze", "split", "chunk", "unbind", "split_with_sizes", "_reshape_alias", "lift_fresh", "empty",
    "empty_like", "new_empty", "empty_strided", "new_empty_strided", "is_same_size", "_local_scalar_dense",
}  # fmt: skip


class Counter(TorchDispatchMode):
    """Counts operations; those inside `as_launches` count as what is said there."""

    def __init__(self) -> None:
        super().__init__()
        self.kernels = self.copies = self.reads = 0
        self._inside = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func._schema.name.split("::")[1]
        if not self._inside:
            self.reads += name == "_local_scalar_dense"
            self.kernels += name not in _NO_KERNELS
        return func(*args, **(kwargs or {}))

    def as_launches(self, work: Any, kernels: int, copies: int = 0) -> Any:
        """A function that counts as so many kernels and copies, whatever it does here."""

        def counted(*args: Any, **kwargs: Any) -> Any:
            if not self._inside:
                self.kernels += kernels
                self.copies += copies
            self._inside += 1
            try:
                return work(*args, **kwargs)
            finally:
                self._inside -= 1

        return counted


def counted(adapters: int, rank: int = 8, dropout: float = 0.1) -> dict[str, float]:
    """Of a step of some adapters, effective batch 8: kernels a layer and beside them, copies, reads."""
    found = [_step(adapters, layers, rank, dropout) for layers in DEPTHS]
    a_layer = (found[1].kernels - found[0].kernels) / (DEPTHS[1] - DEPTHS[0])
    return {
        "adapters": adapters, "kernels_per_layer": a_layer, "kernels_beside": found[0].kernels - DEPTHS[0] * a_layer,
        "copies": found[1].copies, "reads": found[1].reads,
    }  # fmt: skip


def _left_out(*_: Any) -> None:
    """In the place of a launch."""


def _step(adapters: int, layers: int, rank: int, dropout: float) -> Counter:
    config = SHAPES["135M"](**{**TINY, "num_hidden_layers": layers})
    packed = PackedModel(model_of(config, torch.bfloat16), triton_ops.TritonOps(torch.device("cpu")))
    configuration = Configuration(
        lora_r=rank, lora_alpha=16, lora_dropout=dropout, target_modules="all-linear", per_device_train_batch_size=8
    )
    data = trec_like(16, config.vocab_size)
    trainees = [
        Trainee(
            TrialJob(id=seed, configuration=configuration, seed=seed, splits=(), folder=""),
            data,
            packed.all_shapes,
            10**6,
        )
        for seed in range(adapters)
    ]
    with patch.object(triton_ops, "launch", _left_out):
        train_together(packed, trainees)  # tables of the cohort are copied with its first step
    counter = Counter()
    tensor, to_device, tolist = torch.tensor, transfer.to_device, torch.Tensor.tolist
    forward, backward = attention._Attention.forward, attention._Attention.backward

    def read(values: torch.Tensor) -> Any:
        counter.reads += 1
        return counter.as_launches(tolist, 0)(values)

    with (
        counter,
        patch.object(triton_ops, "launch", counter.as_launches(_left_out, 1)),
        patch.object(triton_ops, "to_device", counter.as_launches(to_device, 0, copies=1)),
        patch.object(batches, "to_device", counter.as_launches(to_device, 0, copies=1)),
        patch.object(losses, "to_device", counter.as_launches(to_device, 0, copies=1)),
        patch.object(torch, "tensor", counter.as_launches(tensor, 0, copies=1)),
        patch.object(torch.Tensor, "tolist", read),
        patch.object(attention._Attention, "forward", staticmethod(counter.as_launches(forward, FLEX_FORWARD))),
        patch.object(attention._Attention, "backward", staticmethod(counter.as_launches(backward, FLEX_BACKWARD))),
        patch.object(attention, "_blocks", counter.as_launches(attention._blocks, 0)),
    ):
        train_together(packed, trainees)
    return counter


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--adapters", default="1,8,32")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    found = []
    for adapters in map(int, arguments.adapters.split(",")):
        found.append(counted(adapters))
        print("  ".join(f"{name} {value:g}" for name, value in found[-1].items()), flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
