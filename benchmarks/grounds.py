"""What planners and other ways of choosing are tried on: simulated worlds of several families, and recorded trials.

A ground has one space: learning rate (log scale), rank, dropout, epochs. A trial on it can be stopped at a share of its
steps; its loss is then what an evaluation on the way would have shown. A unit is one full training of three epochs.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from tunebook.core.configuration import Configuration
from tunebook.core.facts import Cost, Curve, DataFacts, EvaluationRecord, History, Outcomes, TrialFact
from tunebook.core.study import Purpose, Trial, TrialState
from tunebook.testing.recorded_table import load
from tunebook.testing.replay import Replay
from tunebook.testing.simulated_study import Oracle, world_oracle
from tunebook.testing.world import World

__all__ = ["FAMILIES", "KEPT_OUT", "Ground", "RecordedGround", "Result", "SimulatedGround", "grounds_of"]

LONGEST = 120
RATES, RANKS, DROPOUTS = (5e-5, 2e-3), (8, 16, 32, 64), (0.0, 0.05, 0.1, 0.2)
UNIT_EPOCHS = 3
SAFE = 0.85
"""A configuration counts as usable up to this share of the rate at which half of its seeds break."""
EARLY = 2.5
"""How fast a stopped training has come near its end: the share of the gain is 1 - exp(-EARLY x share), over its value
at the end."""


@dataclass(frozen=True)
class Result:
    """What one trial showed: mean validation loss in nats (infinite: it broke) and accuracy (0 when it broke)."""

    loss: float
    accuracy: float


class Ground(ABC):
    """One task.

    Attributes:
        name: unique among grounds; also the seed of what methods draw.
        family: grounds of one kind.
        rates: lowest and highest learning rate; epochs: levels.
    """

    name: str
    family: str
    number: int
    rates: tuple[float, float] = RATES
    epochs: tuple[int, ...] = (3, 4, 5)
    facts: DataFacts = DataFacts(n_train=500, n_validation=358, n_test=0, longest_tokens=LONGEST, mean_tokens=74.0)

    @property
    def levels(self) -> tuple[tuple[Any, ...], ...]:
        """Levels of the factors beside the rate, in the order of a point."""
        return RANKS, DROPOUTS, self.epochs

    def configuration(self, point: tuple[float, ...]) -> Configuration:
        """The configuration of (rate, rank, dropout, epochs)."""
        rate, rank, dropout, epochs = point
        return Configuration(
            learning_rate=rate,
            per_device_train_batch_size=8,
            lora_r=int(rank),
            lora_alpha=4 * int(rank),
            lora_dropout=dropout,
            num_train_epochs=int(epochs),
            max_length=LONGEST,
        )

    def units(self, configuration: Configuration, share: float = 1.0) -> float:
        """What a trial costs."""
        return configuration.num_train_epochs * share / UNIT_EPOCHS

    @property
    @abstractmethod
    def optimum(self) -> float:
        """The best true accuracy of the space."""

    @abstractmethod
    def truth(self, configuration: Configuration) -> float:
        """True accuracy of a usable configuration, 0 of another."""

    @abstractmethod
    def trial(self, configuration: Configuration, seed: int, share: float = 1.0) -> Result:
        """One trial, stopped at a share of its steps."""

    @property
    @abstractmethod
    def oracle(self) -> Oracle:
        """What the planner's trials come to."""


class SimulatedGround(Ground):
    """A world of `testing.world` whose truth is drawn from a family."""

    def __init__(self, family: str, number: int) -> None:
        self.name, self.family, self.number = f"{family}-{number}", family, number
        self._world, self._early = FAMILIES[family](number)

    @property
    def world(self) -> World:
        """Its truth."""
        return self._world

    @cached_property
    def optimum(self) -> float:
        """On a fine grid."""
        rates = np.geomspace(*self.rates, 25).tolist()
        return max(self.truth(self.configuration(point)) for point in product(rates, *self.levels))

    def truth(self, configuration: Configuration) -> float:
        usable = configuration.learning_rate < SAFE * self._world.cliff_of(configuration)
        return self._world.accuracy(configuration) if usable else 0.0

    def trial(self, configuration: Configuration, seed: int, share: float = 1.0) -> Result:
        if self._world.breaking(configuration, seed) is not None:
            return Result(math.inf, 0.0)
        world = self._world if share == 1.0 else self._stopped(share)
        right, nll = world.answers(configuration, seed, "validation", self.facts.n_validation)
        return Result(float(nll.mean()), float(right.mean()))

    def _stopped(self, share: float) -> World:
        """The world as an evaluation on the way sees it: less is gained, and another rate leads."""
        w = self._world
        gained = (1 - math.exp(-EARLY * share)) / (1 - math.exp(-EARLY))
        peak = w.untrained + (w.peak - w.untrained) * gained
        return replace(w, peak=peak, best_rate=w.best_rate * share**self._early)

    @property
    def oracle(self) -> Oracle:
        return world_oracle(self._world, self.facts, self._stopped)


def _bell(number: int) -> tuple[World, float]:
    """Nearly additive, a bell in the log rate: the usual world, which favours one factor at a time."""
    draw = np.random.default_rng([11, number])
    best = float(np.exp(draw.uniform(np.log(1e-4), np.log(2e-3))))
    world = World(
        seed=number,
        best_rate=best,
        cliff=best * float(draw.uniform(2.5, 7)),
        width=float(draw.uniform(0.8, 1.6)),
        rank_gain=float(draw.uniform(-0.01, 0.03)),
        epoch_gain=float(draw.uniform(0, 0.05)),
        overfit=float(draw.uniform(0, 0.03)),
        dropout_loss=float(draw.uniform(-0.005, 0.02)),
        rank_exponent=float(draw.uniform(-0.4, 0.1)),
        epoch_exponent=float(draw.uniform(-0.4, 0.1)),
    )
    return world, 0.0


def _crossing(number: int) -> tuple[World, float]:
    """As `bell`, but high rates look better early than they are in the end: curves cross."""
    world, _ = _bell(number + 100_000)
    draw = np.random.default_rng([13, number])
    return replace(world, epoch_exponent=float(draw.uniform(-0.8, -0.3))), float(draw.uniform(-0.6, -0.2))


def _late(number: int) -> tuple[World, float]:
    """High rates catch up late, as in the first real trials; the cliff is near the best rate."""
    world, _ = _bell(number + 200_000)
    draw = np.random.default_rng([17, number])
    near = replace(world, cliff=world.best_rate * float(draw.uniform(1.6, 2.5)))
    return near, float(draw.uniform(0.1, 0.4))


def _interacting(number: int) -> tuple[World, float]:
    """Rank and epochs move the best rate much, the hill is narrow, seeds are noisy."""
    world, _ = _bell(number + 300_000)
    draw = np.random.default_rng([19, number])
    moved = replace(
        world,
        width=float(draw.uniform(0.5, 0.9)),
        rank_exponent=float(draw.uniform(-0.8, 0.0)),
        epoch_exponent=float(draw.uniform(-0.8, 0.3)),
        seed_deviation=0.02,
    )
    return moved, float(draw.uniform(-0.3, 0.3))


FAMILIES = {"bell": _bell, "crossing": _crossing, "late": _late, "interacting": _interacting}
KEPT_OUT = ("late", "interacting")
"""Families that no number of a planner may be chosen on."""


class RecordedGround(Ground):
    """Recorded real trials, replayed as `testing.replay` says.

    Args:
        folder: of `testing.recorded_table`.
        split: "tuning"; "kept_out" is looked at once, at the end.
        number: each ground goes by three quarters of the configurations, drawn anew: so they are alike, and their
            standard error is too small.
    """

    rates = (5e-5, 2e-2)
    epochs = (1, 2, 3, 4)

    def __init__(self, folder: Path, split: str, number: int) -> None:
        table = load(folder)
        self.name, self.family, self.number = f"{table.name}-{split}-{number}", f"recorded-{table.name}", number
        every = [i for i, each in enumerate(table.split) if each == split]
        n = max(2, round(KEPT_SHARE * len(every)))
        rows = np.random.default_rng([23, number]).choice(every, n, replace=False)
        self._table, self._replay = table, Replay(table, sorted(int(row) for row in rows))
        self.facts = DataFacts(
            n_train=table.header["n_train"],
            n_validation=table.scores.shape[2],
            n_test=0,
            longest_tokens=LONGEST,
            mean_tokens=74.0,
            commonest_share=table.header["commonest_share"],
        )

    @cached_property
    def optimum(self) -> float:
        """On a fine grid."""
        rates = np.geomspace(*self.rates, 25).tolist()
        return max(self.truth(self.configuration(point)) for point in product(rates, *self.levels))

    def truth(self, configuration: Configuration) -> float:
        return self._replay.expected(configuration)[1]

    def trial(self, configuration: Configuration, seed: int, share: float = 1.0) -> Result:
        at = self._replay.answer(configuration, self.number * SEEDS_APART + seed)
        if at.reason and self._table.broke_at_step[at.at]:
            return Result(math.inf, 0.0)
        return Result(self._replay.loss_at(at, share), float(at.scores.mean()))

    @property
    def oracle(self) -> Oracle:
        return self._answer

    def _answer(self, trial: Trial, history: History) -> TrialFact:
        if trial.purpose is Purpose.REFERENCE:
            scores, losses = self._table.untrained_scores, self._table.untrained_losses
            return TrialFact(trial=trial, state=TrialState.COMPLETED, outcomes={"validation": Outcomes(scores, losses)})
        at = self._replay.answer(trial.effective, self.number * SEEDS_APART + trial.seed)
        cost, reason = Cost(train_seconds=float(self._table.seconds[at.at])), at.reason
        if self._table.broke_at_step[at.at]:
            return TrialFact(trial=trial, state=TrialState.DIVERGED, cost=cost, reason="loss_rose")
        epochs = trial.effective.num_train_epochs
        curve = Curve(
            (),
            tuple(
                EvaluationRecord(k, float(k), "validation", self._replay.loss_at(at, k / epochs))
                for k in range(1, epochs + 1)
            ),
        )
        found = {"validation": Outcomes(at.scores, at.losses)}
        fact = TrialFact(trial=trial, state=TrialState.COMPLETED, outcomes=found, curve=curve, cost=cost)
        if not reason:
            return fact
        collapsed = reason in ("constant_answer", "unparsable_answers")
        return replace(fact, state=TrialState.COLLAPSED if collapsed else TrialState.DIVERGED, reason=reason)


KEPT_SHARE = 0.75
SEEDS_APART = 100_000


def grounds_of(families: tuple[str, ...], worlds: int, first: int = 0) -> Iterator[Ground]:
    """So many worlds of each family."""
    for family in families:
        yield from (SimulatedGround(family, number) for number in range(first, first + worlds))
