"""`tunebook doctor`: versions, devices, what is missing and how to get it; with `--ledger`, the health of a study."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from tunebook.cli.options import Json
from tunebook.cli.output import print_json, results
from tunebook.escaping import shell_line

if TYPE_CHECKING:
    from tunebook.run.doctor import InstalledPlugin

EXAMPLE = "Example: tunebook doctor"
STYLES = {"ok": "green", "hint": "yellow", "missing": "red"}


def doctor(
    ledger: Annotated[
        str | None, typer.Option("--ledger", metavar="STUDY", help="Check a study folder instead of the machine.")
    ] = None,
    rescue: Annotated[
        str | None,
        typer.Option("--rescue", metavar="FOLDER", help="With --ledger: write what is sound of it to a new folder."),
    ] = None,
    as_json: Json = False,
) -> int:
    """Say what is installed, which devices there are, what is missing and how to get it."""
    if rescue is not None and ledger is None:
        raise typer.BadParameter("--rescue needs --ledger STUDY, the folder to be rescued from.")
    if ledger is None:
        return _machine(as_json)
    from tunebook.run.reading import study_folder

    folder = study_folder(ledger)
    return _study(folder, as_json) if rescue is None else _rescue(folder, Path(rescue), as_json)


def _machine(as_json: bool) -> int:
    from tunebook.run.doctor import examine_machine, installed_plugins

    checks, plugins = examine_machine(), installed_plugins()
    if as_json:
        print_json({"checks": checks, "plugins": plugins})
    else:
        _show([(each.name, each.level, each.found, each.advice) for each in checks])
        _show([_row(group, list(those)) for group, those in groupby(plugins, lambda each: each.group)])
    return 1 if any(each.level == "missing" for each in checks) else 0


def _row(group: str, plugins: list[InstalledPlugin]) -> tuple[str, str, str, str]:
    """A group's plugins on one line; those of other packages with the package's name."""
    named = [p.name if p.package == "tunebook" else f"{p.name} ({p.package} {p.version})" for p in plugins]
    troubles = [each.trouble for each in plugins if each.trouble]
    return group, "hint" if troubles else "ok", ", ".join(named), "\n".join(troubles)


def _study(folder: Path, as_json: bool) -> int:
    from tunebook.ledger import examine

    report = examine(folder)
    if as_json:
        print_json(report)
    else:
        _show([(each.what, each.level, each.found, each.advice) for each in report.problems])
        results().print(report.summary, soft_wrap=True)
    return 1 if any(each.level == "missing" for each in report.problems) else 0


def _rescue(folder: Path, target: Path, as_json: bool) -> int:
    from tunebook.run.doctor import rescue_study

    saved = rescue_study(folder, target)
    if as_json:
        print_json(saved)
        return 0
    lines = [f"Rescued {len(saved.finished)} finished trials to {saved.folder}; {folder} is as it was."]
    if saved.lost:
        lines.append(f"Not readable, trained again by the next run: trials {', '.join(map(str, saved.lost))}.")
    results().print(
        "\n".join([*lines, f"Go on with: {shell_line(['tunebook', 'run', str(saved.folder)])}"]),
        soft_wrap=True,
        markup=False,
    )
    return 0


def _show(rows: list[tuple[str, str, str, str]]) -> None:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for name, level, found, advice in rows:
        table.add_row(Text(name), Text(level, style=STYLES[level]), Text(found + (f"\n{advice}" if advice else "")))
    results().print(table)
