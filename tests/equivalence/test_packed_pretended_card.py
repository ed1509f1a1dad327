"""A whole study of trials on a pretended GPU: nothing mixes with the host, and the numbers are the host's."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from test_packed_reading_behind import JointOps
from tiny_models import END, examples, tiny_model

from benchmarks.pretended_card import PretendedCard
from tunebook.core.configuration import Configuration
from tunebook.core.events import Noted, Step
from tunebook.core.ports import EngineOptions, Scoring, TrialJob, Workload
from tunebook.engines.base_model import load_model
from tunebook.engines.packed import engine as engine_module
from tunebook.engines.packed.engine import PackedEngine
from tunebook.engines.packed.model import packed_model as packed_model_module
from tunebook.engines.packed.model.ops import TorchOps
from tunebook.engines.packed.scheduling import lanes as lanes_module
from tunebook.testing.event_recorder import EventRecorder

BASE = Configuration(
    learning_rate=5e-3, per_device_train_batch_size=3, num_train_epochs=2, lora_r=4, lora_alpha=8, lora_dropout=0.1,
    target_modules="all-linear",
)  # fmt: skip
WORKLOAD = Workload(
    examples(8), {"validation": examples(5, seed=5)}, Scoring(max_new_tokens=12, stop_ids=(END,)), curve_examples=3
)


def at_once(lanes, work, tag):
    """`Lanes.start` without a thread of its own: modes of torch belong to one thread."""
    lanes._running += 1
    lanes._run(work, tag)


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    tiny_model().save_pretrained(folder)
    return folder


def run(model_folder, folder, device, stop_after=math.inf):
    jobs = [
        TrialJob(
            id=n,
            configuration=c,
            seed=n,
            splits=("validation",),
            folder=str(folder / str(n)),
            checkpoints=((1, 10 + n),) if n == 0 else (),
        )
        for n, c in enumerate([BASE, BASE.with_values(lora_r=2, lora_plus_lr_ratio=4.0), BASE.with_values(lora_r=8)])
        if not (folder / str(n) / "adapter_model.safetensors").exists()
    ]
    recorder = EventRecorder(jobs, lambda told: len(told.of(Step)) >= stop_after)
    options = EngineOptions(model=str(model_folder), device=device, threads=1, extra={"slots": 2, "rows": 60})
    PackedEngine(options).run(recorder, WORKLOAD, recorder)
    return recorder


@pytest.mark.parametrize("ops", [TorchOps, JointOps], ids=["one by one", "one update for all"])
def test_trials_train_score_stop_and_go_on_there_as_on_the_host(ops, model_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(packed_model_module, "ops_for", ops)
    monkeypatch.setattr(lanes_module.Lanes, "start", at_once)
    here = run(model_folder, tmp_path / "here", "cpu")
    results, loaded = {}, [load_model(model_folder) for _ in range(2)]
    with PretendedCard() as card:
        monkeypatch.setattr(engine_module, "load_model", lambda *_: card.put(loaded.pop()))
        for stop_after in (3, math.inf):
            there = run(model_folder, tmp_path / "there", "cuda:0", stop_after)
            results |= there.results
        assert card.kernels > 0
    assert any(note.code == "trial_resumed" for note in there.of(Noted))
    assert results.keys() == here.results.keys() == {0, 1, 2, 10}
    for number, mine in results.items():
        theirs = here.results[number]
        assert [s.loss for s in mine.curve.steps] == pytest.approx([s.loss for s in theirs.curve.steps], rel=1e-4)
        assert mine.scores["validation"].answers == theirs.scores["validation"].answers
        np.testing.assert_allclose(mine.scores["validation"].nll, theirs.scores["validation"].nll, rtol=1e-3)
        weights = [load_file(tmp_path / at / str(number) / "adapter_model.safetensors") for at in ("here", "there")]
        for name, value in weights[0].items():
            torch.testing.assert_close(weights[1][name], value, rtol=1e-2, atol=1e-3)
