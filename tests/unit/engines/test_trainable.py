"""Which engine trains which configuration: what an engine does not know is refused, never passed over."""

from __future__ import annotations

import pytest
from factor_levels import levels_beside_the_default

from tunebook.core.configuration import FACTOR_KINDS, Configuration
from tunebook.core.factor_kind import FactorKind, Scale
from tunebook.engines.packed.engine import PackedEngine
from tunebook.engines.packed.trainable import refusal
from tunebook.engines.peft import PeftEngine


@pytest.mark.parametrize("name", FACTOR_KINDS)
def test_peft_trains_every_factor(name):
    engine = object.__new__(PeftEngine)
    for level in levels_beside_the_default(FACTOR_KINDS[name]):
        assert engine.refuses(Configuration(**{name: level})) is None


def test_a_factor_that_no_engine_knows_is_refused_by_both(monkeypatch):
    unknown = FactorKind(
        name="seed", value_type=int, default=0, scale=Scale.LINEAR, description="", english="", chinese=""
    )
    monkeypatch.setitem(FACTOR_KINDS, "seed", unknown)
    monkeypatch.setattr(Configuration, "seed", 3, raising=False)
    for engine in (PackedEngine, PeftEngine):
        assert object.__new__(engine).refuses(Configuration()) == "it does not train seed 3"


@pytest.mark.parametrize("kind", ["olora", "pissa", "pissa_niter_16", "mica"])
def test_packed_leaves_starts_in_the_base_weights_to_peft(kind):
    assert refusal(Configuration(init_lora_weights=kind)) == f"it does not train init_lora_weights {kind}"


def test_an_orthogonal_start_needs_an_even_rank():
    odd = Configuration(init_lora_weights="orthogonal", lora_r=7)
    for engine in (PackedEngine, PeftEngine):
        assert "even rank, and this one is 7" in str(object.__new__(engine).refuses(odd))


def test_dora_is_left_to_peft_and_goes_with_drawn_starts_alone():
    assert refusal(Configuration(use_dora=True)) == "it does not train use_dora True"
    assert "do not go together" in str(
        object.__new__(PeftEngine).refuses(Configuration(use_dora=True, init_lora_weights="pissa"))
    )


def test_packed_trains_the_ordinary_factors():
    assert refusal(Configuration(use_rslora=True, lr_scheduler_type="cosine", init_lora_weights="gaussian")) is None
