"""A balanced design: which trial has which level of every factor.

Every level of a factor is used equally often (up to one), and the columns are as independent of each other as the
number of trials allows: D-optimal for the model of the claims. Found by exchanging entries within columns, which keeps
the balance (Li, Wu 1997, Technometrics 39, 171: columnwise-pairwise exchange). pyDOE3 and scipy.stats.qmc have
orthogonal arrays and D-optimal subsets, but none of mixed levels that stays balanced at any number of trials.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tunebook.core.factor import Level, is_ordered, position

__all__ = ["balanced_size", "design_of", "model_columns"]

Floats = NDArray[np.float64]
Column = tuple[tuple[float, ...], ...]
"""The model's values of each level of one factor."""

STARTS = 3
EXCHANGES = 600
"""Exchanges tried from each start."""
LEAST_KEPT = 0.8
"""Share of the trials that must stay for the design to be made exactly balanced by leaving some out."""


def balanced_size(most: int, counts: Sequence[int]) -> int:
    """The number of trials to use of at most so many: all levels equally often where that leaves out few of them.

    Args:
        counts: levels of each factor.
    """
    for step in (math.lcm(*counts), max(counts, default=1)):
        size = most // step * step
        if size >= LEAST_KEPT * most:
            return size
    return most


def model_columns(factor: str, levels: Sequence[Level], curved: bool) -> Column:
    """What the model sees of each level: a line, and a square where asked; of an unordered factor one column for each
    level but the first."""
    if is_ordered(factor):
        at = np.array([position(factor, level) for level in levels])
        z = (at - at.min()) / (float(np.ptp(at)) or 1.0) - 0.5
        return tuple((float(x), float(x * x)) if curved else (float(x),) for x in z)
    return tuple(tuple(float(i == j) for j in range(1, len(levels))) for i in range(len(levels)))


@lru_cache(maxsize=64)
def design_of(columns: tuple[Column, ...], n: int, seed: int) -> tuple[tuple[int, ...], ...]:
    """The level of every factor in every trial, n rows; the same arguments give the same design.

    Args:
        columns: from `model_columns`, one a factor.
    """
    draw = np.random.Generator(np.random.Philox(key=[seed, 1931]))
    best: tuple[float, NDArray[np.intp]] | None = None
    for _ in range(STARTS):
        found = _improved(columns, _start(columns, n, draw), draw)
        if best is None or found[0] > best[0]:
            best = found
    assert best is not None
    return tuple(tuple(int(level) for level in row) for row in best[1])


def _start(columns: tuple[Column, ...], n: int, draw: np.random.Generator) -> NDArray[np.intp]:
    """Every level equally often in each column, in a random order; which levels get one more is random too."""
    placed = [
        draw.permutation(np.concatenate([np.tile(np.arange(q), n // q), draw.permutation(q)[: n % q]]))
        for q in map(len, columns)
    ]
    return np.stack(placed, axis=1).astype(np.intp) if placed else np.zeros((n, 0), dtype=np.intp)


def _improved(
    columns: tuple[Column, ...], rows: NDArray[np.intp], draw: np.random.Generator
) -> tuple[float, NDArray[np.intp]]:
    tables = [np.array(column) for column in columns]
    design = np.concatenate([np.ones((len(rows), 1)), *(t[rows[:, j]] for j, t in enumerate(tables))], axis=1)
    place = np.cumsum([1, *(t.shape[1] for t in tables)])
    value = _information(design)
    for _ in range(EXCHANGES if len(rows) > 1 else 0):
        j = int(draw.integers(len(columns))) if columns else 0
        a, b = (int(i) for i in draw.choice(len(rows), 2, replace=False))
        if not columns or rows[a, j] == rows[b, j]:
            continue
        own = slice(place[j], place[j + 1])
        design[[a, b], own] = design[[b, a], own]
        new = _information(design)
        if new > value + 1e-12:
            value = new
            rows[[a, b], j] = rows[[b, a], j]
        else:
            design[[a, b], own] = design[[b, a], own]
    return value, rows


def _information(design: Floats) -> float:
    """Log determinant of the information matrix; a little is added so that singular designs can be compared."""
    p = design.shape[1]
    return float(np.linalg.slogdet(design.T @ design + 1e-6 * np.eye(p))[1])
