"""Requests to cancel trials or to end a run: an empty file for each in the study folder, which the runner acts on.

A file and no ledger entry, because a ledger has one writer: the runner. A request that is written while nothing runs
waits for the next run. What became of it is in the ledger, and the file is then gone.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from tunebook.core.facts import History, TrialFact
from tunebook.errors import LedgerLocked, NotFoundError, UserError
from tunebook.files import writing
from tunebook.ledger import open_ledger
from tunebook.run.paths import StudyPaths
from tunebook.run.reading import read_study

__all__ = ["CancelRequests", "ask_to_stop"]

_WHOLE_RUN = "run"


def ask_to_stop(paths: StudyPaths) -> None:
    """Ask the process that runs a study to end.

    Raises: NotFoundError: it has not been begun. UserError: nothing runs it.
    """
    read_study(paths)
    try:
        open_ledger(paths.folder, write=True, study=paths.study).close()
    except LedgerLocked:
        CancelRequests(paths.folder).write_stop()
        return
    raise UserError(
        "{folder}: nothing runs this study, so there is nothing to stop. Name a trial to cancel it.",
        folder=paths.folder,
    )


class CancelRequests:
    """The requests of one study.

    Args:
        folder: the study folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "cancel"

    def write(self, trial_id: int, history: History, added: Collection[int] = ()) -> None:
        """Ask for a trial to be cancelled.

        Args:
            added: numbers that trials of the user's own will have, which are cancelled when they are planned.

        Raises: NotFoundError: there is no such trial. UserError: it has ended, or is a checkpoint of another trial.
            UnwritableFolder, DiskFull: the request cannot be written.
        """
        if trial_id not in added:
            _check_unfinished(trial_id, history.trials.get(trial_id))
        with writing(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / str(trial_id)).touch()

    def read(self) -> set[int]:
        """The trials that are to be cancelled; none where the folder cannot be read."""
        try:
            return {int(path.name) for path in self._folder.iterdir() if path.name.isdecimal()}
        except OSError:
            return set()

    def write_stop(self) -> None:
        """Ask for the run to end. Raises: UnwritableFolder, DiskFull: the request cannot be written."""
        with writing(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / _WHOLE_RUN).touch()

    def is_stop_asked(self) -> bool:
        """Whether the run shall end."""
        return (self._folder / _WHOLE_RUN).exists()

    def forget_stop(self) -> None:
        """The run has ended or a new one begins: a request is for the run that it was made to."""
        with suppress(OSError):
            (self._folder / _WHOLE_RUN).unlink(missing_ok=True)

    def forget(self, trial_id: int) -> None:
        """The trial has ended, one way or another."""
        with suppress(OSError):
            (self._folder / str(trial_id)).unlink(missing_ok=True)


def _check_unfinished(trial_id: int, fact: TrialFact | None) -> None:
    if fact is None:
        raise NotFoundError(
            "trial {trial_id}: not in this study. `tunebook status` shows its trials.", trial_id=trial_id
        )
    if fact.state.is_final:
        raise UserError(
            "trial {trial_id}: is {state} already; only a trial that has no result can be ended.",
            trial_id=trial_id,
            state=fact.state,
        )
    if fact.trial.checkpoint_of is not None:
        raise UserError(
            "trial {trial_id}: is a checkpoint of trial {checkpoint_of} and has no training of its own. "
            "`tunebook stop` that trial, which ends both.",
            trial_id=trial_id,
            checkpoint_of=fact.trial.checkpoint_of,
        )
