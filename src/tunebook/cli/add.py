"""`tunebook add`: trials of the user's own in a study that was begun."""

from __future__ import annotations

from typing import Annotated

import typer

from tunebook.cli.options import Folder, StudyArgument, TrustRemoteCode
from tunebook.cli.output import results
from tunebook.escaping import shell_line

EXAMPLE = "Example: tunebook add runs/demo 'lora_r=64 learning_rate=3e-4' --seeds 2"


def add(
    study: StudyArgument,
    settings: Annotated[
        list[str],
        typer.Argument(
            metavar="SETTINGS...",
            help="A configuration each: 'lora_r=64 learning_rate=3e-4' (the rest as in the baseline), baseline, best, "
            "a trial's number, or the beginning of a key.",
        ),
    ],
    seeds: Annotated[int | None, typer.Option("--seeds", help="New seeds for each; default: the study's.")] = None,
    tags: Annotated[list[str] | None, typer.Option("--tag", help="A tag for each trial; may be given again.")] = None,
    note: Annotated[str, typer.Option("--note", help="A note for each trial.")] = "",
    folder: Folder = None,
    trust_remote_code: TrustRemoteCode = False,
) -> None:
    """Add trials of your own: a round of theirs, outside the study's budget and error rate. `run` trains them."""
    from tunebook.api import Study

    opened = Study.load(study, folder, trust_remote_code)
    added = opened.add(settings, seeds, tags or (), note)
    for configuration in added.configurations:
        changes = opened.words.changes(configuration, opened.spec.baseline)
        results().print(opened.words.own_added(changes, added.seeds), soft_wrap=True, markup=False)
    command = shell_line(["tunebook", "run", str(opened.paths.file or opened.paths.folder)])
    results().print(opened.words.own_begins(command, added.is_running), soft_wrap=True, markup=False)
