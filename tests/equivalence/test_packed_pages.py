"""The store of keys and values of answers that are being written, and attention over it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from tiny_models import END, examples, tiny_model

from tunebook.core.ports import Scoring
from tunebook.engines.packed.model import kernels
from tunebook.engines.packed.model.native import library
from tunebook.engines.packed.model.packed_model import PackedModel
from tunebook.engines.packed.scoring import generation, pages
from tunebook.engines.packed.scoring import score as scoring
from tunebook.engines.packed.scoring.pages import PAGE, Pages, StepAttention, StepRows
from tunebook.engines.packed.scoring.score import ScoringLimits, score

GENERATE = Scoring("generate", max_new_tokens=12, stop_ids=(END, 50, 51))


def values(n, seed=0, groups=2, size=4):
    generator = torch.Generator().manual_seed(seed)
    return [tuple(torch.randn(groups, n, size, generator=generator) for _ in "kv") for _ in range(2)]


def test_rows_stay_what_they_are_while_the_store_grows_and_are_used_again_once_nobody_has_them():
    store, kept = Pages(), []
    for seed, n in enumerate((5, PAGE, 3 * PAGE + 1, 1)):
        layers = values(n, seed)
        rows = store.store(layers)
        store.take(rows)
        kept.append((rows, layers))
    assert len(np.unique(np.concatenate([rows for rows, _ in kept]))) == sum(len(rows) for rows, _ in kept)
    for rows, layers in kept:
        for own, stored in zip(layers, store.layers, strict=True):
            for mine, theirs in zip(own, stored, strict=True):
                assert torch.equal(theirs[torch.from_numpy(rows)], mine.transpose(0, 1))
    size = len(store.layers[0][0])
    store.take(kept[2][0][:2])  # two answers begin alike
    store.give_back(kept[2][0])
    fresh = {row // PAGE for row in store.room(size).tolist()}
    assert kept[2][0][0] // PAGE not in fresh, "the other one still has it"
    assert kept[2][0][-1] // PAGE in fresh


@pytest.mark.skipif(library() is None, reason="no C compiler on this machine")
@pytest.mark.parametrize(("groups", "repeats", "size"), [(1, 1, 3), (2, 3, 16), (3, 5, 40), (2, 2, 64)])
@pytest.mark.parametrize("window", [None, 6])
def test_native_attention_over_pages_equals_the_torch_form(monkeypatch, groups, repeats, size, window):
    """Two adapters, one with three answers of unequal lengths behind a shared prompt, in pages that lie anywhere."""
    source = np.random.default_rng(0)
    counts = np.array([9, 21, 37, 10])
    table = source.permutation(400)[: 4 * 40].reshape(4, 40)
    table[:, :9] = table[0, :9]  # the shared prompt
    layers = values(400, 1, groups, size)
    store = Pages()
    rows = store.store(layers)
    used = np.unique(np.concatenate([table[b, : n + 1] for b, n in enumerate(counts)]))
    for kept in store.layers[1]:
        kept[torch.from_numpy(rows[np.setdiff1d(np.arange(400), used)])] = np.nan  # not yet written
    prompt = torch.from_numpy(rows[table[0, :9]])
    shared = [tuple(t.index_select(0, prompt).transpose(0, 1).contiguous() for t in layer) for layer in store.layers]
    there = StepRows(table=torch.from_numpy(rows[table]), counts=torch.from_numpy(counts), longest=[37, 10],
                     sizes=[3, 1], shared=[shared, shared], n_shared=9)  # fmt: skip
    generator = torch.Generator().manual_seed(2)
    q = torch.randn(groups * repeats, 6, size, generator=generator)  # two rows are padding
    k, v = (torch.randn(groups, 6, size, generator=generator) for _ in "kv")
    found = []
    for native in (library(), None):
        monkeypatch.setattr(kernels, "library", lambda native=native: native)
        found.append(StepAttention(store, there).attend(1, q, k, v, 0.3, window, None))
    torch.testing.assert_close(found[0], found[1], rtol=1e-5, atol=1e-5)
    assert not found[0][:, 4:].any()


def test_answers_join_as_others_end_and_the_limits_hold(monkeypatch):
    """Whatever the limits, answers are the same; with few at a time the store stays small."""
    packed = PackedModel(tiny_model())
    data, sizes, seen = examples(24), [], []
    real = generation.Writing.step
    monkeypatch.setattr(
        generation.Writing, "step", lambda self: (seen.append((self.n_answers, self.n_rows)), real(self))[1]
    )
    monkeypatch.setattr(
        pages.Pages, "_grow", lambda self, n, grow=pages.Pages._grow: (grow(self, n), sizes.append(n))[0]
    )
    many = score(packed, [None, None], data, GENERATE, limits=ScoringLimits(rows=30))
    assert max(n for n, _ in seen) > 20
    at_once, all_pages = len(seen), sum(sizes)
    seen.clear()
    sizes.clear()
    monkeypatch.setattr(scoring, "WINDOW", 1)
    few = score(packed, [None, None], data, GENERATE, limits=ScoringLimits(rows=30, answers=6))
    assert [one.answers for one in few] == [one.answers for one in many]
    assert len(seen) > at_once
    joined = sum(after > before for (before, _), (after, _) in itertools.pairwise(seen))
    assert joined > 1, "new answers come in while others are being written"
    assert sum(sizes) < all_pages
    seen.clear()
    held = score(packed, [None, None], data, GENERATE, limits=ScoringLimits(rows=30, held_rows=100))
    assert [one.answers for one in held] == [one.answers for one in many]
    assert max(rows for _, rows in seen) < 100 + 2 * 4 * (30 + 12 * 4)
