"""The loss of chosen rows and its gradient in one go: the head runs on label positions alone, a few rows at a time.

The loss is the end of the graph, so its gradient is made beside it and no logits are kept.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = ["label_loss"]

CHUNK_ROWS = 256
"""Rows whose logits exist at a time: 256 x 49152 float32 numbers are 50 MB."""


def label_loss(
    head: Callable[[Tensor], Tensor], hidden_MD: Tensor, labels_M: Tensor, n_items: int
) -> tuple[float, Tensor]:
    """Cross-entropy summed over rows and divided by `n_items`, and its gradient with respect to the hidden states.

    Args:
        head: from hidden states to logits; its own weights get no gradient.
        hidden_MD: hidden states of label positions, detached.
        labels_M: the tokens that follow, int64.
        n_items: label tokens of the whole effective batch, as the Trainer's `num_items_in_batch`.

    Returns: nats a label token (this part's share of it), and the gradient, shape (M, D).
    """
    grad_MD = torch.empty_like(hidden_MD)
    total = torch.zeros((), dtype=torch.float64, device=hidden_MD.device)
    for start in range(0, hidden_MD.shape[0], CHUNK_ROWS):
        rows = slice(start, start + CHUNK_ROWS)
        hidden = hidden_MD[rows].detach().requires_grad_()
        with torch.enable_grad():
            logits = head(hidden)
        loss, grad_logits = _cross_entropy(logits.detach(), labels_M[rows], n_items)
        total += loss.double()
        (grad_MD[rows],) = torch.autograd.grad(logits, hidden, grad_logits)
    return float(total), grad_MD


def _cross_entropy(logits_MV: Tensor, labels_M: Tensor, n_items: int) -> tuple[Tensor, Tensor]:
    wide = torch.float32 if logits_MV.dtype in (torch.bfloat16, torch.float16) else logits_MV.dtype
    log_p = torch.log_softmax(logits_MV.to(wide), dim=-1)
    loss = -log_p.gather(1, labels_M[:, None]).sum() / n_items
    grad = log_p.exp_()
    grad.scatter_add_(1, labels_M[:, None], grad.new_full((len(labels_M), 1), -1.0))
    return loss, grad.div_(n_items).to(logits_MV.dtype)
