"""The files that tunebook and an external trainer exchange for a trial; the trainer's are checked line by line."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np

from tunebook.core.configuration import Configuration
from tunebook.core.factor_kind import Tool
from tunebook.core.facts import StepRecord
from tunebook.core.keywords import config_entries, differences, lora_keywords, training_keywords
from tunebook.core.ports import ChatExample, RawScores, TrialJob, Workload

__all__ = ["PREDICTIONS", "Problem", "delete_inputs", "read_scores", "read_steps", "trainer_entries", "write_inputs"]

PREDICTIONS = "predictions.jsonl"
STEPS = "steps.jsonl"
_LONGEST_LINE = 1 << 20
_MOST_STEPS = 1_000_000
_ROUNDING = 1e-3
"""A likelihood of 1 may come out this much above it."""


class Problem(Exception):
    """Why a program's result cannot be used, as a sentence."""


def predictions_file(split: str) -> str:
    """`predictions.jsonl` for the validation split, `predictions.test.jsonl` for the test split."""
    return PREDICTIONS if split == "validation" else f"predictions.{split}.jsonl"


def write_inputs(folder: Path, output: Path, job: TrialJob, workload: Workload, model: str) -> Path:
    """Make the trial's folder with its data and its configuration; gives the configuration's path."""
    output.mkdir(parents=True)
    data = {}
    for split in ("train", *job.splits):
        data[split] = str(folder / f"{split}.jsonl")
        chats = workload.chats.get(split, ())
        _write_examples(
            Path(data[split]), tuple(chats[i] for i in job.rows) if split == "train" and job.rows else chats
        )
    scoring = workload.scoring
    config = {
        "trial": job.id,
        "seed": job.seed,
        "model": model,
        "configuration": job.configuration.as_dict(),
        **trainer_entries(job.configuration, len(job.rows) or len(workload.chats.get("train", ()))),
        "data": data,
        "output": str(output),
        "predictions": {split: str(output / predictions_file(split)) for split in job.splits},
        "scoring": {"kind": scoring.kind, "max_new_tokens": scoring.max_new_tokens},
    }
    path = folder / "config.json"
    path.write_text(json.dumps(config, indent=2), encoding="utf-8")
    return path


def trainer_entries(configuration: Configuration, n_rows: int) -> dict[str, Any]:
    """The configuration in the words of common trainers, and what each of them cannot do of it.

    Args:
        n_rows: training rows, for what depends on the number of steps.
    """
    steps = configuration.total_steps(n_rows)
    return {
        "lora_config": lora_keywords(configuration),
        "training_arguments": training_keywords(configuration, steps),
        "llama_factory": config_entries(configuration, Tool.LLAMA_FACTORY, steps),
        "not_in_llama_factory": differences(configuration, Tool.LLAMA_FACTORY),
        "axolotl": config_entries(configuration, Tool.AXOLOTL, steps),
        "not_in_axolotl": differences(configuration, Tool.AXOLOTL),
    }


def delete_inputs(folder: Path) -> None:
    """Delete the copies of the data: every trial had the same."""
    for path in folder.glob("*.jsonl"):
        path.unlink()


def _write_examples(path: Path, examples: tuple[ChatExample, ...]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for index, example in enumerate(examples):
            line: dict[str, Any] = {"index": index, "prompt": example.prompt, "completion": example.completion}
            line["messages"] = [{"role": role, "content": text} for role, text in example.messages]
            if example.tools:
                line["tools"] = json.loads(example.tools)
            file.write(json.dumps(line, ensure_ascii=True) + "\n")


def read_scores(output: Path, split: str, workload: Workload) -> RawScores:
    """A split's predictions, exactly one for each example.

    Raises: Problem: the file is missing, cannot be read, or has not exactly one usable line for each example.
    """
    path = output / predictions_file(split)
    n = len(workload.chats[split])
    found: dict[int, tuple[str, float, int]] = {}
    likelihood = workload.scoring.kind == "likelihood"
    for number, values in _lines(path, most=n):
        where = f"{path.name}, line {number}"
        index, answer, nll = _prediction({"answer": "", **values} if likelihood else values, n, where)
        if index in found:
            raise Problem(f"{where}: example {index} was predicted before; each is predicted once")
        found[index] = (answer, nll, _n_tokens(values, where) if likelihood else 1)
    if len(found) != n:
        missing = next(index for index in range(n) if index not in found)
        raise Problem(f"{path.name}: {len(found)} predictions for {n} examples; the first missing is example {missing}")
    texts = () if likelihood else tuple(found[index][0] for index in range(n))
    likelihoods = np.array([found[index][1] for index in range(n)], dtype=np.float64)
    tokens = tuple(len(example.completion_ids) for example in workload.splits.get(split, ())) or (1,) * n
    if likelihood:
        tokens = tuple(found[index][2] for index in range(n))
    return RawScores((), likelihoods, tokens, texts)


def _n_tokens(values: dict[str, Any], where: str) -> int:
    found = values.get("n_tokens")
    if isinstance(found, bool) or not isinstance(found, int) or not 1 <= found <= _LONGEST_LINE:
        raise Problem(
            f"{where}: n_tokens is {found!r:.40}; with scoring likelihood it says over how many tokens nll is summed"
        )
    return found


def _prediction(values: dict[str, Any], n: int, where: str) -> tuple[int, str, float]:
    index, answer, nll = (values.get(key) for key in ("index", "answer", "nll"))
    if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < n:
        raise Problem(f"{where}: index is {index!r:.40}; it is a whole number from 0 to {n - 1}")
    if not isinstance(answer, str):
        raise Problem(f"{where}: answer is {answer!r:.40}; it is text")
    if not _is_number(nll):
        raise Problem(f"{where}: nll is {nll!r:.40}; it is the gold completion's negative log-likelihood, nats, summed")
    if nll < -_ROUNDING:
        raise Problem(
            f"{where}: nll is {nll!r:.40}; a negative log-likelihood is never below 0. Write minus the log-likelihood"
        )
    return index, answer, float(nll)


def _is_number(value: Any) -> TypeGuard[float]:
    """Whether JSON held a number that a float can take (NaN and infinity included)."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        float(value)
    except OverflowError:
        return False
    return True


def read_steps(output: Path) -> tuple[StepRecord, ...]:
    """The training curve, where the program wrote one.

    Raises: Problem: a line that is not a step.
    """
    path = output / STEPS
    if not path.is_file():
        return ()
    names = [field.name for field in fields(StepRecord)]
    records = []
    for number, values in _lines(path, most=_MOST_STEPS):
        numbers = [values.get(name) for name in names]
        for name, value in zip(names, numbers, strict=True):
            if not _is_number(value):
                raise Problem(f"{path.name}, line {number}: {name} is {value!r:.40}; it is a number")
        step, epoch, loss, rate, norm = (float(value) for value in numbers if value is not None)
        if not math.isfinite(step):
            raise Problem(f"{path.name}, line {number}: step is {step}; steps are counted from 1")
        records.append(StepRecord(int(step), epoch, loss, rate, norm))
    return tuple(records)


def _lines(path: Path, most: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a JSON Lines file with their line numbers; at most so many, each of bounded length."""
    if not path.is_file() or path.is_symlink():
        raise Problem(f"{path.name}: the program left no such file in its output folder")
    with path.open("rb") as file:
        number = n_objects = 0
        while line := file.readline(_LONGEST_LINE + 1):
            number += 1
            if len(line) > _LONGEST_LINE:
                raise Problem(f"{path.name}, line {number}: longer than {_LONGEST_LINE} bytes")
            if not line.strip():
                continue
            n_objects += 1
            if n_objects > most:
                raise Problem(f"{path.name}, line {number}: one more than the {most} that there can be")
            yield number, _object(line, f"{path.name}, line {number}")


def _object(line: bytes, where: str) -> dict[str, Any]:
    try:
        values = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise Problem(f"{where}: {line[:60]!r} is not JSON ({error})") from error
    if not isinstance(values, dict):
        raise Problem(f"{where}: {line[:60]!r} is not a JSON object")
    return values
