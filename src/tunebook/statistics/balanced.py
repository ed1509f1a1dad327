"""One model over all trials of a balanced design: a slope for each ordered factor, a curvature for the learning rate, a
difference for each level of the others.

With X the design (one row a trial) and c a row of the coefficients asked for, the estimate is w y with w = c X^+, by
least squares over the trials that trained; y are the scores. Its variance is cov(w y_i)/n over the examples i, plus
what the trials scatter around the model: sum of w_t^2 e_t^2 / (1 - h_t), which holds when some trials are noisier than
others, and at least s^2 sum of w_t^2. The scatter contains the seeds, the chance of single answers, and what the model
leaves out; the chance of single answers is in both terms, on purpose (decision 030).

Source: MacKinnon, White 1985 (Journal of Econometrics 29, 305) for HC2; Miller 2024 (arXiv:2411.00640) for the
examples. Assumption: the trials' scatter is independent of their settings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tunebook.core.configuration import Configuration
from tunebook.core.factor import Level, is_ordered, position
from tunebook.core.study import Contrast, ContrastKind
from tunebook.statistics.intervals import are_within
from tunebook.statistics.noise import answer_variance
from tunebook.statistics.paired import (
    PSEUDO_DISCORDANCE,
    Estimates,
    Variances,
    discordance,
    half_alone,
    neighbour_inflation,
)

__all__ = ["FEWEST_DF", "BalancedModel", "Columns", "columns_of", "least_squares"]

Floats = NDArray[np.float64]

FEWEST_DF = 3
"""With fewer residual degrees of freedom than this nothing is claimed."""


@dataclass(frozen=True)
class Columns:
    """The columns that a factor has in the model, and what its contrasts ask of them.

    Attributes:
        values: shape (trials, columns); for an ordered factor scaled so that its lowest level is -1/2 and its highest
            1/2, then, if asked for, the square.
        levels: lowest and highest level; of an unordered factor the baseline's level (or the first), then the others.
    """

    factor: str
    values: Floats
    levels: tuple[Level, ...]

    @property
    def is_ordered(self) -> bool:
        return is_ordered(self.factor)


def columns_of(factor: str, levels: Sequence[Level], baseline: Level, curved: bool = False) -> Columns:
    """Code one factor.

    Args:
        levels: of each trial.
        baseline: with which unordered levels are compared.
        curved: whether the square of an ordered factor is in the model.
    """
    distinct = list(dict.fromkeys(levels))
    if is_ordered(factor):
        at = np.array([position(factor, level) for level in levels])
        low, high = min(distinct, key=lambda v: position(factor, v)), max(distinct, key=lambda v: position(factor, v))
        span = float(np.ptp(at)) or 1.0
        z = (at - at.min()) / span - 0.5
        values = np.stack([z, z**2], axis=1) if curved else z[:, None]
        return Columns(factor, values, (low, high))
    control = baseline if baseline in distinct else distinct[0]
    others = [level for level in distinct if level != control]
    values = np.array([[float(level == other) for other in others] for level in levels]).reshape(len(levels), -1)
    return Columns(factor, values, (control, *others))


class BalancedModel:
    """The model over the trials that trained.

    Args:
        configurations, scores: of these trials; scores of shape (trials, n).
        factors: in the model; one that has a single level left is out of it.
        baseline: the study's.
        curved: factors with a square.
    """

    def __init__(
        self,
        configurations: Sequence[Configuration],
        scores: Floats,
        factors: Sequence[str],
        baseline: Configuration,
        curved: Sequence[str] = (),
    ) -> None:
        self.scores = scores
        self.configurations = tuple(configurations)
        self.columns = {
            name: columns_of(
                name, [getattr(c, name) for c in configurations], getattr(baseline, name), curved=name in curved
            )
            for name in dict.fromkeys(factors)
        }
        self.curved = frozenset(curved)

    @cached_property
    def design(self) -> Floats:
        """Shape (trials, 1 + columns), an intercept first."""
        ones = np.ones((len(self.configurations), 1))
        return np.concatenate([ones, *(each.values for each in self.columns.values())], axis=1)

    @cached_property
    def rank(self) -> int:
        return int(np.linalg.matrix_rank(self.design))

    @property
    def df(self) -> int:
        """Residual degrees of freedom."""
        return len(self.design) - self.rank

    def row(self, contrast: Contrast) -> Floats | None:
        """The coefficients that a contrast asks for, shape (1 + columns,); None when the trials cannot tell."""
        if contrast.factor not in self.columns:
            return None
        own = self.columns[contrast.factor]
        first = 1 + sum(each.values.shape[1] for each in list(self.columns.values())[: self._place(contrast.factor)])
        row = np.zeros(self.design.shape[1])
        if contrast.kind is ContrastKind.TREND:
            row[first] = 1.0
        elif contrast.kind is ContrastKind.CURVATURE and contrast.factor in self.curved:
            row[first + 1] = -0.25  # middle (z = 0) less the mean of the ends (z^2 = 1/4)
        elif contrast.kind is ContrastKind.LEVEL and contrast.level in own.levels[1:]:
            row[first + own.levels.index(contrast.level) - 1] = 1.0
        else:
            return None
        return row if self.df >= FEWEST_DF and self.can_tell(row) else None

    def _place(self, factor: str) -> int:
        return list(self.columns).index(factor)

    def can_tell(self, row: Floats) -> bool:
        """Whether the row is a combination of the design's rows: whether the trials determine it."""
        return bool(row.any()) and bool(np.allclose(row @ np.linalg.pinv(self.design) @ self.design, row, atol=1e-8))

    def estimate(self, rows: Floats, scores: Floats | None = None, pseudo: float = PSEUDO_DISCORDANCE) -> Estimates:
        """Estimate every row of coefficients, shape (K, 1 + columns), all jointly; see `least_squares`.

        Args:
            scores: other outcomes of the same trials, such as losses; None: the scores.
        """
        return least_squares(self.design, self.scores if scores is None else scores, rows, pseudo)

    def level_means(self, factor: str) -> list[tuple[Level, float, tuple[float, float], list[int]]]:
        """Every level's accuracy with all other factors at their means: (level, mean, plain 95 % interval, indices of
        its trials). The factor itself is taken level by level, whatever its scale."""
        levels = [getattr(c, factor) for c in self.configurations]
        distinct = sorted(set(levels), key=_order)
        dummies = np.array([[float(level == one) for one in distinct] for level in levels])
        others = [each.values - each.values.mean(axis=0) for name, each in self.columns.items() if name != factor]
        design = np.concatenate([dummies, *others], axis=1)
        found = least_squares(design, self.scores, np.eye(len(distinct), design.shape[1]))
        low, high = (0.0, 1.0) if are_within(self.scores) else (-np.inf, np.inf)
        return [
            (
                level,
                float(found.effect[i]),
                (max(low, float(found.effect[i] - found.half[i])), min(high, float(found.effect[i] + found.half[i]))),
                [t for t, own in enumerate(levels) if own == level],
            )
            for i, level in enumerate(distinct)
        ]


def least_squares(design: Floats, scores: Floats, rows: Floats, pseudo: float = PSEUDO_DISCORDANCE) -> Estimates:
    """Combinations of a linear model's coefficients with their joint covariance.

    Args:
        design: one row a trial, shape (trials, p).
        scores: shape (trials, n).
        rows: combinations that the design determines, shape (K, p).
        pseudo: see `statistics.paired.PSEUDO_DISCORDANCE`; 0 for losses.
    """
    inverse = np.linalg.pinv(design)
    weights = rows @ inverse
    differences = weights @ scores
    n = scores.shape[1]
    if pseudo:
        pseudo *= discordance(scores)
    df = max(len(design) - int(np.linalg.matrix_rank(design)), 1)
    inflation = neighbour_inflation(differences)
    centred = differences - differences.mean(axis=1, keepdims=True)
    examples = inflation * (centred @ centred.T + pseudo * np.eye(len(rows))) / (max(n - 1, 1) * n)
    scatter = _scatter(weights, scores.mean(axis=1), design @ inverse, df)
    v_examples, v_scatter = np.diag(examples).copy(), np.diag(scatter).copy()
    variances = Variances(
        examples=v_examples,
        example_df=np.full(len(rows), float(max(n - 1, 1))),
        seeds=v_scatter,
        seeds_below=v_scatter**2 / df,
    )
    residuals = scores - design @ inverse @ scores
    answers = answer_variance(residuals, df) / n * (weights**2).sum(axis=1)
    floor = np.full(len(rows), inflation * pseudo / (max(n - 1, 1) * n))
    return Estimates(
        effect=differences.mean(axis=1),
        covariance=examples + scatter,
        df=variances.df(v_examples),
        from_examples=v_examples,
        from_seeds=v_scatter,
        half=half_alone(variances, variances.beyond(answers, floor)),
        inflation=inflation,
    )


def _scatter(weights: Floats, means: Floats, hat: Floats, df: int) -> Floats:
    """Covariance of the estimates from the trials' scatter around the model: as if all trials were equally noisy, and
    where that is less than HC2 says, multiplied up to it."""
    residual = means - hat @ means
    leverage = np.clip(np.diag(hat), 0.0, 1 - 1e-9)
    equal = float(residual @ residual) / df * (weights @ weights.T)
    unequal = np.einsum("kt,t->k", weights**2, residual**2 / (1 - leverage))
    own = np.diag(equal)
    ratio = np.sqrt(np.maximum(1.0, unequal / np.where(own > 0, own, 1.0)))
    return np.asarray(equal * np.outer(ratio, ratio))


def _order(level: Level) -> tuple[int, float, str]:
    is_number = isinstance(level, int | float) and not isinstance(level, bool)
    return (0, float(level), "") if is_number else (1, 0.0, str(level))  # type: ignore[arg-type]
