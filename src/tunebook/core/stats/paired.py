"""Paired differences between groups of trials scored on the same examples, all contrasts of a family at once.

With W the matrix of contrasts over trials (1/m_A on the treatment's trials, -1/m_B on the control's) and Y the scores
(trials x examples), the differences per example are D = W Y, the estimates their row means, and their covariance is
cov(D)/n + sigma^2 W W': chance of the examples plus chance of the seeds. Contrasts that share a control, a seed or the
difficulty of the examples get their correlation from it.

Source: Miller 2024, "Adding error bars to evals" (arXiv:2411.00640), section on paired differences, plus the seeds'
variance (Bouthillier et al. 2021). Assumptions: examples independent given the configurations; a seed moves all
examples of a trial together by sigma. The chance between seeds on single examples is in both terms, on purpose.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from statsmodels.stats.contingency_tables import mcnemar

from tunebook.core.stats.noise import SeedNoise

__all__ = ["Estimates", "contrast_matrix", "estimate", "mcnemar_exact"]

Floats = NDArray[np.float64]

PSEUDO_DISCORDANCE = 1.0
"""Added to the sum of squares of a contrast's differences: half an example each way in both discordant cells, as in
Agresti, Min 2005 (Statistics in Medicine 24, 729). Without it, two trials that agree on every example would differ by
zero with certainty."""


@dataclass(frozen=True)
class Estimates:
    """Estimates of K contrasts.

    Attributes:
        effect: shape (K,).
        covariance: shape (K, K), of the estimates.
        df: Satterthwaite degrees of freedom, shape (K,).
        from_examples, from_seeds: the two parts of each variance, shape (K,).
    """

    effect: Floats
    covariance: Floats
    df: Floats
    from_examples: Floats
    from_seeds: Floats

    @property
    def standard_error(self) -> Floats:
        return np.sqrt(np.diag(self.covariance))

    @property
    def correlation(self) -> Floats:
        """Shape (K, K); contrasts of zero variance are taken as independent of all."""
        se = self.standard_error
        safe = np.where(se > 0, se, 1.0)
        matrix = self.covariance / np.outer(safe, safe)
        np.fill_diagonal(matrix, 1.0)
        return np.asarray(np.clip(matrix, -1.0, 1.0))


def contrast_matrix(pairs: Sequence[tuple[Sequence[int], Sequence[int]]], trials: Sequence[int]) -> Floats:
    """Rows of weights over `trials`: mean over the treatment's trials minus mean over the control's, (K, trials)."""
    column = {trial: j for j, trial in enumerate(trials)}
    weights = np.zeros((len(pairs), len(trials)))
    for k, (treatment, control) in enumerate(pairs):
        for trial in treatment:
            weights[k, column[trial]] += 1 / len(treatment)
        for trial in control:
            weights[k, column[trial]] -= 1 / len(control)
    return weights


def estimate(
    scores: Floats,
    weights: Floats,
    noise: SeedNoise,
    groups: Sequence[NDArray[np.intp]] = (),
    pseudo: float = PSEUDO_DISCORDANCE,
) -> Estimates:
    """Estimate every contrast, over all examples or over each group of examples.

    Args:
        scores: shape (trials, n).
        weights: from `contrast_matrix`, shape (K, trials).
        noise: covariance between replicates, (1, 1), or (G, G) with groups.
        groups: indices of the examples of each group; the result then has K x G contrasts, group by group.
        pseudo: added to each sum of squares, see `PSEUDO_DISCORDANCE`; 0 for losses.
    """
    differences = weights @ scores
    blocks = groups or (np.arange(scores.shape[1]),)
    k = len(weights)
    effect = np.concatenate([differences[:, block].mean(axis=1) for block in blocks])
    from_seeds = np.kron(noise.covariance, weights @ weights.T)
    examples = np.zeros_like(from_seeds)
    example_df = np.empty(k * len(blocks))
    for g, block in enumerate(blocks):
        rows = slice(g * k, (g + 1) * k)
        examples[rows, rows] = _covariance_of_means(differences[:, block], pseudo)
        example_df[rows] = max(len(block) - 1, 1)
    v_examples, v_seeds = np.diag(examples).copy(), np.diag(from_seeds).copy()
    df = _satterthwaite(v_examples, example_df, v_seeds, noise.effective_df)
    return Estimates(effect, examples + from_seeds, df, v_examples, v_seeds)


def _covariance_of_means(differences: Floats, pseudo: float) -> Floats:
    n = differences.shape[1]
    if n < 2:
        return np.eye(len(differences))  # one example says nothing: the largest variance a difference can have
    centred = differences - differences.mean(axis=1, keepdims=True)
    return np.asarray((centred @ centred.T + pseudo * np.eye(len(differences))) / (n - 1) / n)


def _satterthwaite(examples: Floats, example_df: Floats, seeds: Floats, seed_df: float) -> Floats:
    below = examples**2 / example_df + (seeds**2 / seed_df if math.isfinite(seed_df) else 0.0)
    total = (examples + seeds) ** 2
    return np.where(below > 0, total / np.where(below > 0, below, 1.0), example_df)


def mcnemar_exact(treatment: Floats, control: Floats) -> float | None:
    """Two-sided exact McNemar test of two trials on the same examples, or None when scores are not right-or-wrong.

    Says whether *these two adapters* differ; it knows nothing of other seeds. Source: McNemar 1947 (Psychometrika 12,
    153), by statsmodels.
    """
    both = np.concatenate([treatment, control])
    if not np.all((both == 0) | (both == 1)):
        return None
    won, lost = int(np.sum(treatment > control)), int(np.sum(treatment < control))
    if won + lost == 0:
        return 1.0
    return float(mcnemar([[0, won], [lost, 0]], exact=True).pvalue)
