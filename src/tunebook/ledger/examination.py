"""Checks a study folder's ledger and reports what is wrong and what can be rescued. Changes nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from filelock import Timeout

from tunebook.core.study import TrialState
from tunebook.errors import LedgerDamaged, TunebookError
from tunebook.escaping import shell_line
from tunebook.ledger.lock import HOLDER_FILE, LOCK_FILE, system_lock
from tunebook.ledger.salvage import Salvage, salvage, without_advice
from tunebook.ledger.sqlite import LEDGER_FILE, SqliteDatabase, check_file
from tunebook.ledger.store import SqlLedger

__all__ = ["Examination", "Problem", "examine"]

MOST_LINES = 6
"""Largest number of sentences about damage that are shown; the rest are counted."""


@dataclass(frozen=True)
class Problem:
    """One result of the examination.

    Attributes:
        level: "ok", "hint" (worth knowing) or "missing" (the study cannot continue as it is).
    """

    what: str
    level: str
    found: str
    advice: str = ""


@dataclass(frozen=True)
class Examination:
    """The condition of a study folder's ledger.

    Attributes:
        summary: one sentence.
        finished, lost: ids of the trials whose results are sound, and of those that cannot be read.
        is_damaged: whether the file differs from what was written. If not, it is sound or cannot be read for another
            reason.
    """

    problems: tuple[Problem, ...]
    summary: str
    finished: tuple[int, ...] = ()
    lost: tuple[int, ...] = ()
    is_damaged: bool = False


def examine(folder: str | Path) -> Examination:
    """Examine a study folder's ledger. Works on damaged ledgers, and while a study runs."""
    folder = Path(folder)
    path = folder / LEDGER_FILE
    if not path.is_file():
        problem = Problem(
            "ledger", "missing", f"{path}: no such file", "Check the folder's name; `tunebook run` makes a ledger."
        )
        return Examination((problem,), "There is no ledger here.")
    try:
        check_file(path)
        return _sound(folder)
    except LedgerDamaged as error:
        return _damaged(folder, str(error), salvage(path))
    except TunebookError as error:
        return Examination((Problem("file", "missing", str(error)),), "The ledger cannot be read as things are.")


def _sound(folder: Path) -> Examination:
    with SqlLedger(SqliteDatabase(folder, write=False)) as ledger:
        if ledger.spec() is None:
            problem = Problem(
                "ledger", "hint", "sound, but without a study: a run was stopped while it began", "Run again."
            )
            return Examination((problem,), "The ledger is sound and empty.")
        facts = ledger.facts()
        history, notes = ledger.history(), ledger.notes()
        attempts = ledger.attempts()
    holder = _holder(folder)
    running = [number for number, fact in history.trials.items() if fact.state is TrialState.RUNNING]
    failed = [number for number, fact in history.trials.items() if fact.state is TrialState.FAILED]
    finished = tuple(number for number, fact in history.trials.items() if fact.state.is_final)
    n_examples = sum(len(texts) for texts in facts.examples.values())
    problems = [
        Problem("file", "ok", f"{LEDGER_FILE}: consistent, every checksum matches"),
        Problem("contents", "ok", f"{len(history.trials)} trials, {n_examples} examples, {len(notes)} notes"),
        Problem("writer", "ok", holder or "nobody holds the study"),
    ]
    if running and holder is None:
        state = f"{_listed(running)} was running when its runner ended"
        problems.append(Problem("running trials", "hint", state, "`tunebook run` continues where it stopped."))
    if failed:
        advice = "The record has the reasons; once they are fixed, `tunebook run --retry-failed` tries them again."
        problems.append(Problem("failed trials", "hint", _listed(failed), advice))
    again = len(attempts) - len({attempt["trial_id"] for attempt in attempts})
    if again:
        problems.append(Problem("attempts", "hint", f"{again} attempts were begun again after an interruption"))
    trained = [n for n in finished if history.trials[n].trial.effective.num_train_epochs]
    problems += _adapters(folder, [n for n in trained if history.trials[n].cost.adapter_bytes])
    summary = f"The ledger is sound: {len(finished)} of {len(history.trials)} trials are finished."
    return Examination(tuple(problems), summary, finished)


def _damaged(folder: Path, message: str, salvaged: Salvage) -> Examination:
    finished, lost = tuple(sorted(salvaged.finished)), tuple(salvaged.lost)
    what = f"{without_advice(message)}: a disk fault, or an edit by hand"
    problems = [Problem("file", "missing", what, "Keep a copy of the folder before anything else.")]
    problems += [Problem("damage", "missing", line) for line in salvaged.damage[:MOST_LINES]]
    if len(salvaged.damage) > MOST_LINES:
        problems.append(Problem("damage", "missing", f"and {len(salvaged.damage) - MOST_LINES} more"))
    if salvaged.spec is None:
        advice = "Put a backup in its place."
        problems.append(Problem("rescue", "missing", "the study's own row cannot be read", advice))
        summary = "The ledger is damaged, and nothing can be rescued from it."
        return Examination(tuple(problems), summary, is_damaged=True)
    results = f"the results of {_listed(list(finished))} ({len(finished)} in all)"
    rescued = results if finished else "the plan, but no result"
    command = shell_line(["tunebook", "doctor", "--ledger", str(folder), "--rescue", "NEW_FOLDER"])
    advice = f"`{command}` writes it there; the next run trains the rest."
    problems.append(Problem("rescue", "hint", f"can be read whole: {rescued}", advice))
    plural = "" if len(finished) == 1 else "s"
    summary = f"The ledger is damaged: {len(finished)} finished trial{plural} can be rescued."
    return Examination(tuple(problems), summary, finished, lost, is_damaged=True)


def _holder(folder: Path) -> str | None:
    """The process that is writing the study, or None. The lock is held only for the moment of the check."""
    if not (folder / LOCK_FILE).exists():
        return None
    try:
        system_lock(folder / LOCK_FILE).release()
        return None
    except Timeout:
        pass
    except OSError:
        return None
    try:
        holder = json.loads((folder / HOLDER_FILE).read_text(encoding="utf-8"))
        return f"held by process {holder['pid']} on host {holder['host']}, since {holder['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "held by another process"


def _adapters(folder: Path, expected: list[int]) -> list[Problem]:
    """Problems with the adapters that the ledger lists. Missing ones can be trained again, so their loss is not
    damage."""
    missing = [n for n in expected if not (folder / "adapters" / str(n) / "adapter_model.safetensors").is_file()]
    if not expected:
        return []
    if not missing:
        return [Problem("adapters", "ok", f"all {len(expected)} are there")]
    advice = "Results in the ledger do not need them; `best/` and `tunebook export` need the best configuration's."
    return [Problem("adapters", "hint", f"{_listed(missing)}: the adapter is missing", advice)]


def _listed(numbers: list[int]) -> str:
    shown = ", ".join(str(number) for number in numbers[:8])
    return f"trial{'s' if len(numbers) > 1 else ''} {shown}{', ...' if len(numbers) > 8 else ''}"
