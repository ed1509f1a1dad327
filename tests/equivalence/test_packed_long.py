"""Long examples, large vocabularies and long answers: memory grows with tokens, not with their square, and a GPU is
read seldom. Numbers stay those of the whole."""

from __future__ import annotations

import copy
import os

import numpy as np
import pytest
import torch
from plain_scoring import adapter_and_peft, plain_answer, plain_nll
from tiny_models import END, FAMILIES, examples, tiny_model
from torch._subclasses.fake_tensor import FakeTensorMode

os.environ.setdefault("TRITON_INTERPRET", "1")

from benchmarks.memory_plan import PeakBytes
from benchmarks.pretended_card import CARD, PretendedCard
from tunebook.core.ports import Scoring, TokenizedExample
from tunebook.engines.packed.model.ops import TorchOps
from tunebook.engines.packed.model.packed_model import PackedModel
from tunebook.engines.packed.scoring import generation, group_attention
from tunebook.engines.packed.scoring.score import losses, score
from tunebook.engines.packed.training.losses import Labels, head_rows, label_losses

GENERATE = Scoring("generate", max_new_tokens=21, stop_ids=(END, 50))


@pytest.mark.parametrize("family", FAMILIES)
def test_attention_a_few_queries_at_a_time_gives_the_scores_of_the_whole(family, monkeypatch):
    packed = PackedModel(tiny_model(family, torch.float64, attention="eager" if family == "gemma2" else "sdpa"))
    options = ((60, END), (60, 61, END), (60, 61, 62, END), (70, END))
    data = examples(9)
    found = []
    for at_once in (1 << 24, 60):
        monkeypatch.setattr(group_attention, "SCORES_AT_ONCE", at_once)
        by_choice = score(packed, [None], data, Scoring("choice", choices=options))[0]
        generated = score(packed, [None], data, GENERATE)[0]
        found.append((by_choice, generated))
    for mine, theirs in zip(*found, strict=True):
        assert mine.answers == theirs.answers
        np.testing.assert_allclose(mine.nll, theirs.nll, atol=1e-9)


def test_scoring_a_long_example_takes_memory_that_is_linear_in_its_tokens(monkeypatch):
    monkeypatch.setattr(group_attention, "SCORES_AT_ONCE", 1 << 16)
    packed = PackedModel(tiny_model())
    peaks = []
    for n in (1000, 4000):
        example = TokenizedExample(tuple(3 + i % 80 for i in range(n)), (5, 6, END))
        with PeakBytes(()) as peak:
            (nats,) = losses(packed, [None], [example])
        assert np.isfinite(nats).all()
        peaks.append(peak.peak)
    assert peaks[1] < 4.5 * peaks[0]
    assert peaks[1] < 4000 * 4000, "one byte for each pair of tokens would be more"


def test_the_loss_over_a_large_vocabulary_is_computed_in_pieces():
    """With fake tensors: of a vocabulary of 151,936 the whole logits would be 2.4 GB."""
    vocabulary, peaks = 151_936, []
    for rows in (1000, 4000):
        labels = Labels(tuple(range(rows)), tuple(range(rows)), counts=(rows,), n_items=(rows,))
        with FakeTensorMode():
            weight, hidden = torch.empty(vocabulary, 64), torch.empty(rows, 64)
            tables = labels.tables([torch.empty(array.shape, dtype=torch.from_numpy(array).dtype)
                                    for array in labels.arrays(rows)])  # fmt: skip
            with PeakBytes((weight, hidden)) as peak:
                label_losses(lambda h, w=weight: h @ w.T, hidden, tables, head_rows(vocabulary, torch.device("cpu")))
        peaks.append(peak.peak)
    assert peaks[0] < 300e6
    assert peaks[1] - peaks[0] < 3000 * 64 * 4 * 3


def test_on_a_gpu_answers_are_the_same_and_seldom_read(monkeypatch):
    """Eight tokens of every answer are written before the host looks at them."""
    data = examples(12)
    packed = PackedModel(tiny_model())
    adapters = [adapter_and_peft(packed, tiny_model(), 3, seed)[0] for seed in range(2)]
    here = score(packed, adapters, data, GENERATE)
    lengths = [len(answer) for one in here for answer in one.answers]
    assert len(set(lengths)) > 3
    assert max(lengths) == 21
    reads = {}
    for unread in (1, 8):
        monkeypatch.setattr(generation, "STEPS_UNREAD", unread)
        with PretendedCard() as card:
            there = PackedModel(card.put(tiny_model()), TorchOps(CARD))
            for adapter in adapters:
                card.take(adapter.values)
            found = score(there, adapters, data, GENERATE)
            reads[unread] = card.reads
        for mine, theirs in zip(found, here, strict=True):
            assert mine.answers == theirs.answers
            np.testing.assert_allclose(mine.nll, theirs.nll, rtol=1e-4)
    assert reads[8] <= 2 + -(-20 // 8) < reads[1], "one of each adapter's likelihoods, one of each eight tokens"


def test_long_answers_equal_those_of_the_stock_model():
    base = tiny_model(dtype=torch.float64)
    packed = PackedModel(copy.deepcopy(base))
    adapter, model = adapter_and_peft(packed, base, 3, 0)
    data, how = examples(5), Scoring("generate", max_new_tokens=70, stop_ids=(END,))
    (found,) = score(packed, [adapter], data, how)
    assert max(map(len, found.answers)) == 70
    assert found.answers == tuple(plain_answer(model, e.prompt_ids, how) for e in data)
    expected = [plain_nll(model, e.prompt_ids, e.completion_ids) for e in data]
    np.testing.assert_allclose(found.nll, expected, atol=1e-6)
