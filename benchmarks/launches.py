"""Kernels, copies to the device and reads from it in one training step, counted on a pretended GPU.

    python -m benchmarks.launches --adapters 1,8,32 --json FILE

The step runs as on a card (`pretended_card.py`): tables, copies and reads are those of the product, and an operation
that a card would refuse raises. Triton's kernels count as one each, and FlexAttention as what it launches, one kernel
forward and three backward; they are left out, so the numbers mean nothing. Kernels a layer are the difference between
models of two depths, so they hold for any depth. Counted is a step in the middle of an epoch whose trials have been
together before; what ends an epoch is read at once, and a cohort that is put together anew copies tables of its own.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

os.environ.setdefault("TRITON_INTERPRET", "1")

import torch
from torch import Tensor

from benchmarks.pretended_card import CARD, PretendedCard
from benchmarks.shapes import SHAPES, TINY, model_of, trec_like
from tunebook.core.configuration import Configuration
from tunebook.core.ports import TokenizedExample, TrialJob
from tunebook.engines.packed.model import attention, triton_kernels, triton_ops
from tunebook.engines.packed.model.batches import Batch
from tunebook.engines.packed.model.packed_model import PackedModel
from tunebook.engines.packed.training.loop import Training
from tunebook.engines.packed.training.trainee import Trainee

__all__ = ["counted", "pretended", "steady_step", "trainees_on"]

DEPTHS = (2, 3)
FLEX_FORWARD, FLEX_BACKWARD = 1, 3


def counted(adapters: int, rank: int = 8, dropout: float = 0.1) -> dict[str, float]:
    """Of a step of some adapters, effective batch 8: kernels a layer and beside them, copies, reads, waits."""
    found = [_step(adapters, layers, rank, dropout) for layers in DEPTHS]
    a_layer = (found[1].kernels - found[0].kernels) / (DEPTHS[1] - DEPTHS[0])
    return {
        "adapters": adapters, "kernels_per_layer": a_layer, "kernels_beside": found[0].kernels - DEPTHS[0] * a_layer,
        "copies": found[1].copies, "reads": found[1].reads, "waits": found[1].waits,
    }  # fmt: skip


def _step(adapters: int, layers: int, rank: int, dropout: float) -> PretendedCard:
    configuration = Configuration(
        lora_r=rank, lora_alpha=16, lora_dropout=dropout, target_modules="all-linear", per_device_train_batch_size=8
    )
    with pretended() as card:
        packed = packed_on(card, layers)
        data = trec_like(40, packed.vocabulary)
        steady_step(card, packed, trainees_on(packed, [configuration] * adapters, data))
    return card


@contextmanager
def pretended(run_kernels: bool = False) -> Iterator[PretendedCard]:
    """A pretended card on which Triton's kernels count.

    Args:
        run_kernels: they also run, in Triton's interpreter; else what they would write is left as it is.
    """
    card = PretendedCard()
    real = triton_ops.launch

    def launch(kernel: Any, grid: tuple[int, ...], *arguments: Any) -> None:
        if run_kernels:
            real(kernel, grid, *arguments)
        elif kernel is triton_kernels.squares:
            arguments[2].zero_()  # of norms that are no numbers a trial would end

    def named(kernel: Any, grid: tuple[int, ...], *arguments: Any) -> None:
        card.as_launches(launch, 1, kernel.__name__)(kernel, grid, *arguments)

    def attend_tree(
        batch: Batch, q_HNE: Tensor, k_GNE: Tensor, v_GNE: Tensor, scaling: float, window: int | None,
        softcap: float | None,
    ) -> Tensor:  # fmt: skip
        assert triton_ops.tree_mask(batch, window, q_HNE.device) is not None
        blocks = None
        if run_kernels:
            with card.unseen():
                blocks = attention._blocks(batch, window, q_HNE.device)
        q, k, v = (t.transpose(0, 1) for t in (q_HNE, k_GNE, v_GNE))
        return cast(Tensor, _Attended.apply(q, k, v, card, blocks, scaling, softcap))

    with card, patch.object(triton_ops, "launch", named), patch.object(triton_ops, "attend_tree", attend_tree):
        yield card


class _Attended(torch.autograd.Function):
    """In the place of FlexAttention: torch's attention, or, without blocks, no numbers that mean anything."""

    @staticmethod
    def forward(
        ctx: Any, q: Tensor, k: Tensor, v: Tensor, card: PretendedCard, blocks: Any, scaling: float,
        softcap: float | None,
    ) -> Tensor:  # fmt: skip
        ctx.card, ctx.computed, ctx.shapes = card, blocks is not None, [t.shape for t in (q, k, v)]
        forward = attention._Attention.forward if blocks is not None else lambda _, q, *__: torch.zeros_like(q)
        return cast(
            Tensor, card.as_launches(forward, FLEX_FORWARD, "flex")(ctx, q, k, v, blocks, scaling, softcap, None)
        )

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Any, ...]:
        backward = attention._Attention.backward if ctx.computed else _no_gradients
        found = ctx.card.as_launches(backward, FLEX_BACKWARD, "flex_backward")(ctx, *grads)
        return (*found[:3], None, None, None, None)


def _no_gradients(ctx: Any, grad: Tensor) -> list[Tensor]:
    return [grad.new_zeros(shape) for shape in ctx.shapes]


def packed_on(card: PretendedCard, layers: int, dtype: torch.dtype = torch.bfloat16) -> PackedModel:
    """A tiny model of the shape of SmolLM2-135M on the card."""
    config = SHAPES["135M"](**{**TINY, "num_hidden_layers": layers})
    return PackedModel(card.put(model_of(config, dtype)), triton_ops.TritonOps(CARD))


def trainees_on(
    packed: PackedModel, configurations: Sequence[Configuration], data: Sequence[TokenizedExample]
) -> list[Trainee]:
    """A trial of each configuration; seeds count from 0."""
    jobs = [
        TrialJob(id=seed, configuration=c, seed=seed, splits=(), folder="") for seed, c in enumerate(configurations)
    ]
    kind = {"dtype": packed.adapter_dtype, "device": packed.device}
    return [Trainee(job, data, packed.all_shapes, 10**6, **kind) for job in jobs]


def steady_step(card: PretendedCard, packed: PackedModel, trainees: Sequence[Trainee]) -> None:
    """Three steps, of which the last is counted: the first copies the cohort's tables, and shows which windows the
    model has."""
    training = Training(packed)
    training.step(trainees)
    training.step(trainees)
    card.forget()
    training.step(trainees)


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
