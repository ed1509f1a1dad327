"""`tunebook rows`: what more training rows would bring."""

from __future__ import annotations

from tunebook.cli.consent import ask_for_code
from tunebook.cli.options import Folder, Json, Quiet, StudyArgument, TrustRemoteCode, TrustStudyCode
from tunebook.cli.output import print_json, results

EXAMPLE = "Example: tunebook rows runs/demo"


def rows(
    study: StudyArgument,
    folder: Folder = None,
    quiet: Quiet = False,
    trust_remote_code: TrustRemoteCode = False,
    trust_study_code: TrustStudyCode = False,
    as_json: Json = False,
) -> None:
    """Train the best configuration on 12, 25, 50 and 100 % of the rows, two seeds each: what would more rows bring?"""
    from tunebook.api import Study
    from tunebook.cli.progress import TerminalObserver

    opened = Study.load(study, folder, trust_remote_code, trust_study_code)
    ask_for_code(opened, starts_program=True)
    with TerminalObserver(8, quiet, opened.words) as observer:
        curve = opened.rows(observer)
    if as_json:
        print_json(curve)
        return
    for line in opened.words.curve_lines(curve.points, curve.forecast):
        results().print(line, soft_wrap=True, markup=False)
