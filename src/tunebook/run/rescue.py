"""Rescues a study whose ledger is damaged: what is sound goes into a new folder, the damaged one stays as it is."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunebook.errors import NotFoundError, TunebookError, UnwritableFolder, UserError
from tunebook.ledger import SqlLedger, examine, rescue
from tunebook.ledger.lock import unwritable
from tunebook.ledger.sqlite import SqliteDatabase
from tunebook.run.paths import LEDGER_FILE
from tunebook.run.reading import last_note

__all__ = ["Rescued", "rescue_study"]


@dataclass(frozen=True)
class Rescued:
    """What a rescue has saved.

    Attributes:
        folder: the new study folder.
        finished: trials whose results were saved.
        lost: trials whose results could not be read; they are trained again.
        damage: what could not be read, one sentence each.
    """

    folder: Path
    finished: tuple[int, ...]
    lost: tuple[int, ...]
    damage: tuple[str, ...]


def rescue_study(folder: Path, target: Path) -> Rescued:
    """Write what is sound of a study folder to a new one: plan, results, notes and adapters.

    The new folder appears whole or not at all. Its findings are judged by the next run, from the same outcomes.

    Raises: UserError: the ledger is not damaged. NotFoundError: there is none. LedgerDamaged: the study itself cannot
        be read. UnwritableFolder: the target is there already, or cannot be written. DiskFull: no room.
    """
    _check(folder, target)
    scratch = target.with_name(f".{target.name}.rescuing")
    shutil.rmtree(scratch, ignore_errors=True)
    try:
        found = rescue(folder, scratch)
        _point_to_data(scratch, target, _data_root(folder, found.notes))
        _copy(folder / "adapters", scratch / "adapters")
        scratch.replace(target)
    except TunebookError:
        raise
    except OSError as error:
        raise unwritable(target, error) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return Rescued(target, tuple(sorted(found.finished)), tuple(found.lost), tuple(found.damage))


def _check(folder: Path, target: Path) -> None:
    if not (folder / LEDGER_FILE).is_file():
        raise NotFoundError(f"{folder}: there is no {LEDGER_FILE} in it. Name the folder of a study (runs/<study>).")
    report = examine(folder)
    if not report.is_damaged:
        why = report.problems[0].found if any(p.level == "missing" for p in report.problems) else report.summary
        raise UserError(f"{folder}: {why} There is nothing to rescue. To keep a copy, copy the folder.")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UnwritableFolder(f"{target}: is there already; a rescue never overwrites anything. Name a new folder.")


def _data_root(folder: Path, notes: list[tuple[str, dict[str, Any]]]) -> Path | None:
    """What the study's relative paths start from; None: nobody has written it down."""
    if (folder / "study.yaml").is_file():
        return folder
    noted = last_note(notes, "data_root")
    return folder / noted["relative"] if noted else None


def _point_to_data(scratch: Path, target: Path, root: Path | None) -> None:
    if root is not None:
        relative = os.path.relpath(root.absolute(), target.absolute())
        with SqlLedger(SqliteDatabase(scratch, write=True)) as ledger:
            ledger.note("data_root", {"relative": relative})


def _copy(source: Path, target: Path) -> None:
    for path in sorted(source.rglob("*")):
        if path.is_file():
            copy = target / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
