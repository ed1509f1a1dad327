"""`tunebook stop`: end the run of a study, or cancel one of its trials."""

from __future__ import annotations

from typing import Annotated

import typer

from tunebook.cli.options import Folder, StudyArgument
from tunebook.cli.output import results

EXAMPLE = "Example: tunebook stop runs/demo 12"


def stop(
    study: StudyArgument,
    trial: Annotated[
        int | None, typer.Argument(metavar="[TRIAL]", help="A trial's number; without it the whole run ends.")
    ] = None,
    folder: Folder = None,
) -> None:
    """End the run of a study after its running step, as Ctrl-C does; with TRIAL cancel that trial alone.

    A run that has ended is gone on with by `tunebook run`. A trial that is cancelled counts for no claim, and the study
    goes on with the others.
    """
    from tunebook.api import Study

    opened = Study.load(study, folder)
    if trial is None:
        opened.stop()
        results().print(opened.words.stop_asked(), soft_wrap=True, markup=False)
        return
    opened.cancel(trial)
    results().print(opened.words.stop_of_trial_asked(trial), soft_wrap=True, markup=False)
