"""Puts the simulations' results into docs/method.md: the tables between its marks, and docs/figures/simulations.svg.

python -m benchmarks.method_page
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from statsmodels.stats.proportion import proportion_confint

from benchmarks import nullworld
from benchmarks import planted as planted_worlds

__all__ = ["main"]

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "method.md"
FIGURE = ROOT / "docs" / "figures" / "simulations.svg"
RESULTS = ROOT / "benchmarks" / "results"
TABLES = {
    "null": "no effect at all",
    "brackets": "no effect, learning-rate brackets",
    "hard": "an assumption broken",
    "beyond": "beyond what is promised",
}

QUESTIONS = ("power", "coverage", "cliff")


def main() -> int:
    """Write both; 1 when a results file is missing."""
    null = _cells(RESULTS / "nullworld.json", nullworld.CELLS)
    planted = _cells(RESULTS / "planted.json", planted_worlds.CELLS)
    if not null and not planted:
        print("no results yet: run benchmarks.nullworld and benchmarks.planted first", file=sys.stderr)
        return 1
    text = PAGE.read_text()
    text = _between(text, "null", _null_table(null))
    text = _between(text, "planted", _planted_table(planted))
    PAGE.write_text(text)
    _figure(null, planted)
    return 0


def _cells(path: Path, order: Iterable[str]) -> list[dict[str, Any]]:
    """The rows of a results file, in the order in which the benchmark defines its cells."""
    rows = {row["cell"]: row for row in json.loads(path.read_text(encoding="utf-8"))["cells"]} if path.exists() else {}
    return [rows[name] for name in order if name in rows]


def _between(text: str, name: str, content: str) -> str:
    pattern = re.compile(rf"(<!-- {name}: begin -->\n).*?(<!-- {name}: end -->)", re.DOTALL)
    return pattern.sub(lambda match: match[1] + content + match[2], text)


def _null_table(cells: list[dict[str, Any]]) -> str:
    lines = [
        "| world | studies | with a false claim | upper 95 % bound | allowed | families all right | run |",
        "|---|---|---|---|---|---|---|",
    ]
    for table, title in TABLES.items():
        for cell in (c for c in cells if c["table"] == table):
            allowed = f"{100 * cell['bound']:.0f} %" if cell["bound"] < 1 else "-"
            lines.append(
                f"| {title}: {_words(cell)} | {cell['studies']} | {cell['false_claims']} | "
                f"{100 * cell['upper95']:.1f} % | {allowed} | {100 * cell['families_covered']:.1f} % | {_run(cell)} |"
            )
    return "\n".join(lines) + "\n"


def _planted_table(cells: list[dict[str, Any]]) -> str:
    lines = ["| question | world | studies | rate | goal | run |", "|---|---|---|---|---|---|"]
    for cell in sorted(cells, key=lambda cell: QUESTIONS.index(cell["question"])):
        low, high = cell["goal"]
        goal = f"at least {100 * low:.0f} %" if high == 1 else f"{100 * low:.0f} to {100 * high:.0f} %"
        goal = "-" if low == 0 else goal
        wrong = f", wrong sign {cell['wrong']}" if cell["question"] == "power" else ""
        lines.append(
            f"| {cell['question']} | {_words(cell)} | {cell['studies']} | {100 * cell['rate']:.1f} %{wrong} "
            f"| {goal} | {_run(cell)} |"
        )
    return "\n".join(lines) + "\n"


def _run(cell: dict[str, Any]) -> str:
    """Where and when a row's studies were run; their seeds are 0 to the number of studies less one."""
    return f"`{cell['commit']}`, {cell['date']}"


def _words(cell: dict[str, Any]) -> str:
    world, study = cell["world"], cell.get("study", {})
    deviation = 100 * world.get("seed_deviation", 0.01)
    parts = [f"n {world.get('n_validation', 358)}", f"seed deviation {deviation:g} points"]
    names = {
        "heavy_tails": "heavy tails",
        "noise_spread": "unequal noise (log deviation {})",
        "taste": "configuration-by-example effects",
        "cluster": "examples in clusters of {}",
        "shuffled": "in a shuffled order",
        "noisy_level": "one level three times as noisy",
        "bad_seeds": "one seed in ten 15 points lower",
        "crossing": "races that chance decides",
        "n_groups": "{} groups judged too",
        "n_test": "test split of {}",
        "cliff_noise": "cliff spread {} between seeds",
        "effect": "{} effect",
    }
    parts += [words.format(world[key]) for key, words in names.items() if world.get(key)]
    if "design" in study:
        parts.append(f"`{study['design']}`")
    if "trials" in study:
        parts.append(f"{study['trials']} trials")
    if "seeds" in study:
        first, further = study["seeds"]
        parts.append(
            f"{first} seed{'s' * (first > 1)} a level" + f" and {further} further ones where in doubt" * (further > 0)
        )
    return ", ".join(parts)


def _figure(null: list[dict[str, Any]], planted: list[dict[str, Any]]) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    plt.rcParams["svg.hashsalt"] = "tunebook"
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 0.25 * max(len(null), len(planted), 8) + 1.2))
    for axis, cells, title in ((left, null, "Studies with a false claim, %"), (right, planted, "Answered rightly, %")):
        axis.set_yticks(range(len(cells)), [cell["cell"] for cell in cells], fontsize=7)
        axis.invert_yaxis()
        axis.set_title(title, fontsize=10)
        axis.grid(axis="x", alpha=0.3)
    for row, cell in enumerate(null):
        left.plot([100 * cell["rate"], 100 * cell["upper95"]], [row, row], color="tab:blue", lw=2)
        left.plot(100 * cell["rate"], row, "o", color="tab:blue", ms=4)
        if cell["bound"] < 1:
            left.plot(100 * cell["bound"], row, "|", color="tab:red", ms=9, mew=2)
    for row, cell in enumerate(planted):
        if cell["goal"][0] > 0:
            right.plot([100 * end for end in cell["goal"]], [row, row], color="0.8", lw=6, solid_capstyle="butt")
        n, right_ones = cell["studies"], round(cell["rate"] * cell["studies"])
        low, high = proportion_confint(right_ones, n, method="wilson")
        right.plot([100 * low, 100 * high], [row, row], color="tab:blue", lw=1.5)
        right.plot(100 * cell["rate"], row, "o", color="tab:blue", ms=4)
    left.set_xlim(-0.3, 12)
    left.set_xlabel("line: up to the upper 95 % bound; red: allowed", fontsize=8)
    right.set_xlim(80, 100.5)
    right.set_xlabel("line: 95 % interval of the rate; grey: goal", fontsize=8)
    figure.tight_layout()
    FIGURE.parent.mkdir(exist_ok=True)
    figure.savefig(FIGURE, metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    sys.exit(main())
