"""Whole studies through the real planner and the real findings, in a simulated world."""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from scipy import stats

from benchmarks.worlds import World
from tunebook.core.configuration import Configuration
from tunebook.core.factor import Factor
from tunebook.core.facts import History
from tunebook.core.findings import Finding, Verdict
from tunebook.core.space import Folding, SearchSpace
from tunebook.core.study import Budget, DataSpec, SeedCounts, StudySpec
from tunebook.planning.planner import StudyPlanner
from tunebook.statistics.judge_fitted import balanced_model
from tunebook.testing.simulated_study import simulated_history

__all__ = [
    "BASELINE",
    "FULL_SPACE",
    "PLAIN_SPACE",
    "Claims",
    "claims_of",
    "commit_now",
    "in_pieces",
    "merge_results",
    "options_of",
    "run_study",
    "study_spec",
    "upper95",
]

T = TypeVar("T")
WORKERS = 2
CHUNK = 25

BASELINE = Configuration(
    learning_rate=2e-4,
    per_device_train_batch_size=2,
    gradient_accumulation_steps=4,
    num_train_epochs=3,
    lora_r=8,
    lora_alpha=32,
    lora_dropout=0.1,
    max_length=512,
)
FULL_SPACE = SearchSpace(
    (
        Factor("learning_rate", low=5e-5, high=2e-3),
        Factor("lora_r", (8, 16, 32, 64)),
        Factor("lora_dropout", (0.0, 0.05, 0.1, 0.2)),
        Factor("num_train_epochs", (3, 4, 5)),
    )
)
"""The space of the example study file: learning-rate brackets for rank and epochs."""
PLAIN_SPACE = SearchSpace(
    (
        Factor("lora_r", (8, 16, 32, 64)),
        Factor("lora_dropout", (0.0, 0.05, 0.1, 0.2)),
        Factor("num_train_epochs", (3, 4, 5)),
        Factor("weight_decay", (0.0, 0.01, 0.1)),
    )
)
"""No learning rate: no brackets, every level claims at once."""


def study_spec(
    trials: int = 75,
    space: SearchSpace = FULL_SPACE,
    seed: int = 0,
    margin: float = 0.03,
    design: str = "one_factor",
    seeds: tuple[int, int] = (2, 0),
) -> StudySpec:
    """A study of four factors with a budget of so many trials.

    Args:
        seeds: of each configuration, and further ones of levels in doubt.
    """
    return StudySpec(
        name="world",
        model="simulated",
        data=DataSpec(train="train.jsonl"),
        metric="exact_match",
        baseline=BASELINE,
        space=space,
        budget=Budget(trials),
        seed=seed,
        margin=margin,
        design=design,
        seeds=SeedCounts(configuration=seeds[0], doubtful=seeds[1]),
    )


def run_study(world: World, spec: StudySpec, devices: int = 1) -> History:
    """Plan, simulate, judge, and go on, until the planner is done."""
    planner = StudyPlanner(spec, world.facts, Folding.everything())
    return simulated_history(planner, spec, world.facts, lambda trial, _: world.run(trial), devices=devices)


@dataclass
class Claims:
    """What a study claimed, against the truth.

    Attributes:
        false: claims that are untrue, at whichever round they were printed.
        made: claims at all.
        covered, intervals: simultaneous intervals that hold the truth, by whether all of a round's do.
    """

    false: list[Finding]
    made: int
    families: int
    families_covered: int


TRUE_CLAIMS: dict[Verdict, Callable[[float, float], bool]] = {
    Verdict.BETTER: lambda effect, margin: effect > 0,
    Verdict.WORSE: lambda effect, margin: effect < 0,
    Verdict.EQUIVALENT: lambda effect, margin: abs(effect) < margin,
    Verdict.NOT_INFERIOR: lambda effect, margin: effect > -margin,
}


def claims_of(
    history: History,
    world: World,
    margin: float,
    family: str = "main",
    truth: Callable[[Configuration], float] | None = None,
) -> Claims:
    """Hold every finding of a family ("main" or "group") against the truth.

    Args:
        truth: a configuration's true result on the standard scale; None: the world's true accuracy.
    """
    truth = truth or world.true_accuracy
    claims = Claims([], 0, 0, 0)
    covered: dict[int, bool] = {}
    for finding in history.findings:
        if finding.family.split(":")[0] != family or math.isnan(finding.effect):
            continue
        effect = _true_effect(finding, history, truth)
        low, high = finding.interval
        covered[finding.round] = covered.get(finding.round, True) and low <= effect <= high
        if finding.verdict in TRUE_CLAIMS:
            claims.made += 1
            if not TRUE_CLAIMS[finding.verdict](effect, margin):
                claims.false.append(finding)
    claims.families, claims.families_covered = len(covered), sum(covered.values())
    return claims


def _true_effect(finding: Finding, history: History, truth: Callable[[Configuration], float]) -> float:
    """Of a fitted contrast: what the same least squares give for the true results of the design."""
    if finding.kind.is_fitted:
        return _true_coefficient(finding, history, truth)

    def of(trials: Iterable[int]) -> float:
        return truth(history.trials[next(iter(trials))].trial.effective)

    return of(finding.treatment_trials) - of(finding.control_trials)


def _true_coefficient(finding: Finding, history: History, truth: Callable[[Configuration], float]) -> float:
    contrasts = [c for w in history.waves if w.round == finding.round for c in w.contrasts]
    model = balanced_model(contrasts, history, BASELINE)
    asked = next(c for c in contrasts if c.label == finding.label)
    row = model.row(asked) if model is not None else None
    assert model is not None
    assert row is not None
    return float(row @ np.linalg.pinv(model.design) @ np.array([truth(c) for c in model.configurations]))


def worker_pool(workers: int) -> ProcessPoolExecutor:
    """Fresh processes with one thread each: two that multiply small matrices with many threads only wait."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"))


def options_of(
    name: str, about: str | None, cells: Iterable[str], argv: list[str] | None, goes_on: bool = False
) -> argparse.Namespace:
    """The command line that the simulations share; `goes_on`: with `--seconds`."""
    parser = argparse.ArgumentParser(prog=name, description=(about or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a few cells with few studies, about half a minute")
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--cells", nargs="*", default=None, choices=sorted(cells), metavar="CELL")
    parser.add_argument("--workers", type=int, default=WORKERS)
    if goes_on:
        text = "go on where the results file stops, in one process, and stop after so long"
        parser.add_argument("--seconds", type=float, default=None, help=text)
    commit_now()  # asked now: the branch may move on while the studies run
    return parser.parse_args(argv)


def in_pieces(
    run_cell: Callable[[str, int, int], T], names: Iterable[str], studies: int, workers: int
) -> Iterator[tuple[str, list[T]]]:
    """Run each cell's studies, a few at a time in several processes; gives the cells in order, as each is done."""
    with worker_pool(workers) as pool:
        jobs = {
            name: [pool.submit(run_cell, name, i, min(CHUNK, studies - i)) for i in range(0, studies, CHUNK)]
            for name in names
        }
        for name, futures in jobs.items():
            yield name, [future.result() for future in futures]


def run_cells(
    options: argparse.Namespace,
    names: Iterable[str],
    quick_studies: int,
    run_cell: Callable[[str, int, int], T],
    row_of: Callable[[str, list[T]], tuple[dict[str, Any], str]],
    results: Path,
) -> list[dict[str, Any]]:
    """Run each cell, print a line as it is done and, unless `--quick` was asked for, keep its row in the results file.

    Args:
        quick_studies: the number of studies of a cell with `--quick`.
        row_of: a cell's row and its line, from its name and what its pieces came to.
    """
    rows = []
    for name, pieces in in_pieces(
        run_cell, names, quick_studies if options.quick else options.studies, options.workers
    ):
        row, line = row_of(name, pieces)
        rows.append(row)
        if not options.quick:
            merge_results(results, [row])
        print(line, file=sys.stderr, flush=True)
    return rows


def merge_results(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write rows into a results file, each in the place of the earlier row of the same cell, with the commit that the
    code was at and the date."""
    made = {"commit": commit_now(), "date": datetime.now(tz=UTC).date().isoformat()}
    known = {row["cell"]: row for row in json.loads(path.read_text(encoding="utf-8"))["cells"]} if path.exists() else {}
    known.update({row["cell"]: {**row, **made} for row in rows})
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"cells": list(known.values())}, indent=1) + "\n", encoding="utf-8")


@cache
def commit_now() -> str:
    """The commit that the code is at, short; asked once a process."""
    asked = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(asked, cwd=Path(__file__).parent, capture_output=True, text=True, check=False).stdout.strip()


def upper95(events: int, n: int) -> float:
    """Upper end of the one-sided 95 % Clopper-Pearson interval of a proportion."""
    return 1.0 if events >= n else float(stats.beta.ppf(0.95, events + 1, n - events))
