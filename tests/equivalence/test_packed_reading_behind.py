"""Reading a step's losses while the next one is computed changes no number and no verdict.

What a GPU does in one update for all trials is done here by torch, so that the order of things is that of a GPU.
"""

from __future__ import annotations

import math

import torch
from packed_runs import packed_model, trainee
from safetensors.torch import load_file
from tiny_models import END, examples, tiny_model

from tunebook.core.configuration import Configuration
from tunebook.core.events import Finished, Step
from tunebook.core.ports import EngineOptions, Scoring, TrialJob, Workload
from tunebook.engines.packed.engine import PackedEngine
from tunebook.engines.packed.model import packed_model as packed_model_module
from tunebook.engines.packed.model.ops import TorchOps
from tunebook.engines.packed.training.loop import Training, choose
from tunebook.testing.event_recorder import EventRecorder

BASE = Configuration(
    learning_rate=5e-3, per_device_train_batch_size=2, num_train_epochs=2, lora_r=3, lora_alpha=8, lora_dropout=0.1,
    target_modules="all-linear", lr_scheduler_type="constant",
)  # fmt: skip
DATA = examples(12)
WORKLOAD = Workload(DATA, {"validation": examples(4, seed=5)}, Scoring(max_new_tokens=3, stop_ids=(END,)))


class JointOps(TorchOps):
    """One update for all trials, as on a GPU. A trial with weight decay goes up instead of down, so its loss rises; one
    of `poisoned` values has a gradient that is not finite after `left` steps."""

    joint_updates = True

    def norms(self, trials):
        norms = torch.stack([torch.linalg.vector_norm(trial.grads).double() for trial in trials])
        for index, trial in enumerate(trials):
            if trial.values.numel() == self.poisoned:
                norms[index] = math.nan if self.left == 0 else norms[index]
                self.left -= 1
        return norms

    def adamw(self, trials, facts, norms):
        for trial, own, norm in zip(trials, facts, norms.tolist(), strict=True):
            if math.isfinite(norm):
                grad = trial.grads * min(1.0, own.most / (norm + 1e-6))
                trial.first.lerp_(grad, 0.1)
                trial.second.mul_(own.beta2).addcmul_(grad, grad, value=1 - own.beta2)
                step = trial.first / own.bias1 / (trial.second.sqrt() / own.bias2 + 1e-8)
                trial.values.sub_(step, alpha=-own.rate if own.decay else own.rate)
            trial.grads.zero_()

    poisoned = left = -1


def trained(behind: bool):
    """Trials trained to their end: two sound ones, one whose loss rises, one whose gradient is not finite."""
    packed = packed_model(tiny_model())
    packed.ops = JointOps(packed.device)
    configurations = [
        BASE, BASE.with_values(lora_r=4), BASE.with_values(learning_rate=0.05, weight_decay=0.1, num_train_epochs=3),
        BASE.with_values(lora_r=5),
    ]  # fmt: skip
    trials = [trainee(packed, c, DATA, seed) for seed, c in enumerate(configurations)]
    packed.ops.poisoned, packed.ops.left = trials[3].adapter.values.numel(), 3
    training, unread, records = Training(packed), [], []
    while waiting := [one for one in trials if not one.is_trained]:
        records += training.step(choose(waiting, 10**6))
        unread.append(any(not one.is_known for one in trials))
        if not behind:
            records += training.settle()
    return trials, unread, records


def test_losses_that_are_read_behind_change_no_number_and_no_verdict():
    behind, unread, records = trained(True)
    at_once, *_ = trained(False)
    assert unread.count(True) > unread.count(False) > 0, "most steps are read with the next"
    for mine, theirs in zip(behind, at_once, strict=True):
        assert [repr(step) for step in mine.steps] == [repr(step) for step in theirs.steps]
        assert mine.broke == theirs.broke
        assert mine.raw_tokens == theirs.raw_tokens
        assert torch.equal(mine.adapter.values, theirs.adapter.values)
        assert mine.steps == [record for one, record in records if one is mine]
    assert [one.broke is None for one in behind] == [True, True, False, False]
    assert behind[2].broke[1] == "loss_rose"
    assert behind[3].broke == (4, "non_finite_gradient")
    assert 4 < behind[2].broke[0] < behind[2].total_steps
    assert all(one.train_seconds > 0 for one in behind)


def run(folder, jobs, stop_after=math.inf):
    recorder = EventRecorder(jobs, lambda told: len(told.of(Step)) >= stop_after)
    model = folder.parent / "model"
    if not model.exists():
        tiny_model().save_pretrained(model)
    PackedEngine(EngineOptions(model=str(model), threads=1, extra={"slots": 3})).run(recorder, WORKLOAD, recorder)
    return recorder


def job(number, folder):
    rises = {"learning_rate": 0.05, "weight_decay": 0.1, "num_train_epochs": 3} if number == 2 else {}
    c = BASE.with_values(lora_r=2 + number, **rises)
    return TrialJob(id=number, configuration=c, seed=number, splits=("validation",), folder=str(folder / str(number)))


def test_a_run_that_is_stopped_with_a_step_unread_goes_on_to_the_same_bits(tmp_path, monkeypatch):
    monkeypatch.setattr(packed_model_module, "ops_for", JointOps)
    whole = run(tmp_path / "a", [job(n, tmp_path / "a") for n in range(4)])
    assert whole.results[2].reason == "loss_rose"
    done = {}
    for stop_after in (1, 4, 7, math.inf):
        rest = [job(n, tmp_path / "b") for n in range(4) if n not in done]
        found = run(tmp_path / "b", rest, stop_after)
        done.update(found.results)
    assert done.keys() == whole.results.keys()
    for number, result in whole.results.items():
        assert [repr(s) for s in result.curve.steps] == [repr(s) for s in done[number].curve.steps]
        assert result.broke_at_step == done[number].broke_at_step
        mine, theirs = (load_file(tmp_path / at / str(number) / "adapter_model.safetensors") for at in "ab")
        assert all(torch.equal(mine[name], theirs[name]) for name in mine)


def test_every_step_is_told_once_and_in_order(tmp_path, monkeypatch):
    monkeypatch.setattr(packed_model_module, "ops_for", JointOps)
    told = run(tmp_path / "a", [job(n, tmp_path / "a") for n in range(3)])
    for number, result in told.results.items():
        assert [e.record for e in told.of(Step) if e.trial == number] == list(result.curve.steps)
    assert len(told.of(Finished)) == 3
