"""How often a race stops the trial that would have ended best, on recorded trials: the figures of decision 107.

    python -m benchmarks.race FOLDER                     # every rule, on the tuning half
    python -m benchmarks.race FOLDER --split kept_out    # the planner's rule alone; to be looked at once

A race has six recorded configurations, drawn at random, one seed each. A rule looks at a share of the training, ends
at least so many, and stops those whose validation loss is above a multiple of the lowest. *Chosen by halves* is how
often the best is stopped where the smallest ratio was chosen on one half of the configurations (at most 5 % there) and
tried on the other. Races share configurations; what can be said for certain is said by those that share none.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchmarks.simulate import upper95
from tunebook.planning.racing import CLEARLY, FINISHED, LOOKS
from tunebook.testing.recorded_table import KEPT_OUT, TUNING, RecordedTable, load

__all__ = ["Rule", "main", "raced"]

Floats = NDArray[np.float64]

SIX = 6
ALLOWED = 0.05
RATIOS = (1.0, 1.2, 1.5, 2.0, 3.0)
SHARES = (0.25, 0.5)
LEAST = (2, 3)
RACES = 4000
HALVES = 40
PILOT_EPOCHS = 3
"""Pilots have at least so many epochs."""


@dataclass(frozen=True)
class Rule:
    """Look at a share of the training; end at least so many; stop above this multiple of the lowest loss."""

    share: float
    finished: int
    ratio: float


def raced(early: Floats, end: Floats, rule: Rule) -> tuple[NDArray[np.bool_], Floats, Floats]:
    """Races side by side.

    Args:
        early, end: losses at the look and at the end, (races, trials); infinite where training broke.

    Returns: whether the best was stopped, the mean cost of a trial, and by how much the log loss of the best that was
    left lies above the best's; (races,) each.
    """
    n_lower = (early[:, None, :] < early[:, :, None]).sum(axis=2)
    stopped = (n_lower >= rule.finished) & (early > rule.ratio * early.min(axis=1, keepdims=True))
    best = end.argmin(axis=1)
    left = np.where(stopped, np.inf, end).min(axis=1)
    lost = np.log(np.minimum(left, end.max())) - np.log(end.min(axis=1))
    cost = np.where(stopped, rule.share, 1.0).mean(axis=1)
    return stopped[np.arange(len(end)), best], cost, lost


def _losses(table: RecordedTable, rows: Sequence[int], share: float) -> tuple[Floats, Floats]:
    """Early and final losses, (configurations, seeds)."""
    at = int(np.abs(table.fractions - share).argmin())
    return table.loss_at[rows][..., at], table.loss[rows]


def _draw(n: int, races: int, seeds: int, seed: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    draw = np.random.default_rng([29, seed])
    rows = np.stack([draw.choice(n, SIX, replace=False) for _ in range(races)])
    return rows, draw.integers(seeds, size=rows.shape)


def stopped_share(table: RecordedTable, rows: Sequence[int], rule: Rule, races: int, seed: int = 0) -> list[float]:
    """How often the best is stopped, mean cost, mean log loss lost."""
    early, end = _losses(table, rows, rule.share)
    at = _draw(len(rows), races, end.shape[1], seed)
    return [float(np.mean(each)) for each in raced(early[at], end[at], rule)]


def chosen_by_halves(table: RecordedTable, rows: Sequence[int], share: float, finished: int) -> float:
    """How often the best is stopped in the half on which the ratio was not chosen."""
    draw, found = np.random.default_rng(31), []
    for _ in range(HALVES):
        order = draw.permutation(rows)
        for one, other in ((order[::2], order[1::2]), (order[1::2], order[::2])):
            rules = [Rule(share, finished, ratio) for ratio in RATIOS]
            fits = (r for r in rules if stopped_share(table, one, r, 300)[0] <= ALLOWED)
            found.append(stopped_share(table, other, next(fits, rules[-1]), 300)[0])
    return float(np.mean(found))


def apart(table: RecordedTable, rows: Sequence[int], rule: Rule) -> tuple[int, int]:
    """Of races that share no configuration: how many stop the best, of how many."""
    order = np.random.default_rng(37).permutation(len(rows))
    n = len(rows) // SIX
    early, end = _losses(table, rows, rule.share)
    members = order[: n * SIX].reshape(n, SIX)
    return int(raced(early[members, 0], end[members, 0], rule)[0].sum()), n


def lines(table: RecordedTable, rows: Sequence[int], rules: Sequence[Rule]) -> Iterator[dict[str, Any]]:
    """A line a rule: on all configurations, and on those with a pilot's epochs."""
    long = [i for i in rows if table.configurations[i].num_train_epochs >= PILOT_EPOCHS]
    for rule in rules:
        stopped, cost, lost = stopped_share(table, rows, rule, RACES)
        among_long, *_ = stopped_share(table, long, rule, RACES)
        wrong, n = apart(table, rows, rule)
        yield {
            "share": rule.share, "finished": rule.finished, "ratio": rule.ratio, "stopped_best": stopped, "cost": cost,
            "log_loss_lost": lost, "stopped_best_long": among_long, "apart": [wrong, n], "upper95": upper95(wrong, n),
        }  # fmt: skip


def _correlations(table: RecordedTable, rows: Sequence[int]) -> dict[str, float]:
    found = {}
    for share in SHARES:
        early, end = _losses(table, rows, share)
        both = np.isfinite(early) & np.isfinite(end)
        found[f"at {share}"] = float(stats.spearmanr(early[both], end[both]).statistic)
    return found


def main(argv: list[str] | None = None) -> None:
    """Print the rules."""
    parser = argparse.ArgumentParser(prog="race", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--split", choices=(TUNING, KEPT_OUT), default=TUNING)
    options = parser.parse_args(argv)
    table = load(options.folder)
    rows = [i for i, split in enumerate(table.split) if split == options.split]
    print(json.dumps({"split": options.split, "configurations": len(rows), **_correlations(table, rows)}))
    own = [Rule(share, FINISHED, CLEARLY) for share in LOOKS]
    every = [Rule(*each) for each in product(SHARES, LEAST, RATIOS)]
    for line in lines(table, rows, every if options.split == TUNING else own):
        print(json.dumps({k: round(v, 3) if isinstance(v, float) else v for k, v in line.items()}))
    if options.split == TUNING:
        for share, finished in product(SHARES, LEAST):
            print(f"chosen by halves, at {share}, {finished} end: {chosen_by_halves(table, rows, share, finished):.3f}")


if __name__ == "__main__":
    main()
