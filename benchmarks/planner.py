"""How good the planner's choices are, in worlds whose truth is known: the figures of docs/planning.md and decision 022.

    python -m benchmarks.planner choice --json FILE     # regret and units, beside the hand, random search and libraries
    python -m benchmarks.planner edge --studies 300     # how often the divergence bracket holds

`choice` runs whole studies through the real planner and judging on the grounds of `benchmarks.grounds`, and beside them
the ways of `benchmarks.choosers`. *Regret* is the true accuracy lost against the best configuration of the space, in
points; a *unit* is one full training of three epochs. Families that are kept out of tuning are in the table under their
own names and never enter the rows of family "tuning".
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.choosers import CHOOSERS, hand
from benchmarks.grounds import FAMILIES, KEPT_OUT, LONGEST, Ground, RecordedGround, grounds_of
from benchmarks.simulate import worker_pool
from tunebook.core.factor import Factor
from tunebook.core.facts import DataFacts, History
from tunebook.core.space import Folding, SearchSpace
from tunebook.core.study import DESIGNS, Budget, DataSpec, RoundKind, StudySpec, Wave
from tunebook.planning.planner import StudyPlanner
from tunebook.planning.problem import Problem
from tunebook.planning.rounds.boundary import edge
from tunebook.planning.state import PlanningState
from tunebook.testing.planner_suite import example_study
from tunebook.testing.simulated_study import simulated_history, world_oracle
from tunebook.testing.world import World

__all__ = ["main"]

FOLDING = Folding.everything()
MOST_UNITS = 24.0
REPORTED = (3.0, 5.0, 6.0, 7.0, 8.0, 9.0, 12.0, 16.0, 19.0, 24.0)
"""Units at which the regret of a way is reported."""


@dataclass(frozen=True)
class Way:
    """One method's way on one ground: after so many units, the regret of what it would recommend, in points; of a study
    the method is its design and its budget."""

    method: str
    ground: str
    family: str
    steps: tuple[tuple[float, float], ...]

    def at(self, units: float) -> float:
        """Regret when so many units have been spent at most; nan before the first recommendation."""
        reached = [regret for used, regret in self.steps if used <= units + 1e-9]
        return reached[-1] if reached else math.nan


def spec_of(trials: int, ground: Ground | None = None, design: str = "one_factor") -> StudySpec:
    """The usual study with that budget; on a ground, its ranges."""
    example = example_study(trials)
    spec = StudySpec(
        name=example.name,
        model=example.model,
        data=DataSpec(train="none"),
        metric=example.metric,
        baseline=example.baseline,
        space=example.space,
        budget=Budget(trials),
    )
    if ground is None:
        return spec
    low, high = ground.rates
    asked = [replace(factor) for factor in spec.space if factor.name not in ("learning_rate", "num_train_epochs")]
    space = SearchSpace(
        (Factor("learning_rate", low=low, high=high), *asked, Factor("num_train_epochs", ground.epochs))
    )
    return replace(spec, space=space, seed=ground.number, design=design)


def facts_of(n_validation: int, n_test: int) -> DataFacts:
    return DataFacts(n_train=500, n_validation=n_validation, n_test=n_test, longest_tokens=LONGEST, mean_tokens=74.0)


def study_way(ground: Ground, trials: int, design: str) -> Way:
    """A whole study of so many trials; a step after each wave up to the confirm round, with what it would carry to that
    round. The hand confirms nothing, so the confirm round is left out of the units."""
    spec = spec_of(trials, ground, design)
    planner = StudyPlanner(spec, ground.facts, FOLDING)
    problem, steps = Problem(spec=spec, facts=ground.facts, folding=FOLDING), []

    def seen(before: History, wave: Wave | None) -> None:
        state = PlanningState(problem, before)
        if state.leading is not None and not state.is_confirmed:
            used = [ground.units(f.trial.effective, f.share) for f in before.trials.values() if f.trial.costs_budget]
            steps.append((sum(used), 100 * (ground.optimum - ground.truth(state.leading.effective))))

    seen(simulated_history(planner, spec, ground.facts, ground.oracle, on_wave=seen), None)
    return Way(f"{design}-{trials}", ground.name, ground.family, tuple(steps))


def ways_on(ground: Ground, budgets: Sequence[int], methods: Sequence[str]) -> list[Way]:
    """Every method on one ground."""

    def way(name: str, steps: Iterable[Any]) -> Way:
        regrets = tuple((s.units, 100 * (ground.optimum - ground.truth(s.chosen))) for s in steps)
        return Way(name, ground.name, ground.family, regrets)

    ways = [way("hand", hand(ground))] if "hand" in methods else []
    ways += [way(name, CHOOSERS[name](ground, MOST_UNITS)) for name in methods if name in CHOOSERS]
    designs = (each for each in methods if each in DESIGNS)
    return ways + [study_way(ground, trials, design) for design in designs for trials in budgets]


def rows_of(ways: Sequence[Way]) -> list[dict[str, Any]]:
    """Mean regret with its standard error by family and method at several units, and the difference from the hand's end
    on the same grounds."""
    rows = []
    families = list(dict.fromkeys(way.family for way in ways))
    groups = {family: [family] for family in families}
    groups["tuning"] = [f for f in families if f in FAMILIES and f not in KEPT_OUT]
    groups["kept_out"] = [f for f in families if f in KEPT_OUT]
    for group, members in groups.items():
        ends = {way.ground: way.steps[-1] for way in ways if way.method == "hand" and way.family in members}
        for method in dict.fromkeys(way.method for way in ways):
            mine = [way for way in ways if way.method == method and way.family in members]
            for units in REPORTED if mine else ():
                regrets = np.array([way.at(units) for way in mine])
                if np.isnan(regrets).any():
                    continue
                row: dict[str, Any] = {"family": group, "method": method, "units": units, "grounds": len(mine)}
                row |= {
                    "regret": float(regrets.mean()),
                    "standard_error": _error(regrets),
                    "median": float(np.median(regrets)),
                }
                if ends:
                    less = regrets - np.array([ends[way.ground][1] for way in mine])
                    row |= {"against_hand": float(less.mean()), "against_hand_error": _error(less)}
                rows.append(row)
    return rows


def _error(values: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    return float(values.std(ddof=1) / math.sqrt(len(values))) if len(values) > 1 else math.nan


def units_to_hand(ways: Sequence[Way], families: Sequence[str]) -> dict[str, float | None]:
    """By method the fewest units at which its mean regret is at most that of the hand at its end; None: never.

    Units are looked at on a grid of a quarter; a study's regret between two budgets is that of the smaller one.
    """
    here = [way for way in ways if way.family in families]
    goal = np.mean([way.steps[-1][1] for way in here if way.method == "hand"] or [math.nan])
    found: dict[str, float | None] = {}
    for method in dict.fromkeys(way.method for way in here):
        mine = [way for way in here if way.method == method]
        grid = np.arange(1.0, MOST_UNITS + 2, 0.25)
        means = [(units, np.mean([way.at(units) for way in mine])) for units in grid]
        found[method] = next((float(units) for units, mean in means if mean <= goal), None)
    return found


def choice(arguments: argparse.Namespace) -> None:
    """Print the regrets, and with --json keep them."""
    began = time.monotonic()
    families = tuple(arguments.families or (() if arguments.recorded else FAMILIES))
    grounds: list[Ground] = list(grounds_of(families, arguments.studies, arguments.first))
    if arguments.recorded:
        grounds += [RecordedGround(arguments.recorded, arguments.split, n) for n in range(arguments.studies)]
    methods = tuple(arguments.methods or ("hand", *CHOOSERS, *DESIGNS))
    with worker_pool(arguments.workers) as pool:
        jobs = [pool.submit(ways_on, ground, arguments.budgets, methods) for ground in grounds]
        ways = [way for job in jobs for way in job.result()]
    rows = rows_of(ways)
    groups = {"tuning": [f for f in families if f not in KEPT_OUT], "kept_out": [f for f in families if f in KEPT_OUT]}
    groups |= {way.family: [way.family] for way in ways}
    reached = {name: units_to_hand(ways, members) for name, members in groups.items() if members}
    for row in rows:
        if row["family"] in ("tuning", "kept_out") or row["family"].startswith("recorded"):
            print(
                f"{row['family']:16} {row['method']:18} {row['units']:5.1f} units  regret {row['regret']:5.2f} "
                f"median {row['median']:5.2f} "
                f"({row['standard_error']:.2f})  against the hand {row.get('against_hand', math.nan):+.2f} "
                f"({row.get('against_hand_error', math.nan):.2f})"
            )
    print(json.dumps({"units_to_hand": reached, "seconds": round(time.monotonic() - began, 1)}))
    if arguments.json:
        hands = [way.steps[-1][0] for way in ways if way.method == "hand"]
        made = {"commit": _commit(), "grounds": len(grounds), "first": arguments.first, "hand_units": np.mean(hands)}
        text = json.dumps({**made, "units_to_hand": reached, "rows": rows}, indent=1)
        arguments.json.write_text(text + "\n", encoding="utf-8")


def _commit() -> str:
    asked = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(asked, cwd=Path(__file__).parent, capture_output=True, text=True, check=False).stdout.strip()


def bracket_holds(number: int, trials: int, spread: float) -> bool | None:
    """Whether one study's bracket holds the rate at which half of the seeds break; None when it looked for none."""
    cliff = math.exp(np.random.default_rng([7, number]).uniform(math.log(6e-4), math.log(1.5e-2)))
    world = World(seed=number, cliff=cliff, cliff_deviation=spread, best_rate=min(6e-4, cliff / 3), collapse_below=1.0)
    spec, facts = spec_of(trials), facts_of(40, 0)
    planner = StudyPlanner(spec, facts, FOLDING)
    history = simulated_history(planner, spec, facts, world_oracle(world, facts), lambda *_: ())
    probes = [
        f.trial
        for f in history.trials.values()
        if f.trial.kind is RoundKind.BOUNDARY and f.trial.factor == "learning_rate"
    ]
    if not probes:
        return None
    found = edge(PlanningState(Problem(spec=spec, facts=facts, folding=FOLDING), history), probes[0].configuration)
    return (found.highest_trained or 0.0) <= world.cliff_of(probes[0].effective) <= (found.lowest_failed or math.inf)


def edges(arguments: argparse.Namespace) -> None:
    """Print the share of studies whose bracket holds, by budget and by how much seeds differ."""
    for trials in arguments.budgets:
        for spread in (0.03, 0.08, 0.15, 0.3):
            held = [bracket_holds(number, trials, spread) for number in range(arguments.studies)]
            known = [each for each in held if each is not None]
            print(f"{trials} trials, seeds spread by {spread:.0%}: {np.mean(known):.1%} of {len(known)} brackets hold")


def main() -> None:
    """Run one of the two."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("choice", "edge"))
    parser.add_argument("--studies", type=int, default=4, help="worlds of each family, or studies")
    parser.add_argument("--first", type=int, default=0, help="number of the first world: other worlds than before")
    parser.add_argument("--budgets", type=int, nargs="+", default=[12, 24], help="trials of a study")
    parser.add_argument("--families", nargs="+", choices=tuple(FAMILIES))
    parser.add_argument("--methods", nargs="+", choices=("hand", *CHOOSERS, *DESIGNS))
    parser.add_argument("--recorded", type=Path, help="folder of a recorded table, in place of simulated worlds")
    parser.add_argument("--split", choices=("tuning", "kept_out"), default="tuning")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", type=Path, help="file for the figures")
    arguments = parser.parse_args()
    {"choice": choice, "edge": edges}[arguments.what](arguments)


if __name__ == "__main__":
    main()
