"""On a base in 4 or 8 bits both engines train as PEFT does on the same base, and keep no dequantised weight."""

from __future__ import annotations

import weakref

import pytest
import torch
from packed_runs import losses, train_cohort, trainee
from peft import PeftModel
from plain_peft import train_plain
from tiny_models import END, examples, tiny_model
from transformers import AutoModelForCausalLM, BitsAndBytesConfig

from tunebook.core.configuration import Configuration
from tunebook.core.events import Step
from tunebook.core.ports import EngineOptions, Scoring, TrialJob, Workload
from tunebook.core.quantisation import bitsandbytes_keywords
from tunebook.engines.base_model import load_model
from tunebook.engines.batched_scoring import summed_nll
from tunebook.engines.packed.engine import PackedEngine
from tunebook.engines.packed.model import multiplies
from tunebook.engines.packed.model.packed_model import PackedModel
from tunebook.engines.peft import PeftEngine
from tunebook.engines.quantised_modules import base_weight, is_held
from tunebook.testing.event_recorder import EventRecorder

BASE = Configuration(
    learning_rate=5e-3, per_device_train_batch_size=4, num_train_epochs=5, lora_r=4, lora_alpha=8,
    target_modules="all-linear", lr_scheduler_type="constant",
)  # fmt: skip
KINDS = ("nf4", "int8")
WORKLOAD = Workload(
    examples(8), {"validation": examples(6, seed=5)}, Scoring(max_new_tokens=4, stop_ids=(END,)), curve_examples=3
)


@pytest.fixture(scope="module", params=["llama", "qwen2", "phi3"])
def folder(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    tiny_model(request.param).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    folder = tmp_path_factory.mktemp("llama")
    tiny_model("llama").save_pretrained(folder)
    return folder


def quantised_by_transformers(folder, kind):
    """The model as anybody loads it for PEFT."""
    config = BitsAndBytesConfig(**bitsandbytes_keywords(kind))
    model = AutoModelForCausalLM.from_pretrained(
        folder, quantization_config=config, dtype=torch.float32, device_map={"": "cpu"}
    )
    return model.requires_grad_(False).eval()


@pytest.mark.parametrize("kind", KINDS)
def test_ten_steps_equal_pefts_on_the_same_quantised_base(folder, kind):
    packed = PackedModel(load_model(folder, quantization=kind))
    one = trainee(packed, BASE, WORKLOAD.train, seed=3)
    train_cohort(packed, [one])
    plain, _ = train_plain(quantised_by_transformers(folder, kind), BASE, WORKLOAD.train, seed=3)
    assert len(plain) == 10
    assert losses(one) == pytest.approx(plain, rel=1e-5)
    assert plain[-1] < 0.95 * plain[0]


@pytest.mark.parametrize("kind", KINDS)
def test_a_quantised_base_in_bfloat16(llama, kind):
    configuration = BASE.with_values(num_train_epochs=1)
    found = []
    for dtype in ("float32", "bfloat16"):
        packed = PackedModel(load_model(llama, dtype, quantization=kind))
        found.append(trainee(packed, configuration, WORKLOAD.train, seed=3))
        train_cohort(packed, [found[-1]])
    assert losses(found[1]) == pytest.approx(losses(found[0]), rel=2e-2)


@pytest.mark.parametrize("kind", KINDS)
def test_quantised_losses_are_not_those_of_the_model_in_full_precision(llama, kind):
    packed, full = PackedModel(load_model(llama, quantization=kind)), PackedModel(load_model(llama))
    ones = [trainee(model, BASE.with_values(num_train_epochs=1), WORKLOAD.train, seed=3) for model in (packed, full)]
    for model, one in zip((packed, full), ones, strict=True):
        train_cohort(model, [one])
    assert abs(losses(ones[0])[0] / losses(ones[1])[0] - 1) > 1e-3


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_that_bitsandbytes_quantised_loads_as_it_is(llama, tmp_path, kind):
    """Also one that names another type of computation: the study's own counts."""
    config = BitsAndBytesConfig(**bitsandbytes_keywords(kind, "bfloat16"))
    model = AutoModelForCausalLM.from_pretrained(
        llama, quantization_config=config, dtype=torch.float32, device_map={"": "cpu"}
    )
    model.save_pretrained(tmp_path / "stored")
    stored, fresh = load_model(tmp_path / "stored", quantization=kind), load_model(llama, quantization=kind)
    names = [name for name, module in fresh.named_modules() if is_held(module)]
    assert len(names) == 14
    for name in names:
        given = [base_weight(model.get_submodule(name), torch.float32) for model in (stored, fresh)]
        torch.testing.assert_close(*given, rtol=0, atol=0)
    found = []
    for model in (stored, fresh):
        packed = PackedModel(model)
        found.append(trainee(packed, BASE, WORKLOAD.train, seed=3))
        train_cohort(packed, [found[-1]])
    assert losses(found[0]) == losses(found[1])


@pytest.mark.parametrize("kind", KINDS)
def test_no_weight_that_was_given_back_outlives_its_multiply(llama, kind, monkeypatch):
    given, most = [], []

    def watched(module, dtype):
        weight = base_weight(module, dtype)
        if is_held(module):
            given.append(weakref.ref(weight))
            most.append(sum(each() is not None for each in given))
        return weight

    monkeypatch.setattr(multiplies, "base_weight", watched)
    packed = PackedModel(load_model(llama, quantization=kind))
    train_cohort(packed, [trainee(packed, BASE.with_values(num_train_epochs=1), WORKLOAD.train, seed=3)])
    assert len(given) == 2 * (14 + 11)  # forward and backward of two steps; the first input needs no gradient
    assert max(most) <= 2


def run(engine, folder, number, **values):
    options = EngineOptions(model=str(folder["model"]), threads=1, quantization=folder["kind"], extra={"slots": 2})
    configuration = BASE.with_values(num_train_epochs=2, **values)
    jobs = [
        TrialJob(
            id=number,
            configuration=configuration,
            seed=number,
            splits=("validation",),
            folder=str(folder["to"] / engine.name / str(number)),
        )
    ]
    recorder = EventRecorder(jobs, lambda told: False)
    engine(options).run(recorder, WORKLOAD, recorder)
    assert not recorder.failures
    return recorder.results[number]


@pytest.mark.parametrize("kind", KINDS)
def test_both_engines_agree_and_plain_peft_gives_their_likelihoods(llama, tmp_path, kind):
    """Engine peft scores between epochs, after which bitsandbytes' own multiply fails on processors with bfloat16."""
    folder = {"model": llama, "kind": kind, "to": tmp_path}
    packed, plain = run(PackedEngine, folder, 3), run(PeftEngine, folder, 3)
    assert [s.loss for s in packed.curve.steps] == pytest.approx([s.loss for s in plain.curve.steps], rel=1e-4)
    assert len(plain.curve.steps) == 4
    ours, theirs = packed.scores["validation"], plain.scores["validation"]
    assert ours.answers == theirs.answers
    assert ours.nll == pytest.approx(theirs.nll, rel=1e-3)
    base = load_model(llama, quantization=kind)
    adapted = PeftModel.from_pretrained(base, tmp_path / "packed" / "3").eval()
    assert summed_nll(adapted, WORKLOAD.splits["validation"], 0) == pytest.approx(ours.nll, rel=1e-5)


def test_dora_trains_on_a_quantised_base(llama, tmp_path):
    result = run(PeftEngine, {"model": llama, "kind": "nf4", "to": tmp_path}, 3, use_dora=True)
    assert result.curve.steps[-1].loss < result.curve.steps[0].loss


@pytest.mark.parametrize("kind", KINDS)
def test_a_trial_on_a_quantised_base_is_resumed_and_does_not_depend_on_its_cohort(llama, tmp_path, kind):
    options = EngineOptions(model=str(llama), threads=1, quantization=kind, extra={"slots": 2}, checkpoint_seconds=0.0)
    found = []
    for name, numbers, stops in (("alone", [3], (None,)), ("two", [3, 4], (3, None))):
        for stop in stops:
            jobs = [
                TrialJob(id=n, configuration=BASE, seed=n, splits=("validation",), folder=str(tmp_path / name / str(n)))
                for n in numbers
            ]
            recorder = EventRecorder(jobs, lambda told, stop=stop: stop is not None and len(told.of(Step)) >= stop)
            PackedEngine(options).run(recorder, WORKLOAD, recorder)
        found.append(recorder.results[3])
    assert [s.loss for s in found[0].curve.steps] == [s.loss for s in found[1].curve.steps]
    assert (found[0].scores["validation"].nll == found[1].scores["validation"].nll).all()
