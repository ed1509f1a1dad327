"""Racing: which trials of a wave are stopped on the way, because they cannot be expected to win.

A trial is looked at when a quarter and when half of its training is done (at the first evaluation from there on). It
is stopped when two others of its wave had a lower validation loss at the same point and its own is clearly above the
lowest of them. So at least two are always trained to their end: high rates catch up late. Where trials run one after
another, the first ones have nobody to be held against, and more of them are finished.

How often the best of six is stopped by this: decision 039. What a stopped trial showed enters no claim.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from tunebook.core.facts import TrialFact
from tunebook.statistics.evidence import BROKE

__all__ = ["LOOKS", "losers", "loss_at"]

LOOKS = (0.25, 0.5)
"""Shares of the training at which a trial is looked at."""
FINISHED = 2
"""So many of a wave are never stopped."""
CLEARLY = 1.2
"""Ratio of the validation losses from which one is clearly lower."""


def losers(wave: Sequence[TrialFact]) -> tuple[int, ...]:
    """Trials of a wave that are under way and need not go on."""
    stopped: set[int] = set()
    for look in LOOKS:
        seen = {fact.trial.id: loss for fact in wave if (loss := loss_at(fact, look)) is not None}
        for fact in wave:
            own = seen.get(fact.trial.id)
            if own is None or fact.state.is_final:
                continue
            lower = [loss for loss in seen.values() if loss < own]
            if len(lower) >= FINISHED and own > CLEARLY * min(lower):
                stopped.add(fact.trial.id)
    return tuple(sorted(stopped))


def loss_at(fact: TrialFact, look: float) -> float | None:
    """Validation loss at the first evaluation from this share of the training on, None before there is one; infinite
    where training broke. An evaluation at the end is none on the way."""
    if fact.state in BROKE:
        return math.inf
    epochs = fact.trial.effective.num_train_epochs
    for record in fact.curve.evaluations:
        if record.split == "validation" and look * epochs - 1e-9 <= record.epoch < epochs - 1e-9:
            return record.loss if math.isfinite(record.loss) else math.inf
    return None
