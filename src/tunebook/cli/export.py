"""`tunebook export`: write a study's results in a form that other tools use."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from tunebook.cli.options import Folder, Json, StudyArgument
from tunebook.cli.output import messages, path_lines, print_json, results

EXAMPLE = "Example: tunebook export runs/demo --format merged --to my-model"


class Format(StrEnum):
    """What can be exported."""

    PEFT = "peft"
    MERGED = "merged"
    LLAMA_FACTORY = "llama-factory"
    AXOLOTL = "axolotl"


def export(
    study: StudyArgument,
    form: Annotated[
        Format, typer.Option("--format", help="Adapter, merged model, or a config for another trainer.")
    ] = Format.PEFT,
    to: Annotated[
        str | None, typer.Option("--to", help="Where to write; default: export/<format> in the study.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write into a folder that holds other files.")] = False,
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    """Write the best adapter (PEFT), the merged model, or the configuration for LLaMA-Factory or axolotl."""
    from tunebook.api import Study

    opened = Study.load(study, folder)

    def warn(text: str) -> None:
        messages().print(opened.words.warning_line(text), style="yellow")

    paths = opened.export(form.value, to, warn, force=force)
    if as_json:
        print_json({"paths": paths})
    else:
        results().print(path_lines(paths, opened.words))
