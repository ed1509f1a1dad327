"""Answers of hundreds of tokens: packed scoring against plain generation, in turn, on this machine.

    python -m benchmarks.long_answers --layers 4 --examples 32 --tokens 200 --turns 3 --json FILE

A random model of SmolLM2-135M's shape with a random adapter, examples whose prompts begin alike. The plain side is
transformers' own generation on the PEFT model, in batches of 16 as engine `peft` scores; it does not take likelihoods,
which the packed side does, of gold answers that are as long. With `--stops 0.3` that share of the tokens that the model
writes ends an answer, so that answers have unequal lengths. Both sides must give the same answers, up to where two
logits are nearly equal; the share that is equal is printed. Seconds are of processor time, as other work on the machine
disturbs these less.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from benchmarks.gpu_stages import BASE, fill_b, peft_model
from benchmarks.shapes import SHAPES, long_answers, model_of
from tunebook.core.ports import Scoring, TokenizedExample
from tunebook.engines.batched_scoring import SCORING_ROWS, generated
from tunebook.engines.packed.model.bank import new_adapter
from tunebook.engines.packed.model.packed_model import PackedModel
from tunebook.engines.packed.scoring.score import losses, score

__all__ = ["Sides", "sides"]


@dataclass(frozen=True)
class Sides:
    """Both ways of answering some examples; each gives the answers. `likelihoods`: the packed side's alone."""

    packed: Callable[[], Sequence[Any]]
    plain: Callable[[], Sequence[Any]]
    likelihoods: Callable[[], Any]


def sides(config: Any, examples: int, tokens: int, stops: float, threads: int = 1) -> Sides:
    """The two sides on one random model.

    Args:
        stops: share of the tokens that the model writes which ends an answer.
    """
    torch.set_num_threads(threads)
    data = long_answers(examples, config.vocab_size, tokens)
    adapted = peft_model(model_of(config, torch.float32), BASE, 0).eval()
    packed = PackedModel(model_of(config, torch.float32))
    adapter = new_adapter(packed.all_shapes, BASE, 0)
    fill_b(adapter)
    fill_b(adapter, adapted)
    how = Scoring("generate", tokens, (2,))
    if stops:
        written = sorted({token for answer in score(packed, [adapter], data, how)[0].answers for token in answer})
        how = replace(how, stop_ids=(2, *random.Random(0).sample(written, round(stops * len(written)))))
    return Sides(
        lambda: score(packed, [adapter], data, how)[0].answers, lambda: _plain(adapted, data, how),
        lambda: losses(packed, [adapter], data),
    )  # fmt: skip


def _plain(model: Any, data: Sequence[TokenizedExample], how: Scoring) -> list[tuple[int, ...]]:
    answers: list[tuple[int, ...]] = []
    for start in range(0, len(data), SCORING_ROWS):
        answers += generated(model, data[start : start + SCORING_ROWS], how, 0)
    return answers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--examples", type=int, default=32)
    parser.add_argument("--tokens", type=int, default=200)
    parser.add_argument("--stops", type=float, default=0.0)
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    config = SHAPES["135M"](num_hidden_layers=options.layers)
    both = sides(config, options.examples, options.tokens, options.stops)
    seconds: dict[str, list[float]] = {"plain": [], "packed": [], "likelihoods": []}
    answers: dict[str, Sequence[Any]] = {}
    for _ in range(options.turns):
        for name, side in (("plain", both.plain), ("packed", both.packed), ("likelihoods", both.likelihoods)):
            began, used = time.perf_counter(), time.process_time()
            answers[name] = side()
            seconds[name].append(time.process_time() - used)
            print(f"{name:11} {time.perf_counter() - began:6.1f} s, {seconds[name][-1]:6.1f} s of processor time")
    n = {name: sum(map(len, answers[name])) for name in ("plain", "packed")}
    rates = {name: n[name] * options.turns / sum(seconds[name]) for name in n}
    alone = n["packed"] * options.turns / (sum(seconds["packed"]) - sum(seconds["likelihoods"]))
    same = sum(tuple(a) == tuple(b) for a, b in zip(answers["plain"], answers["packed"], strict=True))
    found = {
        "tokens_per_second": rates, "ratio": rates["packed"] / rates["plain"],
        "ratio_without_likelihoods": alone / rates["plain"], "tokens": n,
        "equal_answers": same / options.examples,
    }  # fmt: skip
    print(json.dumps(found))
    if options.json:
        options.json.write_text(json.dumps(found | vars(options), indent=1, default=str) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
