"""The losses of all trials in a batch and their gradient in one go: the head runs once, on the rows that are read.

The loss is the end of the graph, so its gradient is made beside it and no logits are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tunebook.engines.packed.model.label_loss import LabelTables, cross_entropy
from tunebook.engines.packed.training.steps import MicroBatch

__all__ = ["Labels", "head_rows", "label_losses", "logits_bytes"]

CPU_LOGITS, GPU_LOGITS = 50_000_000, 128_000_000
"""Bytes of float32 logits that exist at a time."""

CrossEntropy = Callable[[Tensor, int, LabelTables, Tensor], Tensor]


@dataclass(frozen=True)
class Labels:
    """The labels of some micro-batches that are read together, ordered by the row that predicts them.

    Attributes:
        rows: of each label the row of the rows that are read, ascending, L of them.
        tokens: the labels.
        counts: labels of each micro-batch, S of them.
        n_items: label tokens of the whole effective batch that each micro-batch belongs to, as the Trainer's
            `num_items_in_batch`.
        weights: what each label counts; empty: all the same.
    """

    rows: tuple[int, ...]
    tokens: tuple[int, ...]
    counts: tuple[int, ...]
    n_items: tuple[int, ...]
    weights: tuple[float, ...] = ()

    @classmethod
    def of(cls, micros: Sequence[tuple[MicroBatch, int]], read: Sequence[Sequence[int]]) -> Labels:
        """Labels of micro-batches, each with its `n_items`, whose rows `read` lie one after another."""
        found: list[tuple[int, int, float]] = []
        first = 0
        for (micro, _), rows in zip(micros, read, strict=True):
            places = {row: first + index for index, row in enumerate(rows)}
            each = micro.weights or (1.0,) * len(micro.labels)
            own = [
                (places[row], label, weight)
                for row, label, weight in zip(micro.label_rows, micro.labels, each, strict=True)
            ]
            found += sorted(own, key=lambda item: item[0])
            first += len(rows)
        counts = tuple(len(micro.labels) for micro, _ in micros)
        rows_L, tokens, weights = zip(*found, strict=True)
        weighted = weights if any(micro.weights for micro, _ in micros) else ()
        return cls(rows_L, tokens, counts, tuple(n for _, n in micros), weighted)

    def arrays(self, n_rows: int, n_labels: int | None = None, n_pieces: int | None = None) -> list[NDArray[Any]]:
        """The arrays of `LabelTables`, for `tables`; the weights last, where there are any.

        Args:
            n_rows: rows that are read, padding included.
            n_labels, n_pieces: labels and micro-batches with padding; None: without.
        """
        n, pieces = len(self.rows), len(self.counts)
        more, empty = (n_labels or n) - n, (n_pieces or pieces) - pieces
        shares = np.repeat(np.float32(1) / np.array(self.n_items, dtype=np.float32), self.counts)
        weights = [np.pad(np.array(self.weights), (0, more))] if self.weights else []
        shares = shares * np.array(self.weights, dtype=np.float32) if self.weights else shares
        starts = np.searchsorted(np.array(self.rows), np.arange(n_rows + 1))
        return [
            np.array(self.rows + (0,) * more, dtype=np.int64), np.array(self.tokens + (0,) * more, dtype=np.int64),
            np.pad(shares, (0, more)), starts.astype(np.int64), np.array(self.counts + (0,) * empty, dtype=np.int64),
            np.array(self.n_items + (1,) * empty, dtype=np.int64), *weights,
        ]  # fmt: skip

    def tables(self, tensors: Sequence[Tensor]) -> LabelTables:
        """What became of the arrays on the device."""
        rows, tokens, shares, starts, counts, n_items, *weights = tensors
        return LabelTables(
            places=self.rows, rows=rows, tokens=tokens, shares=shares, starts=starts, counts=counts, n_items=n_items,
            weights=weights[0] if weights else None,
        )  # fmt: skip


def head_rows(vocabulary: int, device: torch.device) -> int:
    """Rows whose logits exist at a time, a multiple of 16."""
    return max(16, _logits(device.type) // 4 // vocabulary // 16 * 16)


def logits_bytes(device: str, itemsize: int) -> int:
    """Bytes that the head needs for a while: logits and their gradient in the model's type, log-probabilities twice."""
    return _logits(device) // 4 * (2 * itemsize + 8)


def _logits(device: str) -> int:
    return GPU_LOGITS if device.startswith("cuda") else CPU_LOGITS


def label_losses(
    head: Callable[[Tensor], Tensor], hidden_MD: Tensor, labels: LabelTables, at_once: int,
    cross_entropy: CrossEntropy = cross_entropy,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Cross-entropy of each micro-batch divided by its `n_items`, and the gradient of the sum of all.

    Args:
        head: from hidden states to logits; its own weights get no gradient.
        hidden_MD: hidden states of the rows that are read, detached; padding rows have no labels.
        at_once: rows whose logits exist at a time (`head_rows`).
        cross_entropy: what computes it from logits (`Ops.cross_entropy`).

    Returns: nats a label token, shape (S,), float64; the gradient with respect to the hidden states, shape (M, D).
    """
    grad_MD = torch.empty_like(hidden_MD)
    nll_L = torch.zeros(len(labels.rows), dtype=torch.float64, device=hidden_MD.device)
    for start in range(0, len(hidden_MD), at_once):
        hidden = hidden_MD[start : start + at_once].detach().requires_grad_()
        with torch.enable_grad():
            logits = head(hidden)
        grad = cross_entropy(logits.detach(), start, labels, nll_L)
        (grad_MD[start : start + at_once],) = torch.autograd.grad(logits, hidden, grad)
    if labels.weights is not None:
        nll_L = nll_L * labels.weights
    return torch.segment_reduce(nll_L, "sum", lengths=labels.counts, unsafe=True) / labels.n_items, grad_MD
