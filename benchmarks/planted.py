"""What studies find when there is something to find, and whether their intervals hold the truth.

    python -m benchmarks.planted --quick
    python -m benchmarks.planted --studies 1000     # writes benchmarks/results/planted.json

Three questions, each over whole studies through the real planner and the real findings:

*power*: one level is planted with 1.5 times the detectable effect that such a study prints. Is it found in explore,
and with the right sign?  *coverage*: does the best configuration's corrected interval hold its true accuracy?
*cliff*: with a learning rate at which training breaks, noisy between seeds, does the printed bracket hold it?
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.simulate import (
    FULL_SPACE,
    PLAIN_SPACE,
    claims_of,
    options_of,
    run_cells,
    run_study,
    study_spec,
    upper95,
)
from benchmarks.worlds import World
from tunebook.core.configuration import Configuration
from tunebook.core.findings import Verdict
from tunebook.core.study import RoundKind
from tunebook.statistics.conclusions import conclude

__all__ = ["CELLS", "Cell", "main", "run_cell"]

RESULTS = Path(__file__).parent / "results" / "planted.json"
QUICK = ["power-n358-sd10", "coverage-hill-n358-sd10", "cliff-noise10"]
QUICK_STUDIES = 60
CALIBRATION_STUDIES = 12
TIMES_DETECTABLE = 1.5
PLANTED_DROPOUT = 0.2


@dataclass(frozen=True)
class Cell:
    """One kind of question and world; `goal`: what the rate must reach (a pair: lie between)."""

    name: str
    question: str
    goal: tuple[float, float]
    world: dict[str, Any] = field(default_factory=dict)
    study: dict[str, Any] = field(default_factory=dict)


def _cells() -> Iterable[Cell]:
    for n in (358, 2000):
        for deviation in (0.005, 0.01, 0.02):
            world = {"n_validation": n, "seed_deviation": deviation}
            yield Cell(f"power-n{n}-sd{1000 * deviation:g}", "power", (0.90, 1.0), world)
    yield Cell("power-taste", "power", (0.90, 1.0), {"seed_deviation": 0.01, "taste": 1.0, "n_validation": 800})
    for shape in ("null", "hill", "one"):
        for n, deviation in ((358, 0.01), (358, 0.02), (2000, 0.01)):
            world = {"n_validation": n, "seed_deviation": deviation, "effect": shape}
            yield Cell(f"coverage-{shape}-n{n}-sd{1000 * deviation:g}", "coverage", (0.93, 0.97), world)
    for noise in (0.0, 0.05, 0.1, 0.15, 0.3):
        world = {"seed_deviation": 0.01, "cliff_noise": noise, "effect": "hill"}
        # seeds that break a third apart are about as much as eight trials can bracket; the rate is only reported
        yield Cell(f"cliff-noise{100 * noise:g}", "cliff", (0.95 if noise < 0.3 else 0.0, 1.0), world)


CELLS: dict[str, Cell] = {cell.name: cell for cell in _cells()}


def hill(configuration: Configuration) -> float:
    """A smooth response: best at a rate of 7e-4, larger ranks a little better, dropout a little worse."""

    def height(c: Configuration) -> float:
        rate = -0.06 * math.log10(c.learning_rate / 7e-4) ** 2
        return rate + 0.008 * math.log2(c.lora_r) - 0.05 * abs(c.lora_dropout - 0.05) + 0.004 * c.num_train_epochs

    return height(configuration) - height(study_spec().baseline)


def one_level(configuration: Configuration, size: float = 0.06) -> float:
    """Only one level of one factor differs."""
    return size if configuration.lora_dropout == PLANTED_DROPOUT else 0.0


SHAPES: dict[str, Callable[[Configuration], float]] = {"null": lambda c: 0.0, "hill": hill, "one": one_level}


@dataclass(frozen=True)
class Answer:
    """What one study came to: whether the question was answered rightly, wrongly, and with what number."""

    right: bool
    wrong: bool = False
    number: float = 0.0
    false_claim: bool = False


def power(cell: Cell, number: int) -> Answer:
    """One level planted, half of the studies better and half worse."""
    size = TIMES_DETECTABLE * detectable(cell.name)
    sign = 1 if number % 2 else -1
    world = World(number, effect=partial(one_level, size=sign * size), **cell.world)
    spec = study_spec(seed=number, space=PLAIN_SPACE)
    history = run_study(world, spec)
    verdict = next(
        f.verdict
        for f in history.findings
        if f.label == f"lora_dropout={PLANTED_DROPOUT:g}" and f.round_kind is RoundKind.EXPLORE
    )
    right, wrong = (Verdict.BETTER, Verdict.WORSE)[::sign]
    return Answer(verdict is right, verdict is wrong, size, bool(claims_of(history, world, spec.margin).false))


@lru_cache
def detectable(name: str) -> float:
    """The detectable effect that studies of a cell print for explore: the mean over some without any effect."""
    printed = []
    for number in range(CALIBRATION_STUDIES):
        world, spec = World(10_000 + number, **CELLS[name].world), study_spec(seed=number, space=PLAIN_SPACE)
        history = run_study(world, spec)
        printed.append(conclude(history, spec, world.facts).noise.smallest_detectable_effect["explore"])
    return float(np.mean(printed))


def coverage(cell: Cell, number: int) -> Answer:
    """Whether the best's corrected interval holds its true accuracy; the number is corrected minus true."""
    world = World(number, **{**cell.world, "effect": SHAPES[cell.world["effect"]]})
    spec = study_spec(seed=number, space=FULL_SPACE)
    history = run_study(world, spec)
    best = conclude(history, spec, world.facts).best
    assert best is not None
    truth = world.true_accuracy(history.trials[best.trials[0]].trial.effective)
    low, high = best.corrected_interval
    false = bool(claims_of(history, world, spec.margin).false)
    return Answer(low <= truth <= high, truth < low, best.corrected - truth, false)


def cliff(cell: Cell, number: int) -> Answer:
    """Whether the bracket holds the rate at which half of the seeds break; the number is the bracket's ratio."""
    chance = np.random.default_rng(number)
    edge = float(math.exp(chance.uniform(math.log(6e-4), math.log(1.2e-2))))
    world = World(number, **{**cell.world, "effect": SHAPES[cell.world["effect"]]}, cliff=edge)
    spec = study_spec(seed=number, space=FULL_SPACE)
    history = run_study(world, spec)
    bracket = conclude(history, spec, world.facts).boundary
    if bracket is None:
        return Answer(False)
    above = bracket.lowest_failed if bracket.lowest_failed is not None else math.inf
    false = bool(claims_of(history, world, spec.margin).false)
    ratio = above / bracket.highest_trained
    return Answer(bracket.highest_trained <= edge <= above, False, ratio if math.isfinite(ratio) else 0.0, false)


QUESTIONS = {"power": power, "coverage": coverage, "cliff": cliff}


def run_cell(name: str, first: int, count: int) -> list[Answer]:
    """Studies number `first` to `first + count - 1` of a cell."""
    cell = CELLS[name]
    return [QUESTIONS[cell.question](cell, number) for number in range(first, first + count)]


def summary(cell: Cell, answers: list[Answer]) -> dict[str, Any]:
    """A cell's row of the results."""
    n = len(answers)
    right = sum(answer.right for answer in answers)
    low, high = cell.goal
    # a goal is missed when the rate lies outside beyond what chance explains (one-sided 95 %)
    missed = upper95(right, n) < low or 1 - upper95(n - right, n) > high
    return {
        "cell": cell.name,
        "question": cell.question,
        "world": cell.world,
        "studies": n,
        "seeds": [0, n - 1],
        "rate": right / n,
        "wrong": sum(answer.wrong for answer in answers),
        "goal": cell.goal,
        "holds": not missed,
        "mean_number": float(np.mean([answer.number for answer in answers])),
        "false_claims": sum(answer.false_claim for answer in answers),
    }


def _row(name: str, pieces: list[list[Answer]]) -> tuple[dict[str, Any], str]:
    row = summary(CELLS[name], [answer for piece in pieces for answer in piece])
    return row, (
        f"{name:28} {row['rate']:.3f} of {row['studies']} (goal {row['goal']})  wrong {row['wrong']}  "
        f"number {row['mean_number']:.4f}  false {row['false_claims']}"
    )


def main(argv: list[str] | None = None) -> int:
    """Run the cells asked for; 1 when a goal is missed."""
    options = options_of("planted", __doc__, CELLS, argv)
    names = options.cells or (QUICK if options.quick else list(CELLS))
    rows = run_cells(options, names, QUICK_STUDIES, run_cell, _row, RESULTS)
    print(
        json.dumps(
            {
                "cells": len(rows),
                "studies": sum(r["studies"] for r in rows),
                "missed": [r["cell"] for r in rows if not r["holds"]],
            }
        )
    )
    return 0 if all(row["holds"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
