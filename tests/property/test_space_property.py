"""Configurations and their folding, for any values."""

from __future__ import annotations

import json

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tunebook.core.configuration import Configuration
from tunebook.core.space import Folding, checkpoint_family, effective, fold_reasons

configurations = st.builds(
    Configuration,
    learning_rate=st.floats(1e-7, 1.0),
    per_device_train_batch_size=st.integers(1, 64),
    gradient_accumulation_steps=st.integers(1, 64),
    num_train_epochs=st.integers(0, 20),
    lora_r=st.integers(1, 1024),
    lora_alpha=st.floats(1e-3, 4096) | st.integers(1, 4096),
    lora_dropout=st.floats(0, 0.99),
    max_length=st.integers(1, 8192),
    gradient_checkpointing=st.sampled_from([None, True, False]),
    lr_scheduler_type=st.sampled_from(["linear", "cosine", "constant", "constant_with_warmup"]),
    warmup_steps=st.sampled_from([0, 0.1, 1, 10]),
    weight_decay=st.floats(0, 1),
    target_modules=st.sampled_from([None, "all-linear", ("q_proj",), ("q_proj", "v_proj")]),
    use_rslora=st.booleans(),
    init_lora_weights=st.sampled_from(["kaiming", "gaussian"]),
)
foldings = st.builds(Folding, *[st.booleans()] * 5)
longest = st.none() | st.integers(1, 8192)


@settings(deadline=None)
@given(configurations, foldings, longest)
def test_folding_twice_is_folding_once(configuration, folding, length):
    once = effective(configuration, folding, length)
    assert effective(once, folding, length) == once
    assert fold_reasons(once, folding, length) == ()


@settings(deadline=None)
@given(configurations, foldings, longest)
def test_folding_keeps_what_acts(configuration, folding, length):
    acting = effective(configuration, folding, length)
    assert acting.effective_batch_size == configuration.effective_batch_size
    assert abs(acting.scaling - configuration.scaling) <= 1e-9 * configuration.scaling
    assert acting.num_train_epochs == configuration.num_train_epochs
    assert min(acting.max_length, length or 0) == min(configuration.max_length, length or 0)


@settings(deadline=None)
@given(configurations, foldings, longest)
def test_reasons_are_given_exactly_when_something_was_folded(configuration, folding, length):
    changed = effective(configuration, folding, length).as_dict() != configuration.as_dict()
    assert bool(fold_reasons(configuration, folding, length)) == changed


@settings(deadline=None)
@given(configurations)
def test_configuration_survives_json(configuration):
    again = Configuration.from_dict(json.loads(json.dumps(configuration.as_dict())))
    assert again == configuration
    assert again.key == configuration.key


@settings(deadline=None)
@given(configurations, configurations)
def test_keys_are_equal_exactly_for_equal_configurations(one, other):
    assert (one.key == other.key) == (one == other)


@settings(deadline=None)
@given(configurations, st.integers(1, 20), st.integers(1, 20))
def test_checkpoint_family_forgets_the_epochs_and_nothing_else(configuration, some, more):
    family = checkpoint_family(configuration.with_values(num_train_epochs=some))
    assume(family is not None)
    assert family == checkpoint_family(configuration.with_values(num_train_epochs=more))
    assert family.with_values(num_train_epochs=configuration.num_train_epochs) == configuration
