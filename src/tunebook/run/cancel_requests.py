"""Requests to cancel trials: one empty file for each in the study folder, which the study's runner heeds.

A file and no ledger entry, because a ledger has one writer: the runner. A request that is written while nothing runs
waits for the next run. What became of it is in the ledger, and the file is then gone.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from tunebook.core.facts import History
from tunebook.errors import NotFoundError, UserError
from tunebook.files import writing

__all__ = ["CancelRequests"]


class CancelRequests:
    """The requests of one study.

    Args:
        folder: the study folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "cancel"

    def write(self, trial_id: int, history: History) -> None:
        """Ask for a trial to be cancelled.

        Raises: NotFoundError: there is no such trial. UserError: it has ended, or is a checkpoint of another trial.
            UnwritableFolder, DiskFull: the request cannot be written.
        """
        fact = history.trials.get(trial_id)
        if fact is None:
            raise NotFoundError(f"trial {trial_id}: not in this study. `tunebook status` shows its trials.")
        if fact.state.is_final:
            raise UserError(f"trial {trial_id}: is {fact.state} already; only a trial that has no result can be ended.")
        if fact.trial.checkpoint_of is not None:
            raise UserError(
                f"trial {trial_id}: is a checkpoint of trial {fact.trial.checkpoint_of} and has no training of its "
                f"own. `tunebook stop` that trial, which ends both."
            )
        with writing(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / str(trial_id)).touch()

    def read(self) -> set[int]:
        """The trials that are to be cancelled; none where the folder cannot be read."""
        try:
            return {int(path.name) for path in self._folder.iterdir() if path.name.isdecimal()}
        except OSError:
            return set()

    def forget(self, trial_id: int) -> None:
        """The trial has ended, one way or another."""
        with suppress(OSError):
            (self._folder / str(trial_id)).unlink(missing_ok=True)
