"""What a lane computes in one turn: training steps, the end of an epoch, or the final scores.

A turn changes nothing but the trainees of its slots; nothing here writes, reports or decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tunebook.core.facts import EvaluationRecord
from tunebook.core.ports import RawScores, ScoringPart, Workload
from tunebook.core.trial_result import PartialScores
from tunebook.engines.packed.model.bank import Adapter
from tunebook.engines.packed.model.packed_model import PackedModel
from tunebook.engines.packed.scheduling.divided import MIN_GROUPS, Divided
from tunebook.engines.packed.scheduling.lanes import Lanes
from tunebook.engines.packed.scheduling.memory import forget_peak, peak_bytes
from tunebook.engines.packed.scoring.score import ScoringLimits, losses, score, score_part
from tunebook.engines.packed.scoring.scoring_groups import n_groups
from tunebook.engines.packed.training.loop import Training
from tunebook.engines.packed.training.step import Known
from tunebook.engines.packed.training.trainee import Trainee

__all__ = ["AWAIT", "EPOCH", "SCORE", "TRAIN", "EpochEnd", "PartScores", "Scores", "Slot", "Stopped", "Turn", "Turns"]

TRAIN, EPOCH, SCORE, AWAIT = "train", "epoch", "score", "await"
"""What a slot needs next: a step; what is due at an epoch's end (a point of the curve, scores of a checkpoint); its
final scores; nothing but what other workers score of it."""

Scores = dict[str, RawScores]
PartScores = dict[str, PartialScores]
"""By split."""


@dataclass(eq=False, kw_only=True)
class Slot:
    """A trainee with what the cohort keeps about it.

    Attributes:
        due: TRAIN, EPOCH, SCORE or AWAIT.
        busy: a lane is computing it.
        scored: ids of the checkpoints that are finished.
        may_score: whether what comes before scoring has been done.
        divided: how its scoring is shared with other workers; None: it is not.
        share, told: share of the running scoring pass done, and the last one reported.
    """

    trainee: Trainee
    saved_at: float
    due: str = TRAIN
    busy: bool = False
    scored: list[int] = field(default_factory=list)
    may_score: bool = False
    divided: Divided | None = None
    share: float = 0.0
    told: float = 0.0

    @property
    def id(self) -> int:
        return self.trainee.job.id

    @property
    def part(self) -> ScoringPart | None:
        """The part of its scoring that is due here; None: all of it."""
        return self.trainee.job.part if self.divided is None else self.divided.part


@dataclass(frozen=True)
class Turn:
    """What one lane computes: the same for several slots."""

    due: str
    slots: tuple[Slot, ...]

    @property
    def is_part(self) -> bool:
        """Whether it is scored for other workers."""
        return self.slots[0].trainee.job.part is not None


@dataclass(frozen=True)
class EpochEnd:
    """What was computed at the end of an epoch: a point of the curve, or None, and each checkpoint's scores."""

    evaluation: EvaluationRecord | None
    checkpoints: dict[int, Scores]


class Stopped(Exception):
    """`Sink.should_stop` said so."""


class Turns:
    """Computes turns; may be used by several threads, each with slots of its own.

    Attributes:
        stopping: set it to make turns leave with `Stopped` after their running forward.
        limits: bounds of scoring.

    Args:
        lanes: tell the time that a trial costs, and take what can be spread.
    """

    def __init__(self, packed: PackedModel, workload: Workload, lanes: Lanes, limits: ScoringLimits) -> None:
        self._packed, self._workload = packed, workload
        self._clock, self._spread = lanes.clock, lanes.spread
        self._training = Training(packed, lanes.clock, lanes.spread, self._leave_if_stopping)
        self._n_groups: dict[tuple[str, int], int] = {}
        self.stopping = False
        self.limits = limits

    def train(self, slots: Sequence[Slot]) -> list[Known]:
        """A step of each slot; the records that are known by now, which may be those of the step before."""
        trainees = [slot.trainee for slot in slots]
        with self._peak_of(trainees):
            return self._training.step(trainees)

    def settle(self) -> list[Known]:
        """The records of steps that have not been read; to be called before anything but the next step looks at trials.
        No lane may be computing."""
        return self._training.settle()

    def give_back(self) -> bool:
        """Give back memory that training keeps to be quicker, for good; says whether there was any."""
        return self._training.give_back()

    def end_epoch(self, slots: Sequence[Slot]) -> list[EpochEnd]:
        evaluations = self._evaluate([slot.trainee for slot in slots])
        ends = []
        for slot, evaluation in zip(slots, evaluations, strict=True):
            trainee = slot.trainee
            due = [id_ for at, id_ in trainee.job.checkpoints if at == trainee.epochs_done and id_ not in slot.scored]
            scores = self.score([slot])[0] if due else {}
            ends.append(EpochEnd(evaluation, dict.fromkeys(due, scores)))
        return ends

    def _evaluate(self, trainees: Sequence[Trainee]) -> list[EvaluationRecord | None]:
        """Loss on the first validation examples, for the curve; None where it is known already."""
        examples = self._workload.splits.get("validation", ())[: self._workload.curve_examples]
        missing = [t for t in trainees if examples and all(record.step != t.n_done for record in t.evaluations)]
        if not missing:
            return [None] * len(trainees)
        began = self._clock()
        adapters = [t.adapter for t in missing]
        totals = losses(self._packed, adapters, examples, self._watcher(()), self._spread, self.limits)
        seconds = (self._clock() - began) / len(missing)
        n_tokens = sum(len(example.completion_ids) for example in examples)
        found: dict[int, EvaluationRecord] = {}
        for trainee, total in zip(missing, totals, strict=True):
            loss = float(total.sum()) / n_tokens
            found[trainee.job.id] = EvaluationRecord(
                trainee.n_done, float(trainee.epochs_done or 0), "validation", loss
            )
            trainee.evaluations.append(found[trainee.job.id])
            trainee.score_seconds += seconds
        return [found.get(trainee.job.id) for trainee in trainees]

    def score(self, slots: Sequence[Slot]) -> list[Scores]:
        """The answers and likelihoods of each slot's trial, by split."""
        return self._scored(slots, score)

    def score_part(self, slots: Sequence[Slot]) -> list[PartScores]:
        """The same of the part that is due here, which is the same of all slots."""
        part = slots[0].part
        assert part is not None
        return self._scored(slots, lambda packed, adapters, examples, how, *rest: score_part(
            packed, adapters, examples, how, part, *rest
        ))  # fmt: skip

    def most_parts(self, splits: Sequence[str]) -> int:
        """Into how many parts the scoring of some splits can be divided."""
        rows, counts = self.limits.rows, []
        for split in splits:
            if (split, rows) not in self._n_groups:
                examples = self._workload.splits[split]
                self._n_groups[split, rows] = n_groups(examples, self._workload.scoring, rows)
            counts.append(self._n_groups[split, rows])
        return min(counts, default=0) // MIN_GROUPS

    def _scored(self, slots: Sequence[Slot], score: Callable[..., list[Any]]) -> list[dict[str, Any]]:
        trainees = [slot.trainee for slot in slots]
        adapters: list[Adapter | None] = [t.adapter if t.job.configuration.num_train_epochs else None for t in trainees]
        found: list[dict[str, Any]] = [{} for _ in trainees]
        for split in trainees[0].job.splits:
            began = self._clock()
            with self._peak_of(trainees):
                results = score(
                    self._packed, adapters, self._workload.splits[split], self._workload.scoring, self._watcher(slots),
                    self._spread, self.limits,
                )  # fmt: skip
            seconds = (self._clock() - began) / len(trainees)
            for trainee, own, result in zip(trainees, found, results, strict=True):
                own[split] = result
                trainee.score_seconds += seconds
        return found

    @contextmanager
    def _peak_of(self, trainees: Sequence[Trainee]) -> Iterator[None]:
        """Note for each trial the most memory that was held while it was computed."""
        device = str(self._packed.device)
        forget_peak(device)
        yield
        for trainee in trainees:
            trainee.peak_bytes = max(trainee.peak_bytes, peak_bytes(device))

    def _watcher(self, slots: Sequence[Slot]) -> Callable[[float], None]:
        def watch(share: float) -> None:
            for slot in slots:
                slot.share = share
            self._leave_if_stopping()

        return watch

    def _leave_if_stopping(self) -> None:
        if self.stopping:
            raise Stopped
