"""How often a study claims something untrue: thousands of whole studies in worlds where nothing has an effect.

    python -m benchmarks.nullworld --quick          # one minute; ends with a JSON line
    python -m benchmarks.nullworld --studies 1000   # every cell; writes benchmarks/results/nullworld.json
    python -m benchmarks.nullworld --studies 1000 --cells model-null-75 --seconds 250   # goes on where it stopped

A false claim counts at whichever round it is printed: `better` or `worse` where there is no difference (`equivalent`
and `not inferior` are true in these worlds), and a factor ranked by importance. The unit is the study: one with any
false claim counts once. *Described* counts the studies whose record describes a difference without claiming it: an
interaction beside zero, a configuration outside the tie set, a sweet spot narrower than what was tried, a low seed.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.simulate import (
    FULL_SPACE,
    PLAIN_SPACE,
    Claims,
    claims_of,
    commit_now,
    merge_results,
    options_of,
    run_cells,
    run_study,
    study_spec,
    upper95,
)
from benchmarks.worlds import World
from tunebook.core.findings import StudyFindings, SweetSpot
from tunebook.statistics.conclusions import conclude
from tunebook.statistics.evidence import Evidence

__all__ = ["CELLS", "Cell", "main", "run_cell"]

RESULTS = Path(__file__).parent / "results" / "nullworld.json"
QUICK = ["n358-sd10", "brackets-sd20"]
QUICK_STUDIES = 150
STEP = 5
"""Studies between two looks at the clock."""


@dataclass(frozen=True)
class Cell:
    """One kind of world and study.

    Attributes:
        name: unique.
        table: which row of the table of bounds it belongs to: "null", "brackets", "hard", or "beyond" (none promised).
        bound: the upper 95 % bound must not exceed this.
        world: arguments of `World`; study: arguments of `study_spec`.
    """

    name: str
    table: str
    bound: float
    world: dict[str, Any] = field(default_factory=dict)
    study: dict[str, Any] = field(default_factory=dict)


def _cells() -> Iterable[Cell]:
    for n in (100, 358, 2000):
        for deviation in (0.0, 0.005, 0.01, 0.02):
            world = {"n_validation": n, "seed_deviation": deviation}
            yield Cell(f"n{n}-sd{1000 * deviation:g}", "null", 0.07, world, {"space": "plain"})
    for trials in (19, 40, 80):
        yield Cell(f"trials{trials}", "null", 0.07, {"seed_deviation": 0.02}, {"space": "plain", "trials": trials})
    yield Cell("groups", "null", 0.07, {"seed_deviation": 0.01, "n_validation": 600, "n_groups": 4}, {"space": "plain"})
    yield Cell("test-split", "null", 0.07, {"seed_deviation": 0.01, "n_test": 1000}, {"space": "plain"})
    for deviation in (0.0, 0.01, 0.02):
        yield Cell(f"brackets-sd{1000 * deviation:g}", "brackets", 0.07, {"seed_deviation": deviation})
    yield Cell("brackets-taste", "brackets", 0.07, {"seed_deviation": 0.01, "taste": 1.0})
    yield Cell("brackets-n2000", "brackets", 0.07, {"seed_deviation": 0.01, "n_validation": 2000})
    for name, world in HARD.items():
        yield Cell(name, "hard", 0.08, world)
    for name, world in UNEVEN.items():
        yield Cell(name, "hard", 0.07, world)
        for trials in (24, 75):
            yield Cell(f"balanced-{name}-{trials}", "hard", 0.07, world, {"design": "balanced", "trials": trials})
    for name in ("very-unequal-noise", "taste", "clusters"):
        world = {**HARD, **BEYOND}[name]
        yield Cell(f"balanced-{name}", "hard", 0.07, world, {"design": "balanced"})
    for trials in (24, 75):
        world = {"seed_deviation": 0.02}
        yield Cell(f"balanced-null-{trials}", "null", 0.07, world, {"design": "balanced", "trials": trials})
    yield Cell("balanced-racing", "hard", 0.07, RACING, {"design": "balanced", "trials": 24})
    for trials in (12, 24, 75):
        world = {"seed_deviation": 0.02}
        yield Cell(f"model-null-{trials}", "null", 0.07, world, {"design": "model", "trials": trials})
    for name, world in {**UNEVEN, "racing": RACING}.items():
        yield Cell(f"model-{name}", "hard", 0.07, world, {"design": "model", "trials": 24})
    further = {"seeds": (2, 2)}
    yield Cell("doubtful-null", "null", 0.07, {"seed_deviation": 0.02}, further)
    for name in ("noisy-level", "bad-seeds", "shuffled-clusters"):
        yield Cell(f"doubtful-{name}", "hard", 0.07, UNEVEN[name], further)
    for name, world in BEYOND.items():
        yield Cell(name, "beyond", 1.0, world)
    for name in ("noisy-level", "bad-seeds"):
        yield Cell(f"{name}-24", "hard", 0.07, UNEVEN[name], {"trials": 24})
    yield Cell("bad-seeds-single", "hard", 0.07, UNEVEN["bad-seeds"], {"seeds": (1, 0)})


HARD: dict[str, dict[str, Any]] = {
    "heavy-tails": {"seed_deviation": 0.02, "heavy_tails": True},
    "unequal-noise": {"seed_deviation": 0.015, "noise_spread": 0.5},
    "clusters": {"seed_deviation": 0.01, "cluster": 5},
    "clusters-taste": {"seed_deviation": 0.01, "cluster": 5, "taste": 1.0},
    "clusters-taste-n2000": {"seed_deviation": 0.005, "cluster": 5, "taste": 1.0, "n_validation": 2000},
    "n30": {"seed_deviation": 0.02, "n_validation": 30},
    "n30-taste": {"seed_deviation": 0.01, "n_validation": 30, "taste": 1.0},
    "taste": {"seed_deviation": 0.01, "taste": 1.0},
    "taste-n2000": {"seed_deviation": 0.005, "taste": 1.0, "n_validation": 2000},
}
"""Worlds that break an assumption. `taste`: configurations differ on single examples, neighbours alike."""

UNEVEN: dict[str, dict[str, Any]] = {
    "noisy-level": {"seed_deviation": 0.02, "n_validation": 1000, "noisy_level": ("lora_r", 64)},
    "bad-seeds": {"seed_deviation": 0.01, "n_validation": 1000, "bad_seeds": 0.1},
    "bad-seeds-n126": {"seed_deviation": 0.01, "n_validation": 126, "bad_seeds": 0.1},
    "shuffled-clusters": {"seed_deviation": 0.01, "n_validation": 2000, "cluster": 5, "taste": 1.0, "shuffled": True},
}
"""Noise as near a cliff: one level with three times the seeds' deviation, one seed in ten 15 points lower; and clusters
of examples that the order of the file does not show."""

RACING: dict[str, Any] = {"seed_deviation": 0.02, "crossing": 0.3}
"""Losses on the way that say little about the end: the race stops trials by chance."""

BEYOND: dict[str, dict[str, Any]] = {
    "very-unequal-noise": {"seed_deviation": 0.015, "noise_spread": 0.8},
}
"""Worlds in which the bound does not hold, as it does not where a level is judged by one seed and noise is uneven;
`docs/method.md` says so."""

SPACES = {"full": FULL_SPACE, "plain": PLAIN_SPACE}
CELLS: dict[str, Cell] = {cell.name: cell for cell in _cells()}


@dataclass
class Tally:
    """What a cell's studies came to."""

    studies: int = 0
    false_studies: int = 0
    false_in_groups: int = 0
    claims: int = 0
    trials: int = 0
    families: int = 0
    families_covered: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    described: dict[str, int] = field(default_factory=dict)

    def add(self, claims: Claims, groups: Claims, trials: int, found: StudyFindings, described: Iterable[str]) -> None:
        """Count one study, and what its record says beside verdicts."""
        ranked = any(importance.ranked for importance in found.importance)
        self.studies += 1
        self.false_studies += bool(claims.false) or ranked
        self.false_in_groups += bool(groups.false)
        self.claims += claims.made
        self.trials += trials
        self.families += claims.families
        self.families_covered += claims.families_covered
        for finding in claims.false:
            kind = f"{finding.round_kind.value}:{finding.verdict.value}"
            self.kinds[kind] = self.kinds.get(kind, 0) + 1
        if ranked:
            self.kinds["importance"] = self.kinds.get("importance", 0) + 1
        for name in described:
            self.described[name] = self.described.get(name, 0) + 1

    def merge(self, other: Tally) -> None:
        """Count another tally's studies too."""
        for name, value in vars(other).items():
            if isinstance(value, dict):
                own = getattr(self, name)
                for kind, count in value.items():
                    own[kind] = own.get(kind, 0) + count
            else:
                setattr(self, name, getattr(self, name) + value)


def described_in(found: StudyFindings, evidence: Evidence) -> Iterable[str]:
    """The kinds of sentences that describe a difference, and claim none."""
    if any(each.interval is not None and not each.interval[0] <= 0 <= each.interval[1] for each in found.interactions):
        yield "interaction"
    if found.best is not None and len(found.tie_set) < len(evidence.contenders):
        yield "tie_set"
    if any(_is_narrow(spot, evidence) for spot in found.sweet_spots):
        yield "sweet_spot"
    if found.low_seeds:
        yield "low_seed"


def _is_narrow(spot: SweetSpot, evidence: Evidence) -> bool:
    """Whether it leaves out a value that was tried and that trained."""
    tried = [float(str(evidence.value_of(f))) for f in evidence.levels if f.factor == spot.factor]
    return any(not spot.low * (1 - 1e-9) <= value <= spot.high * (1 + 1e-9) for value in tried)


def run_cell(name: str, first: int, count: int) -> Tally:
    """Studies number `first` to `first + count - 1` of a cell; a study's number is its seed."""
    cell = CELLS[name]
    arguments = {**cell.study, "space": SPACES[cell.study.get("space", "full")]}
    tally = Tally()
    for number in range(first, first + count):
        world, spec = World(number, **cell.world), study_spec(seed=number, **arguments)
        history = run_study(world, spec)
        groups = claims_of(history, world, spec.margin, "group")
        found = conclude(history, spec, world.facts)
        described = described_in(found, Evidence(history, spec.baseline))
        tally.add(claims_of(history, world, spec.margin), groups, len(history.trials), found, described)
    return tally


def summary(cell: Cell, tally: Tally) -> dict[str, Any]:
    """A cell's row of the results."""
    return {
        "cell": cell.name,
        "table": cell.table,
        "world": cell.world,
        "study": cell.study,
        "studies": tally.studies,
        "seeds": [0, tally.studies - 1],
        "false_claims": tally.false_studies,
        "rate": tally.false_studies / tally.studies,
        "upper95": upper95(tally.false_studies, tally.studies),
        "bound": cell.bound,
        "holds": upper95(tally.false_studies, tally.studies) <= cell.bound,
        "false_in_groups": tally.false_in_groups,
        "claims": tally.claims,
        "trials_per_study": tally.trials / tally.studies,
        "families_covered": tally.families_covered / max(1, tally.families),
        "false_kinds": tally.kinds,
        "described": tally.described,
        "tally": vars(tally),
    }


def _row(name: str, tallies: list[Tally]) -> tuple[dict[str, Any], str]:
    tally = Tally()
    for each in tallies:
        tally.merge(each)
    row = summary(CELLS[name], tally)
    return row, (
        f"{name:24} {row['false_claims']:4} of {tally.studies}  upper {row['upper95']:.3f} (bound {row['bound']:.2f})  "
        f"covered {row['families_covered']:.3f}  groups {tally.false_in_groups}  {tally.kinds}  "
        f"described {tally.described}"
    )


def _go_on(names: Iterable[str], studies: int, until: float) -> int:
    """Take cells further, in this process, until they have so many studies or the time is over; 1 when it is over.

    A cell goes on after the studies that its row has, if they ran at the same commit.
    """
    known = {row["cell"]: row for row in json.loads(RESULTS.read_text(encoding="utf-8"))["cells"]}
    for name in names:
        row = known.get(name, {})
        tally = Tally(**row["tally"]) if "tally" in row and row["commit"] == commit_now() else Tally()
        while tally.studies < studies and time.monotonic() < until:
            tally.merge(run_cell(name, tally.studies, min(STEP, studies - tally.studies)))
            row, line = _row(name, [tally])
            merge_results(RESULTS, [row])
            print(line, file=sys.stderr, flush=True)
        if tally.studies < studies:
            return 1
    return 0


def main(argv: list[str] | None = None) -> int:
    """Run the cells asked for, print a line as each is done and keep it in the results file; 1 when a bound does not
    hold."""
    options = options_of("nullworld", __doc__, CELLS, argv, goes_on=True)
    names = options.cells or (QUICK if options.quick else list(CELLS))
    if options.seconds is not None:
        return _go_on(names, options.studies, time.monotonic() + options.seconds)
    rows = run_cells(options, names, QUICK_STUDIES, run_cell, _row, RESULTS)
    studies, false = sum(row["studies"] for row in rows), sum(row["false_claims"] for row in rows)
    print(
        json.dumps(
            {
                "studies": studies,
                "false_claims": false,
                "rate": false / studies,
                "upper95": upper95(false, studies),
            }
        )
    )
    return 0 if all(row["holds"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
