"""`tunebook.stats.compare`: the judge's own numbers on plain arrays."""

from __future__ import annotations

import doctest
import subprocess
import sys

import numpy as np
import pytest

import tunebook.stats
from tunebook.core.configuration import Configuration
from tunebook.core.facts import DataFacts, History, Outcomes, TrialFact
from tunebook.core.study import Budget, Purpose, RoundKind, TrialState
from tunebook.errors import UserError
from tunebook.statistics.judge_round import compare as compare_trials
from tunebook.stats import Verdict, compare
from tunebook.testing.sample_study import bare_spec, bare_trial

NUMBERS = ("effect", "interval", "plain_interval", "p_raw", "p_adjusted", "standard_error", "degrees_of_freedom")


def runs(rate, seeds, n=400, seed=0):
    """Scores of runs on examples that are as hard for one as for the other; most runs agree on an example."""
    easy, draw = np.random.default_rng(1).random(n), np.random.default_rng([2, seed, seeds])
    return (easy + draw.normal(0, 0.05, (seeds, n)) < rate).astype(float)


def test_numbers_are_those_of_the_judge_on_two_configurations_of_a_study():
    a, b = runs(0.7, 3), runs(0.6, 2, seed=1)
    trials = {}
    for number, (configuration, scores) in enumerate(
        [(Configuration(lora_r=32), row) for row in a] + [(Configuration(learning_rate=1e-5), row) for row in b]
    ):
        trial = bare_trial(
            number, configuration, round=3, kind=RoundKind.REFINE, purpose=Purpose.REFINE, seed=7 * number
        )
        losses = np.random.default_rng(number).random(len(scores))
        trials[number] = TrialFact(
            trial=trial, state=TrialState.COMPLETED, outcomes={"validation": Outcomes(scores, losses)}
        )
    spec = bare_spec(budget=Budget(10), margin=0.03)
    theirs = compare_trials(History(trials=trials), (0, 1, 2), (3, 4), spec, DataFacts(n_train=100, n_validation=400))[
        0
    ]
    ours = compare(a, b)
    assert {name: getattr(ours, name) for name in NUMBERS} == {name: getattr(theirs, name) for name in NUMBERS}
    assert (ours.verdict, ours.provisional) == (theirs.verdict, theirs.provisional)


def test_a_large_difference_is_better_one_way_and_worse_the_other():
    a, b = runs(0.75, 3), runs(0.5, 3)
    assert compare(a, b).verdict is Verdict.BETTER
    assert compare(b, a).verdict is Verdict.WORSE
    assert compare(b, a).effect == pytest.approx(-compare(a, b).effect)


def test_equal_groups_are_equivalent_only_within_a_margin_that_can_be_shown():
    a, b = runs(0.6, 5, n=4000), runs(0.6, 5, n=4000, seed=9)
    assert compare(a, b, margin=0.05).verdict is Verdict.EQUIVALENT
    assert compare(a, b, margin=0.0001).verdict is Verdict.INCONCLUSIVE


def test_single_runs_are_taken_as_they_are_and_are_provisional():
    found = compare(runs(0.9, 1)[0], runs(0.1, 1)[0])
    assert found.provisional
    assert found.verdict is Verdict.INCONCLUSIVE
    assert not found.is_tested
    assert found.p_mcnemar is not None


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ([[0, 1, 1]], [[0, 1]], "a has 3 examples and b 2"),
        ([[0, 2]], [[0, 1]], "outside"),
        ([[0, np.nan]], [[0, 1]], "outside"),
        ([], [[0, 1]], r"a has shape \(1, 0\)"),
        ([[[0, 1]]], [[0, 1]], "shape"),
    ],
)
def test_what_is_no_table_of_scores_is_refused(a, b, message):
    with pytest.raises(UserError, match=message):
        compare(a, b)


def test_the_example_of_its_documentation_holds():
    assert doctest.testmod(tunebook.stats).failed == 0


def test_tunebook_itself_stays_light():
    code = "import sys, tunebook; print([name for name in ('numpy', 'scipy', 'tunebook.stats') if name in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
