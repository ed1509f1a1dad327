"""Scores a model the plain way: padded batches, transformers' own generation. What engine `peft` uses.

Greedy generation is bounded; likelihoods are taken in a forward pass of their own. Simple on purpose: it is what the
packed engine's scoring is compared with.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from tunebook.core.ports import RawScores, Scoring, TokenizedExample

__all__ = ["chosen", "generated", "padded", "score", "summed_nll"]

SCORING_ROWS = 16
"""Rows of a scoring batch."""
IGNORED = -100
"""Label of positions without loss, as in transformers."""


def padded(rows: Sequence[Sequence[int]], value: int, *, left: bool = False) -> torch.Tensor:
    """Rows of unequal length as one tensor, shape (B, T), int64, filled up with `value`."""
    width = max(len(row) for row in rows)
    fill = [[value] * (width - len(row)) for row in rows]
    return torch.tensor([f + list(r) if left else list(r) + f for r, f in zip(rows, fill, strict=True)])


@torch.no_grad()
def summed_nll(model: Any, examples: Sequence[TokenizedExample], pad_id: int) -> list[float]:
    """Negative log-likelihood of each example's completion, summed over its tokens; nats."""
    ids_BT = padded([e.prompt_ids + e.completion_ids for e in examples], pad_id).to(model.device)
    mask_BT = padded([(1,) * e.n_tokens for e in examples], 0).to(model.device)
    logits_BTV = model(input_ids=ids_BT, attention_mask=mask_BT).logits.float()
    totals = []
    for row, example in enumerate(examples):
        first, last = len(example.prompt_ids), example.n_tokens
        logits_TV = logits_BTV[row, first - 1 : last - 1]
        loss = torch.nn.functional.cross_entropy(logits_TV, ids_BT[row, first:last], reduction="sum")
        totals.append(float(loss))
    return totals


@torch.no_grad()
def generated(model: Any, examples: Sequence[TokenizedExample], scoring: Scoring, pad_id: int) -> list[tuple[int, ...]]:
    """Greedy answers without their stop token."""
    prompts = [e.prompt_ids for e in examples]
    ids_BT = padded(prompts, pad_id, left=True).to(model.device)
    mask_BT = padded([(1,) * len(p) for p in prompts], 0, left=True).to(model.device)
    out_BT = model.generate(
        input_ids=ids_BT,
        attention_mask=mask_BT,
        max_new_tokens=scoring.max_new_tokens,
        do_sample=False,
        num_beams=1,
        eos_token_id=list(scoring.stop_ids),
        pad_token_id=pad_id,
    )
    answers = []
    for row in out_BT[:, ids_BT.shape[1] :].tolist():
        stop = next((i for i, token in enumerate(row) if token in scoring.stop_ids), len(row))
        answers.append(tuple(row[:stop]))
    return answers


def chosen(model: Any, examples: Sequence[TokenizedExample], scoring: Scoring, pad_id: int) -> list[int]:
    """For each example the index of the option of highest log-likelihood."""
    best = []
    for example in examples:
        options = [TokenizedExample(example.prompt_ids, choice) for choice in scoring.choices]
        nll: list[float] = []
        for start in range(0, len(options), SCORING_ROWS):
            nll += summed_nll(model, options[start : start + SCORING_ROWS], pad_id)
        if scoring.per_token:
            nll = [value / len(choice) for value, choice in zip(nll, scoring.choices, strict=True)]
        best.append(int(np.argmin(nll)))
    return best


def score(
    model: Any,
    examples: Sequence[TokenizedExample],
    scoring: Scoring,
    pad_id: int,
    on_batch: Callable[[float], None],
) -> RawScores:
    """Answers and likelihoods of a whole split. `on_batch` is told the share done and may raise to stop."""
    was_training = model.training
    model.eval()
    answers: list[Any] = []
    nll: list[float] = []
    for start in range(0, len(examples), SCORING_ROWS):
        batch = examples[start : start + SCORING_ROWS]
        if scoring.kind != "likelihood":
            answers += (chosen if scoring.kind == "choice" else generated)(model, batch, scoring, pad_id)
        nll += summed_nll(model, batch, pad_id)
        on_batch(min(1.0, (start + SCORING_ROWS) / len(examples)))
    model.train(was_training)
    return RawScores(tuple(answers), np.array(nll), tuple(len(e.completion_ids) for e in examples))
