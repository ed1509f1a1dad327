"""Which configuration leads, which ones cannot be told from it, and how much of its lead is due to the selection.

*Leader*: accuracy is the goal, but loss is measured more precisely. Among the configurations whose accuracy is within
one standard error of the highest, the one with the lowest validation loss leads (decision 024).

*Tie set*: a configuration is excluded if another one is better beyond the simultaneous 95 % limit: Hsu's multiple
comparisons with the best (Hsu 1981, Annals of Statistics 9, 1026), with the critical value of comparisons with the
leader.

*Winner's curse* (decision 032): the selection is repeated in simulated worlds. The true values of such a world are the
observed accuracies and losses, shrunk jointly towards their means by the share of their spread that noise explains
(James, Stein 1961; for several quantities Efron, Morris 1972, Biometrika 59, 335): observed values are more spread out
than true ones, and a precisely measured loss carries information about the accuracy. Noise of examples and seeds is
added, the leader is selected again, and its excess over its own true value is recorded. The mean excess is subtracted
from the leader's accuracy; its quantiles give the interval.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from tunebook.statistics.intervals import FEW, are_within, exact_interval
from tunebook.statistics.multiple import MaxT

__all__ = ["Corrected", "Field", "corrected_accuracy", "leader", "tie_set"]

Floats = NDArray[np.float64]

RESAMPLINGS = 2000
FEWEST_TO_SHRINK = 3
"""Smallest number of configurations from which the spread of true values can be estimated."""
TINY = 1e-15


@dataclass(frozen=True, kw_only=True)
class Field:
    """The configurations from which one is selected.

    Attributes:
        scores: mean score over replicates for each example, shape (C, n).
        losses: mean loss over replicates for each example, shape (C, n); rows of NaN where it is not finite.
        replicates: number of replicates of each, shape (C,).
        seed_covariance: covariance between replicates of (accuracy, loss), shape (2, 2).
        answer_covariance: covariance of the noise of a seed on a single example's (score, loss), shape (2, 2). The
            spread over examples includes it too; here it is counted only once, because nothing is tested (decision
            030).
        seed_df: degrees of freedom of `seed_covariance`; infinite: a prior.
        has_bounds: whether results lie in [0, 1] although scores need not, see `History.has_bounds`.
    """

    scores: Floats
    losses: Floats
    replicates: Floats
    seed_covariance: Floats
    answer_covariance: Floats
    seed_df: float
    has_bounds: bool = False

    @property
    def accuracy(self) -> Floats:
        return np.asarray(self.scores.mean(axis=1))

    @property
    def loss(self) -> Floats:
        return np.where(np.isfinite(self.losses).all(axis=1), np.nan_to_num(self.losses).mean(axis=1), np.inf)

    @property
    def covariance(self) -> Floats:
        """Covariance of the accuracies from examples and seeds, as in the findings; shape (C, C)."""
        n = self.scores.shape[1]
        seeds = np.diag(self.seed_covariance[0, 0] / self.replicates)
        return np.asarray(_covariance(self.scores) / n + seeds)

    @property
    def joint_covariance(self) -> Floats:
        """Covariance of the accuracies and then the losses, with each source of noise counted once; shape (2C, 2C)."""
        n = self.scores.shape[1]
        both = np.concatenate([self.scores, np.where(np.isfinite(self.losses), self.losses, 0.0)])
        each = np.diag(1 / self.replicates)
        noise = _covariance(both) / n + np.kron(self.seed_covariance - self.answer_covariance / n, each)
        floor = np.concatenate([np.full(len(self.scores), value) for value in np.diag(self.seed_covariance)])
        np.fill_diagonal(noise, np.maximum(np.diag(noise), floor / np.tile(self.replicates, 2)))
        return np.asarray(noise)

    @property
    def paired_errors(self) -> Floats:
        """Standard error, over examples, of the difference of each pair; shape (C, C)."""
        return _paired_errors(self.scores)


def _covariance(rows: Floats) -> Floats:
    """Covariance between rows over columns; zero for a single column, which cannot vary."""
    return np.atleast_2d(np.cov(rows)) if rows.shape[1] > 1 else np.zeros((len(rows), len(rows)))


def _paired_errors(scores: Floats) -> Floats:
    within = _covariance(scores)
    spread = np.diag(within)
    squared = spread[:, None] + spread[None, :] - 2 * within
    return np.asarray(np.sqrt(np.maximum(squared, 0.0) / scores.shape[1]))


def leader(scores: Floats, loss: Floats) -> int:
    """Index of the configuration that leads.

    Args:
        scores: mean score over replicates for each example, shape (C, n).
        loss: mean loss, shape (C,); infinite where it is not finite.
    """
    return int(_leaders(scores.mean(axis=1)[None, :], loss[None, :], _paired_errors(scores))[0])


def _leaders(accuracy: Floats, loss: Floats, errors: Floats) -> NDArray[np.intp]:
    """The leader in each row of (B, C) accuracies and losses."""
    top = np.argmax(accuracy, axis=1)
    rows = np.arange(len(accuracy))
    near = accuracy[rows, top][:, None] - accuracy <= errors[top] + 1e-12
    finite = np.where(np.isfinite(loss), loss, np.finfo(np.float64).max)
    return np.asarray(np.argmin(np.where(near, finite, np.inf), axis=1))


def tie_set(field: Field, best: int) -> NDArray[np.bool_]:
    """Which configurations cannot be told from the best, shape (C,); the best itself is included."""
    c = len(field.accuracy)
    if c == 1:
        return np.ones(1, dtype=np.bool_)
    covariance, accuracy = field.covariance, field.accuracy
    variance = np.diag(covariance)[:, None] + np.diag(covariance)[None, :] - 2 * covariance
    others = np.array([k for k in range(c) if k != best])
    contrasts = np.eye(c)[others] - np.eye(c)[best]
    between = contrasts @ covariance @ contrasts.T
    scale = np.sqrt(np.maximum(np.diag(between), 1e-30))
    df = min(field.seed_df, field.scores.shape[1] - 1.0, 1e6)
    limit = float(MaxT(between / np.outer(scale, scale), np.zeros(c - 1, bool)).critical(0.05, df)[0])
    ahead = accuracy[:, None] - accuracy[None, :]
    beaten = (ahead > limit * np.sqrt(np.maximum(variance, 0.0))) & (ahead > 0)
    return np.asarray(~beaten.any(axis=0) | (np.arange(c) == best))


@dataclass(frozen=True)
class Corrected:
    """The leader's accuracy as observed and corrected for the selection, with a 95 % interval."""

    raw: float
    corrected: float
    low: float
    high: float


def corrected_accuracy(field: Field, best: int, seed: int = 0) -> Corrected:
    """The leader's accuracy without the winner's curse.

    Args:
        best: index of the selected configuration.
        seed: seed of the resamplings.
    """
    raw = float(field.accuracy[best])
    excess = _excess(field, np.random.Generator(np.random.Philox(key=seed)))
    centre = float(excess.mean())
    low, high = np.quantile(excess, [0.025, 0.975])
    inflation = _inflation(field) * _unselected(field, best, float(high - low) / 2)
    within = are_within(field.scores)
    has_bounds = within or field.has_bounds
    corrected = float(np.clip(raw - centre, 0, 1)) if has_bounds else raw - centre
    bounds = [corrected - (high - centre) * inflation, corrected + (centre - low) * inflation]
    n = field.scores.shape[1]
    if not has_bounds:
        return Corrected(raw, corrected, *bounds)
    if within and n * min(raw, 1 - raw) < FEW:
        # almost all right or all wrong: use the count, because the spread over examples is uninformative
        counted = exact_interval(corrected * n, n)
        bounds = [min(bounds[0], counted[0]), max(bounds[1], counted[1])]
    return Corrected(raw, corrected, float(max(0.0, bounds[0])), float(min(1.0, bounds[1])))


def _excess(field: Field, generator: np.random.Generator) -> Floats:
    """The leader's observed accuracy minus its true accuracy in each simulated world; shape (resamplings,)."""
    noise, truth = field.joint_covariance, _shrunk(field)
    c = len(field.scores)
    drawn = generator.multivariate_normal(truth, noise, RESAMPLINGS, method="eigh", check_valid="ignore")
    drawn_loss = np.where(np.isfinite(field.loss), drawn[:, c:], np.inf)
    chosen = _leaders(drawn[:, :c], drawn_loss, field.paired_errors)
    rows = np.arange(RESAMPLINGS)
    return np.asarray(drawn[rows, chosen] - truth[chosen])


def _shrunk(field: Field) -> Floats:
    """Accuracies and then losses, shrunk jointly towards their means: x -> mean + T S^-1 (x - mean), with S the
    observed covariance of (accuracy, loss) between configurations and T the positive part of S - noise; shape (2C,)."""
    finite = np.isfinite(field.loss)
    loss = np.where(finite, field.loss, field.loss[finite].mean() if finite.any() else 0.0)
    observed = np.stack([field.accuracy, loss])
    if observed.shape[1] < FEWEST_TO_SHRINK:
        return np.asarray(observed.reshape(-1))
    root, inverse_root = _roots(np.cov(observed))
    unexplained, directions = np.linalg.eigh(inverse_root @ _noise_between(field) @ inverse_root)
    kept = np.diag(np.maximum(0.0, 1 - unexplained))
    shrinkage = root @ directions @ kept @ directions.T @ inverse_root
    mean = observed.mean(axis=1, keepdims=True)
    return np.asarray((mean + shrinkage @ (observed - mean)).reshape(-1))


def _noise_between(field: Field) -> Floats:
    """Covariance of (accuracy, loss) between configurations that is due to noise alone; shape (2, 2)."""
    c = len(field.scores)
    blocks = field.joint_covariance.reshape(2, c, 2, c)
    centred = np.eye(c) - 1 / c
    return np.asarray(np.einsum("ij,ajbi->ab", centred, blocks) / (c - 1))


def _roots(covariance: Floats) -> tuple[Floats, Floats]:
    """Square root of a positive definite matrix, and its inverse. Directions without spread get a negligible one."""
    values, vectors = np.linalg.eigh(covariance)
    values = np.maximum(values, TINY)
    root, inverse = (vectors * power @ vectors.T for power in (np.sqrt(values), 1 / np.sqrt(values)))
    return np.asarray(root), np.asarray(inverse)


def _kept(values: Floats, noise: Floats) -> float:
    """Share of the spread of the values that noise does not explain; 1 for fewer than three values."""
    c = len(values)
    if c < FEWEST_TO_SHRINK:
        return 1.0
    expected = float(np.trace((np.eye(c) - 1 / c) @ noise)) / (c - 1)
    observed = float(values.var(ddof=1))
    return max(0.0, 1 - expected / observed) if observed > 0 else 0.0


def _unselected(field: Field, best: int, half: float) -> float:
    """Factor by which to widen the interval if configurations truly differ. The largest of many equal configurations
    varies less than a single one; the best of unequal ones is nearly always the same and varies like a single one. The
    factor lies between the two according to the share of true spread."""
    c = len(field.scores)
    noise = field.joint_covariance[:c, :c]
    alone = float(special.ndtri(0.975)) ** 2 * float(noise[best, best])
    if half <= 0:
        return 1.0
    return float(np.sqrt(1 + _kept(field.accuracy, noise) * max(0.0, alone / half**2 - 1)))


def _inflation(field: Field) -> float:
    """Factor by which to widen the interval because the seed noise is estimated: the ratio of t to normal quantile at
    the seeds' degrees of freedom, applied to the seeds' share of the variance."""
    variance = float(np.median(np.diag(field.joint_covariance)[: len(field.scores)]))
    share = float(field.seed_covariance[0, 0] / np.median(field.replicates)) / variance if variance > 0 else 0.0
    ratio = float(special.stdtrit(min(max(field.seed_df, 1.0), 1e6), 0.975) / special.ndtri(0.975))
    return 1 + share * (ratio - 1)
