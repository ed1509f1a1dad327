"""A Ray cluster on this machine, for the tests of executor ray."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.ray_cluster import RAY_ENVIRONMENT, LocalCluster

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(Path(__file__).parent), str(ROOT / "tests" / "unit" / "executors")]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without Ray there is nothing to test here."""
    if importlib.util.find_spec("ray") is None:
        for item in items:
            if Path(item.fspath).parent == Path(__file__).parent:
                item.add_marker(pytest.mark.skip(reason='Ray is not installed: pip install "tunebook[ray]"'))


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    patch = pytest.MonkeyPatch()
    for name, value in RAY_ENVIRONMENT.items():
        patch.setenv(name, value)
    made = LocalCluster(2, tmp_path_factory.mktemp("cluster") / "log")
    yield made
    made.close()
    patch.undo()
