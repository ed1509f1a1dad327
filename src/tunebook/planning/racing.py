"""Racing: which trials of a wave are stopped on the way, because they cannot be expected to win.

A trial is looked at once, when half of its training is done (at the first evaluation from there on). It is stopped when
two others of its wave had a lower validation loss at the same point and its own is more than twice the lowest of them.
So at least two are always trained to their end. Where trials run one after another, the first ones have nobody to be
held against, and more of them are finished. Earlier looks, and smaller ratios, stopped the best too often on recorded
trials, where high rates catch up late: decision 107 has the figures. What a stopped trial showed enters no claim.

Curves cross where the order of those that ended is another one than it was at the look. Then the look said little, and
those that were stopped last are worth finishing too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations

from tunebook.core.facts import TrialFact
from tunebook.core.study import TrialState
from tunebook.statistics.evidence import BROKE
from tunebook.statistics.observations import LOOK

__all__ = ["LOOKS", "RACED_EPOCHS", "curves_cross", "losers", "loss_at"]

LOOKS = (LOOK,)
"""Shares of the training at which a trial is looked at."""
RACED_EPOCHS = 3
"""With fewer epochs there is no evaluation before half of the training; with more, pilots cost more."""
FINISHED = 2
"""So many of a wave are never stopped."""
CLEARLY = 2.0
"""Ratio of the validation losses from which one is clearly lower."""
APART = 1.1
"""Ratio of two losses at the look from which their order says something."""
CROSSED = 1 / 3
"""Share of the pairs that end in the other order, from which curves cross."""


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


def curves_cross(wave: Sequence[TrialFact]) -> bool:
    """Whether many of the trials that were trained to their end changed their order after the look."""
    ended = [
        (early, fact.outcomes["validation"].loss)
        for fact in wave
        if fact.state is TrialState.COMPLETED
        and "validation" in fact.outcomes
        and (early := loss_at(fact, LOOKS[-1])) is not None
        and early > 0
    ]
    pairs = [(a, b) for a, b in combinations(ended, 2) if max(a[0], b[0]) > APART * min(a[0], b[0])]
    turned = sum((a[0] < b[0]) != (a[1] < b[1]) for a, b in pairs)
    return bool(pairs) and turned >= CROSSED * len(pairs)
