"""Passes that a card does again without being told each kernel: CUDA graphs, one for each set of sizes and adapters.

Where a model is small the card waits for the host, which launches a few thousand kernels a step. What a pass computes
depends on a batch's arrays alone once their shapes and the adapters are given (`Tables.facts`), and shapes are few
(`RowSizes.few`). So a pass that comes again is recorded, and from then on costs the host one copy and one launch. The
kernels are the same, and so are the numbers.
"""

from __future__ import annotations

import logging
import os
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from tunebook.engines.packed.model.packed_model import PackedModel
from tunebook.engines.packed.model.transfer import apart, to_device, together
from tunebook.errors import is_out_of_memory

__all__ = ["EAGER", "Graphs", "Recorder", "graphs_of"]

EAGER = 2
"""How often a pass is computed kernel by kernel before it is recorded: the first time compiles kernels, and one that
comes once more only would not pay."""
MOST = 16
"""Graphs that are kept; the one that was used least recently goes first."""

Recorder = Callable[[Callable[[], Tensor]], tuple[Callable[[], None], Tensor]]
"""Records what a function has a device do, without doing it; gives what does it, and the function's result."""

_log = logging.getLogger(__name__)


class Graphs:
    """Graphs of passes, in the memory of one device.

    Args:
        record: records a pass; None: every pass is computed kernel by kernel.
    """

    def __init__(self, device: torch.device, record: Recorder | None) -> None:
        self._device, self._record = device, record
        self._kept: OrderedDict[Hashable, tuple[Tensor, Callable[[], None], Tensor]] = OrderedDict()
        self._seen: Counter[Hashable] = Counter()

    def run(
        self, facts: Hashable, arrays: Sequence[NDArray[Any]], compute: Callable[[Sequence[Tensor]], Tensor]
    ) -> Tensor:
        """The result of a pass.

        Args:
            facts: on what it depends beside the arrays' shapes; None: it is not to be recorded.
            arrays: what it reads, on the host.
            compute: the pass, given the arrays on the device. Of the arrays' values nothing may be known to it.
        """
        if self._record is None or facts is None:
            return compute(to_device(self._device, *arrays))
        key = facts, tuple((array.dtype.str, array.shape) for array in arrays)
        source = together(self._device, arrays)
        if key not in self._kept and not self._keep(key, source, arrays, compute):
            return compute(apart(source.to(self._device, non_blocking=True), arrays))
        self._kept.move_to_end(key)
        there, replay, result = self._kept[key]
        there.copy_(source, non_blocking=True)
        replay()
        return result.clone()  # the next replay writes there again

    def __len__(self) -> int:
        return len(self._kept)

    def give_up(self) -> bool:
        """Give all graphs and their memory back and record no more; says whether there was anything to give back."""
        had, self._record = bool(self._kept), None
        self._kept.clear()
        return had

    def _keep(
        self, key: Hashable, source: Tensor, arrays: Sequence[NDArray[Any]],
        compute: Callable[[Sequence[Tensor]], Tensor],
    ) -> bool:  # fmt: skip
        """Record a pass that has come often enough; says whether its graph is there."""
        self._seen[key] += 1
        if self._seen[key] <= EAGER or self._record is None:
            return False
        there = source.to(self._device)
        try:
            replay, result = self._record(lambda: compute(apart(there, arrays)))
        except RuntimeError as error:
            if not is_out_of_memory(error):
                _log.warning("no CUDA graph could be recorded, training goes on without: %s", error)
            self.give_up()
            return False
        self._kept[key] = there, replay, result
        if len(self._kept) > MOST:
            self._kept.popitem(last=False)
        return True


def graphs_of(packed: PackedModel) -> Graphs:
    """Where passes of a model are recorded: on a card, unless layers are computed twice to save memory, weights are
    dequantised by other programs' kernels, or TUNEBOOK_CUDA_GRAPHS=0 says no."""
    wanted = packed.device.type == "cuda" and packed.is_plain and packed.dtype != torch.float16
    wanted = wanted and not packed.recompute and os.environ.get("TUNEBOOK_CUDA_GRAPHS") != "0"
    return Graphs(packed.device, _cuda_recorder(packed.device) if wanted else None)


def _cuda_recorder(device: torch.device) -> Recorder:
    """Records CUDA graphs that share one pool of memory: they never run at the same time."""
    pool: list[Any] = []

    def record(compute: Callable[[], Tensor]) -> tuple[Callable[[], None], Tensor]:
        with torch.cuda.device(device):
            graph = torch.cuda.CUDAGraph()
            pool[:] = pool or [torch.cuda.graph_pool_handle()]
            with torch.cuda.graph(graph, pool=pool[0], capture_error_mode="thread_local"):
                result = compute()
        return graph.replay, result

    return record
