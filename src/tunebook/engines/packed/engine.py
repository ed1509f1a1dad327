"""Engine `packed`: many adapters at once on one frozen base model, nothing computed twice (docs/engine.md)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import torch

from tunebook.core.configuration import Configuration
from tunebook.core.ports import Calibration, EngineOptions, Sink, TrialJob, TrialSource, Workload
from tunebook.core.space import Folding
from tunebook.engines.base_model import load_model
from tunebook.engines.calibration import MEASURED, measure
from tunebook.engines.packed.model.packed_model import PackedModel
from tunebook.engines.packed.scheduling.cohort import Cohort
from tunebook.engines.packed.scheduling.lanes import Lanes, lane_count, threads_agree
from tunebook.engines.packed.scheduling.memory import MemoryPlan, ModelSize, free_bytes, needs_of, plan_memory
from tunebook.engines.packed.trainable import refusal

__all__ = ["PackedEngine"]

ORDINARY_RANK = 16
"""What a wave's adapters are taken to be before they are known."""


class PackedEngine:
    """Fulfils `core.ports.Engine`.

    `EngineOptions.extra` may hold "slots" (trials in training at a time), "rows" (computed tokens a forward), "lanes"
    (forwards at the same time) and "max_steps" (end every trial after so many steps, for benchmarks).
    """

    name = "packed"
    folding = Folding.everything()

    def __init__(self, options: EngineOptions) -> None:
        self._options = options
        self._packed: PackedModel | None = None
        self._n_lanes = int(options.extra.get("lanes", lane_count(options.device, options.threads)))
        torch.set_num_threads(options.threads)

    def refuses(self, configuration: Configuration) -> str | None:
        """Why a configuration is left to engine `peft`, or None."""
        return refusal(configuration)

    def calibrate(self, workload: Workload) -> Calibration:
        """Steps of a small cohort, a scoring pass and, with room for it, plain PEFT, timed (`calibration.measure`)."""
        return measure(self._model(), self._plan(workload, ()), self._options, workload, self._lanes())

    def run(self, source: TrialSource, workload: Workload, sink: Sink) -> None:
        slots = self._plan(workload, ()).slots
        jobs = list(source.take(slots, slots, True))
        if jobs:
            plan = self._plan(workload, jobs)
            Cohort(self._model(), self._options, plan, workload, sink, self._lanes(), jobs).run(source)

    def _model(self) -> PackedModel:
        """The base model, loaded at first use.

        Raises: ModelError: it cannot be loaded; PackingError: it cannot be packed.
        """
        if self._packed is None:
            o = self._options
            self._packed = PackedModel(load_model(o.model, o.dtype, o.device, o.trust_remote_code, o.quantization))
            self._packed.lay_out_weights(free_bytes(o.device, o.memory_bytes))
        return self._packed

    def _lanes(self) -> Lanes:
        return Lanes(self._n_lanes, self._options.threads, self._may_widen)

    @cached_property
    def _may_widen(self) -> bool:
        """Whether one lane alone may use all threads; looked at once for all runs."""
        packed = self._model()
        return self._n_lanes > 1 and threads_agree(packed.base_shapes, packed.dtype, self._options.threads)

    def _plan(self, workload: Workload, jobs: Sequence[TrialJob]) -> MemoryPlan:
        """The plan for a wave that begins with these jobs, or with ordinary ones where none are known yet."""
        packed, options = self._model(), self._options
        jobs = jobs or [
            TrialJob(id=0, configuration=replace(MEASURED, lora_r=ORDINARY_RANK), seed=0, splits=(), folder="")
        ]
        plan = plan_memory(
            ModelSize.of(packed), needs_of(packed, jobs, workload, options.share_prompts), options.device,
            free_bytes(options.device, options.memory_bytes), options.extra.get("slots"), self._n_lanes,
        )  # fmt: skip
        return replace(plan, rows=int(options.extra.get("rows", plan.rows)))
