"""The built-in metrics against the suite that is shipped for all."""

from __future__ import annotations

import pytest

from tunebook.core.metric import Metric
from tunebook.evaluation import load_metric
from tunebook.testing.metric_suite import MetricSuite


class TestExactMatch(MetricSuite):
    unfit = ("", " ")

    @pytest.fixture
    def metric(self) -> Metric:
        return load_metric("exact_match")


class TestContains(MetricSuite):
    unfit = ("\n",)

    @pytest.fixture
    def metric(self) -> Metric:
        return load_metric("contains")


class TestNumber(MetricSuite):
    golds = ("#### 8", "-3.5", "1,000")
    unfit = ("eight",)

    @pytest.fixture
    def metric(self) -> Metric:
        return load_metric("number")


class TestChoice(MetricSuite):
    @pytest.fixture
    def metric(self) -> Metric:
        return load_metric("choice")


class TestOwnFunction(MetricSuite):
    """Of the user, beside the study file."""

    @pytest.fixture
    def metric(self, tmp_path) -> Metric:
        (tmp_path / "mine.py").write_text("def same(answer, gold):\n    return 0.5 + 0.5 * (answer == gold)\n")
        return load_metric("mine:same", tmp_path)
