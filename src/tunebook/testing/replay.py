"""Answers configurations that were not recorded from those that were.

Two Gaussian processes over the recorded configurations, on log loss and on accuracy, say what a configuration would
come to; a seed adds the difference of two recorded seeds. The recorded trial that comes nearest to that, and whose
settings are similar, is moved there: all its losses by one factor, and its answers by turning those that were nearest
to turning. A trial that did not train is given back as it is. `Replay.held_out` says how good the prediction is for
configurations that are left out.

The settings are described by the rate that acts (rate x alpha/r, by root of epochs over batch), which predicts better
than the rate itself, and the other factors beside it.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from tunebook.core.configuration import Configuration
from tunebook.statistics.surrogate import Surrogate, fit
from tunebook.testing.recorded_table import RecordedTable

__all__ = ["Answer", "HeldOut", "Replay"]

Floats = NDArray[np.float64]

WORST = 8.0
"""Loss that a trial counts as which broke, or came out above it, nats an example."""
ABOVE = 1.05
"""Accuracy is modelled as the log of this less the accuracy, whose noise is about even."""
SETTINGS_WEIGHT = 0.25
"""Of a distance in settings beside the standardised distance in loss and accuracy."""


@dataclass(frozen=True)
class HeldOut:
    """How well configurations are predicted that were left out.

    Attributes:
        n: configurations.
        loss, accuracy: correlation of prediction and result (log loss; accuracy).
        accuracy_error: mean absolute error in [0, 1]; spread: that of predicting the mean of the others.
    """

    n: int
    loss: float
    accuracy: float
    accuracy_error: float
    spread: float


@dataclass(frozen=True)
class Answer:
    """A trial made from a recorded one.

    Attributes:
        at: the recorded one, as (configuration, seed) of the table's arrays.
        scores, losses: after the last step, (examples,); NaN where training had broken.
        factor: by which all of its losses are multiplied.
        reason: why it did not train; "": it did.
    """

    at: tuple[int, int]
    scores: Floats
    losses: Floats
    factor: float
    reason: str = ""


class Replay:
    """Recorded trials as a task on which every configuration has an answer.

    Args:
        rows: configurations of the table to go by; None: all.
    """

    def __init__(self, table: RecordedTable, rows: Sequence[int] | None = None) -> None:
        self.table = table
        self.rows = list(range(len(table.configurations)) if rows is None else rows)
        self._places = _places([table.configurations[i] for i in self.rows])
        self._loss, self._accuracy = _results(table, self.rows)
        self._found: dict[Configuration, tuple[float, float]] = {}

    def expected(self, configuration: Configuration) -> tuple[float, float]:
        """(log loss, accuracy), on average over seeds."""
        if configuration not in self._found:
            at = _places([configuration])
            loss, below = (float(model.mean(at)[0]) for model in self._models)
            self._found[configuration] = loss, min(1.0, max(0.0, ABOVE - math.exp(below)))
        return self._found[configuration]

    def answer(self, configuration: Configuration, seed: int) -> Answer:
        """What stands for this trial."""
        wanted = np.array(self.expected(configuration)) + self._seed_difference(configuration, seed)
        off = (np.stack([self._loss, self._accuracy], axis=2) - wanted) / self._spread
        away = ((self._places - _places([configuration])) ** 2).sum(axis=1)
        distance = (off**2).sum(axis=2) + SETTINGS_WEIGHT * away[:, None]
        row, column = (int(each) for each in np.unravel_index(int(distance.argmin()), distance.shape))
        at, table = (self.rows[row], column), self.table
        scores, losses, reason = table.scores[at], table.losses[at][-1], str(table.reasons[at])
        if reason:
            return Answer(at, scores, losses, 1.0, reason)
        factor = float(np.exp(wanted[0] - self._loss[row, column]))
        return Answer(at, _turned(scores, losses, float(wanted[1])), factor * losses, factor)

    def loss_at(self, answer: Answer, share: float) -> float:
        """Mean loss of an example after a share of the training, nats, on the examples that were evaluated on the way;
        between two recorded shares in a straight line of log loss. Infinite once training had broken."""
        losses = np.log(np.maximum(self.table.loss_at[answer.at], 1e-9))
        there = np.isfinite(losses)
        if not there.all() and share > max(self.table.fractions[there], default=0.0):
            return math.inf
        return answer.factor * float(np.exp(np.interp(share, self.table.fractions[there], losses[there])))

    def held_out(self) -> HeldOut:
        """Every configuration predicted from the others."""
        n = len(self.rows)
        predicted = [
            Replay(self.table, [r for r in self.rows if r != row]).expected(self._own(row)) for row in self.rows
        ]
        loss, accuracy = np.array(predicted).T
        true_loss, true = self._loss.mean(axis=1), self._accuracy.mean(axis=1)
        others = (true.sum() - true) / (n - 1)
        return HeldOut(
            n=n,
            loss=float(np.corrcoef(loss, true_loss)[0, 1]),
            accuracy=float(np.corrcoef(accuracy, true)[0, 1]),
            accuracy_error=float(np.abs(accuracy - true).mean()),
            spread=float(np.abs(others - true).mean()),
        )

    def _own(self, row: int) -> Configuration:
        return self.table.configurations[row]

    @cached_property
    def _models(self) -> tuple[Surrogate, Surrogate]:
        ends = np.ones(len(self.rows))
        below = np.log(ABOVE - self._accuracy.mean(axis=1))
        return fit(self._places, ends, self._loss.mean(axis=1)), fit(self._places, ends, below)

    @cached_property
    def _spread(self) -> Floats:
        return np.array([float(self._loss.std()) or 1.0, float(self._accuracy.std()) or 1.0])

    def _seed_difference(self, configuration: Configuration, seed: int) -> Floats:
        """Half of the difference of two recorded seeds of one configuration, times the root of two: a seed's deviation
        from the mean. Which one, follows from the configuration and the seed."""
        draw = np.random.default_rng([zlib.crc32(configuration.key.encode()), seed])
        row = int(draw.integers(len(self.rows)))
        a, b = (int(each) for each in draw.choice(self._loss.shape[1], 2, replace=self._loss.shape[1] < 2))
        both = [self._loss[row, a] - self._loss[row, b], self._accuracy[row, a] - self._accuracy[row, b]]
        return np.array(both) / math.sqrt(2)


def _turned(scores: Floats, losses: Floats, accuracy: float) -> Floats:
    """Right-or-wrong answers turned until this share is right: wrong ones of the lowest loss, right ones of the
    highest."""
    turned = scores.copy()
    more = round(min(1.0, max(0.0, accuracy)) * len(scores)) - round(float(scores.sum()))
    if more > 0:
        wrong = np.flatnonzero(scores < 1)
        turned[wrong[np.argsort(losses[wrong], kind="stable")[:more]]] = 1.0
    elif more < 0:
        right = np.flatnonzero(scores > 0)
        turned[right[np.argsort(-losses[right], kind="stable")[:-more]]] = 0.0
    return turned


def _results(table: RecordedTable, rows: Sequence[int]) -> tuple[Floats, Floats]:
    """Log loss and accuracy, (configurations, seeds)."""
    loss = np.minimum(table.loss[rows], WORST)
    return np.log(loss), table.accuracy[rows]


def _places(configurations: Sequence[Configuration]) -> Floats:
    return np.array([_place(each) for each in configurations])


@lru_cache(maxsize=4096)
def _place(c: Configuration) -> tuple[float, ...]:
    acting = c.learning_rate * c.scaling * math.sqrt(c.num_train_epochs / c.effective_batch_size)
    return (
        math.log(acting),
        math.log2(c.lora_r) / 4,
        math.log2(c.scaling) / 2,
        math.log2(c.effective_batch_size) / 3,
        c.num_train_epochs / 3,
        5 * c.lora_dropout,
        float(c.lr_scheduler_type.startswith("constant")),
        float(c.warmup_steps > 0),
    )
