"""A learning curve: one configuration trained on parts of the training rows, and what more rows would bring."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["CURVE_NOTE", "CurvePoint", "Forecast", "nested_order", "points_of"]

CURVE_NOTE = "learning_curve"
"""The ledger's note of one trained point. Notes are no trials: they enter no finding."""
_ROWS_STREAM = 31


@dataclass(frozen=True, kw_only=True)
class CurvePoint:
    """One training on a part of the rows.

    Attributes:
        key: effective key of the configuration.
        rows: training rows.
        seed: drew the rows and drove the training.
        state: "completed", "diverged" or "collapsed".
        scores: of each validation example, on the standard scale; empty unless completed.
    """

    key: str
    rows: int
    seed: int
    state: str
    scores: tuple[float, ...] = ()

    def as_note(self) -> dict[str, Any]:
        """JSON values."""
        return {**vars(self), "scores": list(self.scores)}


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What twice as many rows would bring.

    Attributes:
        rows: training rows of the whole study.
        gain: change of the result on the standard scale; None: not known.
        interval: its 95 % interval.
        why_not: why it is not known: "few" (a part is missing or broke), "misfit" (the points follow no power law).
    """

    rows: int
    gain: float | None = None
    interval: tuple[float, float] | None = None
    why_not: str = ""


def points_of(notes: Sequence[tuple[str, Mapping[str, Any]]]) -> tuple[CurvePoint, ...]:
    """The points of the configuration that was measured last, fewest rows first."""
    told = [CurvePoint(**{**values, "scores": tuple(values["scores"])}) for code, values in notes if code == CURVE_NOTE]
    last = [point for point in told if point.key == told[-1].key]
    return tuple(sorted(last, key=lambda point: (point.rows, point.seed)))


def nested_order(labels: Sequence[Hashable], seed: int) -> list[int]:
    """An order of rows of which every beginning holds each label in about its share of all rows."""
    generator = np.random.Generator(np.random.Philox(key=[seed, _ROWS_STREAM]))
    drawn = generator.permutation(len(labels)).tolist()
    seen: dict[Hashable, int] = {}
    rank = {}
    for row in drawn:
        rank[row] = seen.get(labels[row], 0)
        seen[labels[row]] = rank[row] + 1
    return sorted(drawn, key=lambda row: (rank[row] + 0.5) / seen[labels[row]])
