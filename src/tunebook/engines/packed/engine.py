"""Engine `packed`: many adapters at once on one frozen base model, nothing computed twice (docs/engine.md)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import torch

from tunebook.core.configuration import Configuration
from tunebook.core.ports import Calibration, EngineOptions, Sink, TokenizedExample, TrialJob, TrialSource, Workload
from tunebook.core.space import Folding
from tunebook.engines.base_model import load_model
from tunebook.engines.packed import targets
from tunebook.engines.packed.cohort import Cohort
from tunebook.engines.packed.loop import train_together
from tunebook.engines.packed.memory import MemoryPlan, adapter_bytes, plan_memory
from tunebook.engines.packed.model import PackedModel
from tunebook.engines.packed.scoring import score
from tunebook.engines.packed.trainee import Trainee

__all__ = ["PackedEngine", "unsupported"]

_YARDSTICK_SHARE = 0.34
"""Share of its own rate that PEFT and the Trainer reach on the same machine, for the line that compares them; they are
not run here (docs/engine.md has the measurement)."""


def unsupported(folder: str) -> str | None:
    """Why the packed engine cannot run the model in this folder, as one sentence, or None; reads config.json alone."""
    from transformers import AutoConfig

    return targets.unsupported_config(AutoConfig.from_pretrained(folder))


class PackedEngine:
    """Fulfils `core.ports.Engine`.

    `EngineOptions.extra` may hold "slots" (trials in training at a time), "rows" (computed tokens a forward) and
    "max_steps" (end every trial after so many steps, for benchmarks).
    """

    name = "packed"
    folding = Folding.everything()

    def __init__(self, options: EngineOptions) -> None:
        self._options = options
        self._packed: PackedModel | None = None
        torch.set_num_threads(options.threads)

    def calibrate(self, workload: Workload) -> Calibration:
        """A few training steps of two adapters and one scoring of a few examples, timed."""
        packed, plan = self._model(), self._plan(workload)
        configuration = Configuration(target_modules="all-linear", num_train_epochs=10**6, max_length=10**6)
        trainees = [self._trainee(packed, plan, configuration, seed, workload.train) for seed in (0, 1)]
        train_together(packed, [trainees[0]])  # the first pass warms up
        began, before = time.perf_counter(), trainees[1].raw_tokens
        train_together(packed, [trainees[1]])
        train_rate = (trainees[1].raw_tokens - before) / max(time.perf_counter() - began, 1e-6)
        scored = next(iter(workload.splits.values()), ())[:16]
        began = time.perf_counter()
        score(packed, [trainees[0].adapter], scored, workload.scoring)
        score_rate = len(scored) / max(time.perf_counter() - began, 1e-6)
        base = sum(p.numel() * p.element_size() for p in packed.model.parameters())
        return Calibration(
            train_tokens_per_second=train_rate,
            score_examples_per_second=score_rate,
            one_by_one_tokens_per_second=train_rate * _YARDSTICK_SHARE,
            base_bytes=base,
            trial_bytes=adapter_bytes(packed.all_shapes, 8),
            device=self._options.device,
            values={"rows": plan.rows, "micro_rows": plan.micro_rows, "slots": plan.slots},
        )

    def run(self, source: TrialSource, workload: Workload, sink: Sink) -> None:
        Cohort(self._model(), self._options, self._plan(workload), workload, sink).run(source)

    def _model(self) -> PackedModel:
        """The base model, loaded at first use.

        Raises: ModelError: it cannot be loaded; PackingError: it cannot be packed.
        """
        if self._packed is None:
            o = self._options
            self._packed = PackedModel(load_model(o.model, o.dtype, o.device, o.trust_remote_code))
        return self._packed

    def _plan(self, workload: Workload) -> MemoryPlan:
        packed, extra = self._model(), self._options.extra
        plan = plan_memory(
            packed.all_shapes, packed.model.config.hidden_size, packed.dtype.itemsize, self._options.device,
            self._options.memory_bytes, slots=extra.get("slots"),
        )  # fmt: skip
        rows = int(extra.get("rows", plan.rows))
        return MemoryPlan(rows, min(plan.micro_rows, rows), plan.slots)

    def _trainee(
        self, packed: PackedModel, plan: MemoryPlan, configuration: Configuration, seed: int,
        train: Sequence[TokenizedExample],
    ) -> Trainee:  # fmt: skip
        job = TrialJob(0, configuration, seed, (), "")
        options: dict[str, Any] = {"dtype": packed.adapter_dtype, "device": packed.device}
        return Trainee(job, train, packed.all_shapes, plan.micro_rows, self._options.share_prompts, **options)
