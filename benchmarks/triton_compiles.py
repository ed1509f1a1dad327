"""Compiles Triton's kernels for cards without one: that they compile, and fit into the cards' shared memory.

    python -m benchmarks.triton_compiles [--cards 80,89]

The interpreter, in which the tests run the kernels, takes programs that the compiler refuses. What kernels are given
is noted in steps of a small model, for several ranks, with and without dropout; a process without the interpreter then
compiles each of them as for that card.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from typing import Any
from unittest.mock import patch

__all__ = ["SHARED_BYTES", "compiled", "launched", "main"]

SHARED_BYTES = {"80": 166_912, "86": 101_376, "89": 101_376, "90": 232_448}
"""Most shared memory of a block, by compute capability (CUDA programming guide, technical specifications)."""
RANKS = (16, 128)
TYPES = {"float32": "fp32", "bfloat16": "bf16", "int32": "i32", "int64": "i64", "float64": "fp64"}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cards", default="89", help=f"compute capabilities among {', '.join(SHARED_BYTES)}")
    parser.add_argument("--compile", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.compile:
        return compiled(json.load(sys.stdin), options.cards.split(","))
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    command = [sys.executable, "-m", "benchmarks.triton_compiles", "--compile", "--cards", options.cards]
    return subprocess.run(command, input=json.dumps(launched()), text=True, env=environment).returncode


def launched() -> list[list[Any]]:
    """Of each kernel's launches that differ: its name and its arguments, tensors as the type that they point to."""
    os.environ["TRITON_INTERPRET"] = "1"
    import torch

    from benchmarks.shapes import SHAPES, TINY, model_of, trec_like
    from tunebook.core.configuration import Configuration
    from tunebook.core.ports import TrialJob
    from tunebook.engines.packed.model import triton_kernels, triton_ops
    from tunebook.engines.packed.model.packed_model import PackedModel
    from tunebook.engines.packed.training.loop import train_together
    from tunebook.engines.packed.training.trainee import Trainee

    names = {id(getattr(triton_kernels, name)): name for name in triton_kernels.__all__}
    found: dict[str, list[Any]] = {}

    def launch(kernel: Any, grid: tuple[int, ...], *arguments: Any) -> None:
        """Note what a kernel is given; it does nothing, and what a trial would break at is zero."""
        given = ["*" + TYPES[str(a.dtype)[6:]] if isinstance(a, torch.Tensor) else a for a in arguments]
        name = names[id(kernel)]
        if name in ("squares", "label_loss"):
            arguments[2 if name == "squares" else 4].zero_()
        sizes = [a for a in given if isinstance(a, str | bool)] + list(given[-3:])
        found.setdefault(json.dumps([name, *sizes]), [name, *given])

    config = SHAPES["135M"](**TINY)
    data = trec_like(24, config.vocab_size)
    with patch.object(triton_ops, "launch", launch):
        for dtype in (torch.float32, torch.bfloat16):
            packed = PackedModel(model_of(config, dtype), triton_ops.TritonOps(torch.device("cpu")))
            for rank in RANKS:
                for dropout in (0.0, 0.1):
                    c = Configuration(lora_r=rank, lora_alpha=16, lora_dropout=dropout, target_modules="all-linear")
                    job = TrialJob(id=0, configuration=c, seed=0, splits=(), folder="")
                    train_together(packed, [Trainee(job, data, packed.all_shapes, 8192)])
    return list(found.values())


def compiled(launches: list[list[Any]], cards: list[str]) -> int:
    """Compile each launch for each card and say what it takes; how many could not be, or take too much."""
    import triton
    from triton.backends.compiler import GPUTarget

    from tunebook.engines.packed.model import triton_kernels

    bad = 0
    for name, *arguments in launches:
        kernel = getattr(triton_kernels, name)
        signature: dict[str, str] = {}
        constants: dict[tuple[int, ...], Any] = {}
        for place, (parameter, value) in enumerate(zip(kernel.params, arguments, strict=True)):
            if parameter.is_constexpr or value == 1:
                signature[parameter.name], constants[place,] = "constexpr", value
            else:
                kinds = {bool: "i1", int: "i32", float: "fp32"}
                signature[parameter.name] = value if isinstance(value, str) else kinds[type(value)]
        shown = " ".join(f"{kernel.params[place[0]].name}={value}" for place, value in constants.items())
        for card in cards:
            source = triton.compiler.ASTSource(fn=kernel, signature=signature, constexprs=constants)
            try:
                shared = triton.compile(source, target=GPUTarget("cuda", int(card), 32)).metadata.shared
            except Exception as error:
                bad += 1
                print(f"{name:14} card {card}: does not compile: {str(error)[-400:]}")
                continue
            if shared > SHARED_BYTES[card]:
                bad += 1
                print(f"{name:14} card {card}: {shared} bytes of shared memory, it has {SHARED_BYTES[card]} ({shown})")
    print(
        f"{len(launches)} launches of {len({name for name, *_ in launches})} kernels for {', '.join(cards)}: {bad} bad"
    )
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
