"""The native kernels do what their torch forms do, for every shape that has an edge."""

from __future__ import annotations

import os
import platform

import pytest
import torch

from tunebook.engines.packed.model import kernels, native
from tunebook.engines.packed.model.native import library

needs_native = pytest.mark.skipif(library() is None, reason="no C compiler on this machine")


@pytest.fixture
def both(monkeypatch):
    """Runs a function with the native kernels and with the torch forms."""

    def run(function):
        found = function()
        with monkeypatch.context() as patch:
            patch.setattr(kernels, "library", lambda: None)
            return found, function()

    return run


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@needs_native
@pytest.mark.parametrize("width", [1, 7, 256, 300])
def test_dropout_masks_are_the_same_bits(both, width):
    keys = torch.arange(-9, 10) * 0x1234567_89ABCDE
    words = torch.arange(width) * -0x7777_7777_77777
    for threshold in (-32768, -26000, 0, 32767):
        native, plain = both(lambda t=threshold: kernels.keep_mask(keys, words, t))
        assert torch.equal(native, plain)


@needs_native
@pytest.mark.parametrize("shape", [(1, 5), (17, 24), (300, 33)])
def test_masked_copies_and_sums_agree(both, shape):
    n, d = shape
    wide, left, right = random(n, d + 3), random(n, 2, seed=1), random(2, d, seed=2)
    keep = (random(n, d + 5, seed=3) > -1)[:, :d]

    def expanded():
        out = wide.clone()[:, :d]
        kernels.thin_expand(out, left, right, keep)
        return out

    def outer():
        out = right.clone()
        kernels.thin_outer(out, left, wide[:, :d], keep)
        return out

    for function in (lambda: kernels.thin_reduce(wide[:, :d], keep, right, 0.7), expanded, outer):
        native, plain = both(function)
        torch.testing.assert_close(native, plain, rtol=1e-4, atol=1e-4)


@needs_native
def test_gate_norm_and_rotation_agree_forward_and_backward(both):
    gate, up, grad = random(19, 37) * 20, random(19, 37, seed=1), random(19, 37, seed=2)
    scale = random(37, seed=3)
    heads, angles = random(19, 3, 8), random(19, 4, seed=4)
    cosine, sine = torch.cos(angles).repeat(1, 2), torch.sin(angles).repeat(1, 2)
    y, inverse = kernels.rms_norm(gate, scale, 1e-5)
    for function in (
        lambda: kernels.silu_gate(gate, up),
        lambda: kernels.silu_gate_backward(grad, gate, up)[0],
        lambda: kernels.silu_gate_backward(grad, gate, up)[1],
        lambda: kernels.rms_norm(gate, scale, 1e-5)[0],
        lambda: kernels.rms_norm_backward(grad, gate, scale, inverse),
        lambda: kernels.rotate(heads, cosine, sine),
    ):
        native, plain = both(function)
        torch.testing.assert_close(native, plain, rtol=1e-5, atol=1e-4)
    assert y.shape == gate.shape


@needs_native
def test_what_is_not_finite_stays_not_finite():
    bad = torch.tensor([[float("nan"), float("inf"), -float("inf"), 1e30]])
    one = torch.ones_like(bad)
    assert not kernels.silu_gate(bad, one)[0, :2].isfinite().any()
    assert not kernels.rms_norm(bad, torch.ones(4), 1e-5)[0][0, 0].isfinite()
    assert not kernels.thin_reduce(bad, torch.ones_like(bad, dtype=torch.bool), one).isfinite().any()


@pytest.mark.parametrize("form", ["native", "torch"])
def test_written_out_gradients_equal_autograd_in_float64(form, monkeypatch):
    if form == "torch":
        monkeypatch.setattr(kernels, "library", lambda: None)
    dtype = torch.float64
    gate, up, grad = random(5, 12).to(dtype), random(5, 12, seed=1).to(dtype), random(5, 12, seed=2).to(dtype)
    x, scale = gate.clone().requires_grad_(), random(12, seed=3).to(dtype)
    (x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-5) * scale).backward(grad)
    _, inverse = kernels.rms_norm(gate, scale, 1e-5)
    torch.testing.assert_close(kernels.rms_norm_backward(grad, gate, scale, inverse), x.grad)
    a, b = gate.clone().requires_grad_(), up.clone().requires_grad_()
    (torch.nn.functional.silu(a) * b).backward(grad)
    for mine, theirs in zip(kernels.silu_gate_backward(grad, gate, up), (a.grad, b.grad), strict=True):
        torch.testing.assert_close(mine, theirs)


@needs_native
def test_the_kernels_may_be_built_for_another_processor(monkeypatch):
    """With half the vector width, as on a processor without AVX-512, sums are the same up to rounding."""
    x, scale = random(9, 70), random(70, seed=1)
    here = kernels.rms_norm(x, scale, 1e-5)[0]
    built = []
    monkeypatch.setattr(
        native, "_built", lambda compiler, flags, real=native._built: (built.append(flags), real(compiler, flags))[1]
    )
    monkeypatch.setenv("TUNEBOOK_NATIVE", "x86-64-v3" if platform.machine() == "x86_64" else "native")
    library.cache_clear()
    try:
        torch.testing.assert_close(kernels.rms_norm(x, scale, 1e-5)[0], here)
        assert library() is not None
        assert built[0][0] == f"-march={os.environ['TUNEBOOK_NATIVE']}"
    finally:
        monkeypatch.undo()
        library.cache_clear()


def test_without_a_compiler_the_torch_forms_are_used(monkeypatch):
    library.cache_clear()
    monkeypatch.setenv("TUNEBOOK_NATIVE", "0")
    try:
        assert library() is None
        assert kernels.kernel_kind("cpu", torch.float32) == "torch"
    finally:
        monkeypatch.undo()
        library.cache_clear()
