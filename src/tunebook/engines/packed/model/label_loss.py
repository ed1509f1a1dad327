"""Cross-entropy of the labels of some rows of logits, with its gradient.

L labels, m rows of logits at a time, S micro-batches, V vocabulary.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["LabelTables", "cross_entropy"]


@dataclass(frozen=True, kw_only=True)
class LabelTables:
    """Labels ordered by the row that predicts them, on the device; what is padding comes last and counts nothing.

    Attributes:
        places: of each label its row, on the host, ascending, without padding.
        rows: the same, (L,), int64.
        tokens: the labels, (L,), int64.
        shares: of each label in the loss, (L,), float32.
        starts: of each row its first label, (M + 1,), int64.
        counts: labels of each micro-batch, (S,), int64.
        n_items: what each micro-batch's loss is divided by, (S,), int64.
        weights: what each label counts in the loss, (L,), float64; it is in `shares` too. None: all the same.
    """

    places: Sequence[int]
    rows: Tensor
    tokens: Tensor
    shares: Tensor
    starts: Tensor
    counts: Tensor
    n_items: Tensor
    weights: Tensor | None = None


def cross_entropy(logits_mV: Tensor, first: int, labels: LabelTables, nll_L: Tensor) -> Tensor:
    """Write the negative log-likelihood of the labels of some rows; gives the gradient of their shares' sum, (m, V).

    A row may predict several labels, or none.

    Args:
        first: which row of all the first of these is.
        nll_L: where the likelihoods are written, float64.
    """
    own = slice(bisect_left(labels.places, first), bisect_left(labels.places, first + len(logits_mV)))
    rows_l, tokens_l = labels.rows[own] - first, labels.tokens[own]
    wide = torch.float32 if logits_mV.dtype in (torch.bfloat16, torch.float16) else logits_mV.dtype
    log_p = torch.log_softmax(logits_mV.to(wide), dim=-1)
    places = rows_l * log_p.shape[1] + tokens_l
    nll_L[own] = -log_p.view(-1)[places]
    share = labels.shares[own].to(wide)
    weight_m = share.new_zeros(len(log_p)).index_put_((rows_l,), share, accumulate=True)
    grad = log_p.exp_().mul_(weight_m[:, None])
    grad.view(-1).index_put_((places,), -share, accumulate=True)
    return grad.to(logits_mV.dtype)
