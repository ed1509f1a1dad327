"""What has been seen, as the model takes it: places, shares of the training done, log losses, and how much they count.

Of each trial its end and its first evaluation on the way; of a stopped one that evaluation. Evaluations are brought to
the scale of the end. An evaluation after so many whole epochs also says, with further doubt, what a training of so few
epochs would come to, where the study varies the epochs (decision 120).

A trial of an earlier study counts as an evaluation at the very start of a training, with further doubt: it says how
losses compare, not how high they are, and two trials of this study outweigh it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunebook.core.configuration import Configuration
from tunebook.core.factor import Level, is_ordered, position
from tunebook.core.facts import DataFacts, History, Outcomes, TrialFact
from tunebook.core.study import Purpose
from tunebook.statistics.evidence import BROKE
from tunebook.statistics.surrogate import Surrogate, fit, fits

__all__ = [
    "LOOK", "RATE", "Levels", "Observations", "accuracy_by_log_loss", "has_ended", "observations", "places",
]  # fmt: skip

Floats = NDArray[np.float64]
Levels = Mapping[str, Sequence[Level]]
"""Of each factor that is varied, ordered ones from low to high."""

RATE = "learning_rate"
LOOK = 0.5
"""Share of the training from which on its first evaluation is an observation, and at which a race is looked at."""
UNORDERED = 0.75
"""How far two levels of an unordered factor lie apart, divided by the square root of 2."""

PRIOR_DOUBT = 0.15
"""Standard deviation of a prior trial's log loss, beside that of an evaluation at the start of a training."""
SHORT_DOUBT = 0.2
"""The same of an evaluation that stands for a training of so few epochs: its learning rate was still high."""


@dataclass(frozen=True)
class Observations:
    """See `surrogate.Surrogate` for the arrays.

    Attributes:
        ended: the configurations of the trials that were trained to their end, which come first in the arrays.
    """

    ended: list[Configuration]
    places: Floats
    shares: Floats
    losses: Floats
    doubts: Floats

    def fitted(self) -> Surrogate:
        """The model of them."""
        return fit(self.places, self.shares, self.losses, self.doubts)

    def weighed(self) -> list[tuple[float, Surrogate]]:
        """The models of them with every setting, and the weight of each."""
        return fits(self.places, self.shares, self.losses, self.doubts)

    @property
    def ends(self) -> Floats:
        """Places of the trials that were trained to their end."""
        return self.places[: len(self.ended)]


def observations(history: History, facts: DataFacts, levels: Levels) -> Observations:
    """Everything so far, and what an earlier study found (`facts.prior`)."""
    ended = [f for f in history.trials.values() if has_ended(f)]
    rows = [(f.trial.configuration, 1.0, math.log(f.outcomes["validation"].loss), 0.0) for f in ended]
    on_scale = [math.log(f.outcomes["validation"].loss / last) for f in ended if (last := _last_loss(f))]
    for fact in history.trials.values() if on_scale else ():
        for share, loss in _on_the_way(fact):
            rows.append((fact.trial.configuration, share, math.log(loss) + float(np.mean(on_scale)), 0.0))
        rows += [
            (short, 1.0, math.log(loss) + float(np.mean(on_scale)), SHORT_DOUBT) for short, loss in _short(fact, levels)
        ]
    rows += [(p.configuration, 0.0, math.log(p.loss), PRIOR_DOUBT) for p in facts.prior]
    columns = np.array([row[1:] for row in rows]).reshape(-1, 3)
    configurations: list[Configuration] = [row[0] for row in rows]
    at = places(levels, configurations)
    return Observations(configurations[: len(ended)], at, columns[:, 0], columns[:, 1], columns[:, 2])


def places(levels: Levels, configurations: Sequence[Configuration]) -> Floats:
    """Where configurations lie, (n, d): the natural logarithm of the rate first, 0 where it is fixed; then an ordered
    factor from 0 at its lowest level to 1 at its highest, and a direction for each level of an unordered one."""
    if not configurations:
        return np.zeros((0, 1))
    columns = [np.array([math.log(c.learning_rate) if RATE in levels else 0.0 for c in configurations])]
    for name, every in levels.items():
        values = [getattr(c, name) for c in configurations]
        if name == RATE:
            continue
        if not is_ordered(name):
            columns += [UNORDERED * np.array([float(v == level) for v in values]) for level in every]
            continue
        low, high = (position(name, level) for level in (every[0], every[-1]))
        columns.append((np.array([position(name, value) for value in values]) - low) / ((high - low) or 1.0))
    return np.stack(columns, axis=1)


def has_ended(fact: TrialFact) -> bool:
    """Whether a trial was trained to its end, with a loss that has a logarithm."""
    scored = fact.trial.purpose is not Purpose.REFERENCE and fact.state.did_train and "validation" in fact.outcomes
    return scored and 0 < fact.outcomes["validation"].loss < math.inf


def accuracy_by_log_loss(outcomes: Sequence[Outcomes]) -> float | None:
    """Accuracy gained where the log loss falls by one, by least squares; None where all losses are the same."""
    x, y = np.log([o.loss for o in outcomes]), np.array([o.accuracy for o in outcomes])
    spread = float(((x - x.mean()) ** 2).sum())
    return -float(((x - x.mean()) * (y - y.mean())).sum()) / spread if spread > 0 else None


def _last_loss(fact: TrialFact) -> float | None:
    """Of the evaluation at the very end."""
    epochs = fact.trial.effective.num_train_epochs
    last = [e.loss for e in fact.curve.evaluations if e.split == "validation" and e.epoch >= epochs - 1e-9]
    return last[-1] if last and 0 < last[-1] < math.inf else None


def _on_the_way(fact: TrialFact) -> list[tuple[float, float]]:
    """(share, loss) of the first evaluation from half of the training on."""
    if fact.trial.purpose is Purpose.REFERENCE or fact.state in BROKE:
        return []
    epochs = fact.trial.effective.num_train_epochs
    seen = [(e.epoch / epochs, e.loss) for e in fact.curve.evaluations if e.split == "validation" and e.loss > 0]
    early = [(share, loss) for share, loss in seen if LOOK - 1e-9 <= share < 1 - 1e-9 and math.isfinite(loss)]
    return early[:1]


def _short(fact: TrialFact, levels: Levels) -> list[tuple[Configuration, float]]:
    """Shorter trainings for which evaluations on the way of this one stand, none shorter than the study asks for, with
    their losses."""
    epochs = [int(str(level)) for level in levels.get("num_train_epochs", ())]
    if not epochs or fact.trial.purpose is Purpose.REFERENCE or fact.state in BROKE:
        return []
    whole = range(min(epochs), fact.trial.effective.num_train_epochs)
    seen = {e.epoch: e.loss for e in fact.curve.evaluations if e.split == "validation" and 0 < e.loss < math.inf}
    return [(fact.trial.configuration.with_values(num_train_epochs=k), seen[k]) for k in whole if k in seen]
