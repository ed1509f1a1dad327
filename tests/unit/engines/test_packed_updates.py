"""The native form of an adapter's update does what the torch form does, for every shape that has an edge."""

from __future__ import annotations

import pytest
import torch

from tunebook.engines.packed.model import updates
from tunebook.engines.packed.model.bank import Adapter, ModuleShape
from tunebook.engines.packed.model.batches import Node, Part, Tree, lay_out
from tunebook.engines.packed.model.dropout import Masks
from tunebook.engines.packed.model.multiplies import RowSizes
from tunebook.engines.packed.model.native import library
from tunebook.engines.packed.model.updates import add_updates, backward_updates

needs_native = pytest.mark.skipif(library() is None, reason="no C compiler on this machine")
OTHERS = 3
"""Rows of another trial before the ones that are looked at."""


def shapes_of(width, outs):
    return [ModuleShape(f"m{i}", width, out, "m0") for i, out in enumerate(outs)]


def run_of(adapter, n_rows):
    trees = [Tree((Node(tuple(range(n)), key=7),)) for n in (OTHERS, n_rows)]
    parts = [Part(None, trees[0]), Part(adapter, trees[1], 5)]
    return lay_out(parts, RowSizes(2)).runs[1]


def results(n_rows, width, outs, rank, dropout, wants_x=True, has=None):
    """Outputs, gradients of the adapter and of the input, by the form that is on."""
    generator = torch.Generator().manual_seed(0)
    shapes = shapes_of(width, outs)
    adapter = Adapter(has or shapes, rank, 0.7, dropout, 1)
    adapter.want_grads()
    x, *ys = (torch.randn(OTHERS + n_rows, n, generator=generator) for n in (width, *outs))
    adapter.values.normal_(generator=generator)
    run, masks = run_of(adapter, n_rows), Masks()
    grads = [torch.randn(y.shape, generator=generator) for y in ys]
    grad_x = torch.randn(x.shape, generator=generator) if wants_x else None
    thin = add_updates(run, adapter, shapes, masks, x, ys)
    backward_updates(run, adapter, shapes, masks, x, grads, thin, grad_x)
    return [*ys, adapter.grads, *([grad_x] if wants_x else [])]


@pytest.fixture
def torch_form(monkeypatch):
    def run(*args, **options):
        with monkeypatch.context() as patch:
            patch.setattr(updates, "native_for", lambda *_: None)
            return results(*args, **options)

    return run


@needs_native
@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize(
    ("n_rows", "width", "outs", "rank"),
    [
        (1, 5, [3], 1), (2, 16, [16, 8], 2), (9, 33, [47, 5, 64], 3), (37, 64, [32, 31], 8), (40, 100, [17], 9),
        (97, 70, [40, 130], 12), (200, 128, [96], 16), (23, 800, [1700], 33), (100, 1601, [49], 64),
    ],
)  # fmt: skip
def test_both_forms_agree(torch_form, n_rows, width, outs, rank, dropout):
    case = (n_rows, width, outs, rank, dropout)
    for native, plain in zip(results(*case), torch_form(*case), strict=True):
        torch.testing.assert_close(native, plain, rtol=1e-4, atol=2e-4)


@needs_native
def test_they_agree_where_nobody_wants_the_gradient_of_the_input(torch_form):
    case = (20, 24, [8, 16], 4, 0.1)
    for native, plain in zip(results(*case, wants_x=False), torch_form(*case, wants_x=False), strict=True):
        torch.testing.assert_close(native, plain, rtol=1e-4, atol=1e-4)


@needs_native
def test_they_agree_where_the_adapter_has_some_of_the_projections(torch_form):
    has = shapes_of(24, [8, 16, 4])[1:2]
    case = (20, 24, [8, 16, 4], 4, 0.1)
    for native, plain in zip(results(*case, has=has), torch_form(*case, has=has), strict=True):
        torch.testing.assert_close(native, plain, rtol=1e-4, atol=1e-4)


@needs_native
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_a_row_has_the_same_bits_whatever_the_number_of_rows(dropout):
    generator = torch.Generator().manual_seed(0)
    shapes = shapes_of(72, [40, 24])
    adapter = Adapter(shapes, 20, 1.0, dropout, 1)
    adapter.values.normal_(generator=generator)
    x = torch.randn(OTHERS + 37, 72, generator=generator)

    def first_rows(n_rows):
        ys = [torch.zeros(OTHERS + n_rows, shape.n_out) for shape in shapes]
        add_updates(run_of(adapter, n_rows), adapter, shapes, Masks(), x[: OTHERS + n_rows], ys)
        return torch.cat([y[OTHERS : OTHERS + 2] for y in ys], dim=1)

    expected = first_rows(37)
    assert all(torch.equal(first_rows(n), expected) for n in (2, 3, 5, 8, 9, 21))


@needs_native
def test_rows_of_other_trials_stay_as_they_are():
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(OTHERS + 4, 8, generator=generator), torch.zeros(OTHERS + 4, 6)
    adapter = Adapter(shapes_of(8, [6]), 2, 1.0, 0.0, 1)
    adapter.values.normal_(generator=generator)
    add_updates(run_of(adapter, 4), adapter, shapes_of(8, [6]), None, x, [y])
    assert not y[:OTHERS].any()
    assert y[OTHERS:].all()


@needs_native
def test_what_is_not_finite_stays_not_finite():
    x, y = torch.full((OTHERS + 2, 8), float("nan")), torch.zeros(OTHERS + 2, 6)
    adapter = Adapter(shapes_of(8, [6]), 2, 1.0, 0.0, 1)
    adapter.values.fill_(1.0)
    add_updates(run_of(adapter, 2), adapter, shapes_of(8, [6]), None, x, [y])
    assert not y[OTHERS:].isfinite().any()


@needs_native
@pytest.mark.parametrize("rank", [updates.MAX_NATIVE_RANK, updates.MAX_NATIVE_RANK + 1])
def test_beyond_a_rank_the_torch_form_is_used(monkeypatch, rank):
    called = []
    monkeypatch.setattr(updates, "_native_update", lambda *_: called.append(1))
    adapter = Adapter(shapes_of(8, [6]), rank, 1.0, 0.0, 1)
    add_updates(run_of(adapter, 2), adapter, shapes_of(8, [6]), None, torch.zeros(OTHERS + 2, 8), [torch.zeros(5, 6)])
    assert bool(called) == (rank <= updates.MAX_NATIVE_RANK)


@needs_native
def test_gradients_that_moved_are_found_again():
    shapes = shapes_of(8, [6])
    adapter = Adapter(shapes, 2, 1.0, 0.0, 1)
    adapter.want_grads()
    adapter.values.fill_(1.0)
    twin = adapter.twin()
    x, grads = torch.ones(OTHERS + 2, 8), [torch.ones(OTHERS + 2, 6)]
    for one in (adapter, twin):
        run = run_of(one, 2)
        thin = add_updates(run, one, shapes, None, x, [torch.zeros(OTHERS + 2, 6)])
        backward_updates(run, one, shapes, None, x, grads, thin, None)
    assert adapter.grads is not twin.grads
    assert torch.equal(adapter.grads, twin.grads)
    assert adapter.grads.any()
