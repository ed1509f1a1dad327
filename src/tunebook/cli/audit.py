"""`tunebook audit`: which claims of a hand-written tuning record hold."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

import typer

from tunebook.cli.options import Json
from tunebook.cli.output import print_json

EXAMPLE = "Example: tunebook audit notes.md --examples 358"


def audit(
    record: Annotated[
        str, typer.Argument(metavar="RECORD", help='Markdown, CSV or TSV with a table of trials; "-": standard input.')
    ],
    examples: Annotated[
        int | None,
        typer.Option("--examples", metavar="N", help="Test examples; default: inferred from the accuracies."),
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--columns",
            metavar="HEADER=MEANING",
            help="What a column is: a factor, accuracy, score, loss, label, place, setting or ignore. May be repeated.",
        ),
    ] = None,
    as_json: Json = False,
    language: Annotated[
        Literal["en", "zh"] | None,
        typer.Option("--language", help="Language; default: the record's own."),
    ] = None,
) -> None:
    """Read a hand-written table of trials and say which of its claims its own numbers support."""
    from tunebook.audit.api import audit_path, audit_stream
    from tunebook.errors import RecordTableError

    named: dict[str, str] = {}
    for said in columns or ():
        header, separator, meaning = said.rpartition("=")
        if not separator or not header.strip():
            raise RecordTableError(
                '--columns {said}: got no "="; it is the header of a column, "=", and what the column is. Write '
                "--columns 'Step size=learning_rate'.",
                said=said,
            )
        named[header.strip()] = meaning.strip()
    if record == "-":
        audited = audit_stream(sys.stdin.buffer, "standard input", examples, named)
    else:
        audited = audit_path(record, examples, named)
    if as_json:
        print_json(audited.values())
    else:
        print(audited.markdown(language), end="")
