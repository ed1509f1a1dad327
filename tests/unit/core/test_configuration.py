"""Configurations: stable keys, derived values, differences."""

from __future__ import annotations

import hashlib
import json

import pytest
from factor_levels import levels_beside_the_default

from tunebook.core.configuration import FACTOR_KINDS, Configuration


def test_key_is_the_same_on_every_machine_and_in_every_version():
    assert Configuration().key == "ce5c548c6eea"


def test_whole_numbers_have_one_key_however_they_are_typed():
    assert Configuration(lora_alpha=16).key == Configuration(lora_alpha=16.0).key
    assert Configuration(lora_alpha=16) == Configuration(lora_alpha=16.0)


def test_every_field_enters_the_key():
    base = Configuration()
    other = {name: levels_beside_the_default(kind)[0] for name, kind in FACTOR_KINDS.items()}
    keys = {base.with_values(**{name: value}).key for name, value in other.items()}
    assert len(keys | {base.key}) == len(other) + 1


def test_factors_that_came_later_leave_the_keys_of_older_ledgers_as_they_are():
    later = [name for name, kind in FACTOR_KINDS.items() if kind.later]
    first = {name: value for name, value in Configuration(lora_r=16).as_dict().items() if name not in later}
    text = json.dumps(first, sort_keys=True, separators=(",", ":"))
    assert Configuration(lora_r=16).key == hashlib.sha256(text.encode()).hexdigest()[:12]


def test_dictionary_comes_back_as_the_same_configuration():
    one = Configuration(target_modules=("q_proj", "v_proj"), lora_alpha=1e-3, gradient_checkpointing=False)
    assert Configuration.from_dict(one.as_dict()) == one


def test_unknown_factor_is_refused():
    with pytest.raises(TypeError):
        Configuration.from_dict({"learning_rte": 1e-4})


@pytest.mark.parametrize(("use_rslora", "scaling"), [(False, 2.0), (True, 8.0)])
def test_scaling_is_alpha_over_rank_or_over_its_root(use_rslora, scaling):
    assert Configuration(lora_r=16, lora_alpha=32, use_rslora=use_rslora).scaling == scaling


def test_effective_batch_is_batch_times_accumulation():
    assert Configuration(per_device_train_batch_size=2, gradient_accumulation_steps=4).effective_batch_size == 8


def test_changes_name_old_and_new_value():
    base = Configuration()
    assert base.with_values(lora_r=32, lora_alpha=8.0).changes_from(base) == {"lora_r": (8, 32)}
