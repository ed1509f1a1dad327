"""The losses of all trials in a batch and their gradient in one go: the head runs once, on the rows that are read.

The loss is the end of the graph, so its gradient is made beside it and no logits are kept.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from tunebook.engines.packed.model.transfer import to_device
from tunebook.engines.packed.training.steps import MicroBatch

__all__ = ["Labels", "head_rows", "label_losses", "logits_bytes"]

CPU_LOGITS, GPU_LOGITS = 50_000_000, 128_000_000
"""Bytes of float32 logits that exist at a time."""


@dataclass(frozen=True)
class Labels:
    """The labels of some micro-batches that are read together, ordered by the row that predicts them.

    Attributes:
        rows: of each label the row of the rows that are read, ascending, L of them.
        tokens: the labels.
        counts: labels of each micro-batch, S of them.
        n_items: label tokens of the whole effective batch that each micro-batch belongs to, as the Trainer's
            `num_items_in_batch`.
    """

    rows: tuple[int, ...]
    tokens: tuple[int, ...]
    counts: tuple[int, ...]
    n_items: tuple[int, ...]

    @classmethod
    def of(cls, micros: Sequence[tuple[MicroBatch, int]], read: Sequence[Sequence[int]]) -> Labels:
        """Labels of micro-batches, each with its `n_items`, whose rows `read` lie one after another."""
        found: list[tuple[int, int]] = []
        first = 0
        for (micro, _), rows in zip(micros, read, strict=True):
            places = {row: first + index for index, row in enumerate(rows)}
            own = [(places[row], label) for row, label in zip(micro.label_rows, micro.labels, strict=True)]
            found += sorted(own, key=lambda item: item[0])
            first += len(rows)
        counts = tuple(len(micro.labels) for micro, _ in micros)
        rows_L, tokens = zip(*found, strict=True)
        return cls(rows_L, tokens, counts, tuple(n for _, n in micros))


def head_rows(vocabulary: int, device: torch.device) -> int:
    """Rows whose logits exist at a time, a multiple of 16."""
    return max(16, _logits(device.type) // 4 // vocabulary // 16 * 16)


def logits_bytes(device: str, itemsize: int) -> int:
    """Bytes that the head needs for a while: logits and their gradient in the model's type, log-probabilities twice."""
    return _logits(device) // 4 * (2 * itemsize + 8)


def _logits(device: str) -> int:
    return GPU_LOGITS if device.startswith("cuda") else CPU_LOGITS


def label_losses(
    head: Callable[[Tensor], Tensor], hidden_MD: Tensor, labels: Labels, at_once: int
) -> tuple[Tensor, Tensor]:
    """Cross-entropy of each micro-batch divided by its `n_items`, and the gradient of the sum of all.

    Args:
        head: from hidden states to logits; its own weights get no gradient.
        hidden_MD: hidden states of the rows that are read, detached; padding rows have no labels.
        at_once: rows whose logits exist at a time (`head_rows`).

    Returns: nats a label token, shape (S,), float64; the gradient with respect to the hidden states, shape (M, D).
    """
    device = hidden_MD.device
    arrays = (labels.rows, labels.tokens, labels.counts, labels.n_items)
    rows_L, tokens_L, counts_S, n_items_S = to_device(device, *(np.array(array, dtype=np.int64) for array in arrays))
    share_L = 1.0 / torch.repeat_interleave(n_items_S, counts_S, output_size=len(rows_L))  # of the loss
    grad_MD = torch.empty_like(hidden_MD)
    nll_L = torch.empty(len(rows_L), dtype=torch.float64, device=device)
    for start in range(0, len(hidden_MD), at_once):
        chunk = slice(start, start + at_once)
        hidden = hidden_MD[chunk].detach().requires_grad_()
        with torch.enable_grad():
            logits = head(hidden)
        own = slice(bisect_left(labels.rows, chunk.start), bisect_left(labels.rows, chunk.stop))
        nll_L[own], grad = _cross_entropy(logits.detach(), rows_L[own] - start, tokens_L[own], share_L[own])
        (grad_MD[chunk],) = torch.autograd.grad(logits, hidden, grad)
    total_S = torch.segment_reduce(nll_L, "sum", lengths=counts_S, unsafe=True)
    return total_S / n_items_S, grad_MD


def _cross_entropy(logits_mV: Tensor, rows_l: Tensor, tokens_l: Tensor, share_l: Tensor) -> tuple[Tensor, Tensor]:
    """Negative log-likelihood of some labels, shape (l,), and the gradient of their shares' sum, shape (m, V).

    A row may predict several labels, or none.
    """
    wide = torch.float32 if logits_mV.dtype in (torch.bfloat16, torch.float16) else logits_mV.dtype
    log_p = torch.log_softmax(logits_mV.to(wide), dim=-1)
    places = rows_l * log_p.shape[1] + tokens_l
    nll = -log_p.view(-1)[places]
    share = share_l.to(wide)
    weight_m = share.new_zeros(len(log_p)).index_put_((rows_l,), share, accumulate=True)
    grad = log_p.exp_().mul_(weight_m[:, None])
    grad.view(-1).index_put_((places,), -share, accumulate=True)
    return nll, grad.to(logits_mV.dtype)
