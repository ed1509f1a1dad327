"""What the stages of `gpu_check` share: where they note what they found, models and trials to try, and plain PEFT."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from benchmarks.shapes import SHAPES, TINY, model_of
from tunebook.core.configuration import Configuration
from tunebook.core.ports import TokenizedExample, TrialJob
from tunebook.engines.initial import initial_values
from tunebook.engines.packed.model.bank import Adapter
from tunebook.engines.packed.model.ops import Ops, TorchOps
from tunebook.engines.packed.model.packed_model import PackedModel
from tunebook.engines.packed.training.trainee import Trainee

__all__ = [
    "BASE", "GB", "Checked", "apart", "copy_of", "fill_b", "lora_modules", "padded", "peft_model", "plain_backward",
    "trainee",
]  # fmt: skip

BASE = Configuration(
    learning_rate=1e-3, per_device_train_batch_size=8, num_train_epochs=1000, lora_r=16, lora_alpha=32,
    lr_scheduler_type="constant", target_modules="all-linear", max_length=10**6,
)  # fmt: skip
GB = 10**9


@dataclass
class Checked:
    """What a stage is given, and where it writes what it found.

    Attributes:
        problems: what did not pass.
        values: JSON values; `summary` is shown at the end.
    """

    device: str
    tiny: bool
    write: Callable[[dict[str, Any]], None]
    values: dict[str, Any] = field(default_factory=lambda: {"summary": {}})
    problems: list[str] = field(default_factory=list)

    @property
    def cuda(self) -> bool:
        return self.device.startswith("cuda")

    def note(self, name: str, value: Any, summary: bool = False) -> None:
        self.values[name] = value
        if summary:
            self.values["summary"][name] = value
        self.write(self.values)

    def expect(self, passed: bool, name: str, value: Any) -> None:
        """Note a value that must be as it should."""
        self.note(name, value, summary=not passed)
        if not passed:
            self.problems.append(f"{name}: {value}")

    def config(self, name: str, **values: Any) -> Any:
        return SHAPES[name](**(TINY | values if self.tiny else values))

    def forms(self) -> list[Ops]:
        """What may compute between the base multiplies: torch and, on a card, Triton."""
        device = torch.device(self.device)
        found: list[Ops] = [TorchOps(device)]
        if self.cuda and importlib.util.find_spec("triton") is not None:
            from tunebook.engines.packed.model.triton_ops import TritonOps

            found.append(TritonOps(device))
        return found

    def wait(self) -> None:
        if self.cuda:
            torch.cuda.synchronize(self.device)

    def timed(self, work: Callable[[], object]) -> float:
        self.wait()
        began = time.perf_counter()
        work()
        self.wait()
        return time.perf_counter() - began

    def allocated(self) -> int:
        return int(torch.cuda.memory_allocated(self.device)) if self.cuda else 0

    def peak(self) -> int:
        return int(torch.cuda.max_memory_allocated(self.device)) if self.cuda else 0


def fill_b(adapter: Adapter, adapted: Any = None) -> None:
    """Give B the same random values in an adapter, or in a PEFT model."""
    generator = torch.Generator().manual_seed(1)
    modules = dict(lora_modules(adapted)) if adapted is not None else {}
    for name in adapter.shapes:
        value = torch.empty(adapter.b(name).shape).normal_(std=0.02, generator=generator)
        with torch.no_grad():
            if adapted is None:
                adapter.b(name).copy_(value)
            else:
                modules[name].lora_B["default"].weight.copy_(value.T)


def copy_of(model: Any, checked: Checked) -> Any:
    again = model_of(model.config, model.dtype, checked.device)
    again.load_state_dict(model.state_dict())
    return again


def peft_model(model: Any, configuration: Configuration, seed: int) -> Any:
    """A PEFT model with the values that every engine starts from."""
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(
        r=configuration.lora_r, lora_alpha=int(configuration.lora_alpha), lora_dropout=configuration.lora_dropout,
        target_modules="all-linear", task_type="CAUSAL_LM",
    )  # fmt: skip
    adapted = get_peft_model(model, config).train()
    for name, module in lora_modules(adapted):
        weight = module.lora_A["default"].weight
        with torch.no_grad():
            values = initial_values(seed, name, *weight.shape, module.out_features, configuration.init_lora_weights)
            weight.copy_(values[0])
    return adapted


def lora_modules(adapted: Any) -> Iterator[tuple[str, Any]]:
    return ((name, module) for name, module in adapted.get_base_model().named_modules() if hasattr(module, "lora_A"))


def plain_backward(adapted: Any, batch: Sequence[TokenizedExample], n_items: int) -> float:
    inputs = padded(batch, adapted.device)
    labels = inputs.pop("labels")
    logits = adapted(**inputs).logits.float()
    loss = torch.nn.functional.cross_entropy(
        logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), ignore_index=-100, reduction="sum"
    )
    (loss / n_items).backward()
    return float(loss.detach()) / n_items


def padded(batch: Sequence[TokenizedExample], device: Any) -> dict[str, Tensor]:
    width = max(example.n_tokens for example in batch)
    ids = torch.zeros(len(batch), width, dtype=torch.int64)
    mask, labels = torch.zeros_like(ids), torch.full_like(ids, -100)
    for row, example in enumerate(batch):
        n = example.n_tokens
        ids[row, :n] = torch.tensor(example.prompt_ids + example.completion_ids)
        mask[row, :n] = 1
        labels[row, len(example.prompt_ids) : n] = torch.tensor(example.completion_ids)
    return {name: t.to(device) for name, t in (("input_ids", ids), ("attention_mask", mask), ("labels", labels))}


def apart(mine: dict[str, Tensor], theirs: dict[str, Tensor]) -> float:
    difference = sum(float((mine[n].float() - theirs[n].float()).square().sum()) for n in mine) ** 0.5
    return difference / sum(float(t.float().square().sum()) for t in theirs.values()) ** 0.5


def trainee(
    packed: PackedModel, configuration: Configuration, data: Sequence[TokenizedExample], seed: int,
    steps: int | None = None, rows: int = 8192,
) -> Trainee:  # fmt: skip
    job = TrialJob(id=seed, configuration=configuration, seed=seed, splits=(), folder="")
    return Trainee(job, data, packed.all_shapes, rows, True, steps, packed.adapter_dtype, packed.device)
