"""`tunebook note`: a note and tags of the user's own with one trial."""

from __future__ import annotations

from typing import Annotated

import typer

from tunebook.cli.options import Folder, StudyArgument
from tunebook.cli.output import results

EXAMPLE = "Example: tunebook note runs/demo 12 'loss still falling' --tag promising"


def note(
    study: StudyArgument,
    trial: Annotated[int, typer.Argument(metavar="TRIAL", help="The trial's number.")],
    text: Annotated[str, typer.Argument(metavar="[TEXT]", help="The note; it replaces an earlier one.")] = "",
    tags: Annotated[list[str] | None, typer.Option("--tag", help="A tag; may be given again.")] = None,
    folder: Folder = None,
) -> None:
    """Keep a note and tags with one trial; the record and trials.csv show them."""
    from tunebook.api import Study

    opened = Study.load(study, folder)
    opened.remark(trial, text, tags or ())
    results().print(opened.words.remark_kept(trial), soft_wrap=True, markup=False)
