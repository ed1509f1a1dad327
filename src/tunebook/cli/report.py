"""`tunebook report`: write the record again."""

from __future__ import annotations

from tunebook.cli.options import Folder, Json, Language, StudyArgument
from tunebook.cli.output import path_lines, print_json, results

EXAMPLE = "Example: tunebook report runs/demo --language zh"


def report(study: StudyArgument, folder: Folder = None, language: Language = None, as_json: Json = False) -> None:
    """Write the record again from the ledger, in either language; works for unfinished studies too."""
    from tunebook.api import Study

    opened = Study.load(study, folder).with_language(language)
    paths = opened.report(language)
    if as_json:
        print_json({"paths": paths})
    else:
        results().print(path_lines(paths, opened.words))
