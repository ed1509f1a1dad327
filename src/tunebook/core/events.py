"""Events: what happens while a study runs, as values that receivers tell apart with `match`.

The same values go from the engine through the worker's pipe to the executor, the runner and the observers;
`run.event_log` appends them to a file. Nothing is decided from events: everything that must survive a crash is in the
ledger.

    engine -- EngineEvent --> executor -- TrialEvent --> runner -- Event --> observers

Engines identify trials by number. The executor adds what only it knows: which worker starts a trial, which trial goes
back to the queue, which worker died. The runner adds what it has written to the ledger.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tunebook.core.facts import Cost, EvaluationRecord, History, StepRecord, TrialFact
from tunebook.core.findings import Finding
from tunebook.core.study import RoundKind, Wave
from tunebook.core.trial_result import JudgedTrial, PartialScores, RawTrial

__all__ = [
    "Cancelled",
    "EngineEvent",
    "Evaluation",
    "Event",
    "Failed",
    "Finished",
    "Noted",
    "PartScored",
    "Progress",
    "Recorded",
    "Requeued",
    "RoundClosed",
    "Saved",
    "Started",
    "Step",
    "TrainedAhead",
    "TrialEvent",
    "WaveStarted",
    "WorkerDied",
]


@dataclass(frozen=True)
class Step:
    """A trial has taken an optimiser step."""

    trial: int
    record: StepRecord


@dataclass(frozen=True)
class Evaluation:
    """A trial was evaluated during its training."""

    trial: int
    record: EvaluationRecord


@dataclass(frozen=True)
class Progress:
    """A trial is still working: the share of `phase` ("train", "score") that is done, in [0, 1]."""

    trial: int
    done: float
    phase: str


@dataclass(frozen=True)
class Finished:
    """A trial has a result: raw when the engine emits it, judged after the worker's `Transform`."""

    result: RawTrial | JudgedTrial

    @property
    def trial(self) -> int:
        return self.result.id


@dataclass(frozen=True)
class Failed:
    """A trial cannot be trained; the other trials go on."""

    trial: int
    message: str
    out_of_memory: bool = False


@dataclass(frozen=True)
class Cancelled:
    """A trial was ended before it had a result, because the user or the planner asked for that.

    Attributes:
        cost: what it took until then; empty where it had not begun or the engine does not know.
    """

    trial: int
    cost: Cost = field(default_factory=Cost)


@dataclass(frozen=True)
class Noted:
    """Something to keep in the ledger: a cohort split after running out of memory, a trial resumed from its saved
    state."""

    code: str
    values: dict[str, Any]


@dataclass(frozen=True)
class Saved:
    """A trial's state has been written to disk: after an interruption it resumes from this step."""

    trial: int
    step: int


@dataclass(frozen=True)
class TrainedAhead:
    """A trial that was to be trained ahead (`core.ports.TrialJob.ahead`) needs no more training: its state after the
    last step is on the disk, or it broke. Told to the executor alone."""

    trial: int


@dataclass(frozen=True)
class PartScored:
    """A part of a trial's scoring (`core.ports.TrialJob.part`) has ended. Told to the executor, which passes it on to
    the worker that has the trial.

    Attributes:
        index: of the part.
        scores: by split; None: it could not be scored.
        seconds: that it took.
    """

    trial: int
    index: int
    scores: dict[str, PartialScores] | None = None
    seconds: float = 0.0


EngineEvent = Step | Evaluation | Progress | Saved | Finished | Failed | Cancelled | Noted | TrainedAhead | PartScored
"""Every event that an engine emits."""


@dataclass(frozen=True)
class Started:
    """A worker has taken a trial."""

    trial: int
    worker: str


@dataclass(frozen=True)
class Requeued:
    """A trial goes back to the queue, because its worker died or because its attempt failed and will be repeated."""

    trial: int
    reason: str


@dataclass(frozen=True)
class WorkerDied:
    """A worker process ended without being asked to.

    Attributes:
        retired: whether the worker is not started again, because it died repeatedly before it was ready; the others go
            on.
    """

    worker: str
    reason: str
    retired: bool = False


TrialEvent = EngineEvent | Started | Requeued | WorkerDied
"""Every event that an executor emits."""


@dataclass(frozen=True)
class WaveStarted:
    """Trials are about to be trained. After a restart some of them may be final already; see `history`."""

    wave: Wave
    history: History


@dataclass(frozen=True)
class Recorded:
    """A trial's result, of whatever state, has been written to the ledger."""

    fact: TrialFact


@dataclass(frozen=True)
class RoundClosed:
    """A round has been judged. `paragraph` summarises it in the study's language; empty for the reference."""

    kind: RoundKind
    findings: tuple[Finding, ...]
    paragraph: str


Event = TrialEvent | WaveStarted | Recorded | RoundClosed
"""Every event that an observer or tracker receives."""
