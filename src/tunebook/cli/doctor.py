"""`tunebook doctor`: versions, devices, what is missing and how to get it; with `--ledger`, the health of a study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from tunebook.cli.options import Json
from tunebook.cli.output import print_json, results

EXAMPLE = "Example: tunebook doctor"
STYLES = {"ok": "green", "hint": "yellow", "missing": "red"}


def doctor(
    ledger: Annotated[
        str | None, typer.Option("--ledger", metavar="STUDY", help="Check a study folder instead of the machine.")
    ] = None,
    as_json: Json = False,
) -> int:
    """Say what is installed, which devices there are, what is missing and how to get it."""
    return _study(Path(ledger), as_json) if ledger else _machine(as_json)


def _machine(as_json: bool) -> int:
    from tunebook.run.doctor import examine_machine

    checks = examine_machine()
    if as_json:
        print_json({"checks": checks})
    else:
        _show([(each.name, each.level, each.found, each.advice) for each in checks])
    return 1 if any(each.level == "missing" for each in checks) else 0


def _study(folder: Path, as_json: bool) -> int:
    from tunebook.ledger import examine

    report = examine(folder)
    if as_json:
        print_json(report)
    else:
        _show([(each.what, each.level, each.found, each.advice) for each in report.problems])
        results().print(report.summary)
    return 1 if any(each.level == "missing" for each in report.problems) else 0


def _show(rows: list[tuple[str, str, str, str]]) -> None:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for name, level, found, advice in rows:
        table.add_row(Text(name), Text(level, style=STYLES[level]), Text(found + (f"\n{advice}" if advice else "")))
    results().print(table)
