"""Asks the user before code of a study file runs for the first time."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from tunebook.cli.output import messages
from tunebook.errors import UserError

if TYPE_CHECKING:
    from tunebook.api import Study

__all__ = ["ask_for_code"]


def ask_for_code(study: Study, starts_program: bool) -> None:
    """Name the code that the study file would run and ask once for exactly this code. Without a terminal, the run
    itself refuses it.

    Raises: UserError: the answer was no.
    """
    from tunebook.run.requests.consent import confirm, unconfirmed_code

    if study.trusts_study_code or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return
    codes = unconfirmed_code(study.spec, study.paths, starts_program)
    if not codes:
        return
    console = messages()
    console.print(study.words.code_to_confirm())
    for code in codes:
        console.print(f"  {code.key}: {code.text}", soft_wrap=True)
    if not typer.confirm(study.words.trust_question(), default=False, err=True):
        raise UserError(study.words.refused_untrusted())
    confirm(codes)
