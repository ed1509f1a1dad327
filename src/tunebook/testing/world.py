"""A simulated world: how accurate each configuration truly is, and the result of one trial on each example.

The truth is an accuracy surface over the factors, in [0, 1]. A trial of a configuration adds an effect of its seed and
an effect of its seed on each example; examples differ in difficulty. All random numbers come from counters over (world
seed, configuration, trial seed, split), so a trial is the same whenever and wherever it is run.

Model: example i is answered correctly when skill + seed effect + noise(seed, i) exceeds its difficulty, all normal;
skill is set so that the mean over examples and seeds is exactly the surface's accuracy. The negative log-likelihood is
a smooth function of the same quantity with most of the noise left out, so that it is less noisy than accuracy here,
too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from tunebook.core.configuration import Configuration

__all__ = ["World"]

Floats = NDArray[np.float64]

DIFFICULTY = 1.0
"""Standard deviation of the examples' difficulties, in units of skill."""
REFERENCE_BATCH = 8
REFERENCE_RANK = 8
REFERENCE_SCALING = 4.0


@dataclass(frozen=True, kw_only=True)
class World:
    """The truth of a simulated study. Accuracies and their changes are in [0, 1].

    Attributes:
        seed: seed of the examples' difficulties and of all noise.
        untrained: accuracy of the base model.
        peak: accuracy at the best learning rate of rank 8, alpha/r 4, effective batch 8, dropout 0.05, one epoch.
        best_rate: that learning rate. It moves with rank, scaling, batch and epochs by the exponents below.
        width: how fast accuracy falls away from the best rate: standard deviation of the bell, in ln(rate).
        rank_gain: accuracy gained with each doubling of the rank, less beyond four doublings.
        epoch_gain: gain of the second pass; each further pass gains half as much.
        overfit: accuracy lost with each pass after the third.
        dropout_loss: accuracy lost at a dropout 0.1 away from 0.05; grows with the square of the distance.
        rank_exponent, scaling_exponent, batch_exponent, epoch_exponent: how the best and the breaking rate move with
            the setting.
        seed_deviation: standard deviation of accuracy between seeds.
        example_noise: noise of a seed on single examples, in units of skill (difficulties have deviation 1).
        cliff: learning rate at which training breaks, at the reference settings; infinite: never.
        cliff_deviation: standard deviation of the cliff between seeds, in ln(rate).
        collapse_below: rates between this share of the cliff and the cliff give a useless model; 1: none.
        one_answer: option that a collapsed model always gives.
    """

    seed: int = 0
    untrained: float = 0.12
    peak: float = 0.62
    best_rate: float = 6e-4
    width: float = 1.3
    rank_gain: float = 0.01
    epoch_gain: float = 0.03
    overfit: float = 0.005
    dropout_loss: float = 0.01
    rank_exponent: float = -0.15
    scaling_exponent: float = -0.5
    batch_exponent: float = 0.4
    epoch_exponent: float = -0.15
    seed_deviation: float = 0.01
    example_noise: float = 0.6
    cliff: float = 2.5e-3
    cliff_deviation: float = 0.08
    collapse_below: float = 0.97

    @classmethod
    def null(cls, accuracy: float = 0.5, seed_deviation: float = 0.01, seed: int = 0) -> World:
        """A world in which every trained configuration is equally accurate and nothing breaks."""
        return cls(
            seed=seed,
            untrained=min(0.12, accuracy),
            peak=accuracy,
            width=math.inf,
            rank_gain=0,
            epoch_gain=0,
            overfit=0,
            dropout_loss=0,
            seed_deviation=seed_deviation,
            cliff=math.inf,
        )

    @classmethod
    def from_settings(cls, settings: dict[str, Any]) -> World:
        """A world with some fields set; unknown names raise TypeError."""
        values: dict[str, Any] = {name: int(v) if name == "seed" else float(v) for name, v in settings.items()}
        return cls(**values)

    # -- the truth

    def accuracy(self, configuration: Configuration) -> float:
        """True accuracy of a configuration that trains; the untrained model's for 0 epochs."""
        if configuration.num_train_epochs == 0:
            return self.untrained
        off = math.log(configuration.learning_rate / (self.best_rate * self._shift(configuration)))
        bell = math.exp(-((off / self.width) ** 2) / 2)
        value = self.untrained + (self.peak - self.untrained) * bell + self._gains(configuration)
        return min(0.99, max(0.01, value))

    def cliff_of(self, configuration: Configuration) -> float:
        """Learning rate at which half of the seeds break."""
        return self.cliff * self._shift(configuration)

    def _shift(self, c: Configuration) -> float:
        """The factor by which the best and the breaking rate move with the other settings."""
        return float(
            (c.lora_r / REFERENCE_RANK) ** self.rank_exponent
            * (c.scaling / REFERENCE_SCALING) ** self.scaling_exponent
            * (c.effective_batch_size / REFERENCE_BATCH) ** self.batch_exponent
            * max(1, c.num_train_epochs) ** self.epoch_exponent
        )

    def _gains(self, c: Configuration) -> float:
        rank = self.rank_gain * 2 * math.tanh(math.log2(c.lora_r / REFERENCE_RANK) / 2)
        epochs = self.epoch_gain * 2 * (1 - 0.5 ** (c.num_train_epochs - 1))
        overfit = self.overfit * max(0, c.num_train_epochs - 3)
        dropout = self.dropout_loss * ((c.lora_dropout - 0.05) / 0.1) ** 2
        return rank + epochs - overfit - dropout

    # -- one trial

    def breaking(self, configuration: Configuration, seed: int) -> str | None:
        """Whether this trial "diverges" or "collapses"; None when it trains."""
        if configuration.num_train_epochs == 0 or not math.isfinite(self.cliff):
            return None
        edge = self.cliff_of(configuration) * math.exp(self.cliff_deviation * self._draw(configuration, seed, 1, 1)[0])
        if configuration.learning_rate >= edge:
            return "diverges"
        return "collapses" if configuration.learning_rate >= self.collapse_below * edge else None

    def answers(
        self, configuration: Configuration, seed: int, split: str, n: int, share: float = 1.0
    ) -> tuple[NDArray[np.bool_], Floats]:
        """Which of n examples a trained model gets right, and their negative log-likelihoods (nats); shapes (n,).

        Args:
            share: of the training rows, for learning curves: what is missing to 1 grows with its power -0.2.
        """
        deviation = 0.0 if configuration.num_train_epochs == 0 else self.seed_deviation
        learned = max(self.untrained, 1 - (1 - self.accuracy(configuration)) * share**-0.2)
        target = (self.accuracy(configuration) if share == 1 else learned) + deviation * self._draw(
            configuration, seed, 2, 1
        )[0]
        total = math.hypot(DIFFICULTY, self.example_noise)
        skill = float(ndtri(min(0.995, max(0.005, target)))) * total
        noise = self.example_noise * self._draw(configuration, seed, 3 + _split_number(split), n)
        margin = skill - self.difficulties(split, n)
        return margin + noise > 0, np.logaddexp(0.0, -1.7 * (margin + 0.3 * noise)) + 0.02

    def difficulties(self, split: str, n: int) -> Floats:
        """The difficulty of each example, the same for every trial; shape (n,)."""
        generator = np.random.default_rng([self.seed, 7, _split_number(split)])
        return DIFFICULTY * generator.standard_normal(n)

    def _draw(self, configuration: Configuration, seed: int, use: int, n: int) -> Floats:
        generator = np.random.default_rng([self.seed, int(configuration.key, 16), seed, use])
        return generator.standard_normal(n)


def _split_number(split: str) -> int:
    return {"validation": 0, "test": 1}.get(split, 2)
