"""Executor ray when the cluster's head dies. The last of these tests: the cluster is of no use after it."""

from __future__ import annotations

import time

import pytest
from scripted_runs import Run, once

from tunebook.core.events import Step
from tunebook.errors import EnvironmentStop
from tunebook.executors.ray import cluster as runner_side

pytestmark = [pytest.mark.ray, pytest.mark.slow]


def test_without_its_head_a_cluster_ends_the_run_before_ray_ends_it(cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(runner_side, "_SILENT_SECONDS", 8.0)
    ended = []
    with pytest.raises(EnvironmentStop, match="head may be gone"):
        Run(cluster, tmp_path, ["slow"] * 8, once(Step, lambda: ended.append(time.monotonic()) or cluster.do("head")))
    assert time.monotonic() - ended[0] < 15, "Ray itself ends the gateway after a minute"
