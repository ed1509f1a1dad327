"""A cohort: the trials that are in training at the same time, and the loop that carries them.

Lanes compute (`lanes.py`); here it is decided what they compute next, and what they bring is written and reported. A
slot that gets free is filled at once. Trials are trained until they are done or break, then scored, saved and
reported. A trial's trouble ends that trial alone; when memory runs out, the cohort is split and goes on.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tunebook.core.events import (
    Cancelled,
    Evaluation,
    Failed,
    Finished,
    Noted,
    PartScored,
    Progress,
    Saved,
    Step,
    TrainedAhead,
)
from tunebook.core.facts import Cost, Curve, StepRecord
from tunebook.core.ports import EngineOptions, RawTrial, Sink, TrialJob, TrialSource, Workload
from tunebook.engines.packed.model.multiplies import multiply_kind
from tunebook.engines.packed.model.packed_model import PackedModel
from tunebook.engines.packed.scheduling.divided import Divided
from tunebook.engines.packed.scheduling.lane_work import (
    AWAIT,
    EPOCH,
    SCORE,
    TRAIN,
    EpochEnd,
    PartScores,
    Scores,
    Slot,
    Stopped,
    Turn,
    Turns,
)
from tunebook.engines.packed.scheduling.lanes import Done, Lanes
from tunebook.engines.packed.scheduling.memory import MemoryPlan, give_back, needs_of_trial, peak_bytes
from tunebook.engines.packed.training import checkpoint
from tunebook.engines.packed.training.loop import choose
from tunebook.engines.packed.training.saving import save_adapter
from tunebook.engines.packed.training.step import Known
from tunebook.engines.packed.training.trainee import Trainee
from tunebook.errors import EnvironmentStop, TrialFailed, TunebookError, is_out_of_memory

__all__ = ["Cohort"]

_WORTH_SAVING_SECONDS = 5.0
"""A trained adapter is saved before it is scored when this much work would be lost with it."""
_OWN_TROUBLE = (TunebookError, RuntimeError, MemoryError, ValueError)
"""What ends one trial; everything else, and what stops the environment, ends the run."""
_HIDDEN_WORK = 5e11
"""Rows times parameters of the base model up to which another trial costs those on a GPU little: an H200 trained 16
trials of 250 rows on 135 million parameters at 0.8 times the speed of one, 8 on 1.5 billion at 0.6 (docs/engine.md)."""
_LOOK_SECONDS = 0.2
"""How often it is looked whether to stop, and progress shown, while the lanes compute."""
_AWAIT_SECONDS = 0.02
"""How often it is looked for what other workers have scored, while nothing is computed here."""


class Cohort:
    """Trains and scores trials from a source until there are none.

    Args:
        packed: the base model.
        plan: how many rows a forward may have and how many trials are in training at a time.
        lanes: what computes; not used by anything else meanwhile.
        waiting: jobs that were taken from the source to plan with; they come first.
    """

    def __init__(
        self, packed: PackedModel, options: EngineOptions, plan: MemoryPlan, workload: Workload, sink: Sink,
        lanes: Lanes, waiting: Sequence[TrialJob] = (),
    ) -> None:  # fmt: skip
        self._packed, self._options, self._plan = packed, options, plan
        self._workload, self._sink, self._lanes = workload, sink, lanes
        self._waiting = deque(waiting)
        self._turns = Turns(packed, workload, lanes, plan.scoring)
        packed.recompute = plan.recompute
        self._slots: list[Slot] = []

    def run(self, source: TrialSource) -> None:
        """Until the source is empty or the sink says stop; then everything is saved."""
        try:
            with self._lanes:
                self._work_off(source)
        except Stopped:
            self._settle()
            for slot in tuple(self._slots):
                self._save(slot)
        finally:
            self._turns.give_back()  # while recorded passes are there, the next wave's plan counts their memory as free

    def _work_off(self, source: TrialSource) -> None:
        try:
            while self._turn(source):
                pass
        except BaseException:
            self._turns.stopping = True  # or the lanes would be waited for until they have scored everything
            raise

    def _turn(self, source: TrialSource) -> bool:
        """Fill slots and lanes, and take back what has ended; False when nothing is left to do."""
        self._fill(source)
        self._leave_trained_ahead()
        self._prepare_scoring(source)
        self._start_lanes()
        is_idle = self._lanes.n_idle == self._lanes.n
        if is_idle and not any(slot.due == AWAIT for slot in self._slots):
            return False
        for done in self._lanes.wait(_AWAIT_SECONDS if is_idle else _LOOK_SECONDS):
            self._take_back(done)
        self._take_parts(source.parts())
        self._tell_progress()
        self._check_stop()
        self._drop_cancelled()
        return True

    def _settle(self) -> None:
        """Take note of steps that a device has done and nobody has read."""
        self._trained(self._turns.settle())

    # -- taking trials in

    def _fill(self, source: TrialSource) -> None:
        while True:
            free = self._plan.slots - sum(slot.trainee.job.part is None for slot in self._slots)
            wanted = 0 if self._waiting else max(0, free)
            room = self._room_beside()
            taken = source.take(wanted, min(wanted, room), room > 0)
            self._waiting.extendleft(job for job in taken if job.part is not None)
            self._waiting.extend(job for job in taken if job.part is None)
            if not self._waiting or not self._may_enter(self._waiting[0], free):
                return
            job = self._waiting.popleft()
            self._guarded(job.id, lambda job=job: self._slots.append(self._enter(job)))  # type: ignore[misc]

    def _room_beside(self) -> int:
        """For how many trials that the study does not wait for, or of which a part is to be scored for another worker,
        there is room now: with nothing else to do, for as many as there are slots; beside others for as many as cost
        them nothing."""
        if all(job.ahead for job in (*(slot.trainee.job for slot in self._slots), *self._waiting)):
            return self._plan.slots
        if self._packed.device.type == "cpu" or self._waiting:
            return 0
        rows = [slot.trainee.computed_tokens / max(1, slot.trainee.n_done) for slot in self._slots]
        if not all(rows):  # nothing is known of one that has made no step
            return 0
        parameters = sum(n_in * n_out for n_in, n_out in self._packed.base_shapes)
        left = _HIDDEN_WORK / parameters - sum(rows)
        return max(0, int(left / max(rows)))

    def _leave_trained_ahead(self) -> None:
        """A trial that was to be trained ahead and has no step left keeps its state, and nothing of it is scored."""
        for slot in [slot for slot in self._slots if slot.trainee.job.ahead and slot.due == SCORE and not slot.busy]:
            self._guarded(slot.id, lambda slot=slot: self._save(slot))  # type: ignore[misc]
            self._end_ahead(slot)

    def _end_ahead(self, slot: Slot) -> None:
        if slot in self._slots:  # it could be saved
            self._drop(slot)
            self._sink.emit(TrainedAhead(slot.id))

    def _may_enter(self, job: TrialJob, free: int) -> bool:
        """Whether there is a slot for a trial, and its adapter has room beside those in training; one alone always has,
        and one of which a part is to be scored needs neither."""
        if job.part is not None:
            return True
        if free < 1:
            return False
        if not self._slots or self._plan.trials_bytes is None:
            return True
        jobs = [job, *(slot.trainee.job for slot in self._slots)]
        return sum(needs_of_trial(self._packed, job) for job in jobs) <= self._plan.trials_bytes

    def _enter(self, job: TrialJob) -> Slot:
        packed = self._packed
        shapes = packed.shapes(job.configuration.target_modules)
        saved = checkpoint.load_state(Path(job.folder), self._identity(job))
        trainee = Trainee(
            job, self._workload.train, shapes, self._plan.rows if saved is None else saved.facts["max_rows"],
            self._options.share_prompts, self._options.extra.get("max_steps"), packed.adapter_dtype, packed.device,
        )  # fmt: skip
        slot = Slot(trainee=trainee, saved_at=time.monotonic())
        if job.part is not None and (saved is None or len(saved.steps) < trainee.total_steps):
            raise TrialFailed(f"{job.folder}: no state after the last step, of which a part could be scored")
        if saved is not None:
            slot.scored = list(saved.facts["scored"])
            trainee.load_state(saved.tensors, saved.steps, saved.evaluations, saved.facts)
            self._sink.emit(Noted("trial_resumed", {"trial": job.id, "step": trainee.n_done}))
        # a resumed trial may have been stopped while this epoch's end was scored
        slot.due = EPOCH if trainee.epochs_done is not None else SCORE if trainee.is_trained else TRAIN
        if job.part is not None:
            slot.due, trainee.score_seconds = SCORE, 0.0
        return slot

    # -- handing work to the lanes

    def _start_lanes(self) -> None:
        while self._lanes.n_idle and (turn := self._next_turn()) is not None:
            for slot in turn.slots:
                slot.busy = True
            scoring = self._turns.score if turn.slots[0].part is None else self._turns.score_part
            work = {TRAIN: self._turns.train, EPOCH: self._turns.end_epoch, SCORE: scoring}[turn.due]
            self._lanes.start(lambda work=work, turn=turn: work(turn.slots), turn)  # type: ignore[misc]
        self._lanes.help()

    def _next_turn(self) -> Turn | None:
        """Slots that are due for the same, an equal part of those that wait for each idle lane; scoring goes first, as
        it frees slots."""
        free = [slot for slot in self._slots if not slot.busy and slot.due != AWAIT]
        if any(slot.due != TRAIN for slot in free):
            self._settle()  # its time would count as scoring's
        waiting = sorted(free, key=lambda slot: slot.due == TRAIN)
        if not waiting:
            return None
        first = waiting[0]
        alike = (first.due, first.trainee.job.splits, first.part)
        same = [slot for slot in waiting if (slot.due, slot.trainee.job.splits, slot.part) == alike]
        same = same[: -(-len(waiting) // self._lanes.n_idle)]
        if first.due == TRAIN:
            chosen = choose([slot.trainee for slot in same], self._plan.rows)
            same = [slot for slot in same if slot.trainee in chosen]
        return Turn(first.due, tuple(same))

    def _prepare_scoring(self, source: TrialSource) -> None:
        """What is to be scored is saved where it is worth that, and then shared with workers that have room."""
        due = [slot for slot in self._slots if slot.due == SCORE and not slot.busy and not slot.may_score]
        if due:
            self._settle()  # its time would count as scoring's
        for slot in due:
            self._guarded(slot.id, lambda slot=slot: self._before_scoring(slot, source))  # type: ignore[misc]

    def _before_scoring(self, slot: Slot, source: TrialSource) -> None:
        trainee = slot.trainee
        is_saved = trainee.train_seconds > _WORTH_SAVING_SECONDS and trainee.job.part is None
        if is_saved:
            self._save(slot)
        trainee.end_training()
        slot.share = slot.told = 0.0
        slot.may_score = True
        if is_saved and trainee.broke is None and (most := self._turns.most_parts(trainee.job.splits)) > 1:
            rows = self._turns.limits.rows
            if (of := source.divide(slot.id, most, rows)) > 1:
                slot.divided = Divided(of, rows)

    # -- taking back what the lanes have computed

    def _take_back(self, done: Done) -> None:
        turn: Turn = done.tag
        for slot in turn.slots:
            slot.busy = False
            self._slots.remove(slot)  # to the end of the queue: every trial in turn
            self._slots.append(slot)
        if done.error is not None:
            self._went_wrong(turn, done.error)
        elif turn.due == TRAIN:
            self._trained(done.result)
        elif turn.due == EPOCH:
            self._epoch_ended(turn.slots, done.result)
        elif turn.slots[0].part is not None:
            for slot, scores in zip(turn.slots, done.result, strict=True):
                self._guarded(slot.id, lambda slot=slot, scores=scores: self._part_scored(slot, scores))  # type: ignore[misc]
        else:
            self._scored(turn.slots, done.result)

    def _went_wrong(self, turn: Turn, error: BaseException) -> None:
        kept = is_out_of_memory(error) and self._turns.give_back()
        if is_out_of_memory(error):
            give_back(self._options.device)
        if kept:  # that may have been enough: the turn is still due
            for slot in turn.slots if turn.due == TRAIN else ():
                slot.trainee.restart_step()
        elif turn.due == TRAIN and is_out_of_memory(error):
            self._split(turn.slots, error)
        elif is_out_of_memory(error) and not turn.is_part and (limits := self._turns.limits.halved()) is not None:
            self._turns.limits = limits  # the turn is still due
            for slot in turn.slots:
                slot.divided = None  # examples are grouped otherwise now
            self._sink.emit(Noted("scoring_split", {"trials": [slot.id for slot in turn.slots], "rows": limits.rows}))
        elif turn.due != TRAIN and isinstance(error, _OWN_TROUBLE) and not isinstance(error, EnvironmentStop):
            for slot in turn.slots:
                self._failed(slot.id, error)
                self._drop(slot)
        else:
            raise error

    def _trained(self, steps: Sequence[Known]) -> None:
        for trainee, record in steps:
            for slot in [slot for slot in self._slots if slot.trainee is trainee]:  # none where it was cancelled
                self._guarded(slot.id, lambda slot=slot, record=record: self._step(slot, record))  # type: ignore[misc]

    def _step(self, slot: Slot, record: StepRecord) -> None:
        trainee = slot.trainee
        self._sink.emit(Step(slot.id, record))
        self._sink.emit(Progress(slot.id, record.step / max(1, trainee.total_steps), "train"))
        if trainee.broke is not None:
            trainee.end_training()
            self._report(slot, {})
            return
        if trainee.epochs_done is not None:
            slot.due = EPOCH
        elif trainee.is_trained:
            slot.due = SCORE
        if time.monotonic() - slot.saved_at > self._options.checkpoint_seconds:
            self._save(slot)

    def _epoch_ended(self, slots: Sequence[Slot], ends: Sequence[EpochEnd]) -> None:
        for slot, end in zip(slots, ends, strict=True):
            slot.due = SCORE if slot.trainee.is_trained else TRAIN
            if end.evaluation is not None:
                self._sink.emit(Evaluation(slot.id, end.evaluation))
            for trial_id, scores in end.checkpoints.items():
                self._guarded(slot.id, lambda s=slot, i=trial_id, x=scores: self._checkpoint_scored(s, i, x))  # type: ignore[misc]

    def _checkpoint_scored(self, slot: Slot, trial_id: int, scores: Scores) -> None:
        folder = Path(slot.trainee.job.folder).with_name(str(trial_id))
        size = self._save_adapter(slot.trainee, folder)
        self._sink.emit(Finished(self._result(slot.trainee, trial_id, scores, size)))
        slot.scored.append(trial_id)
        self._save(slot)

    def _scored(self, slots: Sequence[Slot], found: Sequence[Scores]) -> None:
        for slot, scores in zip(slots, found, strict=True):
            self._guarded(slot.id, lambda slot=slot, scores=scores: self._report(slot, scores))  # type: ignore[misc]

    def _part_scored(self, slot: Slot, scores: PartScores) -> None:
        job = slot.trainee.job
        if job.part is not None:
            self._sink.emit(PartScored(slot.id, job.part.index, scores, slot.trainee.score_seconds))
            self._drop(slot)
        elif slot.divided is not None:
            slot.divided.scored_here(scores)
            self._go_on_divided(slot, slot.divided)

    def _take_parts(self, events: Sequence[PartScored]) -> None:
        """What other workers have scored of trials here, or have left."""
        for event in events:
            for slot in [slot for slot in self._slots if slot.id == event.trial]:
                if slot.divided is not None:
                    slot.divided.told(event)
                    if not slot.busy:
                        self._guarded(slot.id, lambda s=slot, d=slot.divided: self._go_on_divided(s, d))  # type: ignore[misc]

    def _go_on_divided(self, slot: Slot, divided: Divided) -> None:
        if (scores := divided.scores()) is not None:
            slot.trainee.score_seconds += divided.seconds
            self._report(slot, scores)
        else:
            slot.due = SCORE if divided.part is not None else AWAIT

    def _report(self, slot: Slot, scores: Scores) -> None:
        """The trial is over: its adapter is written, its slot is free."""
        if slot.trainee.job.ahead:  # it broke, and will break again where it is asked for
            self._end_ahead(slot)
            return
        folder = Path(slot.trainee.job.folder)
        size = self._save_adapter(slot.trainee, folder)
        self._sink.emit(Finished(self._result(slot.trainee, slot.id, scores, size)))
        checkpoint.clear_state(folder)
        self._drop(slot)

    def _split(self, slots: Sequence[Slot], error: BaseException) -> None:
        """Make forwards smaller after running out of memory; the running steps begin again."""
        trainees = [slot.trainee for slot in slots]
        micros = [micro for trainee in trainees for micro in trainee.micro_batches()]
        longest = max(micros, key=lambda micro: micro.tree.n_tokens)
        rows, alone = longest.tree.n_tokens, len(trainees) == 1
        limit = max(1, rows // 2) if alone else max(rows, self._plan.rows // 2)
        self._sink.emit(Noted("cohort_split", {"trials": [slot.id for slot in slots], "rows": limit, "alone": alone}))
        if alone and longest.n_examples == 1:
            if self._lanes.n > 1:  # another forward may have taken the memory
                self._lanes.narrow()
                trainees[0].restart_step()
                return
            job = trainees[0].job
            self._drop(slots[0])
            message = (
                f"trial {job.id}: memory ran out at {peak_bytes(self._options.device)} bytes with one example "
                f"of {rows} tokens at a time; one example must fit ({error}). Lower max_length "
                f"(now {job.configuration.max_length}) or lora_r (now {job.configuration.lora_r})."
            )
            self._sink.emit(Failed(job.id, message, out_of_memory=True))
            return
        self._plan = replace(self._plan, rows=min(self._plan.rows, limit))
        for trainee in trainees:
            trainee.restart_step(limit if alone else None)

    def _result(self, trainee: Trainee, trial_id: int, scores: Scores, size: int) -> RawTrial:
        step, reason = trainee.broke or (None, None)
        curve = Curve(tuple(trainee.steps), tuple(trainee.evaluations))
        cost = self._cost(trainee, size)
        return RawTrial(id=trial_id, scores=scores, curve=curve, cost=cost, broke_at_step=step, reason=reason)

    def _cost(self, trainee: Trainee, size: int) -> Cost:
        return Cost(
            train_seconds=trainee.train_seconds, score_seconds=trainee.score_seconds,
            raw_tokens=trainee.raw_tokens, computed_tokens=trainee.computed_tokens,
            peak_bytes=trainee.peak_bytes or peak_bytes(self._options.device), adapter_bytes=size,
        )  # fmt: skip

    # -- saving and isolation

    def _save_adapter(self, trainee: Trainee, folder: Path) -> int:
        shapes = self._packed.all_shapes
        return save_adapter(trainee.adapter, trainee.job.configuration, shapes, self._options.model, folder)

    def _save(self, slot: Slot) -> None:
        trainee = slot.trainee
        if trainee.job.part is not None:  # the state is another worker's
            return
        before = slot.saved_at
        if not trainee.is_known:
            self._settle()
        if trainee.n_done == 0 or trainee.broke is not None or slot.saved_at != before:  # saved when its step was read
            return
        facts = {"max_rows": trainee.max_rows, "scored": slot.scored, **trainee.counters()}
        saved = checkpoint.Saved(trainee.state(), tuple(trainee.steps), tuple(trainee.evaluations), facts)
        checkpoint.save_state(Path(trainee.job.folder), self._identity(trainee.job), saved)
        slot.saved_at = time.monotonic()
        self._sink.emit(Saved(slot.id, trainee.n_done))

    def _identity(self, job: TrialJob) -> dict[str, Any]:
        options = self._options
        return {
            "configuration": job.configuration.as_dict(), "seed": job.seed, "dtype": options.dtype,
            "share_prompts": options.share_prompts, "n_train": len(self._workload.train),
            "kernels": self._packed.ops.kind(self._packed.adapter_dtype),
            "multiplies": multiply_kind(self._packed.device, self._packed.dtype),
            "max_steps": options.extra.get("max_steps"), "rows": list(job.rows),
        }  # fmt: skip

    def _guarded(self, trial_id: int, work: Callable[[], None]) -> None:
        """Run work of one trial; its failure is reported and ends that trial alone."""
        try:
            work()
        except (Stopped, EnvironmentStop):
            raise
        except _OWN_TROUBLE as error:
            self._failed(trial_id, error)
            for slot in [slot for slot in self._slots if slot.id == trial_id]:
                self._drop(slot)

    def _failed(self, trial_id: int, error: BaseException) -> None:
        kind = "" if isinstance(error, TunebookError) else f"{type(error).__name__}: "
        self._sink.emit(Failed(trial_id, f"{kind}{error}", out_of_memory=is_out_of_memory(error)))

    def _drop(self, slot: Slot) -> None:
        slot.trainee.end_training()
        self._slots.remove(slot)

    def _drop_cancelled(self) -> None:
        """End trials that were asked to end, as soon as no lane computes them."""
        for slot in [slot for slot in self._slots if not slot.busy and self._sink.is_cancelled(slot.id)]:
            self._drop(slot)
            if slot.trainee.job.part is None:
                checkpoint.clear_state(Path(slot.trainee.job.folder))
            self._sink.emit(Cancelled(slot.id, self._cost(slot.trainee, 0)))

    def _tell_progress(self) -> None:
        for slot in self._slots:
            if slot.share != slot.told:
                slot.told = slot.share
                self._sink.emit(Progress(slot.id, slot.told, "score"))

    def _check_stop(self) -> None:
        if self._sink.should_stop():
            raise Stopped
