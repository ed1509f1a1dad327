"""Trials of the last round that idle devices train before that round is opened.

What is trained ahead is a guess (`core.ports.LooksAhead`): it is not in the ledger, nothing of it is scored or shown,
and nothing is decided by it. Its resume state lies in the study folder, in `ahead/`. Where the round asks for that very
trial, the state becomes the trial's own, and the trial goes on from it; the rest is deleted.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tunebook.core.cost import expected_work
from tunebook.core.facts import DataFacts, History
from tunebook.core.ports import LooksAhead, Planner, TrialJob
from tunebook.core.study import RoundKind
from tunebook.files import writing

__all__ = ["AheadFolder"]

_FOLDER = "ahead"
_STATES = ("resume", ".resume.old")


class AheadFolder:
    """Where a study keeps what is trained ahead.

    Args:
        study: the study's folder.
    """

    def __init__(self, study: Path) -> None:
        self._folder = study / _FOLDER

    def guesses(self, planner: Planner, history: History, facts: DataFacts) -> list[TrialJob]:
        """What the last round would probably ask for."""
        trials = planner.ahead(history) if isinstance(planner, LooksAhead) else ()
        jobs = [
            TrialJob(
                id=-1 - place,
                configuration=trial.effective,
                seed=trial.seed,
                splits=(),
                folder="",
                work=expected_work(trial.effective, (), facts),
                ahead=True,
            )
            for place, trial in enumerate(trials)
        ]
        return [replace(job, folder=str(self._folder / _name(job))) for job in jobs]

    def hand_over(self, history: History, jobs: Sequence[TrialJob]) -> set[int]:
        """Once the last round is open, move what was trained ahead to the trials that ask for it, and delete the rest.
        Doing it again after an interruption goes on with it. Gives the trials that got something."""
        if not self._folder.is_dir() or not any(wave.kind is RoundKind.CONFIRM for wave in history.waves):
            return set()
        found = set()
        with writing(self._folder):
            for job in jobs:
                own, ahead = Path(job.folder), self._folder / _name(job)
                if job.checkpoints or any((own / name).exists() for name in _STATES):
                    continue
                if state := next((ahead / name for name in _STATES if (ahead / name).is_dir()), None):
                    own.mkdir(parents=True, exist_ok=True)
                    state.rename(own / _STATES[0])
                    found.add(job.id)
        self.delete()
        return found

    def delete(self) -> None:
        """Delete what nobody has asked for."""
        shutil.rmtree(self._folder, ignore_errors=True)


def _name(job: TrialJob) -> str:
    return f"{job.configuration.key}-{job.seed}"
