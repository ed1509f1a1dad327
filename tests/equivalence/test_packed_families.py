"""Every supported family: logits and gradients of a prompt tree equal those of the stock model, example by example."""

from __future__ import annotations

import copy

import pytest
import torch
from packed_runs import gradients_of
from plain_peft import example_loss, peft_model, plain_weights
from tiny_models import FAMILIES, examples, tiny_model

from tunebook.core.configuration import Configuration
from tunebook.engines.packed.model.bank import new_adapter
from tunebook.engines.packed.model.batches import Part
from tunebook.engines.packed.model.packed_model import PackedModel
from tunebook.engines.packed.training.steps import micro_batches

CONFIGURATION = Configuration(lora_r=4, lora_alpha=8, target_modules="all-linear")


def reference_model(family):
    """The stock model; with soft-capping only its eager attention knows it."""
    return tiny_model(family, attention="eager" if family == "gemma2" else "sdpa")


def with_random_b(packed, seed=1):
    """An adapter that does something: B is not zero."""
    shapes = packed.shapes(CONFIGURATION.target_modules)
    adapter = new_adapter(shapes, CONFIGURATION, seed, packed.adapter_dtype, packed.device)
    generator = torch.Generator().manual_seed(seed)
    for shape in shapes:
        adapter.b(shape.name).normal_(std=0.3, generator=generator)
    adapter.want_grads()
    return adapter


def plain_with(base, adapter):
    model = peft_model(base, CONFIGURATION, seed=1)
    for name, (_, b) in plain_weights(model).items():
        b.copy_(adapter.b(name))
    return model


@pytest.mark.parametrize("share", [True, False], ids=["shared", "strict"])
@pytest.mark.parametrize("family", FAMILIES)
def test_logits_and_gradients_equal_the_stock_model(family, share):
    base = reference_model(family)
    packed = PackedModel(copy.deepcopy(base))
    adapter = with_random_b(packed)
    data = list(enumerate(examples(6)))
    (micro,) = micro_batches(data, 10**6, share)
    loss = gradients_of(packed, adapter, micro)

    model = plain_with(base, adapter)
    plain = sum(example_loss(model, example, len(micro.labels)) for _, example in data)
    plain.backward()
    assert loss == pytest.approx(float(plain.detach()), rel=1e-5)
    largest = max(float(p.grad.abs().max()) for p in model.parameters() if p.grad is not None)
    for name, module in model.get_base_model().named_modules():
        if hasattr(module, "lora_A"):
            a, b = module.lora_A["default"].weight.grad, module.lora_B["default"].weight.grad.T
            torch.testing.assert_close(adapter.grad_a(name), a, rtol=1e-3, atol=2e-5 * largest)
            torch.testing.assert_close(adapter.grad_b(name), b, rtol=1e-3, atol=2e-5 * largest)


@pytest.mark.parametrize("family", FAMILIES)
def test_layers_that_run_again_in_the_backward_pass_change_no_bit(family):
    packed = PackedModel(reference_model(family))
    (micro,) = micro_batches(list(enumerate(examples(6))), 10**6)
    found = []
    for recompute in (False, True):
        packed.recompute = recompute
        adapter = with_random_b(packed)
        adapter.dropout = 0.25
        found.append((gradients_of(packed, adapter, micro, training=True), adapter.grads))
    assert found[0][0] == found[1][0]
    assert torch.equal(found[0][1], found[1][1])
    assert float(found[0][1].abs().max()) > 0


@pytest.mark.parametrize("family", FAMILIES)
def test_reading_some_rows_gives_these_rows_of_the_whole_and_their_gradient(family):
    packed = PackedModel(tiny_model(family, torch.float64, attention="eager" if family == "gemma2" else "sdpa"))
    one, other = with_random_b(packed, seed=1), with_random_b(packed, seed=2)
    (micro,) = micro_batches(list(enumerate(examples(6))), 10**6)
    parts = [Part(one, micro.tree), Part(other, micro.tree)]
    batch = packed.lay_out(parts)
    picked = [sorted(set(micro.label_rows)), [0, 3]]
    rows = torch.tensor([run.rows[0] + row for run, own in zip(batch.runs, picked, strict=True) for row in own])
    whole, read = packed.forward(batch), packed.forward(packed.lay_out(parts, picked))
    assert read.shape[0] % 16 == 0
    torch.testing.assert_close(read[: len(rows)], whole[rows], rtol=0, atol=1e-10)
    grads = []
    for hidden, index in ((whole, rows), (read, torch.arange(len(rows)))):
        for adapter in (one, other):
            adapter.want_grads()
        hidden[index].square().sum().backward()
        grads.append((one.grads, other.grads))
    for a, b in zip(*grads, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_bfloat16_base_has_float32_adapters_and_gives_the_float32_gradient_within_its_rounding(family):
    """Weights are rounded first, so that both compute the same function; bfloat16 has 8 bits, and two layers round
    some dozen times: 0.4 % each. PEFT keeps adapters of a bfloat16 model in float32 as well."""
    base = reference_model(family).bfloat16()
    gradients, losses = [], []
    for model in (base, copy.deepcopy(base).float()):
        packed = PackedModel(copy.deepcopy(model))
        adapter = with_random_b(packed)
        (micro,) = micro_batches(list(enumerate(examples(6))), 10**6, True)
        assert packed.forward(packed.lay_out([Part(adapter, micro.tree)])).dtype == packed.dtype
        loss = gradients_of(packed, adapter, micro)
        assert adapter.values.dtype == adapter.grads.dtype == torch.float32
        gradients.append(adapter.grads)
        losses.append(loss)
    assert losses[0] == pytest.approx(losses[1], rel=0.01)
    assert float(torch.cosine_similarity(*gradients, dim=0)) > 0.995


@pytest.mark.parametrize("family", ["qwen2_window", "mistral_window", "phi3_window", "gemma2", "gemma3"])
def test_the_window_matters_in_these_tests(family):
    """A test of windows that are never reached would show nothing."""
    base = reference_model(family)
    ids = torch.tensor([list(examples(1)[0].prompt_ids)])
    narrow = base(input_ids=ids).logits
    wide_model = copy.deepcopy(base)
    wide_model.config.sliding_window = 1000
    for module in wide_model.modules():
        if getattr(module, "sliding_window", None):
            module.sliding_window = 1000
    assert not torch.allclose(narrow, wide_model(input_ids=ids).logits, atol=1e-3)


def test_an_unknown_family_is_refused_with_its_reason():
    from transformers import GPT2Config, GPT2LMHeadModel

    from tunebook.errors import PackingError

    model = GPT2LMHeadModel(GPT2Config(n_embd=16, n_layer=1, n_head=2, vocab_size=20, n_positions=16))
    with pytest.raises(PackingError, match=r"model type 'gpt2'.*Use engine 'peft'"):
        PackedModel(model)
