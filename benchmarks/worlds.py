"""Simulated worlds of known truth: what a trial does on every example, without training and without a clock.

A world is a population of examples and a set of configurations. An example has a difficulty; a configuration shifts all
logits by its effect; a seed shifts them together; a fresh draw decides each single answer:

    logit(i, c, s) = difficulty_i + effect_c + seed shift_(c, s) + taste_(c, i),      score ~ Bernoulli(sigmoid(logit))

A configuration's true accuracy is the mean over the population of examples and over seeds. Everything is a function of
the world's seed, the configuration and the trial's seed, so that the same trial always does the same.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from tunebook.core.configuration import Configuration
from tunebook.core.facts import Cost, Curve, DataFacts, EvaluationRecord, Outcomes, TrialFact
from tunebook.core.study import Purpose, Trial, TrialState

__all__ = ["World", "no_effect"]

Floats = NDArray[np.float64]

QUADRATURE = np.polynomial.hermite_e.hermegauss(61)
"""Nodes and weights for means over a normal population."""
NOISY = 3.0
BAD_SEED = 0.15
TASTE_FEATURES = 24
TASTE_LENGTH = 1.0
"""Length over which configurations share their taste, in steps of a factor two (of rate, rank or batch)."""


def no_effect(configuration: Configuration) -> float:
    """The null world: every configuration has the baseline's accuracy."""
    del configuration
    return 0.0


@dataclass(frozen=True)
class World:
    """One simulated study's truth.

    Attributes:
        seed: of this world's examples and of all its chance.
        n_validation, n_test: examples.
        accuracy: the baseline's true accuracy.
        effect: true difference of accuracy of a configuration from the baseline's.
        seed_deviation: standard deviation of the seed's shift, in accuracy.
        difficulty_spread: standard deviation of the examples' logits; the larger, the less replicates disagree.
        noise_spread: unequal noise: log standard deviation of the configurations' own seed deviations.
        heavy_tails: the seed's shift is Student t with 3 degrees of freedom.
        taste: standard deviation of configuration-by-example effects, in logits; neighbours share them.
        cluster: correlated examples: size of the clusters that share half of the variance of difficulty, of taste and
            of the single answers' chance; 1: independent.
        cliff: learning rate at which half of the seeds diverge; None: none do.
        cliff_noise: standard deviation of the log rate at which a seed diverges.
        n_groups: groups of examples for the group family; 0: none.
        noisy_level: factor and level at which the seeds' deviation is three times as large.
        bad_seeds: share of seeds that come out `BAD_SEED` lower, whatever the settings.
        shuffled: clusters are spread over the file in a random order, so that neighbours do not show them.
        crossing: standard deviation of the log loss of an evaluation at the start of a training around the end's; it
            fades. With it, a race stops trials by chance.
    """

    seed: int
    n_validation: int = 358
    n_test: int = 0
    accuracy: float = 0.6
    effect: Callable[[Configuration], float] = no_effect
    seed_deviation: float = 0.01
    difficulty_spread: float = 3.0
    noise_spread: float = 0.0
    heavy_tails: bool = False
    taste: float = 0.0
    cluster: int = 1
    cliff: float | None = None
    cliff_noise: float = 0.1
    n_groups: int = 0
    noisy_level: tuple[str, object] | None = None
    bad_seeds: float = 0.0
    shuffled: bool = False
    crossing: float = 0.0
    _shifts: dict[float, float] = field(default_factory=dict, compare=False, repr=False)

    @property
    def facts(self) -> DataFacts:
        """What a planner is told of the data."""
        groups = tuple(f"g{i % self.n_groups}" for i in range(self.n_validation)) if self.n_groups else ()
        return DataFacts(
            n_train=500,
            n_validation=self.n_validation,
            n_test=self.n_test,
            longest_tokens=300,
            mean_tokens=120.0,
            groups=groups,
            commonest_share=0.2,
        )

    def true_accuracy(self, configuration: Configuration) -> float:
        """Mean over all examples that there could be, and over all seeds that train."""
        return self.accuracy + self.effect(configuration)

    def run(self, trial: Trial) -> TrialFact:
        """What comes of a trial."""
        if trial.purpose is not Purpose.REFERENCE and self._diverges(trial):
            return TrialFact(trial=trial, state=TrialState.DIVERGED, diverged_step=10, reason="loss_rose")
        outcomes = {split: self._outcomes(trial, split) for split in trial.splits}
        curve, cost = self._curve(trial, outcomes), self._cost(trial)
        return TrialFact(trial=trial, state=TrialState.COMPLETED, outcomes=outcomes, curve=curve, cost=cost)

    def _curve(self, trial: Trial, outcomes: dict[str, Outcomes]) -> Curve:
        """The loss falls in a straight line to where it ends."""
        if "validation" not in outcomes:
            return Curve()
        epochs, end = trial.effective.num_train_epochs, outcomes["validation"].loss
        early = self.crossing * self._generator("early", trial).standard_normal() if self.crossing else 0.0
        losses = [end * (2 - k / epochs) * math.exp(early * (1 - k / epochs)) for k in range(1, epochs + 1)]
        return Curve((), tuple(EvaluationRecord(i, float(i), "validation", x) for i, x in enumerate(losses, 1)))

    def _outcomes(self, trial: Trial, split: str) -> Outcomes:
        difficulty, coefficients = self._examples[split]
        n = len(difficulty)
        chance = self._generator("trial", trial, split)
        logits = difficulty + self._shift(self._level(trial)) + self._seed_shift(trial) * self._logits_per_point
        if self.taste:
            logits = logits + self.taste * coefficients @ self._features(trial.effective)
        draw = special.ndtr(self._clustered(chance, n)) if self.cluster > 1 else chance.random(n)
        scores = (draw < special.expit(logits)).astype(np.float64)
        return Outcomes(scores, np.logaddexp(0.0, -logits) + chance.gamma(1.0, 0.02, n))

    def _level(self, trial: Trial) -> float:
        if trial.purpose is Purpose.REFERENCE:
            return max(0.02, self.accuracy - 0.4)
        return self.true_accuracy(trial.effective)

    def _seed_shift(self, trial: Trial) -> float:
        """In accuracy. The same for all splits: it is the adapter that is better or worse."""
        chance = self._generator("seed", trial)
        draw = chance.standard_t(3) / math.sqrt(3) if self.heavy_tails else chance.standard_normal()
        own = 1.0
        if self.noise_spread:
            own = math.exp(self.noise_spread * self._generator("noise", _key(trial.effective)).standard_normal())
        if self.noisy_level is not None and getattr(trial.effective, self.noisy_level[0]) == self.noisy_level[1]:
            own *= NOISY
        bad = self.bad_seeds > 0 and chance.random() < self.bad_seeds
        return float(draw) * own * self.seed_deviation - (BAD_SEED if bad else 0.0)

    def _diverges(self, trial: Trial) -> bool:
        if self.cliff is None:
            return False
        edge = math.log(self.cliff) + self.cliff_noise * self._generator("cliff", trial).standard_normal()
        return math.log(trial.effective.learning_rate) > edge

    @staticmethod
    def _cost(trial: Trial) -> Cost:
        c = trial.effective
        seconds = c.num_train_epochs * (10.0 + 0.02 * c.lora_r)
        return Cost(
            train_seconds=seconds,
            score_seconds=2.0,
            raw_tokens=60_000 * c.num_train_epochs,
            computed_tokens=60_000 * c.num_train_epochs,
            peak_bytes=2**30,
            adapter_bytes=40_000 * c.lora_r,
        )

    @cached_property
    def _examples(self) -> dict[str, tuple[Floats, Floats]]:
        """By split: difficulties (n,), and coefficients of taste (n, features)."""
        found = {}
        for split, n in (("validation", self.n_validation), ("test", self.n_test)):
            if n:
                chance = self._generator("examples", split)
                difficulty = self.difficulty_spread * self._clustered(chance, n)
                taste = [self._clustered(chance, n) for _ in range(TASTE_FEATURES)] if self.taste else []
                found[split] = (difficulty, np.array(taste).T)
        return found

    def _clustered(self, chance: np.random.Generator, n: int) -> Floats:
        """Standard normal values of the examples, in the order of the file."""
        values = _clustered(chance, n, self.cluster)
        return values[self._generator("order", str(n)).permutation(n)] if self.shuffled else values

    @cached_property
    def _logits_per_point(self) -> float:
        """Logits that move the mean accuracy by 1 (in [0, 1])."""
        near = self._shift(self.accuracy + 0.005) - self._shift(self.accuracy - 0.005)
        return near / 0.01

    def _shift(self, accuracy: float) -> float:
        """The common logit at which the population's mean accuracy is this, seeds and tastes averaged over."""
        if accuracy not in self._shifts:
            spread = math.hypot(self.difficulty_spread, self.taste)
            self._shifts[accuracy] = _common_logit(accuracy, spread)
        return self._shifts[accuracy]

    def _features(self, c: Configuration) -> Floats:
        """Unit vector of a configuration; the inner product of two falls off with their distance (shared taste)."""
        steps = np.array(
            [
                math.log2(c.learning_rate),
                math.log2(c.lora_r),
                math.log2(c.scaling),
                math.log2(c.effective_batch_size),
                float(c.num_train_epochs),
                10 * c.lora_dropout,
                float(c.weight_decay * 20),
                float(c.warmup_steps),
            ]
        )
        chance = np.random.Generator(np.random.Philox(key=11))
        directions = chance.standard_normal((TASTE_FEATURES // 2, len(steps))) / TASTE_LENGTH
        phases = directions @ steps
        return np.concatenate([np.cos(phases), np.sin(phases)]) / math.sqrt(TASTE_FEATURES / 2)

    def _generator(self, *what: object) -> np.random.Generator:
        words = "/".join(_word(w) for w in what)
        return np.random.Generator(np.random.Philox(key=[self.seed, zlib.crc32(words.encode())]))


def _word(value: object) -> str:
    return f"{_key(value.effective)}.{value.seed}" if isinstance(value, Trial) else str(value)


_key = lru_cache(maxsize=4096)(Configuration.key.fget)  # type: ignore[attr-defined]


def _clustered(chance: np.random.Generator, n: int, size: int) -> Floats:
    """Standard normal values; neighbours in clusters of that size have correlation one half."""
    own = chance.standard_normal(n)
    if size == 1:
        return own
    shared = np.repeat(chance.standard_normal(-(-n // size)), size)[:n]
    return (own + shared) / math.sqrt(2)


_LOGITS: dict[tuple[float, float], float] = {}


def _common_logit(accuracy: float, spread: float) -> float:
    key = (round(accuracy, 9), spread)
    if key not in _LOGITS:
        nodes, weights = QUADRATURE
        weights = weights / weights.sum()
        _LOGITS[key] = float(optimize.brentq(lambda x: weights @ special.expit(x + spread * nodes) - accuracy, -60, 60))
    return _LOGITS[key]
