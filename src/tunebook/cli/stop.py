"""`tunebook stop`: cancel one trial of a study, running or waiting; the others go on."""

from __future__ import annotations

from typing import Annotated

import typer

from tunebook.cli.options import Folder, StudyArgument
from tunebook.cli.output import results

EXAMPLE = "Example: tunebook stop runs/demo 12"


def stop(
    study: StudyArgument,
    trial: Annotated[int, typer.Argument(metavar="TRIAL", help="The trial's number.")],
    folder: Folder = None,
) -> None:
    """Cancel one trial: it ends after its running step and counts for no claim. The study goes on with the others."""
    from tunebook.api import Study

    opened = Study.load(study, folder)
    opened.cancel(trial)
    results().print(
        f"trial {trial}: will be cancelled within seconds where the study runs, else when it is run next.",
        soft_wrap=True,
    )
