"""How fast this machine multiplies matrices of the model's own shapes, forward and for the input gradient.

    python -m benchmarks.multiply_rate --model DIR [--rows 128,256,512,1024] [--threads N] [--json FILE]

What training a LoRA adapter costs at the very least: each linear layer of the base once forward (x W^T) and once for
the gradient of its input (g W), by the library that is faster on this machine (`packed.multiplies`). The weights are
cycled through like the layers of a model, so that they come from memory and not from a cache that a real step would not
find warm.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from benchmarks.table import model_folder
from tunebook.engines.packed.model.multiplies import base_input_grad, base_linear

__all__ = ["LayerShapes", "layer_shapes", "multiply_rate", "rate_curve"]

WEIGHTS_BYTES = 96 * 2**20
"""Weights cycled through: three times the last-level cache of a common server core complex (32 MiB)."""
DEFAULT_ROWS = (128, 256, 512, 1024)


@dataclass(frozen=True)
class LayerShapes:
    """The linear layers of a model.

    Attributes:
        linears: (out, in) of each linear layer of one decoder layer.
        n_layers: decoder layers.
        head: (vocabulary, hidden) of the output head.
        last: (out, in) of those of the last decoder layer that only label positions need: what follows its attention.
    """

    linears: tuple[tuple[int, int], ...]
    n_layers: int
    head: tuple[int, int]
    last: tuple[tuple[int, int], ...] = ()

    @property
    def layer_parameters(self) -> int:
        """Weights of the linear layers of all decoder layers."""
        return self.n_layers * sum(out * into for out, into in self.linears)

    @property
    def head_parameters(self) -> int:
        return self.head[0] * self.head[1]

    @property
    def adapter_widths(self) -> int:
        """Sum over all adapted linear layers of (in + out): an adapter of rank r on all of them has r times as many
        parameters."""
        return self.n_layers * sum(out + into for out, into in self.linears)


def layer_shapes(folder: Path) -> LayerShapes:
    """Read the shapes from the model's config; builds the model without its weights."""
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.from_pretrained(folder)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    layers = model.get_decoder().layers
    linears, last = (
        tuple(tuple(m.weight.shape) for m in part.modules() if isinstance(m, torch.nn.Linear))
        for part in (layers[0], layers[-1].mlp)
    )
    head = tuple(model.get_output_embeddings().weight.shape)
    return LayerShapes(linears, len(layers), head, last)  # type: ignore[arg-type]


def multiply_rate(
    shapes: LayerShapes, rows: int, *, dtype: torch.dtype = torch.float32, device: str = "cpu", seconds: float = 0.6
) -> float:
    """Floating-point operations a second at `rows` rows: the median of the passes that fit in about `seconds`.

    A multiply-add counts as two operations. Forward and input gradient are done in equal number.
    """
    layer_bytes = sum(out * into for out, into in shapes.linears) * torch.finfo(dtype).bits // 8
    copies = min(shapes.n_layers, max(1, -(-WEIGHTS_BYTES // layer_bytes)))
    modules = [_module(shape, dtype, device) for _ in range(copies) for shape in shapes.linears]
    inputs = {
        shape: (
            torch.randn(rows, shape[1], dtype=dtype, device=device),
            torch.randn(rows, shape[0], dtype=dtype, device=device),
        )
        for shape in set(shapes.linears)
    }
    operations = 4.0 * rows * sum(module.weight.numel() for module in modules)

    def one_pass() -> None:
        for module in modules:
            x, gradient = inputs[tuple(module.weight.shape)]  # type: ignore[index]
            base_linear(module, x)
            base_input_grad(module, gradient)
        if device != "cpu":
            torch.cuda.synchronize()

    one_pass()
    return operations / statistics.median(_timed_passes(one_pass, seconds))


def _module(shape: tuple[int, int], dtype: torch.dtype, device: str) -> torch.nn.Linear:
    out, into = shape
    module = torch.nn.Linear(into, out, bias=False, dtype=dtype, device=device).requires_grad_(False)
    module.weight.copy_(torch.randn(shape, dtype=dtype, device=device))
    return module


def _timed_passes(one_pass: Callable[[], None], seconds: float, at_least: int = 3) -> list[float]:
    passes: list[float] = []
    while len(passes) < at_least or sum(passes) < seconds:
        began = time.perf_counter()
        one_pass()
        passes.append(time.perf_counter() - began)
    return passes


def rate_curve(shapes: LayerShapes, rows: Sequence[int] = DEFAULT_ROWS, **settings: object) -> dict[int, float]:
    """The multiply rate by row count, operations a second."""
    return {n: multiply_rate(shapes, n, **settings) for n in rows}  # type: ignore[arg-type]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="folder of the base model, or smollm2")
    parser.add_argument("--rows", default=",".join(map(str, DEFAULT_ROWS)))
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    curve = rate_curve(layer_shapes(model_folder(args.model)), [int(n) for n in args.rows.split(",")])
    for n, rate in curve.items():
        print(f"{n:6d} rows  {rate / 1e9:7.1f} GFLOP/s")
    if args.json:
        args.json.write_text(json.dumps({"multiply_rate": curve}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
