"""Turns seconds and counts into the figures that are reported: rates, shares of the multiply rate, ratios.

What training costs, in floating-point operations (a multiply-add is two):

    computed tokens x 4 x layer parameters                     each base weight once forward, once for its input's
                                                               gradient; a frozen base has no weight gradient
    + label tokens x 4 x head parameters                       the head is needed on label positions only
    + computed tokens x 6 x rank x (in + out), all adapted     forward, input gradient and weight gradient of A and B
    - the same of the last layer's MLP for tokens without a label: nobody reads what it would give

Attention's own multiplies, norms, activations, dropout and the optimiser are not counted: the share says how much of
the time went into multiplies that cannot be avoided. Padding is not counted as work either: the yardstick is credited
with its raw tokens, the packed engine with the tokens it computed (each shared prompt once).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.child import ChildResult, RowResult
from benchmarks.multiply_rate import LayerShapes

__all__ = ["Figures", "compare", "figures_of", "training_operations"]


@dataclass(frozen=True)
class Figures:
    """One engine's figures, over some rows of the table.

    Attributes:
        train_examples_per_second, raw_tokens_per_second, computed_tokens_per_second: of training alone.
        share_of_multiply_rate: share of the measured rate that the unavoidable multiplies of training reached.
        score_examples_per_second: scored validation examples a second; None when nothing was scored.
        peak_bytes: most memory of the process.
        accuracy: mean exact match over the rows; None when nothing was scored.
    """

    train_examples_per_second: float
    raw_tokens_per_second: float
    computed_tokens_per_second: float
    share_of_multiply_rate: float
    score_examples_per_second: float | None
    peak_bytes: int
    accuracy: float | None


def training_operations(shapes: LayerShapes, rank: int, tokens: float, label_tokens: float) -> float:
    """Floating-point operations that training cannot avoid; the formula is in the module's docstring."""
    adapter = 6.0 * rank * shapes.adapter_widths
    unread = sum(4.0 * out * into + 6.0 * rank * (out + into) for out, into in shapes.last)
    everything = tokens * (4.0 * shapes.layer_parameters + adapter) + label_tokens * 4.0 * shapes.head_parameters
    return everything - max(0.0, tokens - label_tokens) * unread


def figures_of(rows: Sequence[RowResult], shapes: LayerShapes, multiply_rate: float, padded: bool) -> Figures:
    """Figures over rows of one engine. `padded`: its computed tokens contain padding, which is no work."""
    train_seconds = sum(row.train_seconds for row in rows)
    score_seconds = sum(row.score_seconds for row in rows)
    operations = sum(
        training_operations(shapes, row.rank, row.raw_tokens if padded else row.computed_tokens, row.label_tokens)
        for row in rows
    )
    scored = sum(row.test_examples for row in rows)
    return Figures(
        train_examples_per_second=sum(row.train_examples for row in rows) / train_seconds,
        raw_tokens_per_second=sum(row.raw_tokens for row in rows) / train_seconds,
        computed_tokens_per_second=sum(row.computed_tokens for row in rows) / train_seconds,
        share_of_multiply_rate=operations / train_seconds / multiply_rate,
        score_examples_per_second=scored / score_seconds if scored else None,
        peak_bytes=max(row.peak_bytes for row in rows),
        accuracy=sum(row.accuracy for row in rows) / len(rows) if scored else None,
    )


def mean_rate(results: Sequence[ChildResult]) -> float:
    """Mean multiply rate around the work of one engine's children, operations a second."""
    rates = [rate for result in results for rate in result.multiply_rates]
    return sum(rates) / len(rates)


def compare(engine: Figures, yardstick: Figures) -> dict[str, Any]:
    """The engine's figures over the yardstick's: above 1 is faster; for memory, below 1 is less."""
    ours, theirs = engine.score_examples_per_second, yardstick.score_examples_per_second
    return {
        "ratio_train": engine.train_examples_per_second / yardstick.train_examples_per_second,
        "ratio_score": ours / theirs if ours and theirs else None,
        "ratio_peak_memory": engine.peak_bytes / yardstick.peak_bytes,
        "share_of_multiply_rate": engine.share_of_multiply_rate,
    }
