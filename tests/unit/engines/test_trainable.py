"""Which engine trains which configuration: what an engine does not know is refused, never passed over."""

from __future__ import annotations

import pytest
import torch
from factor_levels import levels_beside_the_default

from tunebook.core.configuration import FACTOR_KINDS, Configuration
from tunebook.core.factor_kind import FactorKind, Scale
from tunebook.core.ports import EngineOptions
from tunebook.engines.packed.trainable import refusal
from tunebook.engines.peft import PeftEngine


@pytest.fixture
def peft():
    return PeftEngine(EngineOptions(model="", device="cuda", threads=torch.get_num_threads()))


@pytest.fixture
def bitsandbytes(monkeypatch):
    """As if it were installed: what it computes is its own business."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)


@pytest.mark.parametrize("name", FACTOR_KINDS)
def test_peft_trains_every_factor(name, peft, bitsandbytes):
    for level in levels_beside_the_default(FACTOR_KINDS[name]):
        assert peft.refuses(Configuration(**{name: level})) is None


def test_a_factor_that_no_engine_knows_is_refused_by_both(monkeypatch, peft):
    unknown = FactorKind(
        name="seed", value_type=int, default=0, scale=Scale.LINEAR, description="", english="", chinese=""
    )
    monkeypatch.setitem(FACTOR_KINDS, "seed", unknown)
    monkeypatch.setattr(Configuration, "seed", 3, raising=False)
    for refuses in (refusal, peft.refuses):
        assert refuses(Configuration()) == "it does not train seed 3"


@pytest.mark.parametrize("kind", ["olora", "pissa", "pissa_niter_16", "mica"])
def test_packed_leaves_starts_in_the_base_weights_to_peft(kind):
    assert refusal(Configuration(init_lora_weights=kind)) == f"it does not train init_lora_weights {kind}"


def test_an_orthogonal_start_needs_an_even_rank(peft):
    odd = Configuration(init_lora_weights="orthogonal", lora_r=7)
    for refuses in (refusal, peft.refuses):
        assert "even rank, and this one is 7" in str(refuses(odd))


def test_dora_is_left_to_peft_and_goes_with_drawn_starts_alone(peft):
    assert refusal(Configuration(use_dora=True)) == "it does not train use_dora True"
    assert "do not go together" in str(
        PeftEngine(EngineOptions(model="", threads=torch.get_num_threads())).refuses(
            Configuration(use_dora=True, init_lora_weights="pissa")
        )
    )


@pytest.mark.parametrize("optim", ["adamw_8bit", "paged_adamw_8bit", "paged_adamw_32bit"])
def test_small_moments_need_bitsandbytes_and_a_gpu(optim, peft, monkeypatch):
    asked = Configuration(optim=optim)
    assert refusal(asked) == f"it does not train optim {optim}"
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert peft.refuses(asked) == f'optim {optim} needs bitsandbytes: pip install "tunebook[quant]"'
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    assert peft.refuses(asked) is None
    on_cpu = PeftEngine(EngineOptions(model="", device="cpu", threads=torch.get_num_threads()))
    assert on_cpu.refuses(asked) == f"optim {optim} needs a GPU, and the device is cpu"


def test_packed_trains_the_ordinary_factors():
    assert refusal(Configuration(use_rslora=True, lr_scheduler_type="cosine", init_lora_weights="gaussian")) is None
