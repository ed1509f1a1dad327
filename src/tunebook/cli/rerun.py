"""`tunebook rerun`: train a trial again and say whether it reproduces."""

from __future__ import annotations

from typing import Annotated

import typer

from tunebook.cli.consent import ask_for_code
from tunebook.cli.options import Folder, Json, Quiet, StudyArgument, TrustRemoteCode, TrustStudyCode
from tunebook.cli.output import print_json, results

EXAMPLE = "Example: tunebook rerun runs/demo 3"


def rerun(
    study: StudyArgument,
    trial: Annotated[int, typer.Argument(metavar="TRIAL", help="The trial's number.")],
    folder: Folder = None,
    quiet: Quiet = False,
    trust_remote_code: TrustRemoteCode = False,
    trust_study_code: TrustStudyCode = False,
    as_json: Json = False,
) -> int:
    """Train a trial again from its ledger entry and compare: answers, likelihoods, adapter. Exit 1 when it differs."""
    from tunebook.api import Study
    from tunebook.cli.progress import TerminalObserver

    opened = Study.load(study, folder, trust_remote_code, trust_study_code)
    ask_for_code(opened, starts_program=True)
    with TerminalObserver(1, quiet, opened.words) as observer:
        reproduction = opened.rerun(trial, observer)
    if as_json:
        print_json(reproduction)
    else:
        results().print(opened.words.reproduction(reproduction))
    return 0 if reproduction.reproduces else 1
