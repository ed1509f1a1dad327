"""What the packed engine's memory plan gives on cards of 24 and 80 GB, and how far its bytes a row are from a run.

    python -m benchmarks.memory_plan --json FILE

Needs no GPU: models are made of fake tensors (true shapes, no numbers), whose live bytes are counted while a step runs.
"""

from __future__ import annotations

import argparse
import json
import weakref
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten

from benchmarks.shapes import SHAPES, alpaca_like, model_of
from tunebook.core.configuration import Configuration
from tunebook.core.ports import TrialJob
from tunebook.engines.packed.model import bank, kernels
from tunebook.engines.packed.model.packed_model import PackedModel
from tunebook.engines.packed.scheduling.memory import ModelSize, Needs, plan_memory, row_bytes, trial_bytes
from tunebook.engines.packed.training.step import Piece, gradients
from tunebook.engines.packed.training.trainee import Trainee

__all__ = ["measured_row_bytes", "model_size", "plans"]

GB = 10**9
CONTEXT_BYTES = GB // 2
"""What CUDA and its libraries hold on a card before anything is loaded."""
FOUR_BITS = 4.127 / 8
"""Bytes a weight of nf4 with double quantisation: 4 bits, a scale of 8 bits for 64 weights, and scales of these."""
CARDS = {"24 GB": 24 * 2**30, "80 GB": 80 * 2**30}
DATA = {"short": Needs(trials=(), step_rows=219, longest=74), "long": Needs(trials=(), step_rows=8192, longest=1024)}
"""Eight examples a step: of 74 tokens, most of them shared, and of 1,024 tokens."""
RANK = 16
LAYERS, ROWS = (2, 3), (1030, 2060)
"""Of the measured models and steps; both differences give the bytes of a row in each layer."""


class PeakBytes(TorchDispatchMode):
    """Counts the bytes of all storages that operations make, while they live."""

    def __init__(self, before: tuple[Tensor, ...]) -> None:
        super().__init__()
        self._known: dict[int, Any] = {}
        self.live = self.peak = 0
        for tensor in before:
            self._known[tensor.untyped_storage()._cdata] = None

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for tensor in tree_flatten(out)[0]:
            if isinstance(tensor, Tensor):
                self._see(tensor.untyped_storage())
        return out

    def _see(self, storage: Any) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key in self._known:
            return

        def gone(_: Any) -> None:
            self.live -= size
            del self._known[key]

        self._known[key] = weakref.ref(storage, gone)
        self.live += size
        self.peak = max(self.peak, self.live)


def _zeros(seed: int, name: str, rank: int, n_in: int, n_out: int, kind: str) -> tuple[Tensor, Tensor]:
    """In the place of initial values, which take seconds to draw."""
    return torch.zeros(rank, n_in), torch.zeros(n_out, rank)


def _step_peak(name: str, layers: int, rows: int, tokens: int, recompute: bool) -> tuple[int, int]:
    """Rows and peak bytes of one trial's step, rank 16 and dropout 0.1, in bfloat16."""
    n = max(1, rows // tokens)
    configuration = Configuration(
        lora_r=RANK, lora_dropout=0.1, target_modules="all-linear", per_device_train_batch_size=n, max_length=10**6
    )
    with (
        FakeTensorMode(allow_non_fake_inputs=True),
        patch.object(bank, "initial_values", _zeros),
        patch.object(kernels, "library", lambda: None),  # C code reads numbers, which fake tensors lack
    ):
        model = model_of(SHAPES[name](num_hidden_layers=layers, vocab_size=1024), torch.bfloat16)
        packed = PackedModel(model)
        packed.recompute = recompute
        job = TrialJob(id=0, configuration=configuration, seed=0, splits=(), folder="")
        trainee = Trainee(job, alpaca_like(n, 1000, tokens=tokens), packed.all_shapes, 10**9)
        micros = trainee.micro_batches()
        with PeakBytes(tuple(model.parameters())) as peak:
            gradients(packed, [Piece(trainee, micro, trainee.adapter) for micro in micros])
    return sum(micro.tree.n_tokens for micro in micros), peak.peak


def measured_row_bytes(name: str, tokens: int, recompute: bool) -> int:
    """Bytes that one more row adds to the peak of a step of the whole model, from models of 2 and 3 layers."""
    slopes = []
    for layers in LAYERS:
        (few, less), (many, more) = (_step_peak(name, layers, rows, tokens, recompute) for rows in ROWS)
        slopes.append((more - less) / (many - few))
    a_layer = (slopes[1] - slopes[0]) / (LAYERS[1] - LAYERS[0])
    return round(slopes[0] + (SHAPES[name]().num_hidden_layers - LAYERS[0]) * a_layer)


def model_size(name: str, four_bits: bool = False) -> tuple[ModelSize, int]:
    """A model's size in bfloat16, and the bytes of its weights."""
    with torch.device("meta"):
        packed = PackedModel(model_of(SHAPES[name](), torch.bfloat16, device="meta"))
    sizes = [shape.n_in * shape.n_out for shape in packed.all_shapes]
    linear = sum(sizes)
    others = sum(parameter.numel() for parameter in packed.model.parameters()) - linear
    weights = 2 * others + (round(FOUR_BITS * linear) if four_bits else 2 * linear)
    return replace(ModelSize.of(packed), dequantised=max(sizes) if four_bits else 0), weights


def plans(name: str, four_bits: bool, rank: int = RANK) -> list[dict[str, Any]]:
    """The plan of a first and a second wave, for each card and kind of data."""
    size, weights = model_size(name, four_bits)
    with torch.device("meta"):
        packed = PackedModel(model_of(SHAPES[name](), torch.bfloat16, device="meta"))
    a_trial = trial_bytes(packed.all_shapes, rank)
    rows = []
    for card, total in CARDS.items():
        for data, needs in DATA.items():
            free = total - CONTEXT_BYTES - weights
            plan = plan_memory(size, replace(needs, trials=(a_trial,)), "cuda:0", free)
            rows.append({
                "model": name, "weights": "nf4" if four_bits else "bf16", "weight_bytes": weights, "card": card,
                "data": data, "rank": rank, "trial_bytes": a_trial,
                "row_bytes": row_bytes(size, needs.longest, plan.recompute), **asdict(plan),
            })  # fmt: skip
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--no-measure", action="store_true", help="leave the runs with fake tensors out")
    arguments = parser.parse_args()
    found: dict[str, Any] = {"plans": [], "row_bytes": []}
    for name in SHAPES:
        for four_bits in (False, True):
            found["plans"] += plans(name, four_bits)
    print("model  weights  card   data   rank  slots   rows  recomputed")
    for p in found["plans"]:
        print(f"{p['model']:6} {p['weights']:7} {p['card']:6} {p['data']:6} {p['rank']:4}", end="  ")
        print(f"{p['slots']:5}  {p['rows']:5}  {'yes' if p['recompute'] else 'no'}")
    for name in () if arguments.no_measure else SHAPES:
        size, _ = model_size(name)
        for tokens in (206, 1000):
            for recompute in (False, True):
                measured, planned = measured_row_bytes(name, tokens, recompute), row_bytes(size, tokens, recompute)
                found["row_bytes"].append({"model": name, "tokens": tokens, "recompute": recompute,
                                           "measured": measured, "planned": planned})  # fmt: skip
                print(f"{name:6} {tokens:5} tokens, recomputed {recompute!s:5}: {measured:>9,} bytes a row measured, "
                      f"{planned:>9,} planned ({planned / measured - 1:+.1%})")  # fmt: skip
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
