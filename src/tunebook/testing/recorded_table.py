"""The recorded table of real trials: its design, its files, and a reader that needs numpy alone.

A folder holds `table.json` (what is trained on what, fixed before the first trial) and `shards/00000.npz`, ...: the
trials of a few configurations each, in the order of the design. A shard appears whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from tunebook.core.configuration import Configuration

__all__ = [
    "FRACTIONS", "KEPT_OUT", "MISSING", "TUNING", "RecordedTable", "TrialRow", "design", "finished_shards",
    "is_table", "load", "marks", "read_header", "split_of", "write_header", "write_shard",
]  # fmt: skip

FRACTIONS = (0.15, 0.25, 0.5, 1.0)
"""Shares of a trial's steps after which it is evaluated."""
TUNING, KEPT_OUT = "tuning", "kept_out"
MISSING = 255
"""A score that there is none of, as uint8."""
_Level = TypeVar("_Level")
_FORMAT = 1
_HEADER, _SHARDS = "table.json", "shards"

RATES = (5e-5, 2e-2)
RANKS = (4, 8, 16, 32, 64)
SCALINGS = (1, 2, 4)
"""alpha/r."""
BATCHES = (2, 4, 8, 16)
EPOCHS = (1, 2, 3, 4)
DROPOUTS = (0.0, 0.05, 0.1, 0.2)
SCHEDULES = ("linear", "cosine", "constant")
WARMUPS = (0.0, 0.1)
"""Shares of all steps."""
DESIGN_SEED = 20
_SPLIT_SALT = "recorded"


def design(n: int, seed: int = DESIGN_SEED) -> tuple[Configuration, ...]:
    """The first n configurations of a scrambled Sobol sequence over eight factors; any beginning fills the space."""
    from scipy.stats import qmc

    points = qmc.Sobol(8, scramble=True, rng=seed).random_base2(int(np.ceil(np.log2(max(n, 2)))))
    return tuple(_configuration(point) for point in points[:n])


def _configuration(point: NDArray[np.float64]) -> Configuration:
    low, high = np.log(RATES)
    rank = _level(point[1], RANKS)
    warmup = _level(point[7], WARMUPS)
    schedule = _level(point[6], SCHEDULES)
    if schedule == "constant" and warmup:
        schedule = "constant_with_warmup"
    return Configuration(
        learning_rate=float(f"{np.exp(low + point[0] * (high - low)):.3g}"),
        per_device_train_batch_size=_level(point[3], BATCHES),
        num_train_epochs=_level(point[4], EPOCHS),
        lora_r=rank,
        lora_alpha=rank * _level(point[2], SCALINGS),
        lora_dropout=_level(point[5], DROPOUTS),
        lr_scheduler_type=schedule,
        warmup_steps=warmup,
        target_modules="all-linear",
    )


def _level(place: float, levels: Sequence[_Level]) -> _Level:
    """The level at a place in [0, 1)."""
    return levels[int(place * len(levels))]


def split_of(configurations: Sequence[Configuration]) -> tuple[str, ...]:
    """Which configurations planners may be tuned on: of each two neighbours in the design one, chosen by a hash.

    So both halves fill the space, in any beginning of the design too.
    """
    splits = []
    for index in range(0, len(configurations), 2):
        pair = [c.key for c in configurations[index : index + 2]]
        first = hashlib.sha256(f"{_SPLIT_SALT} {' '.join(pair)}".encode()).digest()[0] % 2
        splits += [(TUNING, KEPT_OUT)[first], (TUNING, KEPT_OUT)[1 - first]][: len(pair)]
    return tuple(splits)


def marks(total_steps: int, fractions: Sequence[float] = FRACTIONS) -> tuple[int, ...]:
    """After how many steps a trial is evaluated: the nearest whole number, at least one."""
    return tuple(max(1, int(fraction * total_steps + 0.5)) for fraction in fractions)


@dataclass(frozen=True, kw_only=True)
class TrialRow:
    """One trial as it is written.

    Attributes:
        configuration: its number in the design.
        losses: summed negative log-likelihood of each example's gold completion, nats, shape (fractions, examples);
            NaN where training had broken, infinite where the model is broken.
        scores: shape (examples,), in [0, 1]; NaN where training had broken.
        steps: training loss of each step, nats a label token.
        broke_at_step: None: it ran to its end.
        reason: code of `core.divergence` why it did not train; empty: it did.
        train_seconds, score_seconds: processor time, partial evaluations among the latter.
    """

    configuration: int
    seed: int
    losses: NDArray[np.float64]
    scores: NDArray[np.float64]
    steps: NDArray[np.float64]
    broke_at_step: int | None
    reason: str
    train_seconds: float
    score_seconds: float
    raw_tokens: int
    computed_tokens: int


@dataclass(frozen=True, kw_only=True)
class RecordedTable:
    """Real trials; arrays begin with (configurations C, seeds S), trials that are not there are NaN.

    Attributes:
        name: the data set.
        configurations: those with all their seeds recorded, in the order of the design.
        split: "tuning" or "kept_out" for each: a planner is tuned on the former alone.
        seeds: shape (S,).
        fractions: shares of the steps after which the loss was taken, (F,), the last one 1.
        losses: summed negative log-likelihood of the gold completion, nats, (C, S, F, examples), float16 precision;
            NaN where training had broken before.
        scores: after the last step, (C, S, examples), in [0, 1]; NaN where training had broken.
        seconds: processor time of training and the final scoring together, (C, S); those of the partial
            evaluations are in `score_seconds` only.
        train_seconds, score_seconds, raw_tokens, computed_tokens: (C, S).
        broke_at_step: (C, S); 0: it ran to its end.
        reasons: why it did not train, code of `core.divergence`, (C, S); "": it did.
        curves: training losses of the steps, nats a label token, by configuration and seed.
        untrained_losses, untrained_scores: of the base model, (examples,).
        header: everything else that was written: rows, hashes of the data, versions.
    """

    name: str
    configurations: tuple[Configuration, ...]
    split: tuple[str, ...]
    seeds: NDArray[np.int64]
    fractions: NDArray[np.float64]
    losses: NDArray[np.float64]
    scores: NDArray[np.float64]
    seconds: NDArray[np.float64]
    train_seconds: NDArray[np.float64]
    score_seconds: NDArray[np.float64]
    raw_tokens: NDArray[np.int64]
    computed_tokens: NDArray[np.int64]
    broke_at_step: NDArray[np.int64]
    reasons: NDArray[np.str_]
    curves: tuple[tuple[NDArray[np.float64], ...], ...]
    untrained_losses: NDArray[np.float64]
    untrained_scores: NDArray[np.float64]
    header: Mapping[str, Any]

    @property
    def accuracy(self) -> NDArray[np.float64]:
        """Mean score, (C, S); a trial whose training broke has 0."""
        accuracy: NDArray[np.float64] = np.nan_to_num(self.scores, nan=0.0).mean(axis=2)
        return accuracy

    @property
    def loss(self) -> NDArray[np.float64]:
        """Mean loss of a validation example after the last step, nats, (C, S); infinite where training broke."""
        return _mean_loss(self.losses[..., -1, :])

    @property
    def loss_at(self) -> NDArray[np.float64]:
        """Mean loss at each fraction, nats, (C, S, F), infinite where training had broken: of those examples alone that
        were evaluated at all fractions (`header["n_partial"]`, the first ones), so that fractions can be compared."""
        return _mean_loss(self.losses[..., : self.header["n_partial"]])


def _mean_loss(losses: NDArray[np.float64]) -> NDArray[np.float64]:
    mean: NDArray[np.float64] = np.where(np.isfinite(losses), losses, np.inf).mean(axis=-1)
    return mean


def write_header(folder: Path, header: Mapping[str, Any]) -> None:
    """Write what the table is; a folder that holds another table raises ValueError."""
    (folder / _SHARDS).mkdir(parents=True, exist_ok=True)
    file = folder / _HEADER
    plain = json.loads(json.dumps({"format": _FORMAT, **header}))
    if file.exists():
        before = json.loads(file.read_text(encoding="utf-8"))
        for one in before, plain:  # a factor that came later has its default in a table begun before
            one["configurations"] = [Configuration.from_dict(values).as_dict() for values in one["configurations"]]
        different = sorted(key for key in {*before, *plain} if before.get(key) != plain.get(key))
        if different:
            raise ValueError(
                f"{file}: holds another table ({', '.join(different)} differ); a table goes on only with the settings "
                "it was begun with. Name another folder, or give the same settings."
            )
        return
    _write(file, json.dumps(plain, indent=1, ensure_ascii=False).encode() + b"\n")


def is_table(folder: Path) -> bool:
    """Whether a table has been begun here."""
    return (folder / _HEADER).exists()


def read_header(folder: Path) -> dict[str, Any]:
    """What the table is."""
    header: dict[str, Any] = json.loads((folder / _HEADER).read_text(encoding="utf-8"))
    if header["format"] != _FORMAT:
        raise ValueError(f"{folder}: format {header['format']}; this version reads format {_FORMAT}. Record it anew.")
    return header


def finished_shards(folder: Path) -> set[int]:
    """Numbers of the shards that are there."""
    return {int(file.stem) for file in (folder / _SHARDS).glob("*.npz")}


def write_shard(folder: Path, number: int, trials: Sequence[TrialRow]) -> None:
    """Write the trials of one cohort; durable when it returns."""
    with np.errstate(over="ignore"):  # beyond float16 a loss counts as infinite
        losses = np.stack([trial.losses for trial in trials]).astype(np.float16)
        steps = np.concatenate([trial.steps for trial in trials]).astype(np.float16)
    scores = np.stack([trial.scores for trial in trials])
    buffer = BytesIO()
    np.savez_compressed(
        buffer,
        configuration=np.array([trial.configuration for trial in trials], dtype=np.int16),
        seed=np.array([trial.seed for trial in trials], dtype=np.int16),
        losses=losses,
        scores=np.where(np.isnan(scores), MISSING, np.nan_to_num(scores) * 100).round().astype(np.uint8),
        steps=steps,
        n_steps=np.array([len(trial.steps) for trial in trials], dtype=np.int32),
        broke_at_step=np.array([trial.broke_at_step or 0 for trial in trials], dtype=np.int32),
        reason=np.array([trial.reason for trial in trials]),
        seconds=np.array([[trial.train_seconds, trial.score_seconds] for trial in trials], dtype=np.float32),
        tokens=np.array([[trial.raw_tokens, trial.computed_tokens] for trial in trials], dtype=np.int64),
    )
    _write(folder / _SHARDS / f"{number:05}.npz", buffer.getvalue())


def _write(file: Path, content: bytes) -> None:
    """Whole or not at all."""
    scratch = file.with_name(f".{file.name}.writing")
    with scratch.open("wb") as handle:
        handle.write(content)
        handle.flush()
        os.fsync(handle.fileno())
    scratch.replace(file)


def load(folder: Path | str) -> RecordedTable:
    """Read a table, finished or not.

    Raises: OSError: there is none; ValueError: it is of another format.
    """
    folder = Path(folder)
    header = read_header(folder)
    rows: dict[tuple[int, int], dict[str, Any]] = {}
    for number in sorted(finished_shards(folder)):
        with np.load(folder / _SHARDS / f"{number:05}.npz") as shard:
            rows |= _rows(dict(shard))
    seeds = header["seeds"]
    there = sorted({c for c, _ in rows if all((c, seed) in rows for seed in seeds)})
    table = [[rows[c, seed] for seed in seeds] for c in there]
    shape, n_examples, n_fractions = (len(there), len(seeds)), header["n_validation"], len(header["fractions"])

    def column(name: str, dtype: Any, *more: int) -> NDArray[Any]:
        return np.array([[row[name] for row in line] for line in table], dtype=dtype).reshape(*shape, *more)

    scores = column("scores", np.float64, n_examples)
    seconds = column("seconds", np.float64, 2)
    tokens = column("tokens", np.int64, 2)
    return RecordedTable(
        name=header["name"],
        configurations=tuple(Configuration.from_dict(header["configurations"][c]) for c in there),
        split=tuple(header["split"][c] for c in there),
        seeds=np.array(seeds, dtype=np.int64),
        fractions=np.array(header["fractions"], dtype=np.float64),
        losses=column("losses", np.float64, n_fractions, n_examples),
        scores=np.where(scores == MISSING, np.nan, scores / 100),
        seconds=seconds.sum(axis=2),
        train_seconds=seconds[..., 0],
        score_seconds=seconds[..., 1],
        raw_tokens=tokens[..., 0],
        computed_tokens=tokens[..., 1],
        broke_at_step=column("broke_at_step", np.int64),
        reasons=column("reason", np.str_),
        curves=tuple(tuple(row["curve"] for row in line) for line in table),
        untrained_losses=np.array(header["untrained"]["losses"], dtype=np.float64),
        untrained_scores=np.array(header["untrained"]["scores"], dtype=np.float64),
        header=header,
    )


def _rows(shard: Mapping[str, NDArray[Any]]) -> dict[tuple[int, int], dict[str, Any]]:
    """The trials of a shard by configuration and seed."""
    curves = np.split(shard["steps"].astype(np.float64), np.cumsum(shard["n_steps"])[:-1])
    by_trial = ("losses", "scores", "broke_at_step", "reason", "seconds", "tokens")
    return {
        (int(c), int(seed)): {"curve": curves[i], **{name: shard[name][i] for name in by_trial}}
        for i, (c, seed) in enumerate(zip(shard["configuration"], shard["seed"], strict=True))
    }
