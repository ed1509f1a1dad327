"""The packed engine's training equals plain PEFT's: losses of every step, final weights, predictions."""

from __future__ import annotations

import pytest
import torch
from packed_runs import losses, packed_model, train_cohort, trainee
from plain_peft import plain_weights, train_plain, with_exact_norms
from tiny_models import END, examples, tiny_model

from tunebook.core.configuration import Configuration
from tunebook.core.ports import TokenizedExample

BASE = Configuration(
    learning_rate=5e-3, per_device_train_batch_size=4, num_train_epochs=2, lora_r=4, lora_alpha=8,
    target_modules="all-linear",
)  # fmt: skip

CONFIGURATIONS = {
    "rank 1": BASE.with_values(lora_r=1),
    "rank 64, rsLoRA": BASE.with_values(lora_r=64, use_rslora=True, lora_alpha=4),
    "default modules": BASE.with_values(target_modules=None, learning_rate=2e-2),
    "some modules": BASE.with_values(target_modules=("k_proj", "up_proj", "down_proj")),
    "cosine, warm-up, weight decay": BASE.with_values(
        lr_scheduler_type="cosine", warmup_steps=0.3, weight_decay=0.1, learning_rate=2e-2
    ),
    "constant with warm-up": BASE.with_values(lr_scheduler_type="constant_with_warmup", warmup_steps=3),
    "batch of 3, last one smaller": BASE.with_values(
        per_device_train_batch_size=3, lr_scheduler_type="constant", num_train_epochs=1
    ),
    "one example a step": BASE.with_values(per_device_train_batch_size=1, num_train_epochs=1),
    "short max_length": BASE.with_values(max_length=14),
    "clipped hard": BASE.with_values(max_grad_norm=0.05),
    "short memory": BASE.with_values(adam_beta2=0.9),
    "cosine to a tenth": BASE.with_values(lr_scheduler_type="cosine_with_min_lr", warmup_steps=2),
    "warm-up, stable, decay": BASE.with_values(
        lr_scheduler_type="warmup_stable_decay", warmup_steps=2, num_train_epochs=5
    ),
    "LoRA+ with weight decay": BASE.with_values(lora_plus_lr_ratio=16, weight_decay=0.1, learning_rate=1e-3),
    "orthogonal start": BASE.with_values(init_lora_weights="orthogonal"),
    "gaussian start, rank 7": BASE.with_values(init_lora_weights="gaussian", lora_r=7),
}


def assert_equal_training(one, reference, relative, weights):
    plain_losses, model = reference
    assert losses(one) == pytest.approx(plain_losses, rel=relative)
    for name, (a, b) in plain_weights(model).items():
        torch.testing.assert_close(one.adapter.a(name), a, rtol=0, atol=weights)
        torch.testing.assert_close(one.adapter.b(name), b, rtol=0, atol=weights)


@pytest.mark.parametrize("share", [True, False], ids=["shared", "strict"])
@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_training_equals_plain_peft_in_float64(name, share):
    base = with_exact_norms(tiny_model(dtype=torch.float64))
    configuration, data = CONFIGURATIONS[name], examples(10)
    packed = packed_model(base)
    one = trainee(packed, configuration, data, seed=3, share=share)
    train_cohort(packed, [one])
    assert one.n_done == one.total_steps > 1
    assert_equal_training(one, train_plain(base, configuration, data, 3), relative=1e-10, weights=1e-9)


LABELLED = tuple(
    TokenizedExample(e.prompt_ids, (8, 9, END) if i % 4 == 0 else (7, END)) for i, e in enumerate(examples(12))
)


@pytest.mark.parametrize("share", [True, False], ids=["shared", "strict"])
def test_class_weights_equal_plain_peft_with_weighted_examples(share):
    base = with_exact_norms(tiny_model(dtype=torch.float64))
    configuration = BASE.with_values(class_weights="balanced")
    packed = packed_model(base)
    one, other = (trainee(packed, c, LABELLED, seed=3, share=share) for c in (configuration, BASE))
    train_cohort(packed, [one, other])
    reference = train_plain(base, configuration, LABELLED, 3)
    assert_equal_training(one, reference, relative=1e-6, weights=1e-6)
    assert_equal_training(other, train_plain(base, BASE, LABELLED, 3), relative=1e-10, weights=1e-9)
    assert abs(losses(one)[0] - losses(other)[0]) > 1e-3


def test_a_mixed_cohort_equals_each_trial_alone_in_plain_peft():
    base = with_exact_norms(tiny_model(dtype=torch.float64))
    data = examples(10)
    packed = packed_model(base)
    cohort = [trainee(packed, c, data, seed) for seed, c in enumerate(CONFIGURATIONS.values())]
    train_cohort(packed, cohort, rows=300)
    for one in cohort:
        reference = train_plain(base, one.job.configuration, data, one.job.seed)
        assert_equal_training(one, reference, relative=1e-10, weights=1e-9)


@pytest.mark.parametrize("rows", [1, 40, 70])
def test_the_cut_into_micro_batches_changes_nothing(rows):
    base = with_exact_norms(tiny_model(dtype=torch.float64))
    configuration, data = BASE.with_values(lora_dropout=0.25), examples(10)
    packed = packed_model(base)
    whole = trainee(packed, configuration, data, 5)
    cut = trainee(packed, configuration, data, 5, max_rows=rows)
    train_cohort(packed, [whole])
    train_cohort(packed, [cut])
    assert losses(cut) == pytest.approx(losses(whole), rel=1e-10)
    torch.testing.assert_close(cut.adapter.values, whole.adapter.values, rtol=0, atol=1e-9)


@pytest.mark.parametrize("share", [True, False], ids=["shared", "strict"])
def test_training_equals_plain_peft_in_float32(share):
    base, data = tiny_model(), examples(12)
    packed = packed_model(base)
    one = trainee(packed, BASE, data, 3, share=share)
    train_cohort(packed, [one])
    assert_equal_training(one, train_plain(base, BASE, data, 3), relative=1e-4, weights=2e-3)
