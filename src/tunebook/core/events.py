"""What happens while a study runs, as values. Whoever is told uses `match`.

The same values travel from the engine through the worker's pipe to the executor, to the runner and to whoever watches;
`run.event_log` appends them to a file. They are news: what must survive a crash is in the ledger.

    engine -- EngineEvent --> executor -- TrialEvent --> runner -- Event --> observers

Engines report about trials by number. The executor adds what it alone knows: which worker begins a trial, which trial
goes back to the queue, which worker died. The runner adds what it has written to the ledger.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tunebook.core.facts import EvaluationRecord, History, StepRecord, TrialFact
from tunebook.core.findings import Finding
from tunebook.core.study import RoundKind, Wave
from tunebook.core.trial_result import JudgedTrial, RawTrial

__all__ = [
    "Cancelled",
    "EngineEvent",
    "Evaluation",
    "Event",
    "Failed",
    "Finished",
    "Noted",
    "Progress",
    "Recorded",
    "Requeued",
    "RoundClosed",
    "Saved",
    "Started",
    "Step",
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
    """A sign of life of a trial: share of `phase` ("train", "score") that is done, in [0, 1]."""

    trial: int
    done: float
    phase: str


@dataclass(frozen=True)
class Finished:
    """A trial has a result: raw from the engine, judged once the worker's `Transform` has seen it."""

    result: RawTrial | JudgedTrial

    @property
    def trial(self) -> int:
        return self.result.id


@dataclass(frozen=True)
class Failed:
    """A trial cannot be trained; the others go on."""

    trial: int
    message: str
    out_of_memory: bool = False


@dataclass(frozen=True)
class Cancelled:
    """A trial was ended before it had a result, because the user or the planner asked for it."""

    trial: int


@dataclass(frozen=True)
class Noted:
    """Something worth keeping: a cohort split after out-of-memory, a trial resumed from its saved state."""

    code: str
    values: dict[str, Any]


@dataclass(frozen=True)
class Saved:
    """A trial's state is on the disk: after an interruption it goes on from this step."""

    trial: int
    step: int


EngineEvent = Step | Evaluation | Progress | Saved | Finished | Failed | Cancelled | Noted
"""What an engine reports."""


@dataclass(frozen=True)
class Started:
    """A worker has taken a trial."""

    trial: int
    worker: str


@dataclass(frozen=True)
class Requeued:
    """A trial waits again: its worker died, or its attempt failed and will be repeated."""

    trial: int
    reason: str


@dataclass(frozen=True)
class WorkerDied:
    """A worker process ended without having been asked to.

    Attributes:
        retired: it is not started again, because it died repeatedly before it was ready; the others go on.
    """

    worker: str
    reason: str
    retired: bool = False


TrialEvent = EngineEvent | Started | Requeued | WorkerDied
"""What an executor reports."""


@dataclass(frozen=True)
class WaveStarted:
    """Trials are about to be trained; after a restart some of them may be final already, as `history` says."""

    wave: Wave
    history: History


@dataclass(frozen=True)
class Recorded:
    """A trial's result is in the ledger, whatever it was."""

    fact: TrialFact


@dataclass(frozen=True)
class RoundClosed:
    """A round is judged; `paragraph` says in the study's language what came of it, empty for the reference."""

    kind: RoundKind
    findings: tuple[Finding, ...]
    paragraph: str


Event = TrialEvent | WaveStarted | Recorded | RoundClosed
"""What whoever watches a study is told."""
