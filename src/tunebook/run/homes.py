"""Where a study was run. Its adapters lie in the folder of the run that trained them, also where its ledger is in a
database that every machine reaches."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tunebook.core.facts import History
from tunebook.core.ports import Ledger
from tunebook.core.study import TrialState
from tunebook.escaping import shell_line

__all__ = ["adapters_missing", "bringing_commands", "note_home"]

_HOME = "home"


def note_home(ledger: Ledger, folder: Path) -> None:
    """Keep where the study is run from now on, if that is not known already."""
    here = _here(folder)
    if here not in _homes(ledger.notes()):
        ledger.note(_HOME, here)


def adapters_missing(history: History, folder: Path) -> tuple[int, ...]:
    """Trials whose adapter was saved, and is not in this study folder."""
    saved = (f.trial.id for f in history.trials.values() if f.state is TrialState.COMPLETED and f.cost.adapter_bytes)
    return tuple(sorted(trial for trial in saved if not (folder / "adapters" / str(trial)).is_dir()))


def bringing_commands(notes: Sequence[tuple[str, dict[str, Any]]], folder: Path) -> tuple[str, ...]:
    """Commands that bring the adapters from the other places where the study was run, one for each."""
    here = _here(folder)
    copied = ["rsync", "-a", "--ignore-existing"]
    return tuple(
        shell_line([*copied, f"{_place(home, here)}/adapters/", f"{here['folder']}/adapters/"])
        for home in _homes(notes)
        if home != here
    )


def _homes(notes: Sequence[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    return [values for code, values in notes if code == _HOME]


def _here(folder: Path) -> dict[str, Any]:
    return {"host": platform.node(), "folder": str(folder.absolute())}


def _place(home: dict[str, Any], here: dict[str, Any]) -> str:
    """A folder as rsync names it; on another machine with that machine's name."""
    return str(home["folder"]) if home["host"] == here["host"] else f"{home['host']}:{home['folder']}"
