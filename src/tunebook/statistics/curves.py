"""What a training curve shows: whether the loss was still falling at the end, and whether it rose again before."""

from __future__ import annotations

import math

import numpy as np

from tunebook.core.facts import Curve

__all__ = ["loss_by_quarter", "rose_again", "still_falling"]

STILL_FALLING = 0.94
"""A training loss counts as still falling if the mean of its last quarter is below this share of the third quarter's
mean."""
OVERFITTED = 1.1
"""A validation loss counts as rising again if it ends above this multiple of its minimum. A smaller rise may be chance,
because the curve is measured on few examples."""
FEWEST_STEPS = 8


def loss_by_quarter(curve: Curve) -> tuple[float, float, float, float] | None:
    """Mean training loss of each quarter of the steps, nats a label token; None with too few steps, or where a loss is
    not finite."""
    losses = np.array([step.loss for step in curve.steps])
    if len(losses) < FEWEST_STEPS or not np.isfinite(losses).all():
        return None
    first, second, third, last = (float(part.mean()) for part in np.array_split(losses, 4))
    return first, second, third, last


def still_falling(curve: Curve) -> tuple[float, float] | None:
    """Mean training loss of the third and of the last quarter, if it was clearly still falling."""
    quarters = loss_by_quarter(curve)
    if quarters is None:
        return None
    before, after = quarters[2:]
    return (before, after) if after < STILL_FALLING * before else None


def rose_again(curve: Curve) -> tuple[float, float, float] | None:
    """(epoch of the lowest validation loss, that loss, the last one) if the loss clearly rose again."""
    taken = [e for e in curve.evaluations if math.isfinite(e.loss)]
    if len(taken) < 2:
        return None
    best = min(taken, key=lambda e: e.loss)
    return (best.epoch, best.loss, taken[-1].loss) if taken[-1].loss > OVERFITTED * best.loss else None
