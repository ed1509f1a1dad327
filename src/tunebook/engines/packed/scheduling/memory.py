"""How many trials train at a time, how many rows a forward has, and whether layers are recomputed, so that all fits.

Slots are solved for before rows, from the adapters that the wave really has; rows get what is left. On a CPU a forward
of about 512 rows reaches the multiply rate of any larger one and its activations still fit the caches; on a GPU more
rows fill the chip. Where a GPU has no room for some of the longest examples, layers are recomputed in the backward
pass (`model/recompute.py`), which changes no number.

Bytes a row are predicted from the model's shapes and held against runs with fake tensors (benchmarks/memory_plan.py).
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import psutil
import torch

from tunebook.core.ports import TrialJob, Workload, trained_examples
from tunebook.engines.packed.model.attention import KEPT_CONTEXT
from tunebook.engines.packed.model.bank import ModuleShape
from tunebook.engines.packed.model.packed_model import PackedModel
from tunebook.engines.packed.scoring.score import CPU_LIMITS, GPU_LIMITS, ScoringLimits
from tunebook.engines.packed.training.losses import logits_bytes
from tunebook.engines.packed.training.steps import micro_batches

__all__ = [
    "MemoryPlan", "ModelSize", "Needs", "adapter_bytes", "forget_peak", "free_bytes", "give_back", "needs_of",
    "needs_of_trial", "peak_bytes", "plan_memory", "row_bytes", "trial_bytes",
]  # fmt: skip

CPU_ROWS = 512
"""Rows a forward on a CPU: the multiply rate no longer grows beyond (docs/engine.md)."""
GPU_ROWS = 8192
MAX_SLOTS = 64
FEW_SLOTS = 8
"""So many trials are worth a smaller forward, as long as they take no more than half of the room."""
MIN_ROWS = 16
LONGEST_FIT = 4
"""Layers are recomputed on a GPU where a forward has no room for so many of the longest examples."""
_SHARE_OF_FREE = {"cuda": 0.9, "cpu": 0.8}
"""Part of the free memory that is planned with: the rest is for fragments and what the prediction does not see."""
_STATES = 4
"""Vectors of an adapter's size while it trains: values, gradients, two moments."""
_GATE_TRANSIENT, _FUSED_GATE, _SCORE_TRANSIENT = 15, 6, 12
"""What the backward pass of one layer needs for a while: bytes by row and unit of the gated activation, and by row,
head and token that is attended to."""
_DEQUANTISED_COPIES = 3
"""A dequantised weight, and in its place for a while the same in float32, which takes twice the bytes of bfloat16."""


@dataclass(frozen=True)
class MemoryPlan:
    """How a cohort is cut.

    Attributes:
        rows: computed tokens a forward, so also of a trial's micro-batch; a trial's last bits depend on it.
        slots: trials in training at a time.
        trials_bytes: what all trials in training may take together; None: whatever `slots` of them take.
        recompute: whether layers are computed again in the backward pass instead of keeping their activations.
        scoring: bounds of a scoring forward.
    """

    rows: int
    slots: int
    trials_bytes: int | None = None
    recompute: bool = False
    scoring: ScoringLimits = CPU_LIMITS


@dataclass(frozen=True, kw_only=True)
class ModelSize:
    """What the memory of a forward depends on.

    Attributes:
        layers, hidden, intermediate, vocabulary: as in the model's configuration.
        heads: query heads; queries, keys: features of all query heads, of all key heads.
        itemsize: bytes of an activation.
        lean: whether norms, gates and rotation are the engine's own, which keep less (`model/lean_modules.py`).
        fused: as `Ops.fused`.
        dequantised: numbers of the largest base weight that is dequantised for each multiply; 0: none is.
    """

    layers: int
    hidden: int
    intermediate: int
    vocabulary: int
    heads: int
    queries: int
    keys: int
    itemsize: int
    lean: bool = True
    fused: bool = False
    dequantised: int = 0

    @classmethod
    def of(cls, packed: PackedModel) -> ModelSize:
        config = packed.model.config
        largest = max(shape.n_in * shape.n_out for shape in packed.all_shapes)
        capped = getattr(config, "attn_logit_softcapping", None) is not None
        head_size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        return cls(
            layers=config.num_hidden_layers, hidden=config.hidden_size, intermediate=config.intermediate_size,
            vocabulary=packed.vocabulary, heads=config.num_attention_heads,
            queries=config.num_attention_heads * head_size, keys=config.num_key_value_heads * head_size,
            itemsize=packed.dtype.itemsize, lean=packed.is_lean,
            fused=packed.ops.fused and not capped,
            dequantised=largest if getattr(packed.model, "is_quantized", False) else 0,
        )  # fmt: skip

    def layer_row(self, context: int) -> int:
        """Bytes that one layer keeps of a row for the backward pass.

        Args:
            context: tokens that a row attends to.
        """
        kept = 4 * self.hidden + 2 * self.queries + 2 * self.keys + 2 * self.intermediate
        if not self.lean:
            kept += 4 * self.hidden + 2 * (self.queries + self.keys) + 2 * self.intermediate
        return self.itemsize * (kept + self._probabilities(context))

    def gate_row(self) -> int:
        """Bytes of a row that the backward pass of one gated activation needs for a while."""
        return (_FUSED_GATE if self.fused else _GATE_TRANSIENT) * self.intermediate

    def score_row(self, context: int) -> int:
        """Bytes of a row that the backward pass of one layer's attention needs for a while."""
        return 0 if self.fused else _SCORE_TRANSIENT * self.heads * context

    def key_value_row(self) -> int:
        """Bytes of a row's keys and values in all layers."""
        return 2 * self.layers * self.keys * self.itemsize

    def fixed(self, device: str) -> int:
        """Bytes that a step needs however many rows it has: logits, dequantised matrices."""
        return logits_bytes(device, self.itemsize) + _DEQUANTISED_COPIES * self.dequantised * self.itemsize

    def _probabilities(self, context: int) -> int:
        return round(1.2 * self.heads * context) if context <= KEPT_CONTEXT and not self.fused else 0


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What the trials of a wave ask for.

    Attributes:
        trials: bytes of each trial in training (`trial_bytes`).
        step_rows: computed tokens of a typical optimiser step of one trial.
        longest: tokens of the longest example.
    """

    trials: tuple[int, ...]
    step_rows: int
    longest: int


def needs_of(packed: PackedModel, jobs: Sequence[TrialJob], workload: Workload, share: bool) -> Needs:
    """What some jobs need, by their own ranks, modules, batches and lengths."""
    sizes, steps, longest = [], [1], 1
    for job in jobs:
        c = job.configuration
        sizes.append(needs_of_trial(packed, job))
        examples = trained_examples(workload.train[: c.effective_batch_size], c.max_length)
        if examples and c.num_train_epochs:
            steps.append(sum(micro.tree.n_tokens for micro in micro_batches(examples, sys.maxsize, share)))
        longest = max([longest, *(min(example.n_tokens, c.max_length) for example in workload.train)])
    return Needs(trials=tuple(sizes), step_rows=sum(steps) // len(steps), longest=longest)


def needs_of_trial(packed: PackedModel, job: TrialJob) -> int:
    """Bytes of one job's trial in training."""
    c = job.configuration
    vectors = _STATES + (c.lora_plus_lr_ratio != 1)  # LoRA+ keeps the share of each entry
    return vectors * adapter_bytes(packed.shapes(c.target_modules), c.lora_r, packed.adapter_dtype.itemsize)


def row_bytes(size: ModelSize, longest: int, recompute: bool = False) -> int:
    """Bytes that one more row costs while a forward and its backward pass run.

    Args:
        longest: tokens of the longest example.
        recompute: layers keep their input alone.
    """
    layer, gate, scores = size.layer_row(longest), size.gate_row(), size.score_row(longest)
    if recompute:
        return size.layers * size.hidden * size.itemsize + layer + max(gate, scores)
    return size.layers * layer + max(gate - layer, scores)  # the last layer's gate is computed for few rows


def adapter_bytes(shapes: Sequence[ModuleShape], rank: int, itemsize: int = 4) -> int:
    """Bytes of an adapter's values."""
    return itemsize * rank * sum(shape.n_in + shape.n_out for shape in shapes)


def trial_bytes(shapes: Sequence[ModuleShape], rank: int, itemsize: int = 4) -> int:
    """Bytes of one trial in training, beside its activations."""
    return _STATES * adapter_bytes(shapes, rank, itemsize)


def plan_memory(
    size: ModelSize, needs: Needs, device: str, free: int, slots: int | None = None, lanes: int = 1
) -> MemoryPlan:
    """A plan that fits, with at least one slot and 16 rows.

    Args:
        free: bytes that may still be taken (`free_bytes`).
        slots: trials in training at a time, when they are given.
        lanes: forwards that are computed at the same time.
    """
    plan = _plan(size, needs, device, free, slots, lanes, recompute=False)
    if device.startswith("cuda") and plan.rows < min(GPU_ROWS, LONGEST_FIT * needs.longest):
        again = _plan(size, needs, device, free, slots, lanes, recompute=True)
        return again if (again.slots, again.rows) > (plan.slots, plan.rows) else plan
    return plan


def _plan(
    size: ModelSize, needs: Needs, device: str, free: int, slots: int | None, lanes: int, recompute: bool
) -> MemoryPlan:
    cuda = device.startswith("cuda")
    most_rows = GPU_ROWS if cuda else CPU_ROWS
    a_row = lanes * row_bytes(size, needs.longest, recompute)
    a_trial = max(needs.trials)
    twins = lanes * a_trial // _STATES  # a long step's second gradient
    room = int(free * _SHARE_OF_FREE["cuda" if cuda else "cpu"]) - lanes * size.fixed(device) - twins
    step_rows = min(needs.step_rows, most_rows)
    whole_steps = room // (a_trial + step_rows * a_row)
    beside_longest = (room - min(needs.longest, most_rows) * a_row) // a_trial
    few = min(FEW_SLOTS, room // 2 // a_trial)
    wanted = slots if slots is not None else _useful_slots(lanes * most_rows)
    n_slots = int(max(1, min(wanted, MAX_SLOTS, beside_longest, max(whole_steps, few))))
    rows = int(max(MIN_ROWS, min(most_rows, (room - n_slots * a_trial) // a_row)))
    scoring = _scoring(size, needs, rows * a_row) if cuda else CPU_LIMITS
    return MemoryPlan(rows, n_slots, n_slots * a_trial, recompute, scoring)


def _useful_slots(rows: int) -> int:
    """Trials that keep every forward full: a step of a short-answer task has 75 to 250 computed tokens."""
    return max(4, rows // 128)


def _scoring(size: ModelSize, needs: Needs, room: int) -> ScoringLimits:
    """Bounds of scoring that need no more than a training forward has, as the two never run at the same time."""
    size = replace(size, fused=False)  # scoring attends by plain torch
    a_row = size.key_value_row() + size.layer_row(0) + size.gate_row() + size.score_row(needs.longest)
    held = room // 2 // size.key_value_row()
    rows = max(MIN_ROWS, min(GPU_LIMITS.rows, room // 2 // a_row))
    return replace(GPU_LIMITS, rows=rows, held_rows=max(MIN_ROWS, min(GPU_LIMITS.held_rows, held)))


def free_bytes(device: str, limit: int | None = None) -> int:
    """Bytes that could still be taken on a device.

    What torch's allocator keeps for later and nobody uses counts as free.

    Args:
        limit: bytes that this process may use in all.
    """
    if device.startswith("cuda"):
        cached = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        free = int(torch.cuda.mem_get_info(device)[0]) + cached
    else:
        free = int(psutil.virtual_memory().available)
    return free if limit is None else min(free, max(0, limit - used_bytes(device)))


def used_bytes(device: str) -> int:
    """Bytes that this process holds on a device now."""
    if device.startswith("cuda"):
        return int(torch.cuda.memory_allocated(device))
    return int(psutil.Process().memory_info().rss)


def give_back(device: str) -> None:
    """Return to the device what nobody uses any more."""
    gc.collect()
    if device.startswith("cuda"):
        torch.cuda.empty_cache()


def forget_peak(device: str) -> None:
    """Let `peak_bytes` count from now on, where a device can do that."""
    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats(device)


def peak_bytes(device: str) -> int:
    """The most this process has held on a device so far, on a GPU since the statistics were reset."""
    if device.startswith("cuda"):
        return int(torch.cuda.max_memory_allocated(device))
    if sys.platform == "win32":
        memory: Any = psutil.Process().memory_info()
        return int(memory.peak_wset)
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak if sys.platform == "darwin" else peak * 1024)
