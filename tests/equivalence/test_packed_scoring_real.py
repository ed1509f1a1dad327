"""Packed scoring on the built-in model in float32: the same answers and likelihoods as transformers' generation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from packed_runs import packed_model
from plain_scoring import adapter_and_peft, plain_answer, plain_nll

from tunebook.core.ports import Scoring, TokenizedExample
from tunebook.engines.base_model import built_in_is_cached, built_in_wheel, load_model, load_tokenizer, resolve_model
from tunebook.engines.packed.scoring.score import score

QUESTIONS = {
    "Who wrote the first dictionary ?": "human", "Where is the highest bridge ?": "location",
    "How many feet are in a mile ?": "number",
}  # fmt: skip


@pytest.fixture(scope="module")
def folder():
    if not built_in_is_cached() and built_in_wheel() is None:
        pytest.skip("the built-in model is not installed")
    return resolve_model("smollm2")


def examples(tokenizer):
    made = []
    for question, answer in QUESTIONS.items():
        text = f"Choose one: abbreviation, entity, description, human, location, number.\nQuestion: {question}\nKind:"
        turn = [{"role": "user", "content": text}]
        prompt = tokenizer.apply_chat_template(turn, add_generation_prompt=True, tokenize=True, return_dict=False)
        completion = tokenizer(answer, add_special_tokens=False)["input_ids"]
        made.append(TokenizedExample(tuple(prompt), (*completion, tokenizer.eos_token_id)))
    return tuple(made)


@pytest.mark.model
@pytest.mark.slow
def test_real_model_gives_the_stock_answers_and_likelihoods(folder):
    tokenizer = load_tokenizer(folder)
    data, scoring = examples(tokenizer), Scoring("generate", 6, (tokenizer.eos_token_id,))
    base = load_model(folder)
    packed = packed_model(base)
    adapter, model = adapter_and_peft(packed, base, rank=8, seed=0, spread=0.02)
    for result, stock in zip(score(packed, [None, adapter], data, scoring), (base, model), strict=True):
        assert result.answers == tuple(plain_answer(stock, e.prompt_ids, scoring) for e in data)
        expected = [plain_nll(stock, e.prompt_ids, e.completion_ids) for e in data]
        np.testing.assert_allclose(result.nll, expected, rtol=1e-5, atol=1e-5)
    assert not torch.equal(adapter.values, torch.zeros_like(adapter.values))
