"""A base in float16, as cards without bfloat16 have it: small gradients are not lost."""

from __future__ import annotations

import pytest
import torch
from packed_runs import losses, packed_model, train_cohort, trainee
from tiny_models import examples, tiny_model

from tunebook.core.configuration import Configuration
from tunebook.engines.packed.training import step as step_module

BASE = Configuration(
    learning_rate=5e-3, per_device_train_batch_size=4, num_train_epochs=3, lora_r=4, lora_alpha=8,
    target_modules="all-linear",
)  # fmt: skip


def gradient(packed, n_items, monkeypatch):
    """Of a step whose loss is divided by so many label tokens, as if its batch were that large."""
    one = trainee(packed, BASE, examples(4), seed=3)
    micros = one.micro_batches()
    one._n_items = n_items
    found = []
    monkeypatch.setattr(type(one), "update", lambda self, loss: found.append(self.adapter.grads.clone()))
    losses_S = step_module.gradients(packed, [step_module.Piece(one, micro, one.adapter) for micro in micros])
    step_module.update(packed.ops, [one], losses_S)
    return found[0]


@pytest.mark.parametrize("n_items", [9, 20_000])
def test_gradients_are_those_of_float32(n_items, monkeypatch):
    found, expected = (
        gradient(packed_model(tiny_model(dtype=torch.float16).to(dtype)), n_items, monkeypatch)
        for dtype in (torch.float16, torch.float32)  # the same numbers in both
    )
    assert (found - expected).norm() < 1e-2 * expected.norm()


def test_training_in_float16_follows_that_in_float32():
    found = []
    for dtype in (torch.float16, torch.float32):  # the same numbers in both
        packed = packed_model(tiny_model(dtype=torch.float16).to(dtype))
        found.append(trainee(packed, BASE, examples(8), seed=3))
        train_cohort(packed, [found[-1]])
    assert losses(found[0]) == pytest.approx(losses(found[1]), rel=2e-2)
    norms = [[step.gradient_norm for step in one.steps] for one in found]
    assert norms[0] == pytest.approx(norms[1], rel=5e-2)
