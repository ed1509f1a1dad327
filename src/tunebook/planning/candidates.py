"""The settings that a model may propose, and where they lie.

Every combination of the factors' levels, at finer learning rates over the study's whole range.
`statistics.observations.places` says where they lie.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from tunebook.core.configuration import Configuration
from tunebook.core.factor import Level, is_ordered
from tunebook.planning.explore_design import levels_by_factor
from tunebook.planning.levels import rate_limits
from tunebook.planning.problem import Problem
from tunebook.planning.racing import RACED_EPOCHS
from tunebook.statistics.observations import RATE, places

__all__ = ["RATE", "Space", "middling", "space_of"]

Floats = NDArray[np.float64]

FINE = 1.2
"""Ratio of neighbouring rates among the candidates."""
MOST_CANDIDATES = 2000
"""Where there are more combinations, a fixed draw of so many."""


@dataclass(frozen=True)
class Space:
    """What may be varied.

    Attributes:
        levels: of each factor, the baseline's own among them; of the rate the finer ones.
    """

    problem: Problem
    levels: dict[str, tuple[Level, ...]]

    @cached_property
    def candidates(self) -> list[Configuration]:
        """Every combination, or a fixed draw of them."""
        levels = list(self.levels.values())
        if math.prod(map(len, levels)) <= MOST_CANDIDATES:
            return self._configured(product(*levels))
        draw = np.random.Generator(np.random.Philox(key=[self.problem.spec.seed, 1949]))
        picks = [draw.integers(len(each), size=MOST_CANDIDATES) for each in levels]
        drawn = ([levels[j][int(picks[j][i])] for j in range(len(levels))] for i in range(MOST_CANDIDATES))
        return self._configured(drawn)

    def _configured(self, rows: Iterable[Sequence[Level]]) -> list[Configuration]:
        made = (self.problem.configure(dict(zip(self.levels, row, strict=True))) for row in rows)
        distinct = {self.problem.effective(each): each for each in made}
        return list(distinct.values())

    def places(self, configurations: list[Configuration]) -> Floats:
        """Where configurations lie, (n, d)."""
        return places(self.levels, configurations)


@lru_cache(maxsize=4)
def space_of(problem: Problem) -> Space:
    """The factors of a study with more than one level, the learning rate first; made once for a problem."""
    levels: dict[str, tuple[Level, ...]] = {}
    if problem.rate_factor is not None:
        low, high = rate_limits(problem.rate_factor)
        n = 1 + max(1, round(math.log(high / low) / math.log(FINE)))
        levels[RATE] = tuple(dict.fromkeys(float(f"{rate:.2g}") for rate in np.geomspace(low, high, n)))
    levels |= levels_by_factor(problem)
    return Space(problem, {name: each for name, each in levels.items() if len(each) > 1})


def middling(problem: Problem) -> Configuration:
    """The baseline with every ordered factor but the learning rate at its middle level; of the epochs the fewest that
    can be raced."""
    changes: dict[str, Level] = {}
    for name, levels in levels_by_factor(problem).items():
        if name == "num_train_epochs":
            changes[name] = next((n for n in levels if int(n) >= RACED_EPOCHS), levels[-1])  # type: ignore[arg-type]
        elif is_ordered(name):
            changes[name] = levels[(len(levels) - 1) // 2]
    return problem.configure(changes)
