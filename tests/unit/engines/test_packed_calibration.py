"""The calibration measures what it says, and predictions from it are of the right size."""

from __future__ import annotations

import copy
import math

import pytest
import torch

from tunebook.core.configuration import Configuration
from tunebook.core.cost import ONE_BY_ONE_SCORING, predict_trial
from tunebook.core.facts import DataFacts
from tunebook.core.ports import Calibration, EngineOptions, Scoring, TokenizedExample, Workload
from tunebook.engines import calibration
from tunebook.engines.packed.model.packed_model import PackedModel
from tunebook.engines.packed.scheduling.lanes import Lanes
from tunebook.engines.packed.scheduling.memory import MemoryPlan

PLAN = MemoryPlan(rows=128, slots=4)


@pytest.fixture(scope="module")
def model():
    from transformers import AutoModelForCausalLM, LlamaConfig

    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(LlamaConfig(
        vocab_size=97, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, pad_token_id=0, bos_token_id=1, eos_token_id=2)).eval()  # fmt: skip


@pytest.fixture
def workload():
    examples = tuple(TokenizedExample((*range(3, 15), 20 + i % 40, 30), (40 + i % 20, 2)) for i in range(40))
    return Workload(examples, {"validation": examples[:10]}, Scoring("generate", 8, (2,)))


@pytest.fixture
def quick(monkeypatch, model, tmp_path):
    monkeypatch.setattr(calibration, "TRAIN_SECONDS", 0.2)
    monkeypatch.setattr(calibration, "HIGH_RANK_SECONDS", 0.1)
    monkeypatch.setattr(calibration.OtherPrograms, "share", lambda self: 0.0)  # the tests may share the machine
    monkeypatch.setattr(calibration, "load_model", lambda *args: copy.deepcopy(model))
    return EngineOptions(model=str(tmp_path), threads=1)


def test_every_figure_is_measured_and_finite(quick, model, workload):
    measured = calibration.measure(PackedModel(copy.deepcopy(model)), PLAN, quick, workload, Lanes(1, 1, False))
    rates = (measured.train_tokens_per_second, measured.score_examples_per_second,
             measured.one_by_one_tokens_per_second)  # fmt: skip
    assert all(math.isfinite(rate) and rate > 0 for rate in rates)
    assert measured.values["one_by_one_measured"] is True
    assert measured.values["rank_cost"] >= 0
    assert math.isfinite(measured.values[ONE_BY_ONE_SCORING])
    assert measured.values[ONE_BY_ONE_SCORING] > 0
    assert measured.base_bytes >= measured.values["weights_bytes"] == sum(p.numel() * 4 for p in model.parameters())
    assert measured.train_tokens_per_second > measured.values["computed_tokens_per_second"]["8"]  # prompts are shared


def test_plain_peft_is_estimated_where_a_second_model_does_not_fit(quick, model, workload, monkeypatch):
    monkeypatch.setattr(calibration, "free_bytes", lambda device: 0)
    measured = calibration.measure(PackedModel(copy.deepcopy(model)), PLAN, quick, workload, Lanes(1, 1, False))
    assert measured.values["one_by_one_measured"] is False
    assert measured.one_by_one_tokens_per_second == calibration.PLAIN_SHARE * measured.train_tokens_per_second


def test_plain_peft_is_estimated_on_a_busy_machine(quick, model, workload, monkeypatch):
    monkeypatch.setattr(calibration.OtherPrograms, "share", lambda self: 0.5)
    monkeypatch.setattr(calibration, "load_model", lambda *args: pytest.fail("others need the machine"))
    measured = calibration.measure(PackedModel(copy.deepcopy(model)), PLAN, quick, workload, Lanes(1, 1, False))
    assert measured.values["one_by_one_measured"] is False
    assert measured.values["others_busy"] == 0.5


def test_without_time_a_step_and_a_few_scored_examples_are_measured(quick, model, workload, monkeypatch):
    monkeypatch.setattr(calibration, "LIMIT_SECONDS", 0.0)
    monkeypatch.setattr(calibration, "_plain_rates_if_they_fit", lambda *args: pytest.fail("there is no time"))
    monkeypatch.setattr(calibration, "_highest_that_fits", lambda *args: pytest.fail("there is no time"))
    measured = calibration.measure(PackedModel(copy.deepcopy(model)), PLAN, quick, workload, Lanes(1, 1, False))
    assert measured.train_tokens_per_second > 0
    assert measured.score_examples_per_second > 0
    assert measured.values["rank_cost"] == 0
    assert 0 <= measured.values["others_busy"] <= 1


def test_one_after_another_is_predicted_with_its_own_scoring():
    measured = Calibration(
        train_tokens_per_second=100.0,
        score_examples_per_second=10.0,
        one_by_one_tokens_per_second=20.0,
        base_bytes=10**9,
        trial_bytes=10**6,
        device="cpu",
        values={ONE_BY_ONE_SCORING: 2.0},
    )
    facts = DataFacts(n_train=100, n_validation=20, mean_tokens=10.0)
    predicted = predict_trial(Configuration(num_train_epochs=1), ("validation",), facts, measured)
    assert predicted.seconds == pytest.approx(1000 / 100 + 20 / 10)
    assert predicted.one_by_one_seconds == pytest.approx(1000 / 20 + 20 / 2)


def test_measuring_leaves_the_base_model_as_it_was(quick, model, workload):
    packed = PackedModel(copy.deepcopy(model))
    before = {name: value.clone() for name, value in packed.model.state_dict().items()}
    calibration.measure(packed, PLAN, quick, workload, Lanes(1, 1, False))
    assert all(torch.equal(value, before[name]) for name, value in packed.model.state_dict().items())


def test_high_ranks_are_predicted_to_cost_what_was_measured():
    measured = Calibration(
        train_tokens_per_second=100.0,
        score_examples_per_second=10.0,
        one_by_one_tokens_per_second=20.0,
        base_bytes=10**9,
        trial_bytes=10**6,
        device="cpu",
        values={"rank_cost": 0.01},
    )
    facts = DataFacts(n_train=100, n_validation=20, mean_tokens=10.0)
    low, high = (predict_trial(Configuration(lora_r=r), (), facts, measured).seconds for r in (8, 64))
    assert low == pytest.approx(3 * 100 * 10 / 100.0)
    assert high == pytest.approx(low * (1 + 0.01 * 56))
