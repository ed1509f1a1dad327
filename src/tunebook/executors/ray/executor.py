"""Executor `ray`: the pool over workers of a Ray cluster."""

from __future__ import annotations

from collections.abc import Sequence

from tunebook.core.ports import Calibration, EngineOptions, OnEvents, SinkWrapper, TrialJob, Workload
from tunebook.errors import EnvironmentStop
from tunebook.executors.handle import WorkerHandle
from tunebook.executors.job_queue import Limits
from tunebook.executors.pool import CALIBRATION_SECONDS, PoolExecutor
from tunebook.executors.ray.cluster import Cluster
from tunebook.executors.ray.messages import Wanted
from tunebook.executors.worker import Assignment

__all__ = ["RayExecutor"]

_IDLE_SECONDS = 60.0


class RayExecutor(PoolExecutor):
    """A pool of workers on a cluster. Nothing is asked of the cluster before there is something to do.

    Nothing is trained ahead nor scored for another worker: idle devices are given back, and states do not travel.

    Args:
        options: the same for each worker.
        wanted: the devices to ask for.
        n_workers: how many workers at most; None: as many as the cluster has devices when a wave begins.
        model_hash: fingerprint that a node's model must have; empty: none is needed.
        factory, workload, transform, limits, idle_seconds: see `PoolExecutor`.
    """

    def __init__(
        self,
        factory: str,
        options: EngineOptions,
        workload: Workload,
        *,
        wanted: Wanted,
        n_workers: int | None = None,
        model_hash: str = "",
        transform: SinkWrapper | None = None,
        limits: Limits | None = None,
        idle_seconds: float = _IDLE_SECONDS,
    ) -> None:
        super().__init__(
            self._on_cluster, factory, (), workload, transform=transform, limits=limits, idle_seconds=idle_seconds,
            one_disk=False,
        )  # fmt: skip
        self._options, self._wanted, self._most, self._model_hash = options, wanted, n_workers, model_hash
        self._cluster: Cluster | None = None

    def run(self, jobs: Sequence[TrialJob], on_events: OnEvents) -> None:
        """Train all jobs; see `core.ports.Executor`."""
        self._enlist()
        super().run(jobs, on_events)

    def calibrate(self, limit_seconds: float = CALIBRATION_SECONDS) -> Calibration:
        """Let the first worker measure its node; see `PoolExecutor.calibrate`."""
        self._enlist()
        return super().calibrate(limit_seconds)

    def close(self) -> None:
        """Give all devices back and leave the cluster."""
        super().close()
        if self._cluster is not None:
            self._cluster.close()
            self._cluster = None

    def _enlist(self) -> None:
        """Join the cluster, and have as many workers as it has devices now."""
        if self._cluster is None:
            self._cluster = Cluster(self._wanted, self._model_hash)
        n = self._most or self._cluster.n_seats
        if n == 0:
            gpu, cpus = int(self._wanted.gpu), self._wanted.cpus
            raise EnvironmentStop(
                "the Ray cluster at {address} has no node for a worker, which needs {gpus} GPUs and {cpus} processors "
                "by the study's device. Add nodes, or name a number of workers (ray:8) if it grows by itself.",
                address=self._wanted.address,
                gpus=gpu,
                cpus=cpus,
            )
        self._set_workers([self._options] * n)

    def _on_cluster(self, number: int, assignment: Assignment) -> WorkerHandle:
        assert self._cluster is not None
        return self._cluster.worker(assignment)
