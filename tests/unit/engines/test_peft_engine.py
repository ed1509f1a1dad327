"""Engine peft on a tiny random model: what it reports, what it saves, how it breaks."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from peft import PeftModel
from transformers import LlamaConfig, LlamaForCausalLM

from tunebook.core.configuration import Configuration
from tunebook.core.events import Cancelled, Step
from tunebook.core.ports import EngineOptions, Scoring, TokenizedExample, TrialJob, Workload
from tunebook.engines.base_model import load_model
from tunebook.engines.batched_scoring import summed_nll
from tunebook.engines.peft import PeftEngine
from tunebook.testing.event_recorder import EventRecorder

STOP = 2
BASE = Configuration(learning_rate=5e-3, per_device_train_batch_size=4, num_train_epochs=2, target_modules="all-linear")


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=97, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, pad_token_id=0, bos_token_id=1, eos_token_id=STOP,
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("model")
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def workload() -> Workload:
    random = np.random.default_rng(0)
    examples = tuple(
        TokenizedExample(tuple(map(int, random.integers(3, 97, 6))), (int(random.integers(3, 6)), STOP))
        for _ in range(18)
    )
    return Workload(examples, {"validation": examples[:7]}, Scoring(max_new_tokens=4, stop_ids=(STOP,)), 4)


def run(model_folder: Path, workload: Workload, *jobs: TrialJob, stop_after: int | None = None) -> EventRecorder:
    enough = math.inf if stop_after is None else stop_after
    recorder = EventRecorder(jobs, lambda told: len(told.of(Step)) >= enough)
    PeftEngine(EngineOptions(model=str(model_folder), threads=1)).run(recorder, workload, recorder)
    return recorder


def job(folder: Path, number: int = 1, configuration: Configuration = BASE, seed: int = 0, **more: Any) -> TrialJob:
    return TrialJob(
        id=number,
        configuration=configuration,
        seed=seed,
        splits=("validation",),
        folder=str(folder / str(number)),
        **more,
    )


def test_no_epochs_give_the_base_model(model_folder: Path, workload: Workload, tmp_path: Path) -> None:
    found = run(model_folder, workload, job(tmp_path, 0, BASE.with_values(num_train_epochs=0)))
    base = summed_nll(load_model(model_folder), workload.splits["validation"], 0)
    np.testing.assert_allclose(found.results[0].scores["validation"].nll, base, rtol=1e-6)


VARIANTS = {
    "plain": {},
    "orthogonal": {"init_lora_weights": "orthogonal"},
    "pissa": {"init_lora_weights": "pissa"},
    "pissa, rsLoRA": {"init_lora_weights": "pissa", "use_rslora": True},
    "pissa in 4 steps": {"init_lora_weights": "pissa_niter_4"},
    "olora": {"init_lora_weights": "olora"},
    "mica": {"init_lora_weights": "mica"},
    "DoRA": {"use_dora": True},
    "DoRA, rsLoRA, gaussian": {"use_dora": True, "use_rslora": True, "init_lora_weights": "gaussian"},
    "LoRA+": {"lora_plus_lr_ratio": 4.0},
}


@pytest.mark.parametrize("name", VARIANTS)
def test_the_saved_adapter_gives_the_recorded_likelihoods(
    name: str, model_folder: Path, workload: Workload, tmp_path: Path
) -> None:
    found = run(model_folder, workload, job(tmp_path, configuration=BASE.with_values(**VARIANTS[name])))
    assert found.failures == {}
    adapted = PeftModel.from_pretrained(load_model(model_folder), tmp_path / "1").eval()
    again = summed_nll(adapted, workload.splits["validation"], 0)
    np.testing.assert_allclose(found.results[1].scores["validation"].nll, again, rtol=1e-5)
    merged = summed_nll(adapted.merge_and_unload(), workload.splits["validation"], 0)
    np.testing.assert_allclose(merged, again, rtol=1e-5)
    assert len(found.losses[1]) == 2 * math.ceil(18 / 4)
    assert found.losses[1][-1] < found.losses[1][0]


def test_the_same_seed_gives_the_same_trial_and_another_seed_another(
    model_folder: Path, workload: Workload, tmp_path: Path
) -> None:
    dropped = BASE.with_values(lora_dropout=0.2)
    found = run(
        model_folder, workload, job(tmp_path, 1, dropped), job(tmp_path, 2, dropped), job(tmp_path, 3, dropped, 1)
    )
    assert found.losses[1] == found.losses[2]
    assert found.losses[1] != found.losses[3]


def test_the_split_of_the_batch_changes_nothing(model_folder: Path, workload: Workload, tmp_path: Path) -> None:
    split = BASE.with_values(per_device_train_batch_size=2, gradient_accumulation_steps=2)
    found = run(model_folder, workload, job(tmp_path, 1), job(tmp_path, 2, split))
    np.testing.assert_allclose(found.losses[1], found.losses[2], rtol=1e-5)


def test_a_broken_training_is_an_answer_with_its_step(model_folder: Path, workload: Workload, tmp_path: Path) -> None:
    found = run(model_folder, workload, job(tmp_path, 1, BASE.with_values(learning_rate=1e30)), job(tmp_path, 2))
    assert found.results[1].broke_at_step is not None
    assert found.results[1].reason in ("non_finite_loss", "non_finite_gradient", "loss_rose")
    assert found.results[1].scores == {}
    assert found.results[2].broke_at_step is None


def test_a_checkpoint_of_a_longer_trial_is_the_shorter_trial(
    model_folder: Path, workload: Workload, tmp_path: Path
) -> None:
    constant = BASE.with_values(lr_scheduler_type="constant")
    longer = job(tmp_path / "a", 1, constant, checkpoints=((1, 5),))
    shorter = job(tmp_path / "b", 2, constant.with_values(num_train_epochs=1))
    found = run(model_folder, workload, longer, shorter)
    np.testing.assert_allclose(
        found.results[5].scores["validation"].nll, found.results[2].scores["validation"].nll, rtol=1e-6
    )
    assert (tmp_path / "a" / "5" / "adapter_model.safetensors").is_file()


def test_a_length_that_leaves_no_completion_fails_with_the_setting(
    model_folder: Path, workload: Workload, tmp_path: Path
) -> None:
    found = run(model_folder, workload, job(tmp_path, 1, BASE.with_values(max_length=3)))
    assert "max_length 3" in found.failures[1].message


def test_a_stop_ends_after_the_step_and_leaves_no_result(
    model_folder: Path, workload: Workload, tmp_path: Path
) -> None:
    found = run(model_folder, workload, job(tmp_path), stop_after=2)
    assert len(found.losses[1]) == 2
    assert found.results == {}


def test_a_cancelled_trial_ends_after_the_step_and_the_next_one_is_trained(
    model_folder: Path, workload: Workload, tmp_path: Path
) -> None:
    recorder = EventRecorder([job(tmp_path, 1), job(tmp_path, 2)], cancelled=[1])
    PeftEngine(EngineOptions(model=str(model_folder), threads=1)).run(recorder, workload, recorder)
    assert len(recorder.losses[1]) == 1
    assert [event.trial for event in recorder.of(Cancelled)] == [1]
    assert list(recorder.results) == [2]


def test_choices_are_judged_by_likelihood(model_folder: Path, workload: Workload, tmp_path: Path) -> None:
    scoring = Scoring("choice", stop_ids=(STOP,), choices=((3, STOP), (4, STOP), (5, STOP)))
    found = run(model_folder, Workload(workload.train, workload.splits, scoring), job(tmp_path))
    answers = found.results[1].scores["validation"].answers
    adapted = PeftModel.from_pretrained(load_model(model_folder), tmp_path / "1").eval()
    for example, answer in zip(workload.splits["validation"], answers, strict=True):
        nll = summed_nll(adapted, [TokenizedExample(example.prompt_ids, c) for c in scoring.choices], 0)
        assert answer == int(np.argmin(nll))


def test_calibration_measures_positive_rates(model_folder: Path, workload: Workload) -> None:
    found = PeftEngine(EngineOptions(model=str(model_folder), threads=1)).calibrate(workload)
    assert found.train_tokens_per_second > 0
    assert found.score_examples_per_second > 0
    assert found.base_bytes > 0
