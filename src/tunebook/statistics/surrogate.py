"""What the trials so far say about settings that were not tried: a Gaussian process on the log of the validation loss.

The process has a learning-rate axis on which the loss bends, a product with the other factors (they may move the good
rate), and a small effect of each factor by itself. Evaluations on the way of a training are observations of the same
surface plus a part that fades as the training comes to its end, so stopped trials say what they can say and no more.
Scale, length and noise are the likeliest of a small grid with a prior: with the five to thirty trials of a study a free
search over them settles on whatever fits (decision 038 has the figures).

Source: Rasmussen, Williams 2006, chapters 2 and 5; the fading part as in Swersky, Snoek, Adams 2014, arXiv:1406.3896.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.special import ndtr

__all__ = ["Surrogate", "expected_improvement", "fit", "fits"]

Floats = NDArray[np.float64]
Settings = tuple[float, float, float, float]

SCALES = (0.1, 0.2, 0.4, 0.8)
"""Standard deviation of the log loss over the space."""
LENGTHS = (0.7, 1.2, 2.0)
"""Distance in the natural log of the rate over which the loss bends."""
NOISES = (0.03, 0.1, 0.2, 0.4)
"""Standard deviation of the log loss between seeds."""
TYPICAL = (0.5, 1.2, 0.2)
SPREAD = (0.8, 0.4, 1.0)
"""Typical scale, length and noise, and the log standard deviation of each around it."""
OTHERS_LENGTH = 1.5
"""Length of the other factors in the product; their levels lie between 0 and 1."""
OTHERS_LENGTHS = (0.5, 0.9, OTHERS_LENGTH)
"""Those that a description counts with: so few trials hardly tell them apart."""
OWN_SCALE, OWN_LENGTH = 0.08, 0.8
"""Standard deviation of one factor's own effect on the log loss, and its length."""
LEVEL_SCALE = 0.5
"""Standard deviation of the overall log loss around the mean of the trials."""
EARLY_LEVEL, EARLY_SCALE = 1.0, 0.25
"""Of the part that fades: of its level, and of how it differs along the rate, at the start of a training."""
EARLY_NOISE = 0.05
"""Further noise of an evaluation at the start of a training."""


@dataclass(frozen=True, kw_only=True)
class Surrogate:
    """A fitted process.

    Attributes:
        x: places of the observations, (n, d): the natural log of the rate first (0 where the rate is fixed), then the
            other factors between 0 and 1; share: of the training done, (n,).
        y: log losses; doubt: standard deviation of further noise of each, (n,).
        settings: scale, length, noise and length of the other factors.
    """

    x: Floats
    share: Floats
    y: Floats
    doubt: Floats
    centre: float
    settings: Settings
    _factor: tuple[Floats, bool]
    _weights: Floats

    def mean(self, at: Floats) -> Floats:
        """Log loss at the end of training at new places, (m,)."""
        result: Floats = self.centre + self._cross(at) @ self._weights
        return result

    def mean_and_deviation(self, at: Floats) -> tuple[Floats, Floats]:
        """The same with its standard deviation, without the noise between seeds."""
        cross = self._cross(at)
        prior = _kernel(at, np.ones(len(at)), at, np.ones(len(at)), self.settings, diagonal=True)
        variance = prior - np.einsum("ij,ji->i", cross, cho_solve(self._factor, cross.T))
        return self.centre + cross @ self._weights, np.sqrt(np.maximum(variance, 1e-12))

    def covariance(self, at: Floats) -> Floats:
        """Joint covariance of the log losses at new places, (m, m)."""
        ends = np.ones(len(at))
        cross = self._cross(at)
        result: Floats = _kernel(at, ends, at, ends, self.settings) - cross @ cho_solve(self._factor, cross.T)
        return result

    def with_expected(self, at: Floats) -> Surrogate:
        """As if a training at this place, (d,), had come out as expected."""
        x, y = np.vstack([self.x, at]), np.append(self.y, self.mean(at[None])[0])
        return _fitted(x, np.append(self.share, 1.0), y, np.append(self.doubt, 0.0), self.settings)

    def _cross(self, at: Floats) -> Floats:
        return _kernel(at, np.ones(len(at)), self.x, self.share, self.settings)


def fit(x: Floats, share: Floats, y: Floats, doubt: Floats | None = None) -> Surrogate:
    """The process with the likeliest settings.

    Args:
        x, share, y, doubt: see `Surrogate`; y is finite; without doubt there is no further noise.
    """
    doubt = np.zeros(len(y)) if doubt is None else doubt
    best = max(
        product(SCALES, LENGTHS, NOISES, (OTHERS_LENGTH,)),
        key=lambda settings: _log_posterior(x, share, y, doubt, settings),
    )
    return _fitted(x, share, y, doubt, best)


def fits(x: Floats, share: Floats, y: Floats, doubt: Floats) -> list[tuple[float, Surrogate]]:
    """The processes with every combination of settings that has a weight of more than a thousandth, and the weights:
    posterior probabilities, which sum to 1."""
    every = list(product(SCALES, LENGTHS, NOISES, OTHERS_LENGTHS))
    logs = np.array([_log_posterior(x, share, y, doubt, settings) for settings in every])
    weights = np.exp(logs - logs.max())
    weights[weights < 1e-3 * weights.sum()] = 0.0
    weights /= weights.sum()
    return [
        (float(w), _fitted(x, share, y, doubt, settings)) for w, settings in zip(weights, every, strict=True) if w > 0
    ]


def expected_improvement(lowest: float, mean: Floats, deviation: Floats) -> Floats:
    """How far below `lowest` a value of this mean and deviation lies on average, counting 0 where it lies above."""
    z = (lowest - mean) / deviation
    gain: Floats = (lowest - mean) * ndtr(z) + deviation * np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    return gain


def _fitted(x: Floats, share: Floats, y: Floats, doubt: Floats, settings: Settings) -> Surrogate:
    centre = _centre(share, y)
    factor = cho_factor(_covariance(x, share, doubt, settings), lower=True)
    weights = cho_solve(factor, y - centre)
    return Surrogate(
        x=x, share=share, y=y, doubt=doubt, centre=centre, settings=settings, _factor=factor, _weights=weights
    )


def _centre(share: Floats, y: Floats) -> float:
    ended = y[share >= 1]
    return float((ended if len(ended) else y).mean())


def _covariance(x: Floats, share: Floats, doubt: Floats, settings: Settings) -> Floats:
    noise = settings[2] ** 2 + (EARLY_NOISE * (1 - share)) ** 2 + doubt**2
    result: Floats = _kernel(x, share, x, share, settings) + np.diag(noise + 1e-8)
    return result


def _log_posterior(x: Floats, share: Floats, y: Floats, doubt: Floats, settings: Settings) -> float:
    factor = cho_factor(_covariance(x, share, doubt, settings), lower=True)
    r = y - _centre(share, y)
    likelihood = -0.5 * float(r @ cho_solve(factor, r)) - float(np.log(np.diag(factor[0])).sum())
    off = [math.log(s / t) / d for s, t, d in zip(settings, TYPICAL, SPREAD, strict=False)]
    return likelihood - 0.5 * sum(z * z for z in off)


def _kernel(
    a: Floats, share_a: Floats, b: Floats, share_b: Floats, settings: Settings, diagonal: bool = False
) -> Floats:
    """Covariance of the log losses at places a and b; with `diagonal` of each place with itself."""
    scale, length, _, apart = settings
    if diagonal:
        early = (1 - share_a) ** 2
        own = scale**2 + OWN_SCALE**2 * (a.shape[1] - 1) + LEVEL_SCALE**2
        result: Floats = own + early * (EARLY_LEVEL**2 + EARLY_SCALE**2)
        return result
    away = (a[:, None, :] - b[None, :, :]) ** 2
    bend = _matern(np.sqrt(away[..., 0]) / length)
    others = np.exp(-0.5 * away[..., 1:].sum(axis=2) / apart**2)
    own = np.exp(-0.5 * away[..., 1:] / OWN_LENGTH**2).sum(axis=2)
    early = np.outer(1 - share_a, 1 - share_b)
    total: Floats = scale**2 * bend * others + OWN_SCALE**2 * own + LEVEL_SCALE**2
    return total + early * (EARLY_LEVEL**2 + EARLY_SCALE**2 * bend)


def _matern(r: Floats) -> Floats:
    """Of smoothness 5/2."""
    z = math.sqrt(5) * r
    result: Floats = (1 + z + z**2 / 3) * np.exp(-z)
    return result
