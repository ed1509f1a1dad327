"""A Ray cluster of several raylets on this machine, for tests and the soak: a head without processors, and nodes with
one each.

    python -m benchmarks.ray_cluster 2

prints the address, then obeys standard input: `add` (a node), `head` (kill it), `hold` (take every device), `fill`
(fill the object store of every node), `free` (give back what was taken). Each order is answered by `done`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil

__all__ = ["RAY_ENVIRONMENT", "LocalCluster"]

ROOT = Path(__file__).parents[1]
TOKEN = "a-token-of-the-tests-and-of-nothing-else"
RAY_ENVIRONMENT = {
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": TOKEN,
    "RAY_USAGE_STATS_ENABLED": "0",
    # a dead node is noticed after about 5 seconds instead of 15
    "RAY_health_check_initial_delay_ms": "500",
    "RAY_health_check_period_ms": "500",
    "RAY_health_check_timeout_ms": "1000",
    "RAY_health_check_failure_threshold": "4",
    "PYTHONPATH": os.pathsep.join(str(ROOT / part) for part in ("src", ".", "tests/unit/executors")),
    "OMP_NUM_THREADS": "1",
}
"""Of the cluster and of whoever uses it."""
STORE_BYTES = 80 * 2**20
_PIECE_BYTES = 5 * 2**20


class LocalCluster:
    """The cluster, as processes of this machine."""

    def __init__(self, n_nodes: int, log: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.ray_cluster", str(n_nodes)],
            env={**os.environ, **RAY_ENVIRONMENT},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log.open("w"),
            text=True,
        )
        words = self._told()
        assert words[:1] == ["address"], log.read_text()[-2000:]
        self.address = words[1]

    def do(self, *order: object) -> None:
        """Obey an order; waits until it has been."""
        assert self._process.stdin is not None
        print(*order, file=self._process.stdin, flush=True)
        assert self._told()[:1] == ["done"]

    def add_node(self) -> None:
        """Add a node in the place of one that is gone."""
        self.do("add")

    def seats(self) -> list[psutil.Process]:
        """The actors that hold the cluster's devices."""
        found = []
        for process in psutil.Process(self._process.pid).children(recursive=True):
            try:
                if any("_Seat" in word for word in process.cmdline()):
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def close(self) -> None:
        """End all its processes."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _told(self) -> list[str]:
        assert self._process.stdout is not None
        return self._process.stdout.readline().split()


class _Served:
    """The process that has started the cluster."""

    def __init__(self, n_nodes: int) -> None:
        from ray.cluster_utils import Cluster

        self._small = {"object_store_memory": STORE_BYTES, "include_dashboard": False}
        self.cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **self._small})
        self._taken: list[Any] = []
        for _ in range(n_nodes):
            self.cluster.add_node(num_cpus=1, wait=False, **self._small)
        self.cluster.wait_for_nodes()

    def obey(self, order: str) -> None:
        if order == "add":
            self.cluster.add_node(num_cpus=1, **self._small)
        elif order == "head":
            self.cluster.head_node.kill_gcs_server(check_alive=False)
        elif order in ("hold", "fill"):
            self._take(cpus=int(order == "hold"), n_bytes=STORE_BYTES if order == "fill" else 0)
        elif order == "free":
            import ray

            for holder in self._taken:
                ray.kill(holder)
            self._taken.clear()
            ray.shutdown()  # a driver prints what happens on the cluster, and could not end it

    def _take(self, cpus: int, n_bytes: int) -> None:
        """Occupy processors and object store of every node, as another user's job does."""
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        if not ray.is_initialized():
            ray.init(address=self.cluster.address, log_to_driver=False, logging_level="error")

        class Holder:
            def fill(self, n_bytes: int) -> None:
                self.kept = [ray.put(os.urandom(_PIECE_BYTES)) for _ in range(n_bytes // _PIECE_BYTES)]

        for node in ray.nodes():
            if node["Alive"] and node["Resources"].get("CPU"):
                there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
                holder = ray.remote(num_cpus=cpus)(Holder).options(scheduling_strategy=there).remote()
                ray.get(holder.fill.remote(n_bytes))
                self._taken.append(holder)


def main(n_nodes: int) -> None:
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)  # what Ray prints is no answer
        served = _Served(n_nodes)
        print("address", served.cluster.address, file=answers, flush=True)
        for line in sys.stdin:
            served.obey(line.strip())
            print("done", line.strip(), file=answers, flush=True)
    served.cluster.shutdown()


if __name__ == "__main__":
    main(int(sys.argv[1]))
