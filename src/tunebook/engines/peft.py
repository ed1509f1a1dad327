"""Engine `peft`: PEFT and the Hugging Face Trainer, one trial after another. It is slow and simple, and
it is the reference that the packed engine is tested against.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Sequence
from typing import Any

import torch

from tunebook.core.configuration import Configuration
from tunebook.core.events import Cancelled, Failed, Finished
from tunebook.core.facts import Cost
from tunebook.core.ports import Calibration, EngineOptions, Sink, TokenizedExample, TrialSource, Workload
from tunebook.core.space import Folding
from tunebook.engines.batched_scoring import score
from tunebook.engines.peft_adapters import adapted_model
from tunebook.engines.peft_trainable import refusal
from tunebook.engines.peft_trial import StopTraining, TrialRun, collated, padding_id, peak_bytes, wait_for
from tunebook.engines.quantised_modules import weight_bytes
from tunebook.errors import EnvironmentStop, ModelError, TunebookError, is_out_of_memory

__all__ = ["PeftEngine"]


class PeftEngine:
    """Fulfils `core.ports.Engine` with PEFT and the Trainer."""

    name = "peft"
    folding = Folding.everything()

    def __init__(self, options: EngineOptions) -> None:
        self._options = options
        torch.set_num_threads(options.threads)

    def refuses(self, configuration: Configuration) -> str | None:
        """Why neither PEFT nor the Trainer can train a configuration here, or None."""
        return refusal(configuration, self._options)

    def calibrate(self, workload: Workload) -> Calibration:
        """Time a training step and a scoring batch."""
        configuration = Configuration(target_modules="all-linear", num_train_epochs=1)
        model = adapted_model(self._options, configuration, seed=0)
        examples = [e for e in workload.train[:16] if e.completion_ids]
        began = time.perf_counter()
        torch.autograd.backward(self._loss(model, examples[:8]))  # the first one warms up
        wait_for(self._options.device)
        warm = time.perf_counter()
        torch.autograd.backward(self._loss(model, examples[-8:]))
        wait_for(self._options.device)
        seconds = max(time.perf_counter() - warm, 1e-6)
        tokens = sum(e.n_tokens for e in examples[-8:])
        scored = next(iter(workload.splits.values()))[:8]
        began = time.perf_counter()
        score(model, scored, workload.scoring, padding_id(model), lambda _: None)
        score_seconds = max(time.perf_counter() - began, 1e-6)
        rate = tokens / seconds
        base = weight_bytes(model)
        peak = peak_bytes(self._options.device)
        return Calibration(
            train_tokens_per_second=rate,
            score_examples_per_second=len(scored) / score_seconds,
            one_by_one_tokens_per_second=rate,
            base_bytes=base,
            trial_bytes=max(peak - base, 0),
            device=self._options.device,
        )

    def run(self, source: TrialSource, workload: Workload, sink: Sink) -> None:
        """Train one trial after another; see `core.ports.Engine.run`."""
        while not sink.should_stop():
            jobs = source.take(1)
            if not jobs:
                return
            began = time.perf_counter()
            try:
                sink.emit(Finished(TrialRun(self._options, jobs[0], workload, sink).run()))
            except StopTraining:
                if sink.should_stop():
                    return
                sink.emit(Cancelled(jobs[0].id, Cost(train_seconds=time.perf_counter() - began)))
            except (EnvironmentStop, ModelError):  # these end the study, not this trial alone
                raise
            except (RuntimeError, ValueError, MemoryError) as error:  # the failure of one trial must not end the others
                kind = "" if isinstance(error, TunebookError) else f"{type(error).__name__}: "
                sink.emit(Failed(jobs[0].id, f"{kind}{error}", out_of_memory=is_out_of_memory(error)))
            gc.collect()

    def _loss(self, model: Any, examples: Sequence[TokenizedExample]) -> torch.Tensor:
        rows = [(example, None) for example in examples]
        batch = {k: v.to(self._options.device) for k, v in collated(rows, padding_id(model)).items()}
        loss: torch.Tensor = model(**batch).loss
        return loss
