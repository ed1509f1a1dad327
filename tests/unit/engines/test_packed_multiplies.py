"""Multiplies by base weights give what the module gives, whichever library does them."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from benchmarks.shapes import SHAPES, TINY, model_of
from tunebook.engines.packed.model import multiplies
from tunebook.engines.packed.model.multiplies import (
    base_input_grad,
    base_linear,
    lay_out_weights,
    multiply_kind,
    padding,
    row_multiple,
    weights_layout_bytes,
)
from tunebook.engines.packed.model.packed_model import PLENTY, PackedModel

needs_onednn = pytest.mark.skipif(not multiplies.onednn_is_faster(), reason="oneDNN is not used on this machine")


def module_of(n_in, n_out, bias=False, dtype=torch.float32, seed=0):
    module = nn.Linear(n_in, n_out, bias=bias, dtype=dtype).requires_grad_(False)
    for parameter in module.parameters():
        parameter.copy_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(seed)))
    return module


@pytest.fixture(params=["fitting", "torch"])
def either(request, monkeypatch):
    """Runs a test with the library that fits the machine, and with torch's own choice."""
    if request.param == "torch":
        monkeypatch.setattr(multiplies, "onednn_is_faster", lambda: False)


@pytest.mark.usefixtures("either")
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(6, 24), (1, 6, 24)])
def test_values_and_gradients_are_those_of_the_module(bias, shape):
    module, x = module_of(24, 10, bias), torch.randn(shape, generator=torch.Generator().manual_seed(1))
    one, other = x.clone().requires_grad_(), x.clone().requires_grad_()
    y, expected = base_linear(module, one), module(other)
    torch.testing.assert_close(y, expected)
    y.sum().backward()
    expected.sum().backward()
    torch.testing.assert_close(one.grad, other.grad)


@pytest.mark.usefixtures("either")
def test_the_gradient_of_the_input_alone_or_added():
    module = module_of(24, 10)
    grad, more = torch.randn(6, 10), torch.randn(6, 24)
    torch.testing.assert_close(base_input_grad(module, grad), grad @ module.weight)
    torch.testing.assert_close(base_input_grad(module, grad, more.clone()), more + grad @ module.weight)


def test_another_module_is_called_as_it_is():
    class Doubled(nn.Linear):
        def forward(self, x):
            return 2 * super().forward(x)

    module = Doubled(4, 3).requires_grad_(False)
    x = torch.randn(5, 4)
    assert torch.equal(base_linear(module, x), module(x))
    assert row_multiple([module]) == multiplies.ROW_MULTIPLE


@needs_onednn
def test_few_rows_are_hardly_padded_where_their_bits_do_not_depend_on_one_another(monkeypatch):
    modules = [module_of(64, 96), module_of(96, 64)]
    assert row_multiple(modules) == 2
    x = torch.randn(37, 64)
    assert torch.equal(base_linear(modules[0], x)[:6], base_linear(modules[0], x[:6]))
    real = multiplies._onednn

    def other_kernels_for_few_rows(x, weight, bias, more=None):
        return real(x, weight, bias, more) * (1 if len(x) > 10 else 1 + 1e-6)

    monkeypatch.setattr(multiplies, "_onednn", other_kernels_for_few_rows)
    assert row_multiple(modules) == multiplies.ROW_MULTIPLE


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_types_go_through_torch(dtype):
    module = module_of(8, 4, dtype=dtype)
    x = torch.randn(3, 8).to(dtype)
    assert torch.equal(base_linear(module, x), module(x))
    assert multiply_kind("cpu", dtype) == "torch"
    assert row_multiple([module]) == multiplies.ROW_MULTIPLE


@pytest.mark.parametrize(
    ("capability", "processor", "op"),
    [
        ("AVX2", "AuthenticAMD", None), ("AVX512", "GenuineIntel", None), ("AVX512", "AuthenticAMD", AttributeError),
        ("AVX512", "AuthenticAMD", RuntimeError),
    ],
)  # fmt: skip
def test_torch_chooses_where_onednn_is_not_known_to_be_faster(monkeypatch, capability, processor, op):
    def missing(*_):
        raise op("no such call")

    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    monkeypatch.setattr(multiplies, "processor", lambda: [f"vendor_id : {processor}"])
    if op is not None:
        monkeypatch.setattr(multiplies, "_onednn", missing)
    assert not multiplies.onednn_is_faster.__wrapped__()


@pytest.mark.parametrize(
    ("n_rows", "multiple", "padded"),
    [(1, 2, 2), (7, 2, 8), (15, 2, 16), (17, 2, 32), (231, 2, 240), (3, 16, 16), (16, 16, 16)],
)
def test_many_rows_become_a_multiple_of_sixteen(n_rows, multiple, padded):
    assert n_rows + padding(n_rows, multiple) == padded


@needs_onednn
@pytest.mark.parametrize("bias", [True, False])
def test_weights_laid_out_beforehand_give_the_same_bits(bias):
    module, again = module_of(96, 160, bias), module_of(96, 160, bias)
    lay_out_weights([again])
    assert again.laid_out[0].is_mkldnn, "nothing was laid out"
    for rows in (2, 5, 16, 100, 300):
        x, grad, more = torch.randn(rows, 96), torch.randn(rows, 160), torch.randn(rows, 96)
        assert torch.equal(base_linear(again, x), base_linear(module, x))
        assert torch.equal(base_input_grad(again, grad), base_input_grad(module, grad))
        assert torch.equal(base_input_grad(again, grad, more.clone()), base_input_grad(module, grad, more.clone()))


@needs_onednn
def test_weights_are_laid_out_where_memory_is_plenty():
    packed = PackedModel(model_of(SHAPES["135M"](**TINY), torch.float32))
    wanted = weights_layout_bytes(packed._linear)
    assert wanted == 2 * sum(4 * n_in * n_out for n_in, n_out in packed.base_shapes)
    packed.lay_out_weights(PLENTY * wanted - 1)
    assert not [module for module in packed._linear if hasattr(module, "laid_out")]
    packed.lay_out_weights(PLENTY * wanted)
    assert all(hasattr(module, "laid_out") for module in packed._linear)


def test_other_weights_are_left_as_they_are():
    assert weights_layout_bytes([module_of(8, 8), nn.Linear(8, 8)]) == 0
    assert weights_layout_bytes([module_of(8, 8, dtype=torch.float64)]) == 0
