"""The built-in metrics against the suite that is shipped for all."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.judge_server import Material, addressed
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


class TestMacroF1(MetricSuite):
    unfit = ("", " ")

    @pytest.fixture(params=["macro_f1", "micro_f1", "weighted_f1", "balanced_accuracy", "matthews"])
    def metric(self, request) -> Metric:
        return load_metric(request.param)


class TestTexts(MetricSuite):
    golds = ("The cat sat on the mat.", "A dog ran over the hill.", "猫坐在垫子上。")
    unfit = ("",)

    @pytest.fixture(params=["bleu", "chrf", "rouge_l", "edit_similarity", "token_f1", "squad_exact"])
    def metric(self, request) -> Metric:
        return load_metric(request.param)


class TestJson(MetricSuite):
    golds = ('{"desk": "hardware", "urgent": true}', '[{"name": "f", "arguments": {"a": [1, 2]}}]')
    unfit = ("{", "desk: hardware")

    @pytest.fixture(params=["json_fields", "json_valid"])
    def metric(self, request) -> Metric:
        return load_metric(request.param)


class TestNumbers(MetricSuite):
    golds = ("1", "2.5", "rated 4")
    unfit = ("none",)

    @pytest.fixture(params=["mae", "spearman"])
    def metric(self, request) -> Metric:
        return load_metric(request.param, options={"span": 4} if request.param == "mae" else {})


class TestJudge(MetricSuite):
    """A service on loopback that grades by the reference."""

    unfit = ("", " ")

    @pytest.fixture
    def metric(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Metric]:
        def grade(material: Material, before: int) -> str:
            return json.dumps({"grade": 5 if material["answer"] in material["reference"] else 1})

        with addressed(grade, monkeypatch):
            yield load_metric("judge", options={"model": "tiny", "rubric": "5: the same. 1: another."})


class TestLikelihoods(MetricSuite):
    unfit = ("",)

    @pytest.fixture
    def metric(self) -> Metric:
        return load_metric("perplexity")
