"""The built-in model in float32: three steps of the packed engine against plain PEFT."""

from __future__ import annotations

import pytest
import torch
from packed_runs import losses, packed_model, train_cohort, trainee
from plain_peft import plain_weights, train_plain

from tunebook.core.configuration import Configuration
from tunebook.core.ports import TokenizedExample
from tunebook.engines.base_model import BUILT_IN, load_model, load_tokenizer, resolve_model
from tunebook.errors import MissingExtraError

QUESTIONS = (
    ("How far is it from Denver to Aspen ?", "number"), ("Who wrote Hamlet ?", "person"),
    ("What is an atom ?", "description"), ("Where is Lima ?", "place"), ("What does NASA stand for ?", "abbreviation"),
)  # fmt: skip


@pytest.mark.model
@pytest.mark.slow
def test_the_built_in_model_trains_as_in_plain_peft():
    try:
        folder = resolve_model(BUILT_IN)
    except MissingExtraError as error:
        pytest.skip(str(error))
    tokenizer = load_tokenizer(folder)
    data = []
    for question, answer in QUESTIONS:
        turn = [{"role": "user", "content": f"Which kind of thing does this question ask for?\n{question}"}]
        prompt = tokenizer.apply_chat_template(turn, add_generation_prompt=True, tokenize=True, return_dict=False)
        completion = [*tokenizer(answer, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
        data.append(TokenizedExample(tuple(prompt), tuple(completion)))
    configuration = Configuration(
        learning_rate=3e-4, per_device_train_batch_size=2, num_train_epochs=1, lora_r=8, lora_alpha=32,
        target_modules="all-linear",
    )  # fmt: skip
    base = load_model(folder)
    packed = packed_model(base)
    plain_losses, plain = train_plain(base, configuration, data, seed=1)
    one = trainee(packed, configuration, data, seed=1)
    train_cohort(packed, [one])
    assert losses(one) == pytest.approx(plain_losses, rel=1e-4)
    for name, (a, b) in plain_weights(plain).items():
        for mine, theirs in ((one.adapter.a(name), a), (one.adapter.b(name), b)):
            assert float((mine - theirs).norm()) <= 2e-2 * float(theirs.norm())
    assert torch.isfinite(one.adapter.values).all()
