"""Scores on the standard scale, pseudo-values of statistics, and how both are shown."""

from __future__ import annotations

import numpy as np
import pytest

from tunebook.core.facts import ExampleText
from tunebook.core.score import SHARE, ScoreKind, ScoreScale
from tunebook.evaluation import load_metric, standard_scores, statistic
from tunebook.evaluation.judging import pseudo_values
from tunebook.words import words_for

BLEU = ScoreScale(kind=ScoreKind.STATISTIC, high=100.0, unit="BLEU", noun="BLEU")
ERROR = ScoreScale(kind=ScoreKind.MEAN, high=4.0, unit="MAE", higher_is_better=False, noun="mean absolute error")
LENGTH = ScoreScale(kind=ScoreKind.MEAN, high=None, unit="characters", higher_is_better=False, span=100, noun="length")
MACRO = ScoreScale(kind=ScoreKind.STATISTIC, noun="macro-F1")


@pytest.mark.parametrize(
    ("scale", "score", "standard", "shown", "difference"),
    [
        (SHARE, 0.712, 0.712, 71.2, 71.2),
        (MACRO, 0.5, 0.5, 50.0, 50.0),
        (BLEU, 31.0, 0.31, 31.0, 31.0),
        (ERROR, 1.0, 0.75, 1.0, -3.0),
        (LENGTH, 150.0, -1.5, 150.0, 150.0),
    ],
)
def test_scores_on_the_standard_scale_and_back(scale, score, standard, shown, difference) -> None:
    assert scale.standard(score) == pytest.approx(standard)
    assert scale.shown(standard) == pytest.approx(shown)
    assert scale.shown_difference(standard) == pytest.approx(difference)


def rows(golds: list[str]) -> list[ExampleText]:
    return [ExampleText(i, f"q{i}", gold) for i, gold in enumerate(golds)]


def test_pseudo_values_have_the_statistic_as_mean_and_follow_their_definition() -> None:
    golds, answers = ["a", "b", "a", "c", "b", "a", "c", "a"], ["a", "b", "b", "c", "a", "a", "d", ""]
    metric, examples = load_metric("macro_f1"), rows(golds)
    values = pseudo_values(metric, answers, examples)
    whole = statistic(metric, answers, examples)
    assert values.mean() == pytest.approx(whole, abs=1e-12)
    without = [
        statistic(metric, answers[:i] + answers[i + 1 :], examples[:i] + examples[i + 1 :]) for i in range(len(golds))
    ]
    assert values - values.mean() == pytest.approx(7 * (np.mean(without) - np.array(without)))


def test_pseudo_values_of_a_mean_are_the_scores() -> None:
    class AsStatistic:
        name, scale = "share", MACRO

        def __getattr__(self, name):
            return getattr(load_metric("exact_match"), name)

        def score_all(self, answers, examples):
            return float(np.mean([a == e.gold for a, e in zip(answers, examples, strict=True)]))

    assert pseudo_values(AsStatistic(), ["a", "x", "c"], rows(["a", "b", "c"])) == pytest.approx([1, 0, 1])


def test_bleu_without_each_row_is_what_it_is_without_that_row() -> None:
    golds = ["the cat sat on the mat", "a dog ran over the hill", "猫坐在垫子上面", "two birds sing in the tree"]
    answers = ["the cat sat on a mat", "a dog ran over a hill", "猫坐在椅子上面", ""]
    metric, examples = load_metric("bleu"), rows(golds)
    without = [statistic(metric, answers[:i] + answers[i + 1 :], examples[:i] + examples[i + 1 :]) for i in range(4)]
    assert metric.leave_one_out(answers, examples) == pytest.approx(without)
    from sacrebleu.metrics import BLEU as Sacre

    english = [0, 1, 3]
    given = statistic(metric, [answers[i] for i in english], [examples[i] for i in english])
    wanted = Sacre().corpus_score([answers[i] for i in english], [[golds[i] for i in english]]).score
    assert given == pytest.approx(wanted)


@pytest.mark.parametrize("name", ["macro_f1", "micro_f1", "weighted_f1", "balanced_accuracy", "matthews", "spearman"])
def test_a_statistic_without_each_row_is_what_it_is_without_that_row(name: str) -> None:
    if name == "spearman":
        cases = [(["1", "2", "2", "none", "5"], ["1", "3", "2", "4", "4.5"]), (["1", "1", "2"], ["1", "2", "3"])]
    else:
        chance = np.random.default_rng(1)
        many = list(chance.choice(["a", "b", "c", "d"], 30, p=[0.6, 0.2, 0.1, 0.1]))
        noisy = [gold if chance.random() < 0.6 else str(chance.choice(["a", "b", "c", "x"])) for gold in many]
        once = ["a", "b", "a", "b", "once"], ["a", "once", "b", "x", "b"]  # what was given loses its label
        cases = [(many, noisy), once, (["a", "a", "a"], ["a", "a", "x"]), (["a", "b"], ["b", "b"])]
    metric = load_metric(name)
    for golds, answers in cases:
        examples, n = rows(golds), len(golds)
        without = [
            statistic(metric, answers[:i] + answers[i + 1 :], examples[:i] + examples[i + 1 :]) for i in range(n)
        ]
        assert metric.leave_one_out(answers, examples) == pytest.approx(without, abs=1e-12)


def test_several_right_answers_count_as_the_nearest() -> None:
    example = ExampleText(0, "q", "Paris", references=("City of Light", "Lutetia"))
    assert standard_scores(load_metric("exact_match"), ["lutetia"], [example]).tolist() == [1.0]
    assert standard_scores(load_metric("token_f1"), ["the light"], [example])[0] == pytest.approx(0.5)
    assert statistic(load_metric("macro_f1"), ["lutetia"], [example]) == 1.0


def test_what_a_study_says_has_the_unit_of_its_metric() -> None:
    english, chinese = words_for("en", BLEU), words_for("zh", BLEU)
    assert (english.measured(0.314), english.change(0.021), english.unit) == ("31.4", "+2.1", "BLEU")
    assert english.label("ax_accuracy") == "BLEU (BLEU)"
    assert english.label("test_accuracy") == "Test BLEU"
    assert chinese.label("test_accuracy") == "测试 BLEU"
    assert english.label("against") == "Difference from baseline (BLEU)"
    assert (chinese.label("against"), chinese.label("ax_accuracy")) == ("与基线之差（BLEU）", "BLEU（BLEU）")
    points = words_for("zh", MACRO)
    assert (points.label("against"), points.unit, points.label("points")) == (
        "与基线之差（百分点）",
        "个百分点",
        "个百分点",
    )
    error = words_for("en", ERROR)
    assert (error.measured(0.75), error.change(0.05), error.range((0.01, 0.1))) == (
        "1.00 MAE",
        "-0.20",
        "-0.40 to -0.04",
    )
    assert words_for("en", LENGTH).measured(-1.5) == "150.0 characters"
    assert words_for("en", MACRO).measured(0.5) == "50.0"
    for language in ("en", "zh"):
        plain, other = words_for(language), words_for(language, MACRO)
        for key, text in plain.labels.items():
            assert plain.label(key) == text
            assert "accuracy" not in other.label(key).casefold(), key
            assert "准确率" not in other.label(key), key


def test_scores_without_bounds_keep_their_size() -> None:
    example = rows(["x", "y"])
    assert standard_scores(load_metric("length"), ["a" * 250, ""], example).tolist() == [-2.5, 0.0]
    error = load_metric("mae", options={"span": 4})
    assert standard_scores(error, ["3", "none"], rows(["1", "2"])).tolist() == [0.5, 0.0]
