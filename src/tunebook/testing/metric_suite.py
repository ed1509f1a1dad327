"""A conformance suite for metrics. Subclass `MetricSuite` and give it a metric and gold texts.

class TestOverlap(MetricSuite):
    golds = ("a b c", "d")
    unfit = ("",)

    @pytest.fixture
    def metric(self):
        return Overlap()
"""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
import pytest

from tunebook.core.facts import ExampleText
from tunebook.core.metric import AnswerSource, LikelihoodMetric, Metric, ScoreKind, SetMetric
from tunebook.errors import DataError
from tunebook.evaluation import likelihood_scores, scored, standard_scores, statistic

__all__ = ["MetricSuite"]

HARD_ANSWERS = ("", " \n", "\x00", "\u202e", "🙂" * 3, "a" * 10_000, "-1e999", "{", "None")
"""Answers that models give in practice."""


class MetricSuite:
    """What every metric must do.

    Attributes:
        golds: gold texts that the metric accepts, all different.
        unfit: gold texts that `check` refuses.
    """

    golds: ClassVar[tuple[str, ...]] = ("yes", "no")
    unfit: ClassVar[tuple[str, ...]] = ()

    @pytest.fixture
    def metric(self) -> Metric:
        """The metric."""
        raise NotImplementedError("give the suite a fixture `metric`")

    @pytest.fixture
    def judging(self, metric: Metric) -> Metric:
        """The metric, for tests of how it judges answers."""
        if metric.answers is AnswerSource.LIKELIHOOD:
            pytest.skip("it judges likelihoods")
        return metric

    @property
    def rows(self) -> list[ExampleText]:
        """The gold texts as examples."""
        return [ExampleText(i, f"question {i}", gold) for i, gold in enumerate(self.golds)]

    def test_it_is_a_metric(self, metric: Metric) -> None:
        assert isinstance(metric, Metric)
        assert metric.name.strip() == metric.name != ""
        assert isinstance(metric.answers, AnswerSource)
        assert isinstance(metric.scale.kind, ScoreKind)
        if metric.scale.low is not None and metric.scale.high is not None:
            assert metric.scale.low < metric.scale.high
        if metric.scale.kind is ScoreKind.SHARE:
            assert (metric.scale.low, metric.scale.high, metric.scale.higher_is_better) == (0, 1, True)

    def test_it_is_described_in_its_docstring(self, metric: Metric) -> None:
        assert (type(metric).__doc__ or "").strip()

    def test_the_gold_text_is_the_best_answer(self, judging: Metric) -> None:
        better = max if judging.scale.higher_is_better else min
        if not judging.scale.is_by_example:
            golds = list(self.golds)
            best = statistic(judging, golds, self.rows)
            others = [statistic(judging, [answer, *golds[1:]], self.rows) for answer in HARD_ANSWERS]
            assert best == better(best, *others)
            return
        for row in self.rows:
            best = scored(judging, row.gold, row)
            others = [scored(judging, answer, row) for answer in (*self.golds, *HARD_ANSWERS)]
            assert best == better(best, *others)
            if judging.scale.kind is ScoreKind.SHARE:
                assert best == 1

    def test_every_answer_has_a_score_within_the_bounds(self, judging: Metric) -> None:
        if not judging.scale.is_by_example:
            for answer in HARD_ANSWERS:
                assert math.isfinite(statistic(judging, [answer] * len(self.golds), self.rows))
            return
        for row in self.rows:
            for answer in (*self.golds, *HARD_ANSWERS):
                score = scored(judging, answer, row)  # raises if it is invalid
                assert math.isfinite(score)
                if judging.scale.kind is ScoreKind.SHARE:
                    assert score in (0, 1)

    def test_the_same_answer_has_the_same_score(self, judging: Metric) -> None:
        for answer in (*self.golds, *HARD_ANSWERS):
            answers = [answer] * len(self.golds)
            assert list(standard_scores(judging, answers, self.rows)) == list(
                standard_scores(judging, answers, self.rows)
            )

    def test_gold_texts_are_parsable_and_pass_the_check(self, metric: Metric) -> None:
        assert all(metric.parsable(gold) for gold in self.golds)
        doubts = metric.check({"validation": self.rows}, {"validation": [f"v:{i}" for i in range(len(self.golds))]})
        assert all(isinstance(doubt, str) for doubt in doubts)

    def test_an_unfit_gold_text_is_refused_with_its_place(self, metric: Metric) -> None:
        for text in self.unfit:
            rows = [*self.rows, ExampleText(len(self.golds), "question", text)]
            places = [f"validation.jsonl:{i + 1}" for i in range(len(rows))]
            with pytest.raises(DataError, match=rf"^validation\.jsonl:{len(rows)}: "):
                metric.check({"validation": rows}, {"validation": places})

    def test_likelihoods_give_a_finite_number_and_less_likely_texts_a_worse_one(self, metric: Metric) -> None:
        if not isinstance(metric, LikelihoodMetric):
            return
        assert metric.answers is AnswerSource.LIKELIHOOD
        nll, tokens = np.array([1.0, 2.0, 40.0]), np.array([1.0, 4.0, 9.0])
        one = metric.scale.standard(metric.score_likelihoods(nll, tokens))
        assert one > metric.scale.standard(metric.score_likelihoods(nll + np.array([0, 1, 0]), tokens))
        assert likelihood_scores(metric, nll, [1, 4, 9]).mean() == pytest.approx(one)
        for broken in (np.inf, np.nan):
            assert math.isfinite(metric.score_likelihoods(np.array([1.0, broken, 2.0]), tokens))

    def test_a_metric_of_all_rows_does_not_depend_on_their_order(self, judging: Metric) -> None:
        if judging.scale.kind is not ScoreKind.STATISTIC:
            return
        assert isinstance(judging, SetMetric)
        answers = list(self.golds[1:] + self.golds[:1])
        one = judging.score_all(answers, self.rows)
        assert math.isclose(one, judging.score_all(answers[::-1], self.rows[::-1]), rel_tol=1e-9, abs_tol=1e-12)

    def test_the_values_of_the_examples_have_the_result_as_mean(self, judging: Metric) -> None:
        if judging.scale.kind is not ScoreKind.STATISTIC:
            return
        answers = list(self.golds[1:] + self.golds[:1])
        mean = float(standard_scores(judging, answers, self.rows).mean())
        assert math.isclose(mean, judging.scale.standard(statistic(judging, answers, self.rows)), abs_tol=1e-9)
