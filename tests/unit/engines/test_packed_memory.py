"""The memory plan: slots before rows, for models and cards of true size; bytes a row as runs with fake tensors have."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from benchmarks.memory_plan import CARDS, CONTEXT_BYTES, _step_peak, measured_row_bytes, model_size, plans
from benchmarks.shapes import SHAPES, alpaca_like, model_of
from tunebook.core.configuration import Configuration
from tunebook.core.ports import TrialJob
from tunebook.engines.packed.model.packed_model import PackedModel
from tunebook.engines.packed.scheduling import memory
from tunebook.engines.packed.scheduling.memory import MemoryPlan, ModelSize, Needs, plan_memory, row_bytes
from tunebook.engines.packed.scoring.score import SMALLEST_ROWS, ScoringLimits
from tunebook.engines.packed.training.step import Piece, gradients
from tunebook.engines.packed.training.trainee import Trainee

SIZE = ModelSize(layers=4, hidden=64, intermediate=128, vocabulary=1000, heads=4, queries=64, keys=32, itemsize=4)
NEEDS = Needs(trials=(10**6,), step_rows=200, longest=100)


@pytest.mark.parametrize("recompute", [False, True], ids=["kept", "recomputed"])
@pytest.mark.parametrize(("name", "tokens"), [("135M", 206), ("8B", 1000)])
def test_bytes_a_row_are_within_a_tenth_of_a_run(name, tokens, recompute):
    size, _ = model_size(name)
    measured = measured_row_bytes(name, tokens, recompute)
    assert row_bytes(size, tokens, recompute) == pytest.approx(measured, rel=0.1)


def test_a_run_with_fake_tensors_leaves_none_behind():
    """In a process that measured bytes a row, a model of the same widths trains as in one that did not."""
    _step_peak("135M", 1, 64, 32, recompute=False)
    packed = PackedModel(model_of(SHAPES["135M"](num_hidden_layers=1, vocab_size=1024), torch.float32))
    configuration = Configuration(lora_dropout=0.1, target_modules="all-linear", max_length=10**6)
    trainee = Trainee(
        TrialJob(id=0, configuration=configuration, seed=0, splits=(), folder=""),
        alpaca_like(2, 1000, tokens=32),
        packed.all_shapes,
        10**9,
    )
    losses = gradients(packed, [Piece(trainee, micro, trainee.adapter) for micro in trainee.micro_batches()])
    assert type(losses) is torch.Tensor
    assert losses.isfinite().all()
    assert trainee.adapter.grads is not None
    assert trainee.adapter.grads.any()


@pytest.mark.parametrize(("name", "four_bits", "least"), [("1.5B", False, 8), ("8B", True, 4), ("8B", False, 3)])
def test_a_card_of_24_gigabytes_holds_several_trials(name, four_bits, least):
    for plan in plans(name, four_bits):
        if plan["card"] == "24 GB":
            assert plan["slots"] >= least
            assert plan["rows"] >= 1024
            step = plan["rows"] * plan["row_bytes"] + plan["slots"] * plan["trial_bytes"]
            assert step + plan["weight_bytes"] + CONTEXT_BYTES < CARDS["24 GB"]


def test_the_plan_follows_the_waves_own_ranks():
    size, weights = model_size("8B", four_bits=True)
    free = CARDS["24 GB"] - weights - CONTEXT_BYTES
    needs = [replace(NEEDS, trials=(trial,)) for trial in (10**8, 10**9, 10**10)]
    slots = [plan_memory(size, one, "cuda:0", free).slots for one in needs]
    assert slots[0] > slots[1] > slots[2] == 1


def test_a_second_wave_gets_what_the_first_got(monkeypatch):
    """torch keeps what the first wave gave back; the driver calls it used."""
    total, weights = 24 * 2**30, 6 * 10**9

    def plan(reserved):
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (total - reserved, total))
        monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: reserved)
        monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: weights)
        size, _ = model_size("8B", four_bits=True)
        return plan_memory(size, NEEDS, "cuda:0", memory.free_bytes("cuda:0"))

    assert plan(reserved=weights) == plan(reserved=total - 10**9)


def test_a_tight_plan_has_fewer_slots_then_fewer_rows_and_at_the_end_one_and_sixteen():
    def plan(free):
        return plan_memory(SIZE, NEEDS, "cpu", free, slots=8)

    assert plan(10**10) == MemoryPlan(memory.CPU_ROWS, 8, 8 * 10**6)
    plans = [plan(free) for free in range(0, 4 * 10**8, 10**7)]
    assert all(a.slots <= b.slots for a, b in pairwise(plans))
    assert (plans[0].rows, plans[0].slots) == (16, 1)


def test_a_limit_counts_what_the_process_holds(monkeypatch):
    monkeypatch.setattr(memory, "used_bytes", lambda device: 700)
    assert memory.free_bytes("cpu", limit=1000) == 300
    assert memory.free_bytes("cpu", limit=100) == 0


def test_scoring_is_bounded_by_what_training_may_use_and_halves_to_an_end():
    size, weights = model_size("8B", four_bits=True)
    plan = plan_memory(size, replace(NEEDS, longest=1024), "cuda:0", CARDS["24 GB"] - weights - CONTEXT_BYTES)
    held = plan.scoring.rows + plan.scoring.held_rows
    assert held * size.key_value_row() < plan.rows * row_bytes(size, 1024, plan.recompute)
    limits, halvings = plan.scoring, 0
    while (less := limits.halved()) is not None:
        limits, halvings = less, halvings + 1
    assert limits.rows <= SMALLEST_ROWS
    assert halvings < 20
    assert ScoringLimits(SMALLEST_ROWS, 8).halved() is None


@pytest.mark.parametrize(("recompute", "measured"), [(False, 905_109), (True, 256_432)], ids=["kept", "recomputed"])
def test_bytes_a_row_are_those_that_a_card_needed(recompute, measured):
    """Measured on an H200 in bfloat16: an 8B shape with 8 layers, 206 tokens (docs/log.md, 28 November)."""
    size = ModelSize(
        layers=8, hidden=4096, intermediate=14336, vocabulary=128_256, heads=32, queries=4096, keys=1024, itemsize=2,
        fused=True,
    )  # fmt: skip
    assert row_bytes(size, 206, recompute) == pytest.approx(measured, rel=0.1)
