"""How good the description of the factors is that a study by model gives: whether its intervals hold, and its signs.

    python -m benchmarks.described --studies 15         # a minute on one core

Whole studies with `design: model` in the worlds of `benchmarks.grounds`, and in a world where nothing has an effect.
What is described is the validation loss; the truth is its mean over the noise of seeds, on the same examples. *Holds*:
the share of 95 % intervals that hold the truth. *Told apart*: the share of levels whose interval leaves zero out, and
of these how many have the wrong sign. *First is first*: how often the factor that is named first is the one that
matters most, of the studies that name one.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import ndtri
from scipy.stats import norm

from benchmarks.grounds import FAMILIES, SimulatedGround
from benchmarks.planner import FOLDING, spec_of
from tunebook.core.configuration import Configuration
from tunebook.core.findings import DescribedFactor
from tunebook.planning.planner import StudyPlanner
from tunebook.statistics.conclusions import conclude
from tunebook.statistics.described import described_factors
from tunebook.statistics.evidence import Evidence
from tunebook.testing.simulated_study import simulated_history
from tunebook.testing.world import DIFFICULTY, World

__all__ = ["main"]

NULL = "null"
NODES = norm.ppf((np.arange(40) + 0.5) / 40)
"""Where the noise of a seed on an example is averaged over."""


def true_loss(world: World, configuration: Configuration, n: int) -> float:
    """Mean loss on the validation examples, averaged over the noise on single examples; seeds at their mean."""
    total = math.hypot(DIFFICULTY, world.example_noise)
    skill = float(ndtri(min(0.995, max(0.005, world.accuracy(configuration))))) * total
    margin = skill - world.difficulties("validation", n)
    noise = world.example_noise * NODES
    return float((np.logaddexp(0.0, -1.7 * (margin[:, None] + 0.3 * noise)) + 0.02).mean())


@dataclass
class Tally:
    """Counts over studies of one family."""

    studies: int = 0
    levels: int = 0
    held: int = 0
    told: int = 0
    wrong: int = 0
    named: int = 0
    first: int = 0

    def shares(self) -> dict[str, float]:
        """What is printed."""
        return {
            "studies": self.studies,
            "levels": self.levels,
            "holds": round(self.held / max(1, self.levels), 3),
            "told_apart": round(self.told / max(1, self.levels), 3),
            "wrong_sign": round(self.wrong / max(1, self.told), 3),
            "studies_that_name_one": self.named,
            "first_is_first": round(self.first / max(1, self.named), 3),
        }


class NullGround(SimulatedGround):
    """Every configuration is as good as every other."""

    def __init__(self, number: int) -> None:
        self.name, self.family, self.number = f"{NULL}-{number}", NULL, number
        self._world, self._early = World.null(seed=number), 0.0


@cache
def _ground(family: str, number: int) -> SimulatedGround:
    return NullGround(number) if family == NULL else SimulatedGround(family, number)


def described(
    family: str, number: int, trials: int
) -> tuple[SimulatedGround, tuple[DescribedFactor, ...], Configuration | None]:
    """One study: its world, the factors as its record describes them, the best configuration."""
    ground = _ground(family, number)
    spec = spec_of(trials, ground, "model")
    planner = StudyPlanner(spec, ground.facts, FOLDING)
    history = simulated_history(planner, spec, ground.facts, ground.oracle, devices=1)
    found = conclude(history, spec, ground.facts)
    best = None
    if found.best is not None:
        best = next(f.trial.configuration for f in history.trials.values() if f.trial.id == found.best.trials[0])
    told = () if found.nothing_learned else described_factors(Evidence(history, spec.baseline), spec, ground.facts)
    return ground, told, best


def count(tally: Tally, ground: SimulatedGround, factors: tuple[DescribedFactor, ...], best: Configuration) -> None:
    """Hold one study's description against the truth; levels at which training would break are left out."""
    world, n = ground.world, ground.facts.n_validation
    base = true_loss(world, best, n)
    spread = {}
    tally.studies += 1
    for factor in factors:
        spread[factor.factor] = 0.0
        for level in factor.levels:
            changed = best.with_values(**{factor.factor: level.level})
            if factor.factor == "lora_r":
                changed = changed.with_values(lora_alpha=best.lora_alpha * changed.lora_r / best.lora_r)
            if changed.learning_rate >= world.cliff_of(changed) * 0.85:
                continue
            truth = true_loss(world, changed, n) / base - 1
            tally.levels += 1
            tally.held += level.interval[0] <= truth <= level.interval[1]
            spread[factor.factor] = max(spread[factor.factor], abs(truth))
            if level.is_told_apart:
                tally.told += 1
                tally.wrong += truth * level.change <= 0
    if factors and factors[0].matters:
        tally.named += 1
        tally.first += spread[factors[0].factor] >= max(spread.values()) - 1e-9


def main() -> int:
    """Print a line for each family."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--studies", type=int, default=15)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--trials", type=int, default=24)
    parser.add_argument("--families", nargs="+", default=[*FAMILIES, NULL])
    options = parser.parse_args()
    for family in options.families:
        tally = Tally()
        for number in range(options.first, options.first + options.studies):
            ground, factors, best = described(family, number, options.trials)
            if best is not None:
                count(tally, ground, factors, best)
        print(json.dumps({"family": family, **tally.shares()}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
