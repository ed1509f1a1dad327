"""Writes the example records of the documentation, in both languages. Run by hand:

    python tests/browser/examples.py docs/example runs/demo

`en` and `zh` are of the finished study in the second argument's folder, without one of a simulated study; `floor` is a
simulated study that learned nothing, `cliff` one whose training breaks not far above the best learning rate.
"""

from __future__ import annotations

import importlib.util
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from tunebook.record import View, write_all
from tunebook.run.commands.report import write_record
from tunebook.run.paths import locate
from tunebook.run.reading import read_study
from tunebook.testing.world import World
from tunebook.words import LANGUAGES

SIMULATED = Path(__file__).parents[1] / "golden" / "records" / "simulated_study.py"
WORLDS = {
    "": World(seed=11, peak=0.66, width=1.1, rank_gain=0.025, epoch_gain=0.01),
    "floor": World(seed=7, untrained=0.12, peak=0.15, width=1.1, rank_gain=0.0, epoch_gain=0.0),
    "cliff": World(seed=5, peak=0.6, best_rate=3.5e-4, cliff=9e-4, collapse_below=0.75, cliff_deviation=0.2),
}
TRIALS = 24


def simulated(world: World) -> View:
    """A study in a simulated world, which its record says."""
    spec = importlib.util.spec_from_file_location("simulated_study", SIMULATED)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    inputs = module.make(trials=TRIALS, world=world)
    return View(**inputs._replace(spec=replace(inputs.spec, engine="simulated"))._asdict())


def keep(written: Path, target: Path) -> None:
    """The Markdown and the figures as text; the pictures are for other uses."""
    shutil.rmtree(target, ignore_errors=True)
    (target / "figures").mkdir(parents=True)
    shutil.copy(written / "record.md", target)
    for figure in (written / "figures").glob("*.svg"):
        shutil.copy(figure, target / "figures")


def main(target: Path, study: Path | None) -> None:
    for language in LANGUAGES:
        for name, world in WORLDS.items():
            if not name and study is not None:
                continue
            with tempfile.TemporaryDirectory() as folder:
                write_all(Path(folder), simulated(world), language)
                keep(Path(folder), target / name / language)
        if study is not None:
            with tempfile.TemporaryDirectory() as folder:
                write_record(read_study(locate(study)), Path(folder), language)
                keep(Path(folder), target / language)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
