"""Folding: what is one configuration in two ways of writing, and why."""

from __future__ import annotations

import pytest

from tunebook.core.configuration import Configuration
from tunebook.core.space import Folding, checkpoint_family, effective, fold_reasons

ALL = Folding.everything()
BASE = Configuration(per_device_train_batch_size=2, gradient_accumulation_steps=4, lora_r=16, lora_alpha=32)


def same(one, other, folding=ALL, longest=300):
    return effective(one, folding, longest).key == effective(other, folding, longest).key


def test_splits_of_one_effective_batch_are_one_configuration():
    assert same(BASE, BASE.with_values(per_device_train_batch_size=8, gradient_accumulation_steps=1))
    assert not same(BASE, BASE.with_values(per_device_train_batch_size=4))


def test_gradient_checkpointing_is_the_machines_business():
    assert same(BASE.with_values(gradient_checkpointing=True), BASE.with_values(gradient_checkpointing=False))


def test_lengths_at_or_above_the_longest_example_are_one():
    assert same(BASE.with_values(max_length=300), BASE.with_values(max_length=512))
    assert not same(BASE.with_values(max_length=299), BASE.with_values(max_length=512))


def test_lengths_are_not_folded_while_the_longest_example_is_unknown():
    assert not same(BASE.with_values(max_length=300), BASE.with_values(max_length=512), longest=None)


def test_rslora_is_another_way_to_write_alpha():
    assert same(BASE.with_values(use_rslora=True), BASE.with_values(lora_alpha=32 * 4))
    assert effective(BASE.with_values(use_rslora=True), ALL, None).scaling == BASE.with_values(use_rslora=True).scaling


def test_warm_up_means_nothing_to_a_constant_schedule_without_it():
    constant = BASE.with_values(lr_scheduler_type="constant")
    assert same(constant.with_values(warmup_steps=10), constant)
    assert same(BASE.with_values(lr_scheduler_type="constant_with_warmup"), constant)
    assert not same(BASE.with_values(lr_scheduler_type="constant_with_warmup", warmup_steps=5), constant)


def test_engine_that_promises_nothing_keeps_every_difference():
    assert effective(BASE.with_values(gradient_checkpointing=True), Folding(), 300) == BASE.with_values(
        gradient_checkpointing=True
    )


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({}, ("batch_split",)),
        ({"gradient_checkpointing": True}, ("batch_split", "gradient_checkpointing")),
        ({"per_device_train_batch_size": 8, "gradient_accumulation_steps": 1, "max_length": 512}, ("max_length",)),
        ({"use_rslora": True}, ("batch_split", "rslora")),
    ],
)
def test_reasons_say_what_was_folded(changes, reasons):
    assert fold_reasons(BASE.with_values(max_length=200).with_values(**changes), ALL, 300) == reasons


def test_only_constant_schedules_with_absolute_warm_up_have_checkpoints():
    constant = BASE.with_values(lr_scheduler_type="constant_with_warmup", warmup_steps=10)
    assert checkpoint_family(constant.with_values(num_train_epochs=3)) == checkpoint_family(
        constant.with_values(num_train_epochs=5)
    )
    assert checkpoint_family(constant.with_values(warmup_steps=0.1)) is None
    assert checkpoint_family(BASE) is None


def test_rslora_folds_into_alpha_with_every_variant_of_the_adapter():
    """Start, DoRA and LoRA+ use the scaling alone, so they keep what they are."""
    asked = Configuration(lora_r=16, lora_alpha=8, use_rslora=True, use_dora=True, lora_plus_lr_ratio=4)
    same = effective(asked, Folding.everything(), None)
    assert (same.use_rslora, same.lora_alpha, same.use_dora, same.lora_plus_lr_ratio) == (False, 32, True, 4)
    assert same.scaling == asked.scaling


def test_a_ratio_of_one_is_plain_lora_and_no_configuration_of_its_own():
    assert Configuration(lora_plus_lr_ratio=1).key == Configuration().key


def test_a_trial_that_decays_at_its_end_is_no_checkpoint_of_a_longer_one():
    assert checkpoint_family(Configuration(lr_scheduler_type="warmup_stable_decay")) is None
