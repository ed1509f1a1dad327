"""The launch budget of a training step on a GPU, and what a card would refuse, seen without one."""

from __future__ import annotations

import os

import pytest
import torch

os.environ.setdefault("TRITON_INTERPRET", "1")
pytest.importorskip("triton")

from benchmarks.launches import counted, packed_on, pretended, steady_step, trainees_on
from benchmarks.pretended_card import MixedDevices, PretendedCard
from benchmarks.shapes import SHAPES, TINY, model_of
from tunebook.core.configuration import Configuration
from tunebook.core.ports import TokenizedExample
from tunebook.engines.packed.model.multiplies import RowSizes
from tunebook.engines.packed.model.packed_model import PackedModel
from tunebook.engines.packed.training.loop import Training

BASE = Configuration(
    lora_r=8, lora_alpha=16, lora_dropout=0.1, target_modules="all-linear", per_device_train_batch_size=2,
    learning_rate=1e-3,
)  # fmt: skip


def test_a_step_of_many_adapters_launches_as_much_as_one_of_one():
    one, many = counted(1), counted(32)
    for found in (one, many):
        assert found["kernels_per_layer"] <= 70
        assert found["kernels_beside"] <= 100
        assert found["copies"] <= 2
        assert found["reads"] <= 1
        assert found["waits"] == 0, "nothing makes the host wait but the read of the step before"
    assert many["kernels_per_layer"] == pytest.approx(one["kernels_per_layer"], rel=0.05)
    assert many["kernels_beside"] == pytest.approx(one["kernels_beside"], rel=0.05)
    assert many["copies"] == one["copies"]


def test_a_card_refuses_what_mixes_it_with_the_host_also_in_a_backward_pass():
    class Careless(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, grad):
            return grad * torch.ones(3)

    with PretendedCard():
        x = torch.ones(3, device="cuda")
        assert x.device.type == "cuda"
        assert (x * torch.tensor(2.0)).device.type == "cuda", "single numbers may be mixed"
        for work in (
            lambda: x + torch.ones(3), lambda: x[torch.tensor([0])], lambda: x.numpy(),
            lambda: Careless.apply(x.clone().requires_grad_()).sum().backward(),
        ):  # fmt: skip
            with pytest.raises(MixedDevices):
                work()
    assert torch.ones(3).device.type == "cpu"


def test_copies_reads_and_waits_are_counted():
    with PretendedCard() as card:
        pinned, plain = torch.empty(4, pin_memory=True), torch.ones(4)
        x = pinned.to("cuda", non_blocking=True)
        assert (card.copies, card.waits) == (1, 0)
        plain.to(x.device)
        torch.tensor([1, 2], device=x.device)
        assert (card.copies, card.waits) == (3, 2)
        card.forget()
        for read in (x.sum().item, x.tolist, x.cpu, x.nonzero, lambda: x[x > 0], lambda: bool(x[0] > 0)):
            read()
        assert card.reads == card.waits == 6
        card.forget()
        assert x.view(2, 2).t()[0].device.type == "cuda"
        assert card.kernels == 0
        x.add_(1).mul(2)
        assert card.kernels == 2


def test_on_a_pretended_card_training_gives_the_numbers_of_the_host():
    """With Triton's interpreter; the tables, the one update and the late reads are those of a card."""
    data = one_length(9, 2)
    configurations = [BASE, BASE.with_values(lora_r=3, lora_dropout=0.0, per_device_train_batch_size=1)]

    def three_steps(packed):
        trials, training = trainees_on(packed, configurations, data), Training(packed)
        for _ in range(3):
            training.step(trials)
        training.settle()
        return [([step.loss for step in one.steps], one.adapter.values.cpu()) for one in trials]

    with pretended(run_kernels=True) as card:
        mine = three_steps(packed_on(card, 1, torch.float32))
    plain = PackedModel(model_of(SHAPES["135M"](**{**TINY, "num_hidden_layers": 1}), torch.float32))
    for (losses, values), (expected, theirs) in zip(mine, three_steps(plain), strict=True):
        assert losses == pytest.approx(expected, rel=1e-5)
        torch.testing.assert_close(values, theirs, rtol=1e-3, atol=1e-5)


def launched(examples, adapters):
    """Names and shapes of everything a step launches; nothing of it may depend on the examples' own lengths."""
    with pretended() as card:
        packed = packed_on(card, layers=1)
        trials = trainees_on(packed, [BASE] * adapters, examples)
        card.traced = True
        steady_step(card, packed, trials)
        sizes = [one.micro_batches()[0].tree.n_tokens for one in trials]
    return card.trace, sum(sizes)


def one_length(prompt, answer, n=12):
    ids = range(3, 97)
    return tuple(
        TokenizedExample(tuple(ids[(7 * i + j) % 94] for j in range(prompt)), tuple(ids[j] for j in range(answer)))
        for i in range(n)
    )


def test_steps_of_other_lengths_and_cohorts_launch_the_same_shapes():
    """So graphs that are recorded, and kernels that are compiled, for a size serve all that fall into it."""
    first, rows = launched(one_length(60, 4), adapters=3)
    again, fewer = launched(one_length(58, 4), adapters=3)
    fourth, most = launched(one_length(44, 4), adapters=4)
    assert len({rows, fewer, most}) == 3
    assert first
    assert first == again
    larger, _ = launched(one_length(90, 4), adapters=3)
    assert first != larger
    assert [name for name, _ in first] == [name for name, _ in fourth] == [name for name, _ in larger]


def test_few_sizes_of_rows_waste_less_than_an_eighth():
    sizes = RowSizes(few=True)
    found = [sizes.size(n) for n in range(1, 20_000)]
    for n, size in enumerate(found, start=1):
        assert n <= size
        assert size - n < max(16, n / 8)
        assert size % 16 == 0
    assert len({size for size in found if size <= 8192}) <= 60
    assert [sizes.slots(n) for n in (1, 2, 3, 8, 9)] == [1, 2, 4, 8, 16]


@pytest.mark.parametrize("multiple", [2, 16])
def test_on_a_cpu_no_row_is_added_for_that(multiple):
    sizes = RowSizes(multiple)
    assert [sizes.size(n) for n in (1, 14, 17, 1000, 8001)] == [max(2, multiple), 14 + -14 % multiple, 32, 1008, 8016]
    assert [sizes.head(n) for n in (17, 31)] == [17 + -17 % multiple, 31 + -31 % multiple]
    assert sizes.slots(3) == 3
