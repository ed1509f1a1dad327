"""What the packed engine is compared with: plain PEFT and a loop that does what the Trainer does."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from peft.optimizers import create_loraplus_optimizer
from transformers import get_scheduler

from tunebook.core.class_weights import example_weights
from tunebook.core.configuration import Configuration
from tunebook.core.keywords import lora_keywords, training_keywords
from tunebook.core.order import example_order, steps_per_epoch, warmup_count
from tunebook.core.ports import TokenizedExample, trained_examples
from tunebook.engines.initial import initial_values


class ExactNorm(torch.nn.Module):
    """RMS norm in the input's own precision: the stock classes round to float32, even in float64."""

    def __init__(self, norm: Any) -> None:
        super().__init__()
        offset = 1.0 if "Gemma" in type(norm).__name__ else 0.0
        self.register_buffer("scale", norm.weight.detach().clone() + offset)
        self.eps = getattr(norm, "variance_epsilon", None) or norm.eps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.eps) * self.scale


def with_exact_norms(model: Any) -> Any:
    """The model with every RMS norm in full precision, so that float64 means float64."""
    for name, module in list(model.named_modules()):
        if type(module).__name__.endswith("RMSNorm"):
            model.set_submodule(name, ExactNorm(module))
    return model


def peft_model(base: Any, configuration: Configuration, seed: int) -> Any:
    """A copy of the model with the adapter that every engine starts from."""
    model = get_peft_model(copy.deepcopy(base), LoraConfig(**lora_keywords(configuration)))
    with torch.no_grad():
        for name, module in model.get_base_model().named_modules():
            if hasattr(module, "lora_A"):
                # PEFT keeps adapters of a float64 model in float64 only when told
                if base.dtype == torch.float64:
                    module.lora_A.to(torch.float64)
                    module.lora_B.to(torch.float64)
                a, b = module.lora_A["default"].weight, module.lora_B["default"].weight
                values = initial_values(seed, name, *a.shape, len(b), kind=configuration.init_lora_weights)
                a.copy_(values[0])
                b.copy_(values[1])
    return model


def example_loss(model: Any, example: TokenizedExample, n_items: int) -> torch.Tensor:
    """Summed cross-entropy of the completion, over `n_items`."""
    ids = torch.tensor([example.prompt_ids + example.completion_ids])
    first = len(example.prompt_ids)
    logits = model(input_ids=ids).logits[0, first - 1 : -1]
    return torch.nn.functional.cross_entropy(logits, ids[0, first:], reduction="sum") / n_items


def train_plain(
    base: Any, configuration: Configuration, examples: Sequence[TokenizedExample], seed: int
) -> tuple[list[float], Any]:
    """Losses of every step, and the trained PEFT model."""
    model = peft_model(base, configuration, seed).train()
    indexed = trained_examples(examples, configuration.max_length)
    kept = [example for _, example in indexed]
    size = configuration.effective_batch_size
    epoch_steps = steps_per_epoch(len(kept), size)
    total = epoch_steps * configuration.num_train_epochs
    parameters = [p for p in model.parameters() if p.requires_grad]
    adamw = create_loraplus_optimizer(
        model, torch.optim.AdamW, lr=configuration.learning_rate, betas=(0.9, configuration.adam_beta2),
        loraplus_lr_ratio=configuration.lora_plus_lr_ratio, loraplus_weight_decay=configuration.weight_decay,
    )  # fmt: skip
    schedule = get_scheduler(
        configuration.lr_scheduler_type,
        adamw,
        warmup_count(configuration.warmup_steps, total),
        total,
        training_keywords(configuration, total).get("lr_scheduler_kwargs"),
    )
    weights = example_weights(configuration, examples)
    losses = []
    for step in range(total):
        epoch, at = divmod(step, epoch_steps)
        chosen = example_order(seed, epoch, len(kept))[at * size : (at + 1) * size]
        batch = [kept[i] for i in chosen]
        n_items = sum(len(example.completion_ids) for example in batch)
        adamw.zero_grad()
        loss = 0.0
        for i, example in zip(chosen, batch, strict=True):
            part = example_loss(model, example, n_items) * (1 if weights is None else weights[indexed[i][0]])
            part.backward()
            loss += float(part.detach())
        torch.nn.utils.clip_grad_norm_(parameters, configuration.max_grad_norm)
        adamw.step()
        schedule.step()
        losses.append(loss)
    return losses, model


def plain_weights(model: Any) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """A (R, D) and transposed B (R, O) of every adapted module, by the module's name in the base model."""
    found = {}
    for name, module in model.get_base_model().named_modules():
        if hasattr(module, "lora_A"):
            found[name] = (module.lora_A["default"].weight.detach(), module.lora_B["default"].weight.detach().T)
    return found
