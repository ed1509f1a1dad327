"""One model over a balanced design: known coefficients come out, and what cannot be told stays open."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tunebook.core.configuration import Configuration
from tunebook.core.facts import History, Outcomes, TrialFact
from tunebook.core.findings import Verdict
from tunebook.core.study import Contrast, ContrastKind, Purpose, RoundKind, TrialState, Wave
from tunebook.statistics.balanced import BalancedModel, columns_of, least_squares
from tunebook.statistics.judge_fitted import judge_fitted
from tunebook.testing.sample_study import bare_trial

BASELINE = Configuration(learning_rate=2e-4, lora_r=8, lora_alpha=8)
RATES, RANKS = (1e-4, 2e-4, 4e-4, 8e-4), (8, 16, 32, 64)
N = 2000


def configurations() -> list[Configuration]:
    kinds = ("linear", "cosine")
    return [
        BASELINE.with_values(learning_rate=rate, lora_r=rank, lora_alpha=rank, lr_scheduler_type=kinds[(i + j) % 2])
        for i, rate in enumerate(RATES)
        for j, rank in enumerate(RANKS)
    ]


def exact_scores(accuracies: list[float]) -> np.ndarray:
    """Graded scores that are the accuracy on every example: nothing but the model's answer is left."""
    return np.repeat(np.array(accuracies)[:, None], 50, axis=1)


def test_an_ordered_factor_runs_from_minus_to_plus_one_half_on_its_own_scale():
    found = columns_of("learning_rate", [1e-4, 1e-3, 1e-2], 1e-3, curved=True)
    assert found.values == pytest.approx(np.array([[-0.5, 0.25], [0.0, 0.0], [0.5, 0.25]]))
    assert found.levels == (1e-4, 1e-2)


def test_an_unordered_factor_is_compared_with_the_baselines_level():
    found = columns_of("lr_scheduler_type", ["cosine", "linear", "cosine"], "linear")
    assert (found.values.ravel().tolist(), found.levels) == ([1.0, 0.0, 1.0], ("linear", "cosine"))


def test_known_slopes_curvature_and_difference_come_out_exactly():
    accuracies = []
    for c in configurations():
        rate = (np.log(c.learning_rate) - np.log(1e-4)) / np.log(8) - 0.5
        rank = np.log2(c.lora_r / 8) / 3 - 0.5
        accuracies.append(0.6 + 0.08 * rate - 0.2 * rate**2 + 0.03 * rank - 0.02 * (c.lr_scheduler_type == "cosine"))
    names = ("learning_rate", "lora_r", "lr_scheduler_type")
    model = BalancedModel(configurations(), exact_scores(accuracies), names, BASELINE, curved=("learning_rate",))
    asked = [
        Contrast(kind=ContrastKind.TREND, treatment=(), control=(), label="learning_rate", factor="learning_rate"),
        Contrast(
            kind=ContrastKind.CURVATURE, treatment=(), control=(), label="learning_rate^2", factor="learning_rate"
        ),
        Contrast(kind=ContrastKind.TREND, treatment=(), control=(), label="lora_r", factor="lora_r"),
        Contrast(
            kind=ContrastKind.LEVEL,
            treatment=(),
            control=(),
            label="cosine",
            factor="lr_scheduler_type",
            level="cosine",
        ),
    ]
    rows = np.array([model.row(contrast) for contrast in asked])
    assert model.estimate(rows).effect == pytest.approx([0.08, 0.05, 0.03, -0.02], abs=1e-12)
    means = {level: mean for level, mean, _, _ in model.level_means("lora_r")}
    assert means[64] - means[8] == pytest.approx(0.03, abs=1e-12)


def test_variance_is_that_of_the_textbook_for_equal_noise():
    draw = np.random.default_rng(1)
    design = np.stack([np.ones(12), np.tile([-0.5, 0.5], 6)], axis=1)
    means = 0.5 + 0.01 * draw.standard_normal(12)
    found = least_squares(design, np.repeat(means[:, None], 30, axis=1), np.array([[0.0, 1.0]]), pseudo=0.0)
    low, high = means[0::2], means[1::2]
    pooled = (low.var(ddof=1) + high.var(ddof=1)) / 2
    # two groups of six: least squares is Student's test, and HC2 gives the same where groups are equal in size
    assert found.effect[0] == pytest.approx(high.mean() - low.mean())
    assert found.covariance[0, 0] == pytest.approx(pooled * (1 / 6 + 1 / 6))
    assert found.df[0] == pytest.approx(10)


def test_a_level_with_noisier_trials_widens_the_interval():
    """Ends of a line weigh most, so noise at an end matters more than the pooled scatter says."""
    at = np.repeat([-0.5, -1 / 6, 1 / 6, 0.5], 6)
    design = np.stack([np.ones(24), at], axis=1)
    wild = 0.5 + 0.05 * np.where(at == 0.5, np.tile([1.0, -1.0], 12), 0.0)
    found = least_squares(design, np.repeat(wild[:, None], 30, axis=1), np.array([[0.0, 1.0]]), pseudo=0.0)
    weights = (np.array([[0.0, 1.0]]) @ np.linalg.pinv(design))[0]
    residual = wild - design @ np.linalg.pinv(design) @ wild
    equal = float(residual @ residual) / 22 * float(weights @ weights)
    assert found.covariance[0, 0] > 1.5 * equal


def judged(broken: tuple[int, ...] = (), effect: float = 0.1):
    draw = np.random.default_rng(3)
    trials, facts = [], {}
    for i, c in enumerate(configurations(), start=1):
        trial = bare_trial(i, c, purpose=Purpose.DESIGN)
        trials.append(trial)
        rank = np.log2(c.lora_r / 8) / 3 - 0.5
        scores = (draw.random(N) < 0.6 + effect * rank).astype(float)
        fact = TrialFact(trial=trial, state=TrialState.COMPLETED, outcomes={"validation": Outcomes(scores, 1 - scores)})
        facts[i] = replace(fact, state=TrialState.DIVERGED, outcomes={}) if i in broken else fact
    ids = tuple(facts)
    asked = (
        Contrast(kind=ContrastKind.TREND, treatment=ids, control=(), label="learning_rate", factor="learning_rate"),
        Contrast(kind=ContrastKind.TREND, treatment=ids, control=(), label="lora_r", factor="lora_r"),
    )
    wave = Wave(round=1, kind=RoundKind.EXPLORE, number=1, trials=tuple(trials), contrasts=asked)
    history = History(waves=(wave,), trials=facts)
    return judge_fitted(asked, history, BASELINE, 0.04, 0.03, (1, RoundKind.EXPLORE))


def test_a_real_slope_is_found_and_a_null_one_is_not():
    rate, rank = judged()
    assert rank.verdict is Verdict.BETTER
    assert rank.interval[0] < 0.1 < rank.interval[1]
    assert rank.levels == (8, 64)
    assert rate.verdict in (Verdict.INCONCLUSIVE, Verdict.EQUIVALENT)


def test_broken_trials_are_left_out_and_said():
    _, rank = judged(broken=(13, 16))
    assert rank.verdict is Verdict.BETTER
    assert len(rank.treatment_trials) == 14
    assert "treatment_replicates_diverged" in rank.warnings


def test_where_all_trials_but_one_level_broke_nothing_is_claimed():
    broken = tuple(i for i, c in enumerate(configurations(), start=1) if c.lora_r != 8)
    _, rank = judged(broken=broken)
    assert rank.verdict is Verdict.INCONCLUSIVE
    assert "no_outcomes" in rank.warnings
    assert np.isnan(rank.effect)
