"""`tunebook doctor`: versions, devices, what is missing and how to get it; with `--ledger`, the health of a study."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from tunebook.cli.language import language_of
from tunebook.cli.options import Json, Language
from tunebook.cli.output import print_json, results
from tunebook.escaping import shell_line
from tunebook.phrases import Phrase, joined

if TYPE_CHECKING:
    from tunebook.run.commands.doctor import InstalledPlugin
    from tunebook.words import Words

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
    language: Language = None,
    as_json: Json = False,
) -> int:
    """Say what is installed, which devices there are, what is missing and how to get it."""
    if rescue is not None and ledger is None:
        raise typer.BadParameter("--rescue needs --ledger STUDY, the folder to be rescued from.")
    from tunebook.words import words_for

    if ledger is None:
        return _machine(words_for(language or "en"), as_json)
    from tunebook.run.reading import study_folder

    folder = study_folder(ledger)
    words = words_for(language or language_of(folder))
    return _study(folder, words, as_json) if rescue is None else _rescue(folder, Path(rescue), words, as_json)


def _machine(words: Words, as_json: bool) -> int:
    from tunebook.run.commands.doctor import examine_machine, installed_plugins

    checks, plugins = examine_machine(), installed_plugins()
    if as_json:
        print_json({"checks": checks, "plugins": plugins})
    else:
        _show([(each.name, each.level, each.found, each.advice) for each in checks], words)
        _show([_row(group, list(those)) for group, those in groupby(plugins, lambda each: each.group)], words)
    return 1 if any(each.level == "missing" for each in checks) else 0


def _row(group: str, plugins: list[InstalledPlugin]) -> tuple[str, str, str, str]:
    """A group's plugins on one line; those of other packages with the package's name."""
    named = [p.name if p.package == "tunebook" else f"{p.name} ({p.package} {p.version})" for p in plugins]
    troubles = [each.trouble for each in plugins if each.trouble]
    return group, "hint" if troubles else "ok", ", ".join(named), joined(troubles)


def _study(folder: Path, words: Words, as_json: bool) -> int:
    from tunebook.ledger import examine

    report = examine(folder)
    if as_json:
        print_json(report)
    else:
        _show([(each.what, each.level, each.found, each.advice) for each in report.problems], words)
        results().print(words.translated(report.summary), soft_wrap=True)
    return 1 if any(each.level == "missing" for each in report.problems) else 0


def _rescue(folder: Path, target: Path, words: Words, as_json: bool) -> int:
    from tunebook.run.commands.doctor import rescue_study

    saved = rescue_study(folder, target)
    if as_json:
        print_json(saved)
        return 0
    command = shell_line(["tunebook", "run", str(saved.folder)])
    lines = [
        Phrase(
            "Rescued {n} finished trials to {target}; {folder} is as it was.",
            n=len(saved.finished),
            target=saved.folder,
            folder=folder,
        )
    ]
    if saved.lost:
        numbers = ", ".join(map(str, saved.lost))
        lines.append(Phrase("Not readable, trained again by the next run: trials {numbers}.", numbers=numbers))
    lines.append(Phrase("Go on with: {command}", command=command))
    results().print(words.translated(joined(lines)), soft_wrap=True, markup=False)
    return 0


def _show(rows: list[tuple[str, str, str, str]], words: Words) -> None:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for name, level, found, advice in rows:
        told = "\n".join(words.translated(text) for text in (found, advice) if text)
        table.add_row(Text(words.translated(name)), Text(words.translated(level), style=STYLES[level]), Text(told))
    results().print(table)
