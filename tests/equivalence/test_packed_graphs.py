"""What was recorded for one batch holds for every other of the same sizes and adapters.

On the CPU a recorder keeps the pass of the first batch and does it again, with the arrays of the later ones in the
same memory: like a CUDA graph, it may know nothing of them but what is in the arrays. Kernels do nothing here; what
they are given must be the same as without a recorder. That the numbers are the same is shown on a card
(benchmarks/gpu_check.py).
"""

from __future__ import annotations

import os
from unittest.mock import patch

import pytest
import torch

os.environ.setdefault("TRITON_INTERPRET", "1")
pytest.importorskip("triton")

from tiny_models import examples, tiny_model

from tunebook.core.configuration import Configuration
from tunebook.core.ports import EngineOptions, Scoring, TrialJob, Workload
from tunebook.engines.packed.model import triton_kernels, triton_ops
from tunebook.engines.packed.model.multiplies import RowSizes
from tunebook.engines.packed.model.ops import TorchOps
from tunebook.engines.packed.model.packed_model import PackedModel, ops_for
from tunebook.engines.packed.scheduling.cohort import Cohort
from tunebook.engines.packed.scheduling.lanes import Lanes
from tunebook.engines.packed.scheduling.memory import MemoryPlan
from tunebook.engines.packed.training.graphs import EAGER, Graphs
from tunebook.engines.packed.training.loop import Training, choose
from tunebook.engines.packed.training.trainee import Trainee
from tunebook.testing.event_recorder import EventRecorder

CPU = torch.device("cpu")
STEPS = EAGER + 10
"""The first step asks for masks that the later ones bring; then some are computed, some recorded, some done again."""


class Recorder:
    """Keeps passes and does them again; counts both."""

    def __init__(self, error=None):
        self.recorded = self.replayed = 0
        self._error = error

    def __call__(self, compute):
        if self._error is not None:
            raise self._error
        self.recorded += 1
        result = torch.zeros(4, dtype=torch.float64)

        def replay():
            self.replayed += 1
            found = compute()
            result[: len(found)] = found

        return replay, result


def shown(value):
    """What of an argument must be the same: whole numbers but addresses, and the type and shape of other tensors."""
    if not isinstance(value, torch.Tensor):
        return value
    addresses = value.dtype == torch.int64 and value.ndim == 3
    whole = value.dtype in (torch.int32, torch.int64) and not addresses
    return str(value.dtype), tuple(value.shape), value.flatten().tolist() if whole else None


def launches(family, record, ops=triton_ops.TritonOps):
    """What kernels and attention are given in each step of three trials, of which one ends when two steps are left."""
    found = []

    def launch(kernel, grid, *arguments):
        if kernel is triton_kernels.squares:
            arguments[2].zero_()  # of a norm that is no number a trial would end
        elif kernel is triton_kernels.label_loss:
            arguments[4].zero_()
        if kernel not in (triton_kernels.squares, triton_kernels.adamw):
            found.append([kernel.__name__, grid, *map(shown, arguments)])

    def attend_tree(batch, q_HNE, k_GNE, v_GNE, scaling, window, softcap):
        at = torch.arange(q_HNE.shape[1])
        mask = triton_ops.tree_mask(batch, window, CPU)
        found.append(["attention", shown(mask.mask_mod(at, at, at[:, None], at[None]).int()), shown(mask.kv_indices)])
        return (q_HNE + k_GNE.sum() + v_GNE.sum()).transpose(0, 1)

    packed = PackedModel(tiny_model(family), ops(CPU))
    packed.row_sizes = RowSizes(few=True)
    trials = []
    for seed, last in enumerate((STEPS, STEPS, STEPS - 1)):
        c = Configuration(
            lora_r=4 + 4 * seed, lora_alpha=8, lora_dropout=0.2 * (seed > 0), per_device_train_batch_size=3,
            num_train_epochs=20, target_modules="all-linear",
        )  # fmt: skip
        job = TrialJob(id=seed, configuration=c, seed=seed, splits=(), folder="")
        trials.append(Trainee(job, examples(12, seed=5), packed.all_shapes, 512, max_steps=last))
    training = Training(packed)
    training._graphs = Graphs(CPU, record)
    with patch.object(triton_ops, "launch", launch), patch.object(triton_ops, "attend_tree", attend_tree):
        while left := [one for one in trials if not one.is_trained]:
            training.step(choose(left, 10**6))
        training.settle()
    return found


@pytest.mark.parametrize("family", ["llama", "mistral_window"])
def test_what_was_recorded_does_the_same_with_other_batches(family):
    recorder = Recorder()
    assert launches(family, recorder) == launches(family, None)
    assert recorder.recorded >= 1
    assert recorder.replayed > recorder.recorded, "no pass came again with another batch"


def test_a_pass_that_cannot_be_recorded_is_computed_kernel_by_kernel(caplog):
    failing = Recorder(RuntimeError("CUDA error: operation not permitted when stream is capturing"))
    assert launches("llama", failing) == launches("llama", None)
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_what_looks_at_a_batchs_layout_is_not_recorded():
    recorder = Recorder()
    launches("llama", recorder, TorchOps)
    assert recorder.recorded == 0


@pytest.mark.parametrize(
    ("capability", "wish", "error", "kind"),
    [((8, 9), "", None, "triton"), ((7, 5), "", None, "torch"), ((9, 0), "torch", None, "torch"),
     ((9, 0), "", RuntimeError("Failed to find C compiler"), "torch")],
    ids=["Ampere and later", "older card", "asked for torch", "no compiler"],
)  # fmt: skip
def test_triton_computes_on_cards_that_have_what_it_needs(monkeypatch, caplog, capability, wish, error, kind):
    def silu_gate(self, gate, up):
        if error is not None:
            raise error

    monkeypatch.setenv("TUNEBOOK_OPS", wish)
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    monkeypatch.setattr(triton_ops.TritonOps, "silu_gate", silu_gate)
    monkeypatch.setattr(torch, "zeros", lambda *size, device: torch.empty(size))
    assert ops_for(torch.device("cuda:0")).kind(torch.bfloat16) == kind
    assert ops_for(CPU).kind(torch.bfloat16) == "torch"
    assert bool(caplog.records) == (error is not None)


def test_passes_that_a_wave_recorded_are_gone_at_its_end(monkeypatch):
    given_back = []
    monkeypatch.setattr(Graphs, "give_up", lambda self: bool(given_back.append(self)))
    sink = EventRecorder([])
    Cohort(
        PackedModel(tiny_model("llama")), EngineOptions(model="tiny"), MemoryPlan(64, 1),
        Workload(examples(4), {}, Scoring()), sink, Lanes(1, 1, False),
    ).run(sink)  # fmt: skip
    assert given_back
