"""The simulated worlds are what they say: a wrong world would make every simulation worthless."""

import numpy as np
import pytest

from benchmarks.method_page import _between, _null_table, _planted_table
from benchmarks.simulate import BASELINE, claims_of, merge_results, upper95
from benchmarks.worlds import World
from tunebook.core.facts import History
from tunebook.core.findings import Finding, Verdict
from tunebook.core.study import ContrastKind, RoundKind, TrialState
from tunebook.testing.sample_study import bare_trial


def trial(seed=1, configuration=BASELINE, number=1):
    return bare_trial(number, configuration, seed=seed)


def accuracies(world, configuration=BASELINE, seeds=40):
    return np.array([world.run(trial(s, configuration)).outcomes["validation"].accuracy for s in range(seeds)])


@pytest.mark.parametrize(
    "kinds", [{}, {"taste": 1.0}, {"heavy_tails": True}, {"cluster": 5}, {"noise_spread": 0.5}, {"accuracy": 0.85}]
)
def test_the_mean_accuracy_is_the_true_one(kinds):
    world = World(0, n_validation=20_000, seed_deviation=0.01, **kinds)
    configuration = BASELINE.with_values(lora_r=32)
    assert accuracies(world, configuration, 20).mean() == pytest.approx(world.true_accuracy(configuration), abs=0.02)


def test_an_effect_moves_the_accuracy_by_its_size():
    world = World(0, n_validation=20_000, effect=lambda c: 0.05 if c.lora_r == 64 else 0.0)
    moved = accuracies(world, BASELINE.with_values(lora_r=64)).mean() - accuracies(world).mean()
    assert moved == pytest.approx(0.05, abs=0.008)


def test_seeds_differ_by_the_stated_deviation():
    world = World(0, n_validation=50_000, seed_deviation=0.02)
    assert accuracies(world, seeds=150).std() == pytest.approx(0.02, rel=0.2)


def test_without_a_seed_deviation_only_single_answers_change():
    world = World(0, n_validation=50_000, seed_deviation=0.0)
    assert accuracies(world).std() < 0.003
    first, second = (world.run(trial(s)).outcomes["validation"].scores for s in (1, 2))
    assert 0.05 < np.mean(first != second) < 0.35


def test_the_same_trial_does_the_same_and_splits_differ():
    first, second = (World(3, n_test=358).run(trial()).outcomes["validation"] for _ in range(2))
    assert np.array_equal(first.scores, second.scores)
    assert np.array_equal(first.nll, second.nll)


def test_neighbouring_configurations_share_their_taste_and_far_ones_do_not():
    world = World(1, n_validation=30_000, seed_deviation=0.0, taste=2.0, difficulty_spread=0.5)

    def scores(rate):
        runs = [world.run(trial(s, BASELINE.with_values(learning_rate=rate))) for s in range(4)]
        return np.mean([run.outcomes["validation"].scores for run in runs], axis=0)

    own, near, far = scores(2e-4), scores(2.3e-4), scores(5e-2)
    assert np.corrcoef(own, near)[0, 1] > np.corrcoef(own, far)[0, 1] + 0.1


def test_half_of_the_seeds_break_at_the_cliff():
    world = World(2, cliff=1e-3, cliff_noise=0.2)
    at = [world.run(trial(s, BASELINE.with_values(learning_rate=1e-3))).state for s in range(200)]
    assert at.count(TrialState.DIVERGED) == pytest.approx(100, abs=25)
    assert world.run(trial(1, BASELINE.with_values(learning_rate=1e-4))).state is TrialState.COMPLETED


# one-sided Clopper-Pearson: with no event in 1,000 the upper bound is 1 - 0.05^(1/1000)
def test_the_upper_bound_is_clopper_pearsons():
    assert upper95(0, 1000) == pytest.approx(1 - 0.05 ** (1 / 1000))
    assert upper95(5, 5) == 1.0


def finding(verdict, treatment, control):
    return Finding(
        label="x",
        factor="lora_r",
        kind=ContrastKind.DIFFERENCE,
        split="validation",
        round=1,
        round_kind=RoundKind.EXPLORE,
        treatment_key="a",
        control_key="b",
        treatment_trials=treatment,
        control_trials=control,
        effect=0.05,
        interval=(0.01, 0.09),
        plain_interval=(0.02, 0.08),
        p_raw=0.001,
        p_adjusted=0.004,
        alpha=0.02,
        standard_error=0.01,
        degrees_of_freedom=20.0,
        verdict=verdict,
    )


@pytest.mark.parametrize(("verdict", "false"), [(Verdict.BETTER, True), (Verdict.EQUIVALENT, False)])
def test_a_difference_claimed_where_there_is_none_counts_as_false(verdict, false):
    world = World(0)
    trials = {1: world.run(trial(1, BASELINE.with_values(lora_r=16), 1)), 2: world.run(trial(1, BASELINE, 2))}
    history = History(trials=trials, findings=(finding(verdict, (1,), (2,)),))
    assert bool(claims_of(history, world, 0.03).false) is false


def test_results_are_kept_cell_by_cell_and_shown(tmp_path):
    path = tmp_path / "results" / "x.json"
    row = {
        "cell": "a",
        "table": "null",
        "world": {"n_validation": 100},
        "study": {"trials": 40},
        "studies": 1000,
        "false_claims": 3,
        "upper95": 0.0077,
        "bound": 0.07,
        "families_covered": 0.999,
        "commit": "0123abc",
        "date": "2026-11-25",
    }
    merge_results(path, [row, {**row, "cell": "b"}])
    merge_results(path, [{**row, "false_claims": 5}])
    assert path.read_text().count('"cell"') == 2
    assert "| 1000 | 3 | 0.8 % | 7 % | 99.9 % |" in _null_table([row])
    planted = {"question": "power", "world": {}, "studies": 10, "rate": 0.95, "wrong": 0, "goal": [0.9, 1.0]}
    planted |= {"commit": "0123abc", "date": "2026-11-25"}
    assert "95.0 %, wrong sign 0" in _planted_table([planted])


def test_a_table_goes_between_its_marks():
    assert _between("a\n<!-- t: begin -->\nold\n<!-- t: end -->\nz", "t", "new\n") == (
        "a\n<!-- t: begin -->\nnew\n<!-- t: end -->\nz"
    )
