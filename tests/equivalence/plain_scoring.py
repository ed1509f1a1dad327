"""What packed scoring is compared with: transformers' own generation and forward, one example at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from plain_peft import peft_model
from tiny_models import END

from tunebook.core.configuration import Configuration
from tunebook.core.ports import Scoring, TokenizedExample
from tunebook.engines.packed.model.bank import Adapter, new_adapter
from tunebook.engines.packed.model.packed_model import PackedModel


def adapter_and_peft(
    packed: PackedModel, base: Any, rank: int, seed: int, spread: float = 0.3
) -> tuple[Adapter, Any]:  # fmt: skip
    """An adapter with random values of this standard deviation, and a stock PEFT model with the same."""
    configuration = Configuration(lora_r=rank, lora_alpha=2 * rank, target_modules="all-linear")
    adapter = new_adapter(packed.shapes("all-linear"), configuration, seed, packed.adapter_dtype)
    adapter.values.normal_(std=spread, generator=torch.Generator().manual_seed(seed))
    model = peft_model(base, configuration, seed).eval()
    with torch.no_grad():
        for name, module in model.get_base_model().named_modules():
            if hasattr(module, "lora_A"):
                module.lora_A["default"].weight.copy_(adapter.a(name))
                module.lora_B["default"].weight.copy_(adapter.b(name).T)
    return adapter, model


@torch.no_grad()
def plain_nll(model: Any, prompt: Sequence[int], completion: Sequence[int]) -> float:
    """Summed negative log-likelihood of a completion, nats, in the model's own precision."""
    ids = torch.tensor([[*prompt, *completion]])
    logits = model(input_ids=ids).logits[0, len(prompt) - 1 : -1]
    return float(torch.nn.functional.cross_entropy(logits, ids[0, len(prompt) :], reduction="sum"))


@torch.no_grad()
def plain_answer(model: Any, prompt: Sequence[int], scoring: Scoring) -> tuple[int, ...]:
    """Greedy answer without its stop token, by `generate`."""
    ids = torch.tensor([list(prompt)])
    out = model.generate(
        input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=scoring.max_new_tokens, do_sample=False,
        eos_token_id=list(scoring.stop_ids), pad_token_id=0,
    )[0, len(prompt) :].tolist()  # fmt: skip
    return tuple(out[: next((i for i, token in enumerate(out) if token in scoring.stop_ids), len(out))])


def with_half_right_golds(
    examples: Sequence[TokenizedExample], model: Any, scoring: Scoring
) -> tuple[TokenizedExample, ...]:
    """Every second example's gold becomes the model's own answer or its first tokens, so that greedy answers part
    from gold ones at every possible place."""
    made = []
    for index, example in enumerate(examples):
        answer = plain_answer(model, example.prompt_ids, scoring)
        own = example if index % 2 else TokenizedExample(example.prompt_ids, (*answer[: index % 5], END))
        made.append(own)
    return tuple(made)
