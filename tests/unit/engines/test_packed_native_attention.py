"""The native form of attention over prompt trees does what the torch form does, forward and backward."""

from __future__ import annotations

import pytest
import torch

from tunebook.engines.packed.model import attention, native_attention
from tunebook.engines.packed.model.batches import Node, Part, Tree, lay_out
from tunebook.engines.packed.model.multiplies import RowSizes
from tunebook.engines.packed.model.native import library

pytestmark = pytest.mark.skipif(library() is None, reason="no C compiler on this machine")


def chain(*lengths):
    """A prompt with branches of these lengths, the first one's own branch among them."""
    prompt, *own = lengths
    return Tree((Node(tuple(range(prompt))), *(Node(tuple(range(n)), 0, prompt, i) for i, n in enumerate(own, 1))))


NESTED = Tree((Node((1,) * 5), Node((2,) * 3, 0, 5), Node((3,) * 4, 1, 8), Node((4,) * 2, 1, 8), Node((5,) * 6, 0, 5)))
TREES = {
    "branches": [chain(9, 4, 1, 7)],
    "nothing shared": [Tree((Node((1,) * 5), Node((2,) * 3)))],
    "nodes inside nodes": [NESTED],
    "longer than a piece": [chain(native_attention.QUERY_ROWS + 6, native_attention.QUERY_ROWS * 2 + 3, 5)],
    "two trials, padding": [chain(4, 3, 2), NESTED],
    "one token": [Tree((Node((1,)),))],
}


def results(batch, n_heads, n_groups, size, window, rotary, scale=0.3):
    generator = torch.Generator().manual_seed(0)
    n = len(batch.input_ids)
    q, k, v = (torch.randn(h, n, size, generator=generator) for h in (n_heads, n_groups, n_groups))
    inputs = [x.requires_grad_() for x in (q, k, v)]
    turned = None
    if rotary:
        angles = torch.rand(n, size // 2, generator=generator).repeat(1, 2)
        turned = angles.cos(), angles.sin()
    out = attention.attend(batch, *inputs, scale, window, rotary=turned)
    seen = out[: batch.n_rows]
    seen.backward(torch.randn(seen.shape, generator=generator))
    return [out.detach(), *(x.grad for x in inputs)]


@pytest.fixture
def torch_form(monkeypatch):
    def run(*args):
        with monkeypatch.context() as patch:
            patch.setattr(attention, "takes", lambda *_: False)
            return results(*args)

    return run


@pytest.mark.parametrize("trees", TREES.values(), ids=TREES.keys())
@pytest.mark.parametrize(
    ("n_heads", "n_groups", "size", "window", "rotary"),
    [(3, 1, 16, None, True), (4, 2, 6, 3, False), (2, 2, 40, 7, True), (6, 2, 64, None, False), (2, 1, 8, 1, True)],
)
def test_both_forms_agree(torch_form, trees, n_heads, n_groups, size, window, rotary):
    batch = lay_out([Part(None, tree) for tree in trees], RowSizes(16))
    case = (batch, n_heads, n_groups, size, window, rotary)
    for native, plain in zip(results(*case), torch_form(*case), strict=True):
        torch.testing.assert_close(native, plain, rtol=1e-4, atol=2e-5)


def test_large_scores_agree(torch_form):
    batch = lay_out([Part(None, chain(9, 4, 7))], RowSizes(2))
    case = (batch, 2, 1, 16, None, False, 40.0)
    for native, plain in zip(results(*case), torch_form(*case), strict=True):
        torch.testing.assert_close(native, plain, rtol=1e-3, atol=1e-3)


def test_a_trial_has_the_same_bits_whatever_is_beside_it():
    def of(trees):
        batch = lay_out([Part(None, tree) for tree in trees], RowSizes(2))
        generator = torch.Generator().manual_seed(0)
        n = len(batch.input_ids)
        first = NESTED.n_tokens
        mine = [torch.randn(h, first, 16, generator=generator) for h in (4, 2, 2)]
        q, k, v = (torch.cat([x, torch.ones(len(x), n - first, 16)], dim=1) for x in mine)
        return attention.attend(batch, q, k, v, 0.3)[:first]

    assert torch.equal(of([NESTED]), of([NESTED, chain(70, 3, 9)]))


def test_what_is_not_finite_stays_with_its_own_trial():
    batch = lay_out([Part(None, chain(4, 3)), Part(None, chain(5, 2))], RowSizes(2))
    q, k, v = (torch.randn(2, len(batch.input_ids), 8) for _ in range(3))
    k[:, 0] = float("nan")
    out = attention.attend(batch, q, k, v, 0.3)
    assert out[:7].isnan().all()
    assert out[7 : batch.n_rows].isfinite().all()


def test_other_types_and_capped_scores_take_the_torch_form():
    x = torch.zeros(2, 4, 8)
    assert native_attention.takes(x, x, x, None)
    assert not native_attention.takes(x, x, x, 50.0)
    assert not native_attention.takes(x.double(), x.double(), x.double(), None)
    assert not native_attention.takes(x.bfloat16(), x.bfloat16(), x.bfloat16(), None)
