"""Answers of trained trials that wait for their scores, as files beside the adapters.

A service that scores may be slow or down while the training is over: the next run takes the answers from here instead
of training again. A file belongs to one trial as it was planned, and goes when the trial is in the ledger.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tunebook.core.facts import Cost, Curve
from tunebook.core.ports import TrialJob
from tunebook.core.trial_result import RawScores, RawTrial
from tunebook.files import write_atomically
from tunebook.ledger.codec import CodecError, decode, encode

__all__ = ["forget", "read", "waits", "write"]


@dataclass(frozen=True, kw_only=True)
class _Split:
    texts: tuple[str, ...]
    nll: tuple[float, ...]
    n_label_tokens: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class _Waiting:
    """A trial's result without scores; `planned` says which trial of which plan it is."""

    planned: str
    id: int
    scores: dict[str, _Split]
    curve: Curve
    cost: Cost
    broke_at_step: int | None
    reason: str | None


def write(job: TrialJob, result: RawTrial) -> None:
    """Keep what a trial of this job gave, its answers as texts.

    Raises: DiskFull, UnwritableFolder.
    """
    scores = {
        split: _Split(texts=raw.texts, nll=tuple(raw.nll.tolist()), n_label_tokens=tuple(map(int, raw.n_label_tokens)))
        for split, raw in result.scores.items()
    }
    waiting = _Waiting(
        planned=_planned(job),
        id=result.id,
        scores=scores,
        curve=result.curve,
        cost=result.cost,
        broke_at_step=result.broke_at_step,
        reason=result.reason,
    )
    write_atomically(_file(job, result.id), encode(waiting))


def read(job: TrialJob) -> list[RawTrial] | None:
    """What the trials of this job gave, checkpoints first; None where one of them has to be trained."""
    own = _read(job, job.id)
    if own is None:
        return None
    found = [_read(job, rider) for _, rider in sorted(job.checkpoints)]
    if None in found and own.broke_at_step is None:  # one that broke has no later checkpoints
        return None
    return [*(each for each in found if each is not None), own]


def forget(job: TrialJob, trial: int) -> None:
    """Remove a trial's file."""
    _file(job, trial).unlink(missing_ok=True)


def waits(adapters: Path, trial: int) -> bool:
    """Whether a trial is trained and waits for its scores; `adapters` is the folder of a study's adapters."""
    return _place(adapters, trial).is_file()


def _read(job: TrialJob, trial: int) -> RawTrial | None:
    try:
        waiting = decode(_Waiting, _file(job, trial).read_text(encoding="ascii"))
    except (OSError, UnicodeDecodeError, CodecError):  # absent or damaged: it is trained again
        return None
    if (waiting.planned, waiting.id) != (_planned(job), trial):
        return None
    scores = {
        split: RawScores((), np.array(kept.nll), kept.n_label_tokens, kept.texts)
        for split, kept in waiting.scores.items()
    }
    return RawTrial(
        id=trial,
        scores=scores,
        curve=waiting.curve,
        cost=waiting.cost,
        broke_at_step=waiting.broke_at_step,
        reason=waiting.reason,
    )


def _planned(job: TrialJob) -> str:
    return f"{job.configuration.key} {job.seed} {' '.join(job.splits)}"


def _file(job: TrialJob, trial: int) -> Path:
    return _place(Path(job.folder).parent, trial)


def _place(adapters: Path, trial: int) -> Path:
    return adapters / f"{trial}.unscored.json"
