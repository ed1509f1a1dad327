"""How good the planner's choices are, in worlds whose truth is known: the figures of docs/planning.md and decision 022.

    python -m benchmarks.planner choice --studies 40    # how far the confirmed configuration is from the optimum
    python -m benchmarks.planner edge --studies 300     # how often the divergence bracket holds

`choice` draws a world a study (engine `simulated`'s surface: best rate, cliff, effects and their signs at random), runs
whole studies through the real planner and judging, and beside them as many random configurations, one seed each, of
which the highest accuracy is taken. These worlds are nearly additive, which favours one factor at a time.
"""

from __future__ import annotations

import argparse
import math
from itertools import product

import numpy as np

from tunebook.core.configuration import Configuration
from tunebook.core.facts import DataFacts, History
from tunebook.core.space import Folding, effective
from tunebook.core.study import Budget, DataSpec, Purpose, RoundKind, StudySpec, Trial
from tunebook.planning.planner import StudyPlanner
from tunebook.planning.problem import Problem
from tunebook.planning.rounds.boundary import edge
from tunebook.planning.state import PlanningState
from tunebook.testing.planner_suite import example_study
from tunebook.testing.simulated_study import simulated_history, world_oracle
from tunebook.testing.world import World

__all__ = ["main"]

LONGEST = 120
FOLDING = Folding.everything()
SAFE = 0.85
"""A configuration counts as usable up to this share of the rate at which half of its seeds break."""
RANKS, DROPOUTS, EPOCHS = (8, 16, 32, 64), (0.0, 0.05, 0.1, 0.2), (3, 4, 5)


def spec_of(trials: int) -> StudySpec:
    """The study of DESIGN.md section 5 with that budget."""
    example = example_study(trials)
    return StudySpec(
        example.name, example.model, DataSpec("none"), example.metric, example.baseline, example.space, Budget(trials)
    )


def facts_of(n_validation: int, n_test: int) -> DataFacts:
    return DataFacts(500, n_validation, n_test, longest_tokens=LONGEST, mean_tokens=74.0)


def random_world(number: int) -> World:
    """A world with its optimum, its edge and its effects at random."""
    draw = np.random.default_rng([11, number])
    best = float(np.exp(draw.uniform(np.log(1e-4), np.log(2e-3))))
    return World(
        seed=number,
        best_rate=best,
        cliff=best * float(draw.uniform(2.5, 7)),
        width=float(draw.uniform(0.8, 1.6)),
        rank_gain=float(draw.uniform(-0.01, 0.03)),
        epoch_gain=float(draw.uniform(0, 0.05)),
        overfit=float(draw.uniform(0, 0.03)),
        dropout_loss=float(draw.uniform(-0.005, 0.02)),
        rank_exponent=float(draw.uniform(-0.4, 0.1)),
        epoch_exponent=float(draw.uniform(-0.4, 0.1)),
    )


def truth(world: World, configuration: Configuration) -> float:
    """True accuracy of a usable configuration, 0 of another."""
    usable = configuration.learning_rate < SAFE * world.cliff_of(configuration)
    return world.accuracy(configuration) if usable else 0.0


def configured(rate: float, rank: int, dropout: float, epochs: int) -> Configuration:
    return Configuration(
        learning_rate=rate,
        per_device_train_batch_size=8,
        lora_r=rank,
        lora_alpha=4 * rank,
        lora_dropout=dropout,
        num_train_epochs=epochs,
        max_length=LONGEST,
    )


def optimum(world: World) -> float:
    """The best true accuracy on a fine grid of the space."""
    rates = np.geomspace(5e-5, 2e-3, 25).tolist()
    return max(truth(world, configured(*values)) for values in product(rates, RANKS, DROPOUTS, EPOCHS))


def chosen_by_study(world: World, trials: int, facts: DataFacts) -> float:
    spec = spec_of(trials)
    history = simulated_history(StudyPlanner(spec, facts, FOLDING), spec, facts, world_oracle(world, facts))
    key = history.sealed.get("best")
    chosen = (f.trial.effective for f in history.trials.values() if f.trial.effective.key == key)
    return max((truth(world, configuration) for configuration in chosen), default=0.0)


def chosen_at_random(world: World, trials: int, facts: DataFacts, number: int) -> float:
    draw, oracle = np.random.default_rng([5, number]), world_oracle(world, facts)
    best, chosen = -1.0, 0.0
    for i in range(1, trials + 1):
        rate = float(np.exp(draw.uniform(np.log(5e-5), np.log(2e-3))))
        c = configured(rate, int(draw.choice(RANKS)), float(draw.choice(DROPOUTS)), int(draw.choice(EPOCHS)))
        fact = oracle(Trial(i, 1, RoundKind.EXPLORE, Purpose.LEVEL, c, c, 1), History())
        if fact.state.did_train and fact.outcomes["validation"].accuracy > best:
            best, chosen = fact.outcomes["validation"].accuracy, truth(world, c)
    return chosen


def choice(studies: int, budgets: tuple[int, ...]) -> None:
    """Print how many points of accuracy the choice falls short of the optimum, mean over worlds."""
    facts = facts_of(358, 500)
    worlds = [random_world(number) for number in range(studies)]
    best = [optimum(world) for world in worlds]
    baseline = effective(spec_of(24).baseline, FOLDING, LONGEST)
    print(f"baseline: {100 * np.mean([b - truth(w, baseline) for w, b in zip(worlds, best, strict=True)]):.1f} points")
    for trials in budgets:
        short = [b - chosen_by_study(w, trials, facts) for w, b in zip(worlds, best, strict=True)]
        luck = [b - chosen_at_random(w, trials, facts, i) for i, (w, b) in enumerate(zip(worlds, best, strict=True))]
        print(f"{trials} trials: study {100 * np.mean(short):.1f}, random search {100 * np.mean(luck):.1f} points")


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
    found = edge(PlanningState(Problem(spec, facts, FOLDING), history), probes[0].configuration)
    return (found.highest_trained or 0.0) <= world.cliff_of(probes[0].effective) <= (found.lowest_failed or math.inf)


def edges(studies: int, budgets: tuple[int, ...]) -> None:
    """Print the share of studies whose bracket holds, by budget and by how much seeds differ."""
    for trials in budgets:
        for spread in (0.03, 0.08, 0.15, 0.3):
            held = [bracket_holds(number, trials, spread) for number in range(studies)]
            known = [each for each in held if each is not None]
            print(f"{trials} trials, seeds spread by {spread:.0%}: {np.mean(known):.1%} of {len(known)} brackets hold")


def main() -> None:
    """Run one of the two."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("choice", "edge"))
    parser.add_argument("--studies", type=int, default=40)
    parser.add_argument("--budgets", type=int, nargs="+", default=[15, 24, 40, 75])
    arguments = parser.parse_args()
    {"choice": choice, "edge": edges}[arguments.what](arguments.studies, tuple(arguments.budgets))


if __name__ == "__main__":
    main()
