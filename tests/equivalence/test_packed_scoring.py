"""Packed scoring equals transformers' own generation and likelihoods with a PEFT adapter loaded."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from plain_peft import with_exact_norms
from plain_scoring import adapter_and_peft, plain_answer, plain_nll, with_half_right_golds
from tiny_models import END, FAMILIES, examples, tiny_model

from tunebook.core.ports import Scoring, TokenizedExample
from tunebook.engines.batched_scoring import score as batched
from tunebook.engines.packed.model.packed_model import PackedModel
from tunebook.engines.packed.scoring.score import ScoringLimits, losses, score

GENERATE = Scoring("generate", max_new_tokens=6, stop_ids=(END, 50))
SMALL = ScoringLimits(rows=30, held_rows=50)
EAGER_ONLY = {"gemma2"}
"""Stock classes that round attention weights to float32 even in float64."""
LIMITS = {"one forward": ScoringLimits(), "small forwards": SMALL}


def scored_models(family="llama", dtype=torch.float64, ranks=(2, 5)):
    """A packed model, its adapters (None first: the base alone), and the stock model of each."""
    base = tiny_model(family, dtype, attention="eager" if family in EAGER_ONLY else "sdpa")
    if dtype == torch.float64:
        base = with_exact_norms(base)
    packed = PackedModel(copy.deepcopy(base))
    pairs = [adapter_and_peft(packed, base, rank, seed) for seed, rank in enumerate(ranks)]
    return packed, [None, *(adapter for adapter, _ in pairs)], [base, *(model for _, model in pairs)]


@pytest.mark.parametrize("family", FAMILIES)
def test_answers_and_likelihoods_equal_the_stock_model_in_float64(family):
    packed, adapters, models = scored_models(family)
    data = with_half_right_golds(examples(8), models[1], GENERATE)
    for adapter_scores, model in zip(score(packed, adapters, data, GENERATE, limits=SMALL), models, strict=True):
        assert adapter_scores.answers == tuple(plain_answer(model, e.prompt_ids, GENERATE) for e in data)
        expected = [plain_nll(model, e.prompt_ids, e.completion_ids) for e in data]
        tolerance = 1e-5 if family in EAGER_ONLY else 1e-9
        np.testing.assert_allclose(adapter_scores.nll, expected, rtol=0, atol=tolerance)
        assert adapter_scores.n_label_tokens == tuple(len(e.completion_ids) for e in data)


@pytest.mark.parametrize("limits", LIMITS.values(), ids=LIMITS)
def test_likelihoods_in_float32_are_within_a_hundred_thousandth(limits):
    packed, adapters, models = scored_models(dtype=torch.float32)
    data = examples(40)
    for nll, model in zip(losses(packed, adapters, data, limits=limits), models, strict=True):
        np.testing.assert_allclose(nll, [plain_nll(model, e.prompt_ids, e.completion_ids) for e in data], rtol=1e-5)


@pytest.mark.parametrize("per_token", [False, True])
@pytest.mark.parametrize("limits", LIMITS.values(), ids=LIMITS)
def test_choice_is_the_option_of_highest_likelihood(limits, per_token):
    packed, adapters, models = scored_models()
    options = ((60, END), (60, 61, END), (60, 61, 62, END), (70, END), (END,))
    scoring = Scoring("choice", choices=options, per_token=per_token)
    data = tuple(TokenizedExample(e.prompt_ids, options[i % 5]) for i, e in enumerate(examples(9)))
    for result, model in zip(score(packed, adapters, data, scoring, limits=limits), models, strict=True):
        nll = np.array([[plain_nll(model, e.prompt_ids, option) for option in options] for e in data])
        lengths = np.array([len(option) for option in options]) if per_token else 1
        assert result.answers == tuple((nll / lengths).argmin(axis=1))
        np.testing.assert_allclose(result.nll, [nll[i, i % 5] for i in range(len(data))], atol=1e-9)


def test_choice_gives_the_likelihood_of_a_gold_completion_that_is_no_option():
    packed, adapters, models = scored_models()
    data = examples(6)
    scoring = Scoring("choice", choices=((60, END), (61, END)))
    for result, model in zip(score(packed, adapters, data, scoring), models, strict=True):
        np.testing.assert_allclose(
            result.nll, [plain_nll(model, e.prompt_ids, e.completion_ids) for e in data], atol=1e-9
        )


def test_where_likelihoods_are_judged_nothing_is_generated():
    packed, adapters, models = scored_models()
    data = examples(6)
    scoring = Scoring("likelihood", max_new_tokens=40, stop_ids=(END,))
    for result, model in zip(score(packed, adapters, data, scoring), models, strict=True):
        plain = batched(model, data, scoring, 0, lambda share: None)
        assert result.answers == plain.answers == ()
        assert result.n_label_tokens == plain.n_label_tokens == tuple(len(e.completion_ids) for e in data)
        np.testing.assert_allclose(result.nll, plain.nll, rtol=1e-5)


def test_long_answers_outgrow_the_cache_and_stay_equal():
    packed, adapters, models = scored_models("mistral_window")
    scoring = Scoring("generate", max_new_tokens=40, stop_ids=(END,))
    data = examples(5)
    for result, model in zip(score(packed, adapters, data, scoring), models, strict=True):
        assert result.answers == tuple(plain_answer(model, e.prompt_ids, scoring) for e in data)
    assert max(len(answer) for answer in result.answers) == 40


def test_prompts_without_anything_in_common_are_scored_too():
    packed, adapters, models = scored_models()
    data = tuple(TokenizedExample((40 + i, *e.prompt_ids), e.completion_ids) for i, e in enumerate(examples(7)))
    for result, model in zip(score(packed, adapters, data, GENERATE, limits=SMALL), models, strict=True):
        assert result.answers == tuple(plain_answer(model, e.prompt_ids, GENERATE) for e in data)


def test_one_example_and_equal_examples_are_scored():
    packed, adapters, models = scored_models()
    example = examples(1)[0]
    for data in ((example,), (example,) * 5):
        for result, model in zip(score(packed, adapters, data, GENERATE), models, strict=True):
            assert result.answers == (plain_answer(model, example.prompt_ids, GENERATE),) * len(data)
            expected = plain_nll(model, example.prompt_ids, example.completion_ids)
            np.testing.assert_allclose(result.nll, expected, atol=1e-9)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("limits", LIMITS.values(), ids=LIMITS)
def test_scores_of_an_adapter_do_not_depend_on_the_others_bit_for_bit(dtype, limits):
    packed, adapters, models = scored_models(dtype=dtype, ranks=(2, 5, 8))
    data = with_half_right_golds(examples(12), models[1], GENERATE)
    together = score(packed, adapters, data, GENERATE, limits=limits)
    for order in ([3, 1], [0], [2, 0, 3]):
        some = score(packed, [adapters[k] for k in order], data, GENERATE, limits=limits)
        for k, alone in zip(order, some, strict=True):
            assert alone.answers == together[k].answers
            assert np.array_equal(alone.nll, together[k].nll)


def test_a_broken_adapter_gives_non_finite_likelihoods_and_bounded_answers_and_harms_nobody():
    packed, adapters, _ = scored_models(dtype=torch.float32)
    data = examples(9)
    before = score(packed, adapters[:2], data, GENERATE)
    broken = adapters[2]
    broken.values.fill_(float("nan"))
    first, second, third = score(packed, [adapters[0], broken, adapters[1]], data, GENERATE)
    assert not np.isfinite(second.nll).any()
    assert max(len(answer) for answer in second.answers) <= GENERATE.max_new_tokens
    for whole, beside in zip(before, (first, third), strict=True):
        assert np.array_equal(whole.nll, beside.nll)
        assert whole.answers == beside.answers


def test_progress_rises_to_one_and_may_stop_the_scoring():
    packed, adapters, _ = scored_models(dtype=torch.float32)
    told: list[float] = []
    score(packed, adapters, examples(20), GENERATE, told.append, limits=SMALL)
    assert told == sorted(told)
    assert told[-1] == 1.0

    class Stop(Exception):
        pass

    def stop(share: float) -> None:
        raise Stop

    with pytest.raises(Stop):
        score(packed, adapters, examples(20), GENERATE, stop, limits=SMALL)


def test_no_examples_and_no_adapters_give_empty_results():
    packed, adapters, _ = scored_models(dtype=torch.float32)
    assert score(packed, [], examples(3), GENERATE) == []
    assert [result.answers for result in score(packed, adapters, (), GENERATE)] == [(), (), ()]
    assert [len(nll) for nll in losses(packed, adapters, ())] == [0, 0, 0]
