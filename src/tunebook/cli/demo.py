"""`tunebook demo`: a complete small study on the built-in model and data, from nothing to the record."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from tunebook.cli.options import Language, Quiet
from tunebook.cli.output import messages

EXAMPLE = "Example: tunebook demo"
FOLDER = "runs/demo"


def demo(
    folder: Annotated[str, typer.Option("--folder", help="Where the demo's study goes.")] = FOLDER,
    trials: Annotated[int | None, typer.Option("--trials", min=1, help="Trials that may be used.")] = None,
    engine: Annotated[Literal["packed", "peft"] | None, typer.Option("--engine", help="Default: packed.")] = None,
    language: Language = None,
    quiet: Quiet = False,
) -> int:
    """Run a complete small study: built-in model, built-in data, all rounds, the record. Repeat to go on."""
    from tunebook.api import Study
    from tunebook.cli.run import run_and_show
    from tunebook.demo import write_demo

    file = write_demo(Path(folder), trials=trials, engine=engine, language=language)
    study = Study.load(file, folder)
    messages().print(study.words.demo_begins(study.spec.budget.trials or 0, study.spec.model, str(file)))
    return run_and_show(study, quiet=quiet)
