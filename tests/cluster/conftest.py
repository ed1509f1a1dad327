"""A Ray cluster on this machine, for the tests of executor ray."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(Path(__file__).parent), str(ROOT / "tests" / "unit" / "executors")]
TOKEN = "a-token-of-the-tests-and-of-nothing-else"
_PATHS = [str(ROOT / "src"), str(ROOT), str(ROOT / "tests" / "unit" / "executors")]
RAY_ENVIRONMENT = {
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": TOKEN,
    "RAY_USAGE_STATS_ENABLED": "0",
    # a dead node is noticed after about 5 seconds instead of 15
    "RAY_health_check_initial_delay_ms": "500",
    "RAY_health_check_period_ms": "500",
    "RAY_health_check_timeout_ms": "1000",
    "RAY_health_check_failure_threshold": "4",
    "PYTHONPATH": os.pathsep.join(_PATHS),
    "OMP_NUM_THREADS": "1",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without Ray there is nothing to test here."""
    if importlib.util.find_spec("ray") is None:
        for item in items:
            if Path(item.fspath).parent == Path(__file__).parent:
                item.add_marker(pytest.mark.skip(reason='Ray is not installed: pip install "tunebook[ray]"'))


class LocalCluster:
    """A head and nodes with one processor each, as processes of this machine; see local_cluster.py."""

    def __init__(self, n_nodes: int, log: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("local_cluster.py")), str(n_nodes)],
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
        """Obey an order of local_cluster.py; waits until it has."""
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
        self._process.stdin.close()  # type: ignore[union-attr]
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _told(self) -> list[str]:
        assert self._process.stdout is not None
        return self._process.stdout.readline().split()


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    patch = pytest.MonkeyPatch()
    for name, value in RAY_ENVIRONMENT.items():
        patch.setenv(name, value)
    made = LocalCluster(2, tmp_path_factory.mktemp("cluster") / "log")
    yield made
    made.close()
    patch.undo()
