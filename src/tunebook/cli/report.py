"""`tunebook report`: write the record again."""

from __future__ import annotations

from tunebook.cli.options import Folder, Json, Language, StudyArgument
from tunebook.cli.output import messages, path_lines, print_json, results
from tunebook.escaping import shell_line

EXAMPLE = "Example: tunebook report runs/demo --language zh"


def report(study: StudyArgument, folder: Folder = None, language: Language = None, as_json: Json = False) -> None:
    """Write the record again from the ledger, in either language; works for unfinished studies too."""
    from tunebook.api import Study

    own = Study.load(study, folder)
    opened = own.with_language(language)
    paths = opened.report(language)
    if opened.spec.language != own.spec.language:
        back = shell_line(["tunebook", "report", study, "--language", own.spec.language])
        messages().print(opened.words.other_language(back), soft_wrap=True, markup=False)
    if as_json:
        print_json({"paths": paths})
    else:
        results().print(path_lines(paths, opened.words))
