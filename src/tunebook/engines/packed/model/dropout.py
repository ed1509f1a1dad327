"""Dropout masks from a counter: a pure function of trial seed, step, projection, node, position and input feature.

No generator is advanced, so a mask depends neither on the cohort, nor on the micro-batch, nor on what was drawn before.
A 64-bit number is made for every (row, word of a projection) by mixing a row's key with the word's key; it gives the
masks of four features. The share dropped is p rounded to 1/65536; the scale 1/(1 - p) uses the rounded value.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tunebook.engines.packed.model.bank import ModuleShape
from tunebook.engines.packed.model.batches import Run
from tunebook.engines.packed.model.kernels import keep_mask

__all__ = ["Mask", "Masks", "first_words", "kept_scale", "limit", "step_key", "word_keys"]

_LANES = 4
"""Masks from one 64-bit number."""
_LEVELS = 1 << 16
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


@dataclass(frozen=True)
class Mask:
    """What is kept of one trial's rows of a group's input.

    Attributes:
        kept: by module, shape (n, D), bool.
        scale: 1 / (1 - share dropped).
    """

    kept: dict[str, Tensor]
    scale: float


class Masks:
    """The masks of one forward. They are made again in its backward pass: that takes half a per cent of a step, and
    keeping them would take an eighth of its memory."""

    def __init__(self) -> None:
        self._row_keys: dict[tuple[tuple[int, int], bool], Tensor] = {}

    def of(self, run: Run, shapes: Sequence[ModuleShape]) -> Mask | None:
        """The mask of a trial's rows for a group of modules, or None when it drops nothing."""
        keys = self.row_keys(run)
        if keys is None or run.adapter is None:
            return None
        at = " ".join(["words", *(shape.name for shape in shapes)])
        if at not in run.adapter.memo:
            run.adapter.memo[at] = _tensor(word_keys(shapes), keys.device)
        kept = keep_mask(keys, run.adapter.memo[at], limit(run.adapter.dropout))
        starts = first_words(shapes)
        out = {
            shape.name: kept[:, _LANES * start : _LANES * start + shape.n_in]
            for shape, start in zip(shapes, starts, strict=True)
        }
        return Mask(out, kept_scale(run.adapter.dropout))

    def row_keys(self, run: Run) -> Tensor | None:
        """One 64-bit key for each of a trial's rows, shape (n,), int64, or None when it drops nothing."""
        if run.adapter is None or run.adapter.dropout == 0:
            return None
        at = run.rows, run.picked is None
        if at not in self._row_keys:
            self._row_keys[at] = _tensor(row_keys(run), run.adapter.values.device)
        return self._row_keys[at]


def limit(dropout: float) -> int:
    """What a feature's 16-bit number must at least be for the feature to be kept."""
    return _dropped_levels(dropout) - _LEVELS // 2


def kept_scale(dropout: float) -> float:
    """1 / (1 - share dropped)."""
    return _LEVELS / (_LEVELS - _dropped_levels(dropout))


def _dropped_levels(dropout: float) -> int:
    return min(_LEVELS - 1, round(dropout * _LEVELS))


def step_key(seed: int, step: int) -> int:
    """64-bit number of a trial's seed and optimiser step."""
    digest = hashlib.sha256(f"dropout:{seed}:{step}".encode()).digest()
    return int.from_bytes(digest[:8], "little")


def row_keys(run: Run) -> NDArray[np.uint64]:
    """One 64-bit key for every row of a trial, from its step, its node and its position; shape (n,)."""
    nodes = run.part.tree.nodes
    lengths = [len(node.tokens) for node in nodes]
    keys = np.repeat(np.array([node.key for node in nodes], dtype=np.int64), lengths).view(np.uint64)
    positions = np.concatenate([np.arange(node.start, node.start + len(node.tokens)) for node in nodes])
    mixed = _splitmix(keys + np.uint64(run.part.step_key))
    found = _splitmix(mixed + positions.astype(np.uint64) * _GOLDEN)
    return found if run.picked is None else found[list(run.picked)]


def _splitmix(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The output function of SplitMix64 (Steele, Lea, Flood 2014): a bijection of 64 bits."""
    x = x + _GOLDEN
    x = (x ^ (x >> np.uint64(30))) * _MIX_1
    x = (x ^ (x >> np.uint64(27))) * _MIX_2
    return x ^ (x >> np.uint64(31))


def _n_words(shape: ModuleShape) -> int:
    return -(-shape.n_in // _LANES)


_words: dict[tuple[tuple[str, int], ...], NDArray[np.uint64]] = {}


def word_keys(shapes: Sequence[ModuleShape]) -> NDArray[np.uint64]:
    """One 64-bit key for every word of every module of a group; depends on the modules' names and widths alone."""
    at = tuple((shape.name, shape.n_in) for shape in shapes)
    if at not in _words:
        keys = []
        for shape in shapes:
            digest = hashlib.sha256(f"columns:{shape.name}".encode()).digest()
            first = np.frombuffer(digest[:8], dtype="<u8")
            keys.append(_splitmix(first + np.arange(_n_words(shape), dtype=np.uint64) * _GOLDEN))
        _words[at] = np.concatenate(keys)
    return _words[at]


def first_words(shapes: Sequence[ModuleShape]) -> list[int]:
    """Where each module's keys begin in `word_keys`."""
    return list(accumulate((_n_words(shape) for shape in shapes[:-1]), initial=0))


def _tensor(keys: NDArray[np.uint64], device: torch.device) -> Tensor:
    return torch.from_numpy(keys.view(np.int64)).to(device)
