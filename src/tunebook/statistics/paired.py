"""Paired differences between groups of trials scored on the same examples, for all contrasts of a family together.

Let W be the matrix of contrasts over trials (1/m_A for the treatment's trials, -1/m_B for the control's) and Y the
scores (trials x examples). The differences per example are D = W Y, the estimates are their row means, and the
covariance of the estimates is cov(D)/n + sigma^2 W W': the part from the examples plus the part from the seeds. It
includes the correlation of contrasts that share a control, a seed or difficult examples. `half_alone` gives intervals
of single contrasts in which the chance on single answers is in one of the two terms only (decision 117).

Source: Miller 2024, "Adding error bars to evals" (arXiv:2411.00640), section on paired differences, plus the seeds'
variance (Bouthillier et al. 2021). Assumptions: examples are independent given the configurations; a seed shifts all
examples of a trial together with standard deviation sigma. The noise of a seed on single examples is deliberately in
both terms of what verdicts are judged by (decision 030); in their degrees of freedom it counts once, as part of the
seeds' term, for the copy makes nothing more certain (decision 137).

Related examples (five questions on one text) carry less information than their number suggests. If the differences of
neighbouring examples in the file are correlated beyond chance, the examples' variance is multiplied by 1 + 2 x (sum of
the autocorrelations), as in Newey, West 1987 (Econometrica 55, 703); decision 031.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from tunebook.statistics.noise import SeedNoise

__all__ = [
    "Estimates",
    "Variances",
    "contrast_matrix",
    "discordance",
    "estimate",
    "half_alone",
    "mcnemar_exact",
    "neighbour_inflation",
    "sign_p",
]

Floats = NDArray[np.float64]

PSEUDO_DISCORDANCE = 1.0
"""Added to the sum of squares of a contrast's differences: half an example in each of the two discordant cells, as in
Agresti, Min 2005 (Statistics in Medicine 24, 729). Without it, two trials that agree on every example would have a
difference of zero with a standard error of zero. Of scores that are not right-or-wrong, the square of one discordant
example is that of two unrelated answers instead of 1: `discordance` (decision 091)."""

PLAIN_LEVEL = 0.95
"""Level of the interval of one contrast alone."""

NEAR_LAGS = tuple(range(1, 11))
FAR_LAGS = tuple(range(25, 51))
FEWEST_FOR_NEIGHBOURS = 100
NEIGHBOUR_QUANTILE = 1.645


@dataclass(frozen=True, kw_only=True)
class Estimates:
    """Estimates of K contrasts.

    Attributes:
        effect: shape (K,).
        covariance: covariance of the estimates, shape (K, K).
        df: Satterthwaite degrees of freedom, shape (K,).
        from_examples, from_seeds: the two parts of each variance, shape (K,).
        half: half the 95 % interval of each contrast alone, shape (K,); see `half_alone`.
        inflation: factor on the examples' variance for correlated neighbours; 1: none.
    """

    effect: Floats
    covariance: Floats
    df: Floats
    from_examples: Floats
    from_seeds: Floats
    half: Floats
    inflation: float = 1.0

    @property
    def standard_error(self) -> Floats:
        return np.sqrt(np.diag(self.covariance))

    @property
    def correlation(self) -> Floats:
        """Correlation of the estimates, shape (K, K). Contrasts of zero variance count as independent of all others."""
        se = self.standard_error
        safe = np.where(se > 0, se, 1.0)
        matrix = self.covariance / np.outer(safe, safe)
        np.fill_diagonal(matrix, 1.0)
        return np.asarray(np.clip(matrix, -1.0, 1.0))


def discordance(scores: Floats) -> float:
    """The squared difference of an example on which two trials disagree: 1 for right-or-wrong scores, else that of two
    unrelated answers, twice the variance over examples.

    Args:
        scores: shape (trials, n).
    """
    if np.all((scores == 0) | (scores == 1)):
        return 1.0
    return 2 * float(scores.var(axis=1).mean())


def contrast_matrix(pairs: Sequence[tuple[Sequence[int], Sequence[int]]], trials: Sequence[int]) -> Floats:
    """Weights over `trials`, one row per contrast: mean over the treatment's trials minus mean over the control's;
    shape (K, trials)."""
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
    names: Sequence[str] = (),
) -> Estimates:
    """Estimate every contrast, over all examples or within each group of examples.

    Args:
        scores: shape (trials, n).
        weights: from `contrast_matrix`, shape (K, trials).
        noise: covariance between replicates, shape (1, 1), or (G, G) with groups.
        groups: indices of the examples in each group; the result then has K x G contrasts, group by group.
        pseudo: added to each sum of squares, see `PSEUDO_DISCORDANCE`, in discordant examples; 0 for losses.
        names: each trial's configuration, needed if `noise` has configurations with their own noise; empty: none.
    """
    differences = weights @ scores
    blocks = groups or (np.arange(scores.shape[1]),)
    k = len(weights)
    if pseudo:
        pseudo *= discordance(scores)
    effect = np.concatenate([differences[:, block].mean(axis=1) for block in blocks])
    inflation = neighbour_inflation(differences)
    examples = np.zeros((k * len(blocks), k * len(blocks)))
    example_df, floor, answers = (np.zeros(k * len(blocks)) for _ in range(3))
    for g, block in enumerate(blocks):
        rows = slice(g * k, (g + 1) * k)
        examples[rows, rows] = inflation * _covariance_of_means(differences[:, block], pseudo)
        example_df[rows] = max(len(block) - 1, 1)
        floor[rows] = inflation * pseudo / example_df[rows] / len(block)
        if noise.from_answers and not noise.provisional:  # else the prior stands for some of it
            answers[rows] = noise.from_answers[g] * (weights**2).sum(axis=1)
    from_seeds, below = _from_seeds(weights, noise, names)
    v_examples, v_seeds = np.diag(examples).copy(), np.diag(from_seeds).copy()
    variances = Variances(examples=v_examples, example_df=example_df, seeds=v_seeds, seeds_below=below)
    beyond = variances.beyond(answers, floor)
    return Estimates(
        effect=effect,
        covariance=examples + from_seeds,
        df=variances.df(beyond),
        from_examples=v_examples,
        from_seeds=v_seeds,
        half=half_alone(variances, beyond),
        inflation=inflation,
    )


@dataclass(frozen=True, kw_only=True)
class Variances:
    """The two parts of the variances of K contrasts; every array has shape (K,).

    Attributes:
        examples, example_df: the part from the examples, with its degrees of freedom.
        seeds, seeds_below: the part from the seeds, and its share of the sum in Satterthwaite's formula (variance^2 /
            df).
    """

    examples: Floats
    example_df: Floats
    seeds: Floats
    seeds_below: Floats

    def df(self, examples: Floats) -> Floats:
        """Satterthwaite's degrees of freedom of `examples` (of the examples' part what is counted) plus the seeds'
        part."""
        below = self.seeds_below + np.where(examples > 0, self.examples**2 / self.example_df, 0.0)
        return np.where(below > 0, (examples + self.seeds) ** 2 / np.where(below > 0, below, 1.0), self.example_df)

    def beyond(self, answers: Floats, floor: Floats) -> Floats:
        """What is left of the examples' part without the chance on single answers, which the seeds' part holds too: how
        differently the settings fare on different examples.

        Args:
            answers: the chance on single answers in each variance; 0: not known.
            floor: the least that is left.
        """
        return np.minimum(np.maximum(self.examples - answers, floor), self.examples)

    def half(self, examples: Floats) -> Floats:
        """Half the 95 % interval with so much of the examples' part."""
        t = special.stdtrit(self.df(examples), 0.5 + PLAIN_LEVEL / 2)
        return np.asarray(t * np.sqrt(examples + self.seeds))


def half_alone(variances: Variances, beyond: Floats) -> Floats:
    """Half the 95 % interval of each contrast alone, shape (K,): the chance on single answers counts once.

    Never wider than with both.

    Args:
        beyond: what is left of the examples' part without it, from `Variances.beyond`.
    """
    return np.minimum(variances.half(beyond), variances.half(variances.examples))


def _from_seeds(weights: Floats, noise: SeedNoise, names: Sequence[str]) -> tuple[Floats, Floats]:
    """The seeds' part of the covariance, and the seeds' part of the sum in Satterthwaite's formula (variance^2 /
    df)."""
    apart = [name for name in noise.own if name in names]
    pooled = np.array([name not in apart for name in names] if apart else np.ones(weights.shape[1], bool))
    parts = [(*noise.assumed, pooled)]
    parts += [(*noise.own[name], np.array([each == name for each in names])) for name in apart]
    weights = weights * np.sqrt([noise.above.get(name, 1.0) for name in names] or [1.0])
    size = len(weights) * len(noise.covariance)
    total, below = np.zeros((size, size)), np.zeros(size)
    for covariance, df, columns in parts:
        own = weights[:, columns]
        part = np.kron(covariance, own @ own.T)
        total += part
        below += np.diag(part) ** 2 / df
    return total, below


def neighbour_inflation(differences: Floats) -> float:
    """The factor by which the variance of a mean over examples exceeds that of independent examples, estimated from
    neighbours in the file.

    Args:
        differences: shape (K, n).

    The weighted autocorrelations at lags 1 to 10, minus the plateau at lags 25 to 50, because a file sorted by label
    has a plateau but no clusters. One factor for all contrasts; 1 unless the sum exceeds chance (one-sided 5 %, as if
    there were one contrast), and 1 for fewer than 100 examples.
    """
    n = differences.shape[1]
    if n < FEWEST_FOR_NEIGHBOURS:
        return 1.0
    centred = differences - differences.mean(axis=1, keepdims=True)
    variance = np.einsum("kn,kn->k", centred, centred) / n
    varying = variance > 0
    if not varying.any():
        return 1.0
    unit = centred[varying] / np.sqrt(variance[varying])[:, None]
    near = np.array([np.vdot(unit[:, :-lag], unit[:, lag:]) / unit.size for lag in NEAR_LAGS])
    far = np.array([np.vdot(unit[:, :-lag], unit[:, lag:]) / unit.size for lag in FAR_LAGS])
    weights = 1 - np.array(NEAR_LAGS) / (NEAR_LAGS[-1] + 1)
    total = float(weights @ (near - far.mean()))
    chance = math.sqrt((float(weights @ weights) + float(weights.sum()) ** 2 / len(FAR_LAGS)) / n)
    return 1 + 2 * total if total > NEIGHBOUR_QUANTILE * chance else 1.0


def _covariance_of_means(differences: Floats, pseudo: float) -> Floats:
    n = differences.shape[1]
    if n < 2:
        return np.eye(len(differences))  # one example has no variance: assume the largest that a difference can have
    centred = differences - differences.mean(axis=1, keepdims=True)
    return np.asarray((centred @ centred.T + pseudo * np.eye(len(differences))) / (n - 1) / n)


def mcnemar_exact(treatment: Floats, control: Floats) -> float | None:
    """P-value of the two-sided exact McNemar test of two trials on the same examples, or None if scores are not
    right-or-wrong.

    Tests whether *these two adapters* differ; it does not account for other seeds. Source: McNemar 1947 (Psychometrika
    12, 153).
    """
    both = np.concatenate([treatment, control])
    if not np.all((both == 0) | (both == 1)):
        return None
    won, lost = int(np.sum(treatment > control)), int(np.sum(treatment < control))
    return sign_p(won, lost)


def sign_p(won: int, lost: int) -> float:
    """P-value of the two-sided exact sign test of so many examples that one side won and the other one."""
    return min(1.0, 2 * float(special.bdtr(min(won, lost), won + lost, 0.5)))
