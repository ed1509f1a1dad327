"""Seed numbers: a pure function of the study's seed and of what the trial is for.

Trials that choose something and trials that claim something draw from different ranges, so a claim never rests on a
seed that helped to choose what it is about. Within a use all configurations share the same numbers: equal settings then
meet in one trial, and shorter trials can be checkpoints of longer ones.
"""

from __future__ import annotations

from enum import IntEnum

__all__ = ["SeedUse", "seed_numbers"]

SPAN = 1000
"""Numbers that belong to one study seed: studies with seeds 0 and 1 share none."""
REPEAT_SPAN = 20
"""Numbers set aside for each further round of the same kind."""


class SeedUse(IntEnum):
    """What the seeds are for; the value is where their range begins."""

    CLAIM = 0
    SELECTION = 100
    REFINE = 200
    COMBINE = 400
    BOUNDARY = 600
    CONFIRM = 900


def seed_numbers(study_seed: int, use: SeedUse, n: int, repeat: int = 0) -> tuple[int, ...]:
    """The first n seeds for a use: 1, 2, ... for the claims of study seed 0, 101, ... for its selections.

    Args:
        repeat: how many rounds of this kind came before; each has its own numbers.
    """
    first = study_seed * SPAN + use + repeat * REPEAT_SPAN + 1
    return tuple(range(first, first + n))
