"""The result of one trial: raw, as the engine returns it, and judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tunebook.core.facts import Cost, Curve, Floats, Outcomes

__all__ = ["JudgedTrial", "PartialScores", "RawScores", "RawTrial", "merged"]


@dataclass(frozen=True)
class RawScores:
    """A model's raw results on one split, before judging.

    Attributes:
        answers: generated token ids of each example, without the stop token; for kind "choice" the index of the option;
            for kind "likelihood" empty.
        nll: summed negative log-likelihood of the gold completion, nats, shape (n,).
        n_label_tokens: label tokens of each example, shape (n,), to turn sums into means.
        texts: the answers as text, from engines that have no token ids; `answers` is then empty.
    """

    answers: tuple[tuple[int, ...], ...] | tuple[int, ...]
    nll: Floats
    n_label_tokens: tuple[int, ...]
    texts: tuple[str, ...] = ()


@dataclass(frozen=True)
class PartialScores:
    """A model's raw results on some examples of a split.

    Attributes:
        examples: their indices in the split.
        scores: in this order.
    """

    examples: tuple[int, ...]
    scores: RawScores


def merged(parts: Sequence[PartialScores]) -> RawScores:
    """The scores of a whole split, each example of which is in exactly one part."""
    order = np.argsort([index for part in parts for index in part.examples])
    answers: list[Any] = [answer for part in parts for answer in part.scores.answers]
    n_label_tokens = [n for part in parts for n in part.scores.n_label_tokens]
    return RawScores(
        tuple(answers[k] for k in order) if answers else (),
        np.concatenate([part.scores.nll for part in parts])[order],
        tuple(n_label_tokens[k] for k in order),
    )


@dataclass(frozen=True, kw_only=True)
class RawTrial:
    """The result of a trial as an engine returns it.

    Attributes:
        scores: by split; empty when training broke before it could be scored.
        broke_at_step: the step at which training was stopped because of a non-finite loss or gradient, or a smoothed
            loss above the limit of `core.divergence`. None: training ran to its end.
        reason: code of the reason why training broke, from `core.divergence`.
    """

    id: int
    scores: dict[str, RawScores]
    curve: Curve
    cost: Cost
    broke_at_step: int | None = None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class JudgedTrial:
    """A raw trial with its answers judged. `collapse` is the reason code when the answers show a collapsed model."""

    id: int
    outcomes: dict[str, Outcomes]
    curve: Curve
    cost: Cost
    broke_at_step: int | None = None
    reason: str | None = None
    collapse: str | None = None
