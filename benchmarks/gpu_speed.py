"""The stages of `gpu_check` that are timed: the packed engine against PEFT and the Trainer."""

from __future__ import annotations

import copy
import importlib.util
import statistics
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import torch

from benchmarks.gpu_checked import BASE, GB, Checked, padded, peft_model, trainee
from benchmarks.shapes import alpaca_like, model_of, trec_like
from tunebook.core.configuration import Configuration
from tunebook.core.ports import Scoring, TokenizedExample, TrialJob, Workload
from tunebook.engines.base_model import load_model
from tunebook.engines.packed.model.packed_model import PackedModel
from tunebook.engines.packed.scheduling.memory import ModelSize, free_bytes, give_back, needs_of, plan_memory
from tunebook.engines.packed.training import loop
from tunebook.engines.packed.training.loop import choose

__all__ = ["PREPARE", "RUN", "little_card", "quantised_model"]

SECONDS = 3.0
"""For how long a rate is measured, if not enough steps have been done before."""
WARM_SECONDS = 1.0
LITTLE_CARD = 24 * 2**30
MANY = 16
"""Triton compiles a kernel once more where a whole number is a multiple of this."""


@dataclass(frozen=True, kw_only=True)
class _Timed:
    """What one stage measures.

    Attributes:
        shape: of `SHAPES`.
        long: examples of 1,000 tokens instead of short answers.
        dropouts: what is dropped, in turn.
        cohorts: trials at once, what matters most first; at toy size one and two.
        batches: of the Trainer, each a micro-batch and how many of them make a step.
        kind: how weights are kept.
        needs_gb: memory without which the stage is left out.
        slots: so many trials must have room at once.
    """

    shape: str
    long: bool
    dropouts: tuple[float, ...]
    cohorts: tuple[int, ...]
    batches: tuple[tuple[int, int], ...]
    kind: str = "none"
    needs_gb: int = 0
    slots: int = 1

    def config(self, checked: Checked, **values: Any) -> Any:
        return checked.config(self.shape, **values)

    def data(self, checked: Checked) -> tuple[TokenizedExample, ...]:
        n, tokens = (16, 40) if checked.tiny else (64, 1000)
        vocabulary = self.config(checked).vocab_size
        return alpaca_like(n, vocabulary, tokens=tokens) if self.long else trec_like(n, vocabulary)

    def configuration(self, dropout: float) -> Configuration:
        return BASE.with_values(lora_dropout=dropout)

    def model(self, checked: Checked, layers: int | None = None) -> Any:
        """The base model; with fewer layers it wants the same kernels."""
        config, dtype = self.config(checked), torch.bfloat16 if checked.cuda else torch.float32
        layers = min(layers or config.num_hidden_layers, config.num_hidden_layers)
        if self.kind != "none":
            return quantised_model(checked, config, self.kind, layers)
        config.num_hidden_layers = layers
        return model_of(config, dtype, checked.device)


TIMED = {
    "speed": _Timed(shape="135M", long=False, dropouts=(0.1,), cohorts=(8, 1, 32, 4, 16), batches=((8, 1), (2, 4))),
    "speed_1.5B": _Timed(
        shape="1.5B", long=False, dropouts=(0.05,), cohorts=(8, 1, 32), batches=((8, 1),), needs_gb=12
    ),
    "speed_8B": _Timed(shape="8B", long=True, dropouts=(0.05, 0.0), cohorts=(4, 1), batches=((1, 8),), needs_gb=45),
    "quantised_8B": _Timed(
        shape="8B", long=True, dropouts=(0.05,), cohorts=(4, 1), batches=((1, 8),), kind="nf4", needs_gb=20, slots=4
    ),
    "speed_long": _Timed(shape="1.5B", long=True, dropouts=(0.05,), cohorts=(8, 1), batches=((1, 8),), needs_gb=20),
}  # fmt: skip


def _left_out(checked: Checked, timed: _Timed) -> str | None:
    """Why a stage cannot be run here."""
    if timed.kind != "none" and importlib.util.find_spec("bitsandbytes") is None:
        return "bitsandbytes is not installed"
    if checked.cuda and torch.cuda.get_device_properties(checked.device).total_memory < timed.needs_gb * GB:
        return f"the card has less than {timed.needs_gb} GB"
    return None


def _prepare(timed: _Timed, checked: Checked) -> None:
    """Compile what the stage will want, on a model with two layers, and give its memory back."""
    from transformers import Trainer  # noqa: F401  (takes seconds)

    if _left_out(checked, timed) is not None or checked.tiny:
        return
    packed, data = PackedModel(timed.model(checked, layers=2)), timed.data(checked)
    sizes = {1, *(2 for n in timed.cohorts if n > 1), *(MANY for n in timed.cohorts if n >= MANY)}
    for dropout in timed.dropouts:
        for cohort in sorted(sizes):
            _packed_rate(checked, packed, timed.configuration(dropout), data, cohort, WARM_SECONDS)
    del packed
    give_back(checked.device)


def _measure(timed: _Timed, checked: Checked) -> None:
    """Examples a second of PEFT with the Trainer and of packed cohorts, and their ratios."""
    reason = _left_out(checked, timed)
    if reason is not None:
        checked.note("not_run", reason, summary=True)
        return
    data, cohorts = timed.data(checked), (1, 2) if checked.tiny else timed.cohorts
    with little_card(checked, timed.slots > 1):
        for dropout in timed.dropouts[: 1 if checked.tiny else None]:
            c, plain = timed.configuration(dropout), {}
            kind = "" if timed.kind == "none" else f" {timed.kind}"
            label = f"{timed.shape}{kind} {'long' if timed.long else 'short'}, dropout {dropout}"
            for micro, accumulated in timed.batches:
                model = timed.model(checked)
                plain[f"{micro}x{accumulated}"] = _trainer_rate(checked, model, c, data, micro, accumulated)
                del model
                give_back(checked.device)  # a Trainer refers to itself
            checked.note(f"{label}: PEFT examples/s", plain, summary=True)
            for form in reversed(checked.forms()[-1:] if timed.long else checked.forms()):
                packed = PackedModel(timed.model(checked), form)
                for cohort in cohorts if form.joint_updates or not checked.cuda else (1,):
                    rate = _packed_rate(checked, packed, c, data, cohort, SECONDS, timed.slots > 1)
                    at = f"{label}, {rate['trials']} trials, {form.kind(packed.adapter_dtype)}"
                    checked.note(at, rate)
                    ratio = rate["examples_per_second"] / max(plain.values())
                    checked.note(f"{at}: times PEFT", round(ratio, 2), summary=True)
                    if cohort == timed.slots > 1:
                        checked.expect(rate["trials"] == cohort, f"{label}: trials beside each other", rate["trials"])
                del packed
                give_back(checked.device)


@contextmanager
def little_card(checked: Checked, wanted: bool = True) -> Iterator[None]:
    """Let this process have no more of the card than a card of 24 GB has."""
    if not (checked.cuda and wanted):
        yield
        return
    device = torch.device(checked.device)
    total = torch.cuda.get_device_properties(device).total_memory
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(min(1.0, LITTLE_CARD / total), device)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, device)


def quantised_model(checked: Checked, config: Any, kind: str, layers: int) -> Any:
    """A model with a quantised base, whose layers are all the first one over again, which is quick to make."""
    config.num_hidden_layers = 1
    dtype = "bfloat16" if checked.cuda else "float32"
    with tempfile.TemporaryDirectory(prefix="gpu-check-") as folder:
        model_of(config, getattr(torch, dtype), checked.device).save_pretrained(folder)
        give_back(checked.device)
        base = load_model(folder, dtype, checked.device, quantization=kind)
    stack = base.base_model.layers
    for index in range(1, layers):
        again = copy.deepcopy(stack[0])
        again.self_attn.layer_idx = index
        stack.append(again)
    base.config.num_hidden_layers = layers
    return base


def _trainer_rate(
    checked: Checked, model: Any, c: Configuration, data: Sequence[TokenizedExample], micro: int, accumulated: int
) -> float:
    """Examples a second of the stock Trainer: median step of the last three quarters."""
    from transformers import Trainer, TrainerCallback, TrainingArguments

    steps = 2 if checked.tiny else 24
    times: list[float] = []

    class Clock(TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, _: Any, __: Any, control: Any, **more: Any) -> None:
            checked.wait()
            times.append(time.perf_counter())
            control.should_training_stop = len(times) > 4 and times[-1] - times[0] > SECONDS

    with tempfile.TemporaryDirectory(prefix="gpu-check-") as folder:
        arguments = TrainingArguments(
            output_dir=folder, learning_rate=c.learning_rate, per_device_train_batch_size=micro, max_steps=steps,
            gradient_accumulation_steps=accumulated, save_strategy="no", logging_strategy="no", report_to=[],
            disable_tqdm=True, remove_unused_columns=False, use_cpu=not checked.cuda,
        )  # fmt: skip
        rows = [{"example": example} for example in data]
        trainer = Trainer(
            model=peft_model(model, c, 0), args=arguments, train_dataset=rows, callbacks=[Clock()],
            data_collator=lambda batch: padded([row["example"] for row in batch], "cpu"),
        )  # fmt: skip
        trainer.train()
    passed = [b - a for a, b in pairwise(times)][len(times) // 4 :]
    return micro * accumulated / statistics.median(passed)


def _packed_rate(
    checked: Checked, packed: PackedModel, c: Configuration, data: Sequence[TokenizedExample], cohort: int,
    measured: float, on_little_card: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """What a cohort reaches; `measured`: for so many seconds it is warmed up, and then measured."""
    job = TrialJob(id=0, configuration=c, seed=0, splits=(), folder="")
    workload = Workload(tuple(data), {}, Scoring())
    free = free_bytes(checked.device, LITTLE_CARD if on_little_card and checked.cuda else None)
    plan = plan_memory(ModelSize.of(packed), needs_of(packed, [job], workload, True), checked.device, free, cohort)
    packed.recompute = plan.recompute
    trainees = [trainee(packed, c, data, seed, rows=plan.rows) for seed in range(min(cohort, plan.slots))]
    training = loop.Training(packed)  # reads each step with the next one, as a study does

    def round_of_all() -> None:
        left = list(trainees)
        while left:
            chosen = choose(left, plan.rows)
            training.step(chosen)
            left = [one for one in left if one not in chosen]

    def rounds(least: int, most: int) -> int:
        """Until there are enough, or time has passed; how many."""
        ends = time.perf_counter() + measured
        for done in range(1, most + 1):
            round_of_all()
            if done >= least and time.perf_counter() > ends:
                return done
        return most

    def timed() -> float:
        done = 0

        def counted() -> None:
            nonlocal done
            done = rounds(1, 1 if checked.tiny else 20)

        return checked.timed(counted) / done

    began = time.perf_counter()
    round_of_all()
    checked.wait()
    first = time.perf_counter() - began
    rounds(3, 1 if not checked.cuda else 30)  # kernels are compiled, passes recorded
    seconds = timed()
    found: dict[str, Any] = {
        "trials": len(trainees), "rows": plan.rows, "recompute": plan.recompute, "first_seconds": first,
        "step_seconds": seconds, "examples_per_second": len(trainees) * c.effective_batch_size / seconds,
        "peak_gb": checked.peak() / GB, "graphs": training.graphs,
    }  # fmt: skip
    if checked.cuda:
        found |= _kernels(checked, round_of_all, seconds)
    return found


def _kernels(checked: Checked, work: Callable[[], None], seconds: float) -> dict[str, Any]:
    """Kernels of a step, the card's busy share, and how often the host waited for it."""
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CUDA]) as taken:
        work()
        checked.wait()
    events = [e for e in taken.events() if str(e.device_type).endswith("CUDA")]
    busy = sum(e.device_time_total for e in events) / 1e6
    longest: Counter[str] = Counter()
    for event in events:
        longest[event.name[:40]] += event.device_time_total
    torch.cuda.set_sync_debug_mode("warn")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        work()
    torch.cuda.set_sync_debug_mode("default")
    waits = sum("synchroniz" in str(one.message) for one in said)
    return {
        "kernels": len(events), "busy_share": round(busy / seconds, 3), "host_waits": waits,
        "longest_ms": {name: round(time / 1e3, 2) for name, time in longest.most_common(8)},
    }  # fmt: skip


PREPARE: dict[str, Callable[[Checked], None]] = {name: partial(_prepare, timed) for name, timed in TIMED.items()}
RUN: dict[str, Callable[[Checked], None]] = {name: partial(_measure, timed) for name, timed in TIMED.items()}
