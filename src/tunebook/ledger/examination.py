"""Checks a study folder's ledger and reports what is wrong and what can be rescued. Changes nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from filelock import Timeout

from tunebook.core.study import TrialState
from tunebook.errors import LedgerDamaged, TunebookError
from tunebook.escaping import shell_line
from tunebook.ledger.lock import HOLDER_FILE, LOCK_FILE, holder_text, system_lock
from tunebook.ledger.salvage import Salvage, salvage, without_advice
from tunebook.ledger.sqlite import LEDGER_FILE, SqliteDatabase, check_file
from tunebook.ledger.store import SqlLedger
from tunebook.phrases import Phrase

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
            "ledger",
            "missing",
            Phrase("{path}: no such file", path=path),
            Phrase("Check the folder's name; `tunebook run` makes a ledger."),
        )
        return Examination((problem,), Phrase("There is no ledger here."))
    try:
        check_file(path)
        return _sound(folder)
    except LedgerDamaged as error:
        return _damaged(folder, error, salvage(path))
    except TunebookError as error:
        return Examination((Problem("file", "missing", error.phrase),), Phrase("The ledger cannot be read."))


def _sound(folder: Path) -> Examination:
    with SqlLedger(SqliteDatabase(folder, write=False)) as ledger:
        if ledger.spec() is None:
            problem = Problem(
                "ledger",
                "hint",
                Phrase("sound, but without a study: a run was stopped while it began"),
                Phrase("Run again."),
            )
            return Examination((problem,), Phrase("The ledger is sound and empty."))
        facts = ledger.facts()
        history, notes = ledger.history(), ledger.notes()
        attempts = ledger.attempts()
    holder = _holder(folder)
    running = [number for number, fact in history.trials.items() if fact.state is TrialState.RUNNING]
    failed = [number for number, fact in history.trials.items() if fact.state is TrialState.FAILED]
    finished = tuple(number for number, fact in history.trials.items() if fact.state.is_final)
    n_examples = sum(len(texts) for texts in facts.examples.values())
    contents = Phrase(
        "{trials} trials, {examples} examples, {notes} notes",
        trials=len(history.trials),
        examples=n_examples,
        notes=len(notes),
    )
    problems = [
        Problem("file", "ok", Phrase("{file}: consistent, every checksum matches", file=LEDGER_FILE)),
        Problem("contents", "ok", contents),
        Problem("writer", "ok", holder or Phrase("nobody holds the study")),
    ]
    if running and holder is None:
        state = Phrase("{trials}: running when the run ended", trials=_listed(running))
        advice = Phrase("`tunebook run` continues where it stopped.")
        problems.append(Problem("running trials", "hint", state, advice))
    if failed:
        advice = Phrase(
            "The record has the reasons; once they are fixed, `tunebook run --retry-failed` tries them again."
        )
        problems.append(Problem("failed trials", "hint", _listed(failed), advice))
    again = len(attempts) - len({attempt["trial_id"] for attempt in attempts})
    if again:
        problems.append(
            Problem("attempts", "hint", Phrase("{n} attempts were begun again after an interruption", n=again))
        )
    trained = [n for n in finished if history.trials[n].trial.effective.num_train_epochs]
    problems += _adapters(folder, [n for n in trained if history.trials[n].cost.adapter_bytes])
    summary = Phrase(
        "The ledger is sound: {finished} of {trials} trials are finished.",
        finished=len(finished),
        trials=len(history.trials),
    )
    return Examination(tuple(problems), summary, finished)


def _damaged(folder: Path, error: LedgerDamaged, salvaged: Salvage) -> Examination:
    finished, lost = tuple(sorted(salvaged.finished)), tuple(salvaged.lost)
    what = Phrase("{what}: a disk fault, or an edit by hand", what=without_advice(error))
    problems = [Problem("file", "missing", what, Phrase("Keep a copy of the folder before anything else."))]
    problems += [Problem("damage", "missing", line) for line in salvaged.damage[:MOST_LINES]]
    if len(salvaged.damage) > MOST_LINES:
        problems.append(Problem("damage", "missing", Phrase("and {n} more", n=len(salvaged.damage) - MOST_LINES)))
    if salvaged.spec is None:
        advice = Phrase("Put a backup in its place.")
        problems.append(Problem("rescue", "missing", Phrase("the study's own row cannot be read"), advice))
        summary = Phrase("The ledger is damaged, and nothing can be rescued from it.")
        return Examination(tuple(problems), summary, is_damaged=True)
    results = Phrase("the results of {trials} ({n} in all)", trials=_listed(list(finished)), n=len(finished))
    rescued = results if finished else Phrase("the plan, but no result")
    command = shell_line(["tunebook", "doctor", "--ledger", str(folder), "--rescue", "NEW_FOLDER"])
    advice = Phrase("`{command}` writes it there; the next run trains the rest.", command=command)
    problems.append(Problem("rescue", "hint", Phrase("can be read whole: {what}", what=rescued), advice))
    summary = Phrase("The ledger is damaged: finished trials that can be rescued: {n}.", n=len(finished))
    return Examination(tuple(problems), summary, finished, lost, is_damaged=True)


def _holder(folder: Path) -> Phrase | None:
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
        return Phrase("held by {who}", who=holder_text(holder))
    except (OSError, ValueError, KeyError, TypeError):
        return Phrase("held by {who}", who=Phrase("another process"))


def _adapters(folder: Path, expected: list[int]) -> list[Problem]:
    """Problems with the adapters that the ledger lists. Missing ones can be trained again, so their loss is not
    damage."""
    missing = [n for n in expected if not (folder / "adapters" / str(n) / "adapter_model.safetensors").is_file()]
    if not expected:
        return []
    if not missing:
        return [Problem("adapters", "ok", Phrase("all {n} are there", n=len(expected)))]
    advice = Phrase(
        "Results in the ledger do not need them; `best/` and `tunebook export` need the best configuration's."
    )
    found = Phrase("{trials}: the adapter is missing", trials=_listed(missing))
    return [Problem("adapters", "hint", found, advice)]


def _listed(numbers: list[int]) -> Phrase:
    shown = ", ".join(str(number) for number in numbers[:8]) + ", ..." * (len(numbers) > 8)
    return Phrase("trial {numbers}" if len(numbers) == 1 else "trials {numbers}", numbers=shown)
