"""Metrics of the gold texts' likelihoods: nothing is generated for them."""

from __future__ import annotations

import numpy as np

from tunebook.core.facts import ExampleText, Floats
from tunebook.core.metric import AnswerSource, ExampleMetric
from tunebook.core.score import ScoreKind, ScoreScale

__all__ = ["LARGEST_NATS", "Perplexity"]

LARGEST_NATS = 50.0
"""Nats a token that count for a text to which a broken model gives no finite likelihood."""


class Perplexity(ExampleMetric):
    """How surprising the gold texts are to the model: the mean negative log-likelihood of a token over all texts, in
    nats, less being better. Its exponential is the perplexity."""

    name = "perplexity"
    answers = AnswerSource.LIKELIHOOD
    scale = ScoreScale(
        kind=ScoreKind.STATISTIC, high=None, unit="nats/token", higher_is_better=False, noun="log-perplexity"
    )

    def score(self, answer: str, gold: str, example: ExampleText | None = None) -> float:
        """Never asked: an answer has no likelihood."""
        raise NotImplementedError("perplexity judges likelihoods, not answers")

    def score_likelihoods(self, nll: Floats, n_tokens: Floats) -> float:
        """Nats a token: a text weighs as much as it has tokens."""
        finite = np.minimum(np.where(np.isnan(nll), np.inf, nll), LARGEST_NATS * n_tokens)
        return float(max(0.0, finite.sum() / n_tokens.sum()))
