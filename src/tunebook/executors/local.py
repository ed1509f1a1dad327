"""Runs trials on the devices of this machine, in one worker process each."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tunebook.core.ports import EngineOptions, SinkWrapper, Workload
from tunebook.executors.handle import WorkerHandle
from tunebook.executors.job_queue import Limits
from tunebook.executors.pool import PoolExecutor
from tunebook.executors.process import WorkerProcess
from tunebook.executors.worker import Assignment

__all__ = ["LocalExecutor"]


class LocalExecutor(PoolExecutor):
    """A pool of worker processes of this machine.

    Args:
        logs: folder for what workers print, one file each; None: nothing is kept but the last lines for messages.
        factory, options, workload, transform, limits, clock: see `PoolExecutor`.
    """

    def __init__(
        self,
        factory: str,
        options: Sequence[EngineOptions],
        workload: Workload,
        *,
        transform: SinkWrapper | None = None,
        limits: Limits | None = None,
        logs: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        def make(number: int, assignment: Assignment) -> WorkerHandle:
            return WorkerProcess(assignment, None if logs is None else logs / f"worker-{number}.log")

        super().__init__(make, factory, options, workload, transform=transform, limits=limits, clock=clock)
