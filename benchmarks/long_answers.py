"""Answers of hundreds of tokens: packed scoring against plain generation, in turn, on this machine.

    python -m benchmarks.long_answers --layers 4 --examples 32 --tokens 200 --turns 3 --json FILE
    python -m benchmarks.long_answers --model smollm2 --data FILE.jsonl --examples 48 --tokens 256 --adapters 1,8

A random model of SmolLM2-135M's shape with examples whose prompts begin alike, or a model's folder and the first rows
of a file. The adapters are random and of rank 16. The plain side is transformers' own generation on the PEFT model, in
batches of 16 as engine `peft` scores, of one adapter; it does not take likelihoods, which the packed side does, of gold
answers that are as long. With `--stops 0.3` that share of the tokens that the model writes ends an answer, so that
answers have unequal lengths. Both sides must give the same answers for the first adapter, up to where two logits are
nearly equal; the share that is equal is printed. Seconds are of processor time, as other work on the machine disturbs
these less. `ratio` is by adapter: of N adapters in the packed side against N times the plain side's seconds.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from benchmarks.gpu_checked import BASE, fill_b, peft_model
from benchmarks.shapes import SHAPES, long_answers, model_of
from benchmarks.table import model_folder, read_examples, read_rows
from tunebook.core.ports import Scoring, TokenizedExample
from tunebook.engines.batched_scoring import SCORING_ROWS, generated
from tunebook.engines.packed.model.bank import new_adapter
from tunebook.engines.packed.model.packed_model import PackedModel
from tunebook.engines.packed.scheduling.memory import free_bytes
from tunebook.engines.packed.scoring.score import losses, score

__all__ = ["Sides", "sides"]


@dataclass(frozen=True)
class Sides:
    """Both ways of answering some examples; each gives the answers of the first adapter.

    Attributes:
        packed: takes how many adapters are scored together.
        likelihoods: the packed side's alone, for so many adapters.
    """

    packed: Callable[[int], Sequence[Any]]
    plain: Callable[[], Sequence[Any]]
    likelihoods: Callable[[int], Any]


def sides(
    make: Callable[[], Any], data: Sequence[TokenizedExample], how: Scoring, adapters: int, stops: float = 0.0
) -> Sides:
    """The two sides on one model.

    Args:
        make: gives a fresh copy of the model.
        adapters: the most that are scored together; they have different values.
        stops: share of the tokens that the model writes which ends an answer.
    """
    adapted = peft_model(make(), BASE, 0).eval()
    packed = PackedModel(make())
    packed.lay_out_weights(free_bytes(str(packed.device)))
    bank = [new_adapter(packed.all_shapes, BASE, seed) for seed in range(adapters)]
    for adapter in bank:
        fill_b(adapter)
    fill_b(bank[0], adapted)
    if stops:
        written = sorted({token for answer in score(packed, bank[:1], data, how)[0].answers for token in answer})
        how = replace(how, stop_ids=(*how.stop_ids, *random.Random(0).sample(written, round(stops * len(written)))))
    return Sides(
        lambda n: score(packed, bank[:n], data, how)[0].answers, lambda: _plain(adapted, data, how),
        lambda n: losses(packed, bank[:n], data),
    )  # fmt: skip


def _plain(model: Any, data: Sequence[TokenizedExample], how: Scoring) -> list[tuple[int, ...]]:
    answers: list[tuple[int, ...]] = []
    for start in range(0, len(data), SCORING_ROWS):
        answers += generated(model, data[start : start + SCORING_ROWS], how, 0)
    return answers


def _sides_of(options: argparse.Namespace, adapters: int) -> Sides:
    if options.model is None:
        config = SHAPES["135M"](num_hidden_layers=options.layers)
        data = long_answers(options.examples, config.vocab_size, options.tokens)
        how = Scoring("generate", options.tokens, (2,))
        return sides(lambda: model_of(config, torch.float32), data, how, adapters, options.stops)
    from transformers import AutoModelForCausalLM

    from tunebook.engines.base_model import load_tokenizer

    folder = model_folder(options.model)
    tokenizer = load_tokenizer(str(folder))
    data = read_examples(tokenizer, read_rows(options.data, options.examples))
    how = Scoring("generate", options.tokens, (tokenizer.eos_token_id,))
    return sides(
        lambda: AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32), data, how, adapters, options.stops
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layers", type=int, default=4, help="of the random model")
    parser.add_argument("--model", help="folder of a base model, or smollm2, in the place of the random one")
    parser.add_argument("--data", type=Path, help="JSON Lines file for it")
    parser.add_argument("--adapters", default="1", help="numbers of adapters that are scored together")
    parser.add_argument("--examples", type=int, default=32)
    parser.add_argument("--tokens", type=int, default=200)
    parser.add_argument("--stops", type=float, default=0.0)
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--answers-only", action="store_true", help="do not measure likelihoods by themselves")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    numbers = [int(n) for n in options.adapters.split(",")]
    both = _sides_of(options, max(numbers))
    runs: dict[str, Callable[[], Sequence[Any]]] = {"plain": both.plain}
    for n in numbers:
        runs[f"packed {n}"] = partial(both.packed, n)
        if not options.answers_only:
            runs[f"likelihoods {n}"] = partial(both.likelihoods, n)
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    answers: dict[str, Sequence[Any]] = {}
    for _ in range(options.turns):
        for name, side in runs.items():
            began, used = time.perf_counter(), time.process_time()
            answers[name] = side()
            seconds[name].append(time.process_time() - used)
            print(f"{name:13} {time.perf_counter() - began:6.1f} s, {seconds[name][-1]:6.1f} s of processor time")
    spent = {name: sum(values) / options.turns for name, values in seconds.items()}
    found: dict[str, Any] = {"tokens": sum(map(len, answers["plain"])), "seconds": spent}
    for n in numbers:
        packed = answers[f"packed {n}"]
        same = sum(tuple(a) == tuple(b) for a, b in zip(answers["plain"], packed, strict=True))
        found[f"adapters {n}"] = {
            "ratio": n * spent["plain"] / spent[f"packed {n}"],
            "equal_answers": same / len(packed),
        }
        if not options.answers_only:
            writing = spent[f"packed {n}"] - spent[f"likelihoods {n}"]
            found[f"adapters {n}"]["ratio_without_likelihoods"] = n * spent["plain"] / writing
    print(json.dumps(found, indent=1))
    if options.json:
        options.json.write_text(json.dumps(found | vars(options), indent=1, default=str) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
