"""What a study can see: the smallest effect that it finds with a chance of 80 %, by examples, seeds, trials and design.

    python -m benchmarks.power --json FILE              # some minutes on two cores
    python -m benchmarks.power --json FILE --quick      # the cells of the goals alone
    python -m benchmarks.power --cells one_factor-n400-sd20-t75 doubtful-n400-sd20-t75 --effect 0.08

One factor (the rank) has an effect that rises in a straight line over the log of the rank; nothing else has any. Whole
studies through the real planner up to the end of explore. With one factor at a time the question is the highest level
against the baseline, which is the lowest; with a balanced design it is the slope, which says the same difference; where
a model proposes, nothing is asked before the confirm round, and the question is the best against the baseline. The
smallest detectable effect (SDE) is (critical value + t quantile of 0.8) x standard error of that finding at its median
over studies; *promised* is what `plan` says before anything has run, which assumes two points between seeds. It is
checked by planting it (or what `--effect` says): *found* is the share of studies that say "better". *Covered* is the
share of studies whose intervals of the round all hold the truth, which the round's share of the error rate bounds from
below. Design "doubtful" is one factor at a time with two further seeds for levels in doubt; in a null study its
question mostly has none of them, so plant the same effect.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy import special

from benchmarks.simulate import FULL_SPACE, claims_of, in_pieces, study_spec, upper95
from benchmarks.worlds import World
from tunebook.core.configuration import Configuration
from tunebook.core.facts import History
from tunebook.core.findings import Finding, Verdict
from tunebook.core.space import Folding
from tunebook.core.study import DESIGNS, RoundKind, StudySpec
from tunebook.planning.planner import StudyPlanner
from tunebook.statistics.judge_round import judge_round
from tunebook.testing.simulated_study import with_wave

__all__ = ["CELLS", "main", "run_cell"]

LOW, HIGH = 8, 64
POWER = 0.8
STUDIES = 60
QUICK = [(400, 0.02, 75), (400, 0.02, 64), (400, 0.02, 24), (400, 0.02, 19)]


@dataclass(frozen=True)
class Cell:
    """One kind of study: examples, deviation between seeds in accuracy, trials, design, and whether levels in doubt get
    further seeds."""

    n: int
    deviation: float
    trials: int
    design: str
    doubtful: bool = False

    @property
    def name(self) -> str:
        design = "doubtful" if self.doubtful else self.design
        return f"{design}-n{self.n}-sd{1000 * self.deviation:g}-t{self.trials}"

    def spec(self, number: int) -> StudySpec:
        """Study number so many of it."""
        seeds = (2, 2) if self.doubtful else (2, 0)
        return study_spec(self.trials, FULL_SPACE, number, design=self.design, seeds=seeds)


def _cells() -> dict[str, Cell]:
    settings = [*QUICK]
    settings += [(n, sd, t) for n in (126, 400, 1000) for sd in (0.0, 0.02, 0.04) for t in (24, 75)]
    cells = [Cell(*setting, design) for setting in dict.fromkeys(settings) for design in DESIGNS]
    cells += [Cell(*setting, "one_factor", doubtful=True) for setting in QUICK]
    return {cell.name: cell for cell in cells}


CELLS = _cells()


@dataclass(frozen=True)
class Rank:
    """Accuracy rises by this much from the lowest to the highest rank, in a straight line over its logarithm."""

    effect: float

    def __call__(self, configuration: Configuration) -> float:
        return self.effect * math.log(configuration.lora_r / LOW) / math.log(HIGH / LOW)


@dataclass(frozen=True)
class Answer:
    """One study: what it could see, what it said of the planted effect, whether it claimed something false or its
    intervals missed something."""

    sde: float
    found: bool
    false: bool
    covered: bool


def explored(world: World, cell: Cell, number: int) -> History:
    """A study up to the end of the round that claims."""
    spec = cell.spec(number)
    planner = StudyPlanner(spec, world.facts, Folding.everything())
    history = History()
    while (wave := planner.next_wave(history)) is not None and (wave.kind in FIRST or cell.design == "model"):
        history = with_wave(history, wave, lambda trial, _: world.run(trial), planner)
        if wave.closes_round:
            found = judge_round(history, wave.round, spec, world.facts)
            history = replace(history, findings=(*history.findings, *found))
    return history


FIRST = (RoundKind.REFERENCE, RoundKind.PILOT, RoundKind.EXPLORE)


def asked(history: History) -> Finding | None:
    """The finding about the highest rank; where nothing was explored, about the best, or the runner-up where the
    baseline itself is the best."""
    for finding in history.findings:
        if finding.label in ("best", "runner_up") and not math.isnan(finding.effect):
            return finding
        level = finding.kind.value == "difference" and finding.label == f"lora_r={HIGH}"
        if finding.factor == "lora_r" and (finding.kind.is_fitted or level) and not math.isnan(finding.effect):
            return finding
    return None


def answer_of(cell: Cell, number: int, effect: float) -> Answer:
    """One study in a world with that effect."""
    world = World(number, n_validation=cell.n, seed_deviation=cell.deviation, effect=Rank(effect))
    history = explored(world, cell, number)
    finding = asked(history)
    claims = claims_of(history, world, 0.03)
    if finding is None:
        return Answer(math.nan, False, bool(claims.false), claims.families_covered == claims.families)
    half = max(finding.interval[1] - finding.effect, finding.effect - finding.interval[0])
    quantile = float(special.stdtrit(min(finding.degrees_of_freedom, 1e6), POWER))
    return Answer(
        sde=half + quantile * finding.standard_error,
        found=finding.verdict is Verdict.BETTER,
        false=bool(claims.false),
        covered=claims.families_covered == claims.families,
    )


PILOT_STUDIES = 10
"""Studies by which the effect to plant is chosen; they are not counted."""


def run_cell(name: str, first: int, count: int, effect: float | None = None) -> tuple[list[Answer], list[Answer]]:
    """Studies without any effect, and as many with an effect planted; None: the detectable one."""
    cell, planted = CELLS[name], effect
    if planted is None:
        sizes = [answer_of(cell, 10_000 + i, 0.0).sde for i in range(PILOT_STUDIES)]
        planted = float(np.nanmedian(sizes)) if not np.isnan(sizes).all() else 0.1
    numbers = range(first, first + count)
    return [answer_of(cell, i, 0.0) for i in numbers], [answer_of(cell, i, planted) for i in numbers]


def promised(cell: Cell) -> float | None:
    """The smallest detectable effect of the round that claims, as `plan` tells it beforehand."""
    spec = cell.spec(0)
    planner = StudyPlanner(spec, World(0, n_validation=cell.n).facts, Folding.everything())
    rounds = planner.outlook(History()).rounds
    kind = RoundKind.CONFIRM if cell.design == "model" else RoundKind.EXPLORE
    return next((each.smallest_detectable_effect for each in rounds if each.kind is kind), None)


def summary(cell: Cell, null: list[Answer], planted: list[Answer]) -> dict[str, Any]:
    """A cell's row."""
    sizes = np.array([answer.sde for answer in null])
    known = sizes[~np.isnan(sizes)]
    n, false = len(null), sum(answer.false for answer in null)
    found = sum(answer.found for answer in planted)
    return {
        "cell": cell.name,
        "n": cell.n,
        "seed_deviation": cell.deviation,
        "trials": cell.trials,
        "design": cell.design,
        "studies": n,
        "asked": len(known),
        "sde": float(np.median(known)) if len(known) else None,
        "sde_error": float(1.25 * known.std(ddof=1) / math.sqrt(len(known))) if len(known) > 1 else None,
        "promised": promised(cell),
        "found": found / n,
        "found_error": math.sqrt(max(found / n * (1 - found / n), 1e-9) / n),
        "false": false,
        "false_upper95": upper95(false, n),
        "covered": sum(answer.covered for answer in [*null, *planted]) / (2 * n),
    }


def main(argv: list[str] | None = None) -> int:
    """Run the cells and hold the balanced design against one factor at a time; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(prog="power", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--studies", type=int, default=STUDIES)
    parser.add_argument("--cells", nargs="*", choices=sorted(CELLS), metavar="CELL")
    parser.add_argument("--effect", type=float, help="plant this difference of accuracy, in [0, 1]")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args(argv)
    quick = [cell.name for cell in CELLS.values() if (cell.n, cell.deviation, cell.trials) in QUICK]
    names = options.cells or (quick if options.quick else list(CELLS))
    began, rows = time.monotonic(), {}
    for name, pieces in in_pieces(partial(run_cell, effect=options.effect), names, options.studies, options.workers):
        row = summary(CELLS[name], [a for piece in pieces for a in piece[0]], [a for piece in pieces for a in piece[1]])
        rows[name] = row
        print(json.dumps(row), file=sys.stderr, flush=True)
    ratios = {}
    for name, row in rows.items():
        other = rows.get(name.replace("balanced", "one_factor"))
        if row["design"] == "balanced" and other and row["sde"] and other["sde"]:
            ratios[name] = row["sde"] / other["sde"]
    missed = [name for name, ratio in ratios.items() if ratio > (0.65 if CELLS[name].trials == 24 else 0.55)]
    result = {"ratios": ratios, "missed": missed, "seconds": round(time.monotonic() - began, 1)}
    print(json.dumps(result))
    if options.json:
        options.json.write_text(json.dumps({**result, "cells": list(rows.values())}, indent=1) + "\n", encoding="utf-8")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
