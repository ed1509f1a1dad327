"""The engine as the runner uses it: cohorts, slots, checkpoints, interruption, memory, saved adapters."""

from __future__ import annotations

import json
import math
import os
import threading
import time
from dataclasses import replace

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from tiny_models import END, examples, tiny_model

from tunebook.core.configuration import Configuration
from tunebook.core.events import Cancelled, Failed, Finished, Noted, PartScored, Progress, Step, TrainedAhead
from tunebook.core.ports import EngineOptions, Scoring, ScoringPart, TokenizedExample, TrialJob, Workload
from tunebook.engines import calibration as calibration_module
from tunebook.engines.packed import engine as engine_module
from tunebook.engines.packed.engine import PackedEngine
from tunebook.engines.packed.scheduling import cohort as cohort_module
from tunebook.engines.packed.scheduling import lane_work as turns_module
from tunebook.engines.packed.scheduling import memory as memory_module
from tunebook.engines.packed.scheduling.lanes import Lanes
from tunebook.engines.packed.scoring.score import ScoringLimits
from tunebook.engines.packed.training import loop as loop_module
from tunebook.engines.peft import PeftEngine
from tunebook.errors import DiskFull
from tunebook.testing.event_recorder import EventRecorder

BASE = Configuration(
    learning_rate=5e-3, per_device_train_batch_size=4, num_train_epochs=3, lora_r=4, lora_alpha=8, lora_dropout=0.2,
    target_modules="all-linear", lr_scheduler_type="constant",
)  # fmt: skip
WORKLOAD = Workload(
    examples(10), {"validation": examples(6, seed=5)}, Scoring(max_new_tokens=4, stop_ids=(END,)), curve_examples=3
)
WEIGHTS = "adapter_model.safetensors"


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    tiny_model().save_pretrained(folder)
    return folder


@pytest.fixture
def engine(model_folder):
    return PackedEngine(EngineOptions(model=str(model_folder), threads=1, extra={"slots": 2}))


def job(number, folder, configuration=BASE, **values):
    return TrialJob(
        id=number,
        configuration=configuration,
        seed=number,
        splits=("validation",),
        folder=str(folder / str(number)),
        **values,
    )


def run(engine, jobs, stop_after=None, workload=WORKLOAD):
    enough = math.inf if stop_after is None else stop_after
    recorder = EventRecorder(jobs, lambda told: len(told.of(Step)) >= enough)
    engine.run(recorder, workload, recorder)
    for event in recorder.of(Progress):
        assert 0 <= event.done <= 1
        assert event.phase in ("train", "score")
    json.dumps([note.values for note in recorder.of(Noted)])
    assert len(recorder.of(Finished)) == len(recorder.results)
    return recorder


def weights(folder, number):
    return load_file(folder / str(number) / WEIGHTS)


def assert_same_weights(a, b):
    assert a.keys() == b.keys()
    assert all(torch.equal(a[name], b[name]) for name in a)


MIXED = [
    BASE,
    BASE.with_values(lora_r=8, num_train_epochs=1, lora_dropout=0.0),
    BASE.with_values(learning_rate=float("1e30"), lora_dropout=0.0),
    BASE.with_values(num_train_epochs=0),
    BASE.with_values(max_length=5),
    BASE.with_values(target_modules=("o_proj",), per_device_train_batch_size=3),
]


def test_every_trial_of_a_mixed_cohort_ends_with_a_result_or_its_reason(engine, tmp_path):
    sink = run(engine, [job(i, tmp_path, c) for i, c in enumerate(MIXED)])
    assert sink.results.keys() == {0, 1, 2, 3, 5}
    assert "max_length: got 5" in sink.failures[4].message
    assert sink.results[2].broke_at_step is not None
    assert sink.results[2].scores == {}
    assert len(sink.results[0].curve.steps) == 9
    assert [r.epoch for r in sink.results[0].curve.evaluations] == [1.0, 2.0, 3.0]
    assert sink.results[3].curve.steps == ()
    for number in (0, 1, 3, 5):
        scores = sink.results[number].scores["validation"]
        assert len(scores.answers) == len(scores.nll) == 6
    assert sink.results[0].cost.raw_tokens == 3 * sum(e.n_tokens for e in WORKLOAD.train)
    assert sink.results[0].cost.computed_tokens < sink.results[0].cost.raw_tokens
    assert max(len(ids) for ids in sink.taken) <= 2
    assert not any((tmp_path / str(i) / "resume").exists() for i in range(6))


def test_an_interrupted_run_that_goes_on_equals_an_unbroken_one_bit_for_bit(engine, model_folder, tmp_path):
    jobs = [BASE, BASE.with_values(lora_r=8, per_device_train_batch_size=3), BASE.with_values(lora_dropout=0.0)]
    unbroken = run(engine, [job(i, tmp_path / "a", c) for i, c in enumerate(jobs)])
    done = {}
    for stop_after in (1, 5, 3, 7, None):  # a fresh engine each time, as after a restart
        again = PackedEngine(EngineOptions(model=str(model_folder), threads=1, extra={"slots": 2}))
        rest = [job(i, tmp_path / "b", c) for i, c in enumerate(jobs) if i not in done]
        sink = run(again, rest, stop_after)
        done.update(sink.results)
    assert done.keys() == unbroken.results.keys()
    for number, result in done.items():
        assert_same_weights(weights(tmp_path / "a", number), weights(tmp_path / "b", number))
        assert [s.loss for s in result.curve.steps] == [s.loss for s in unbroken.results[number].curve.steps]
        assert result.scores["validation"].answers == unbroken.results[number].scores["validation"].answers
        assert (result.scores["validation"].nll == unbroken.results[number].scores["validation"].nll).all()
        assert result.cost.raw_tokens == unbroken.results[number].cost.raw_tokens


@pytest.mark.parametrize(("lanes", "slots"), [(2, 2), (2, 4), (3, 6), (4, 1)])
def test_lanes_change_no_bit(model_folder, tmp_path, monkeypatch, lanes, slots):
    """Also with steps and scoring in several pieces, which idle lanes take, with a trial that breaks, and with one that
    ends alone on all threads."""
    monkeypatch.setattr(memory_module, "CPU_LIMITS", ScoringLimits(rows=20, held_rows=10))
    helped = []
    monkeypatch.setattr(Lanes, "_help", lambda self, *taken, real=Lanes._help: (helped.append(1), real(self, *taken)))
    jobs = [c for c in MIXED if c.max_length > 5]
    results = {}
    for name, n, threads in (("one", 1, 1), ("many", lanes, lanes)):
        extra = {"slots": slots, "lanes": n, "rows": 30}
        engine = PackedEngine(EngineOptions(model=str(model_folder), threads=threads, extra=extra))
        results[name] = run(engine, [job(i, tmp_path / name, c) for i, c in enumerate(jobs)])
    one, many = results["one"].results, results["many"].results
    assert one.keys() == many.keys() == set(range(len(jobs)))
    for number, result in one.items():
        assert_same_weights(weights(tmp_path / "one", number), weights(tmp_path / "many", number))
        assert [repr(s) for s in result.curve.steps] == [repr(s) for s in many[number].curve.steps]
        assert result.curve.evaluations == many[number].curve.evaluations
        for split, scores in result.scores.items():
            assert scores.answers == many[number].scores[split].answers
            assert (scores.nll == many[number].scores[split].nll).all()
    assert helped or slots > 1


def test_a_run_in_lanes_that_is_stopped_goes_on_to_the_same_bits(model_folder, tmp_path):
    def lanes():
        return PackedEngine(EngineOptions(model=str(model_folder), threads=2, extra={"slots": 4}))

    jobs = [BASE, BASE.with_values(lora_r=8, per_device_train_batch_size=3), BASE.with_values(lora_dropout=0.0)]
    run(lanes(), [job(i, tmp_path / "a", c) for i, c in enumerate(jobs)])
    done = {}
    for stop_after in (1, 5, 3, None):
        rest = [job(i, tmp_path / "b", c) for i, c in enumerate(jobs) if i not in done]
        done.update(run(lanes(), rest, stop_after).results)
    assert done.keys() == {0, 1, 2}
    for number in done:
        assert_same_weights(weights(tmp_path / "a", number), weights(tmp_path / "b", number))


def test_a_bug_in_a_lane_is_not_taken_for_a_failed_trial(model_folder, tmp_path, monkeypatch):
    def broken(self, trainees):
        raise ZeroDivisionError("bug")

    monkeypatch.setattr(loop_module.Training, "step", broken)
    with pytest.raises(ZeroDivisionError):
        run(PackedEngine(EngineOptions(model=str(model_folder), threads=2)), [job(i, tmp_path) for i in range(2)])


def test_a_damaged_or_foreign_resume_state_is_ignored(engine, tmp_path):
    run(engine, [job(0, tmp_path / "a")])
    for name, spoil in (("b", lambda p: p.write_bytes(b"torn")), ("c", lambda p: p.unlink())):
        run(engine, [job(0, tmp_path / name)], stop_after=4)
        spoil(tmp_path / name / "0" / "resume" / "state.safetensors")
        run(engine, [job(0, tmp_path / name)])
        assert_same_weights(weights(tmp_path / "a", 0), weights(tmp_path / name, 0))
    run(engine, [job(0, tmp_path / "d", BASE.with_values(learning_rate=1e-3))], stop_after=4)
    run(engine, [job(0, tmp_path / "d")])
    assert_same_weights(weights(tmp_path / "a", 0), weights(tmp_path / "d", 0))


def test_a_trial_trained_ahead_is_not_scored_and_ends_like_one_that_was_not(engine, tmp_path):
    """Left in the middle, gone on with to its last step, and begun by another trial's number."""
    jobs = [BASE, BASE.with_values(lora_r=8, num_train_epochs=1)]
    plain = run(engine, [job(i, tmp_path / "a", c) for i, c in enumerate(jobs)])
    ahead = [replace(job(i, tmp_path / "b", c, ahead=True), id=-1 - i) for i, c in enumerate(jobs)]
    for stop_after in (4, None):
        sink = run(engine, ahead, stop_after)
        assert not sink.of(Finished)
    assert sorted(event.trial for event in sink.of(TrainedAhead)) == [-2, -1]
    assert not list(tmp_path.glob("b/*/adapter*"))
    after = run(engine, [job(i, tmp_path / "b", c) for i, c in enumerate(jobs)])
    assert not after.of(Step)
    for number in (0, 1):
        assert_same_weights(weights(tmp_path / "a", number), weights(tmp_path / "b", number))
        assert after.results[number].curve == plain.results[number].curve
        assert (after.results[number].scores["validation"].nll == plain.results[number].scores["validation"].nll).all()
    broken = replace(job(2, tmp_path, MIXED[2], ahead=True), id=-1)
    assert [event.trial for event in run(engine, [broken]).of(TrainedAhead)] == [-1]


class Divides(EventRecorder):
    """Has a second engine score parts of the trials; those of `lost` are not scored."""

    def __init__(self, jobs, helper, workload, lost=()):
        super().__init__(jobs)
        self.jobs, self.helper, self.workload, self.lost = {job.id: job for job in jobs}, helper, workload, lost
        self.n_parts, self.come = {}, []

    def divide(self, trial_id, most, rows):
        self.n_parts[trial_id] = most = min(most, 4)
        parts = [
            replace(self.jobs[trial_id], id=-index, part=ScoringPart(index, most, rows)) for index in range(1, most)
        ]
        beside = EventRecorder(parts)
        self.helper.run(beside, self.workload, beside)
        assert not beside.of(Finished)
        assert not beside.of(Step)
        scored = {event.index: event for event in beside.of(PartScored)}
        assert scored.keys() == set(range(1, most))
        for index, event in scored.items():
            self.come.append(replace(event, trial=trial_id, scores=None if index in self.lost else event.scores))
        return most

    def parts(self):
        come, self.come = self.come, []
        return come


@pytest.mark.parametrize("scoring", [WORKLOAD.scoring, Scoring("choice", choices=((3, END), (4, 5, END)))])
def test_scoring_in_parts_gives_the_bits_of_scoring_at_once(model_folder, tmp_path, monkeypatch, scoring):
    """Also where parts are lost; the worker that scores a part leaves the trial's folder as it was."""
    monkeypatch.setattr(memory_module, "CPU_LIMITS", ScoringLimits(rows=32, held_rows=64, answers=4))
    monkeypatch.setattr(cohort_module, "_WORTH_SAVING_SECONDS", 0.0)
    workload = replace(
        WORKLOAD, splits={"validation": examples(24, seed=5), "test": examples(16, seed=6)}, scoring=scoring
    )

    def engine():
        return PackedEngine(EngineOptions(model=str(model_folder), threads=1, extra={"slots": 2}))

    def both(folder):
        return [replace(job(i, tmp_path / folder, c), splits=("validation", "test")) for i, c in enumerate(MIXED[1:4])]

    whole = run(engine(), both("a"), workload=workload)
    for folder, lost in (("b", ()), ("c", (1, 2))):
        sink = Divides(both(folder), engine(), workload, lost)
        engine().run(sink, workload, sink)
        assert sink.n_parts.keys() == {0}, "neither one that broke nor one without training"
        assert sink.n_parts[0] >= 3
        for number, result in sink.results.items():
            assert_same_weights(weights(tmp_path / "a", number), weights(tmp_path / folder, number))
            for split, scores in result.scores.items():
                same = whole.results[number].scores[split]
                assert (scores.answers, scores.n_label_tokens) == (same.answers, same.n_label_tokens)
                assert (scores.nll == same.nll).all()
        assert not list(tmp_path.glob(f"{folder}/*/resume"))
    gone = EventRecorder([replace(job(0, tmp_path / "d"), part=ScoringPart(1, 2, 32))])
    engine().run(gone, workload, gone)
    assert [event.trial for event in gone.of(Failed)] == [0]


def test_a_checkpoint_of_a_longer_run_equals_the_shorter_trial(engine, tmp_path):
    longer = job(0, tmp_path / "a", checkpoints=((1, 11), (2, 12)))
    sink = run(engine, [longer])
    assert list(sink.results) == [11, 12, 0]
    shorter = TrialJob(
        id=12,
        configuration=BASE.with_values(num_train_epochs=2),
        seed=0,
        splits=("validation",),
        folder=str(tmp_path / "b" / "12"),
    )
    alone = run(engine, [shorter])
    assert_same_weights(weights(tmp_path / "a", 12), weights(tmp_path / "b", 12))
    assert (sink.results[12].scores["validation"].nll == alone.results[12].scores["validation"].nll).all()
    assert len(sink.results[12].curve.steps) == len(alone.results[12].curve.steps)


def test_a_run_stopped_while_a_checkpoint_is_scored_still_gives_the_checkpoint(engine, tmp_path, monkeypatch):
    longer = job(0, tmp_path / "a", checkpoints=((1, 11), (3, 13)))
    scoring = threading.Event()
    stopped = EventRecorder([longer], lambda told: scoring.is_set())

    def endless_scoring(packed, adapters, examples, how, on_batch, *rest):
        scoring.set()
        give_up = time.monotonic() + 30
        while time.monotonic() < give_up:
            on_batch(0.5)
        raise AssertionError("nobody stopped the scoring")

    with monkeypatch.context() as patched:
        patched.setattr(turns_module, "score", endless_scoring)
        engine.run(stopped, WORKLOAD, stopped)
    assert stopped.results == {}
    sink = run(engine, [longer])
    assert list(sink.results) == [11, 13, 0]
    unbroken = run(engine, [job(0, tmp_path / "b", checkpoints=((1, 11), (3, 13)))])
    for number in (11, 13, 0):
        assert_same_weights(weights(tmp_path / "a", number), weights(tmp_path / "b", number))
        mine, theirs = sink.results[number].curve, unbroken.results[number].curve
        assert [r.loss for r in mine.evaluations] == [r.loss for r in theirs.evaluations]


def test_the_saved_adapter_gives_the_same_likelihoods_in_plain_peft(engine, tmp_path):
    for number, targets in enumerate(["all-linear", None, ("q_proj", "model.layers.1.mlp.down_proj")]):
        sink = run(engine, [job(number, tmp_path, BASE.with_values(target_modules=targets, lora_dropout=0.0))])
        model = PeftModel.from_pretrained(tiny_model(), tmp_path / str(number))
        adapted = {n for n, m in model.get_base_model().named_modules() if hasattr(m, "lora_A")}
        assert len(adapted) == len(weights(tmp_path, number)) // 2
        scores = sink.results[number].scores["validation"]
        for example, nll in zip(WORKLOAD.splits["validation"], scores.nll, strict=True):
            ids = torch.tensor([example.prompt_ids + example.completion_ids])
            first = len(example.prompt_ids)
            logits = model(input_ids=ids).logits[0, first - 1 : -1]
            plain = torch.nn.functional.cross_entropy(logits, ids[0, first:], reduction="sum")
            assert nll == pytest.approx(float(plain.detach()), rel=1e-5)


def test_running_out_of_memory_splits_the_cohort_and_loses_no_trial(engine, tmp_path, monkeypatch):
    whole = run(engine, [job(i, tmp_path / "a") for i in range(3)])
    real = loop_module.Training.step

    def small_machine(self, trainees):
        steps = [[micro.tree.n_tokens for micro in one.micro_batches()] for one in trainees]
        if (max(steps[0]) if len(steps[0]) > 1 else sum(size for (size,) in steps)) > 45:
            raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")
        return real(self, trainees)

    monkeypatch.setattr(loop_module.Training, "step", small_machine)
    split = run(engine, [job(i, tmp_path / "b") for i in range(3)])
    assert split.results.keys() == whole.results.keys()
    assert any(note.code == "cohort_split" for note in split.of(Noted))
    for number, result in split.results.items():
        losses = [s.loss for s in whole.results[number].curve.steps]
        assert [s.loss for s in result.curve.steps] == pytest.approx(losses, rel=1e-4)


def test_scoring_that_runs_out_of_memory_is_repeated_with_less(engine, tmp_path, monkeypatch):
    whole = run(engine, [job(i, tmp_path / "a") for i in range(2)])
    real, tried = turns_module.score, []

    def small_machine(packed, adapters, examples, scoring, on_batch, spread, limits):
        tried.append(limits.rows)
        if limits.rows > 100:
            raise RuntimeError("CUDA error: out of memory")
        return real(packed, adapters, examples, scoring, on_batch, spread, limits)

    monkeypatch.setattr(turns_module, "score", small_machine)
    split = run(engine, [job(i, tmp_path / "b") for i in range(2)])
    assert not split.failures
    assert any(note.code == "scoring_split" for note in split.of(Noted))
    assert min(tried) <= 100
    for number, result in split.results.items():
        nll = whole.results[number].scores["validation"].nll
        assert result.scores["validation"].nll == pytest.approx(nll, rel=1e-4)


def test_trials_train_together_only_as_far_as_their_own_adapters_fit(model_folder, tmp_path, monkeypatch):
    together = []
    real = cohort_module.Cohort._turn

    def watch(self, source):
        together.append(len(self._slots))
        return real(self, source)

    def room_for_two(*args, **values):
        return replace(engine_module_plan(*args, **values), trials_bytes=2 * args[1].trials[0], slots=8)

    engine_module_plan = engine_module.plan_memory
    monkeypatch.setattr(engine_module, "plan_memory", room_for_two)
    monkeypatch.setattr(cohort_module.Cohort, "_turn", watch)
    sink = run(PackedEngine(EngineOptions(model=str(model_folder))), [job(i, tmp_path) for i in range(5)])
    assert sink.results.keys() == set(range(5))
    assert max(together) == 2


def test_a_cancelled_trial_ends_after_its_step_and_its_slot_is_taken_by_the_next(engine, tmp_path):
    recorder = EventRecorder([job(i, tmp_path) for i in range(3)], cancelled=[1])
    engine.run(recorder, WORKLOAD, recorder)
    assert [event.trial for event in recorder.of(Cancelled)] == [1]
    assert len(recorder.losses[1]) == 1
    assert recorder.results.keys() == {0, 2}
    alone = run(engine, [job(0, tmp_path / "alone")])
    assert recorder.losses[0] == alone.losses[0]


def test_a_trial_that_cannot_fit_fails_alone_and_says_how_to_mend_it(engine, tmp_path, monkeypatch):
    real = loop_module.Training.step

    def tiny_machine(self, trainees):
        if any(one.job.id == 1 for one in trainees):
            raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")
        return real(self, trainees)

    monkeypatch.setattr(loop_module.Training, "step", tiny_machine)
    sink = run(engine, [job(i, tmp_path) for i in range(3)])
    assert sink.results.keys() == {0, 2}
    assert sink.failures[1].out_of_memory
    assert "Lower max_length" in sink.failures[1].message


def test_a_step_that_fits_only_without_another_beside_it_is_computed_alone(model_folder, tmp_path, monkeypatch):
    at_once, real = [], loop_module.gradients

    def one_at_a_time(packed, pieces):
        at_once.append(1)
        try:
            time.sleep(0.02)  # so that the other stream begins meanwhile
            if len(at_once) > 1:
                raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")
            return real(packed, pieces)
        finally:
            at_once.pop()

    one, two = (
        PackedEngine(EngineOptions(model=str(model_folder), threads=2, extra={"slots": 1, "lanes": n, "rows": 1}))
        for n in (1, 2)
    )
    run(one, [job(0, tmp_path / "a")])
    monkeypatch.setattr(loop_module, "gradients", one_at_a_time)
    sink = run(two, [job(0, tmp_path / "b")])
    assert not sink.failures
    assert any(note.code == "cohort_split" for note in sink.of(Noted))
    assert_same_weights(weights(tmp_path / "a", 0), weights(tmp_path / "b", 0))


def test_calibration_gives_positive_rates_and_changes_nothing(engine, tmp_path, monkeypatch):
    monkeypatch.setattr(calibration_module, "TRAIN_SECONDS", 0.1)
    monkeypatch.setattr(calibration_module, "HIGH_RANK_SECONDS", 0.1)
    run(engine, [job(0, tmp_path / "a")])
    calibration = engine.calibrate(WORKLOAD)
    run(engine, [job(0, tmp_path / "b")])
    assert min(calibration.train_tokens_per_second, calibration.one_by_one_tokens_per_second) > 0
    assert calibration.score_examples_per_second > 0
    assert min(calibration.base_bytes, calibration.trial_bytes) > 0
    assert_same_weights(weights(tmp_path / "a", 0), weights(tmp_path / "b", 0))


def test_a_full_disk_stops_the_run_and_leaves_no_torn_adapter(engine, tmp_path, monkeypatch):
    def full_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(DiskFull, match="Free some space"):
        run(engine, [job(0, tmp_path)])
    assert not (tmp_path / "0" / WEIGHTS).exists()


def test_both_engines_agree_over_twenty_steps_of_the_real_trainer(model_folder, tmp_path):
    """Unequal ranks, batch sizes, schedules and modules; PEFT and the Trainer are the reference."""
    plain = BASE.with_values(lora_dropout=0.0, lr_scheduler_type="linear", num_train_epochs=7)
    chosen = [
        plain.with_values(lora_r=2, per_device_train_batch_size=3, num_train_epochs=5),
        plain.with_values(lora_r=16, lora_alpha=4, use_rslora=True, gradient_accumulation_steps=2, warmup_steps=0.2,
                          per_device_train_batch_size=2),
        plain.with_values(lr_scheduler_type="cosine", weight_decay=0.1, target_modules=None, learning_rate=5e-3),
        plain.with_values(lora_plus_lr_ratio=4, max_grad_norm=0.5, adam_beta2=0.95, init_lora_weights="orthogonal",
                          lr_scheduler_type="warmup_stable_decay", warmup_steps=3, learning_rate=1e-3),
    ]  # fmt: skip
    options = EngineOptions(model=str(model_folder), threads=1)
    packed = run(PackedEngine(options), [job(i, tmp_path / "packed", c) for i, c in enumerate(chosen)])
    plain_run = run(PeftEngine(options), [job(i, tmp_path / "peft", c) for i, c in enumerate(chosen)])
    for number in range(len(chosen)):
        a, b = packed.results[number], plain_run.results[number]
        assert len(a.curve.steps) == len(b.curve.steps) >= 20
        for mine, theirs in zip(a.curve.steps, b.curve.steps, strict=True):
            assert mine.loss == pytest.approx(theirs.loss, rel=1e-4)
            assert mine.gradient_norm == pytest.approx(theirs.gradient_norm, rel=1e-3)
            assert mine.learning_rate == pytest.approx(theirs.learning_rate, rel=1e-6)
            assert mine.epoch == pytest.approx(theirs.epoch, abs=0.2)
        assert a.scores["validation"].answers == b.scores["validation"].answers
        assert a.scores["validation"].nll == pytest.approx(b.scores["validation"].nll, rel=1e-4)
        for name, value in weights(tmp_path / "packed", number).items():
            theirs = weights(tmp_path / "peft", number)[name]
            # AdamW's first steps are nearly signs: an entry whose gradient is rounding may differ by part of a step
            # (0.00104 was seen in float32; the float64 tests are tight)
            assert float((value - theirs).norm()) <= 2e-3 * float(theirs.norm())
        assert a.cost.raw_tokens == b.cost.raw_tokens


def test_class_weights_are_those_of_the_real_trainer_with_a_weighted_loss(model_folder, tmp_path):
    train = tuple(
        TokenizedExample(e.prompt_ids, (8, 9, END) if i % 4 == 0 else (7, END)) for i, e in enumerate(examples(12))
    )
    workload, options = replace(WORKLOAD, train=train), EngineOptions(model=str(model_folder), threads=1)
    plain = BASE.with_values(lora_dropout=0.0, lr_scheduler_type="linear", gradient_accumulation_steps=2)
    chosen = [plain.with_values(class_weights=level) for level in ("balanced", "none")]
    losses = []
    for engine in (PackedEngine(options), PeftEngine(options)):
        jobs = [job(i, tmp_path / engine.name, c) for i, c in enumerate(chosen)]
        found = run(engine, jobs, workload=workload).results
        losses.append([[record.loss for record in found[i].curve.steps] for i in range(2)])
    for packed, peft in zip(*losses, strict=True):
        assert packed == pytest.approx(peft, rel=1e-5)
    assert abs(losses[0][0][0] - losses[0][1][0]) > 1e-3
