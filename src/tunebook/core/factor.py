"""A factor as a study uses it: a list of levels or a range. `core.configuration` says which factors exist."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from tunebook.core.configuration import FACTOR_KINDS
from tunebook.core.factor_kind import FactorKind, Level, Scale

__all__ = ["ALIASES", "FACTOR_KINDS", "Factor", "FactorKind", "Level", "Role", "Scale", "is_ordered", "position"]


class Role(StrEnum):
    """What a factor is for, in the terms of the Tuning Playbook: studied, re-tuned for a fair comparison, or left
    alone."""

    SCIENTIFIC = "scientific"
    NUISANCE = "nuisance"
    FIXED = "fixed"


ALIASES: dict[str, str] = {alias: kind.name for kind in FACTOR_KINDS.values() for alias in kind.aliases}
"""Short names that are accepted and written back in full."""


@dataclass(frozen=True)
class Factor:
    """One factor of a study's search space: a list of levels, or a range from `low` to `high`.

    Attributes:
        name: a key of `FACTOR_KINDS`.
        levels: the values to try, in the order of the study file; empty when a range is given.
        low, high: the range, when no levels are given. The planner places levels in it.
        role: scientific by default; the learning rate is also the nuisance factor of the others.
    """

    name: str
    levels: tuple[Level, ...] = ()
    low: float | None = None
    high: float | None = None
    role: Role = Role.SCIENTIFIC

    @property
    def kind(self) -> FactorKind:
        return FACTOR_KINDS[self.name]

    @property
    def is_range(self) -> bool:
        return self.low is not None


def is_ordered(name: str) -> bool:
    """Whether the factor's levels are numbers with distances between them."""
    return FACTOR_KINDS[name].scale in (Scale.LOG, Scale.LINEAR)


def position(name: str, value: Level) -> float:
    """Where a level lies on its factor's scale."""
    number = float(value)  # type: ignore[arg-type]
    return math.log(number) if FACTOR_KINDS[name].scale is Scale.LOG else number
