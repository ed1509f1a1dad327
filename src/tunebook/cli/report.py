"""`tunebook report`: write the record again."""

from __future__ import annotations

from tunebook.cli.options import Folder, Json, Language, StudyArgument
from tunebook.cli.output import print_json, results

EXAMPLE = "Example: tunebook report runs/demo --language zh"


def report(study: StudyArgument, folder: Folder = None, language: Language = None, as_json: Json = False) -> None:
    """Write the record again from the ledger, in either language; works for unfinished studies too."""
    from tunebook.api import Study

    paths = Study.load(study, folder).report(language)
    if as_json:
        print_json({"paths": paths})
    else:
        results().print("\n".join(f"{name + ':':14} {path}" for name, path in paths.items()))
