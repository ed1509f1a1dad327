"""A small fixed part of the simulations: whole studies through the real planner and the real findings.

The full runs, with their bounds, are `python -m benchmarks.nullworld` and `python -m benchmarks.planted`. Seeds are
fixed, so these tests never fail by chance; what a change of method may cost is stated with each.
"""

import math

import pytest

from benchmarks import nullworld, planted
from benchmarks.simulate import FULL_SPACE, claims_of, run_study, study_spec
from benchmarks.worlds import World
from tunebook.core.findings import Verdict
from tunebook.core.study import TrialState
from tunebook.statistics.conclusions import conclude


@pytest.mark.parametrize("cell", ["n358-sd10", "n2000-sd20", "brackets-sd10", "taste"])
def test_studies_without_any_effect_claim_almost_nothing(cell):
    """20 studies at a true rate of 5 % have more than 3 false ones with probability 0.02; a sound method has 0 or 1."""
    assert nullworld.run_cell(cell, 0, 20).false_studies <= 1


def test_one_planted_level_is_found_with_the_right_sign():
    answers = planted.run_cell("power-n2000-sd10", 0, 12)
    assert sum(answer.right for answer in answers) >= 10
    assert not any(answer.wrong for answer in answers)


def test_the_printed_bracket_holds_the_cliff():
    assert sum(answer.right for answer in planted.run_cell("cliff-noise10", 0, 12)) >= 11


def test_the_bests_corrected_interval_holds_its_true_accuracy():
    answers = planted.run_cell("coverage-hill-n358-sd10", 0, 16)
    assert sum(answer.right for answer in answers) >= 14
    assert abs(sum(answer.number for answer in answers) / len(answers)) < 0.012


@pytest.fixture(scope="module")
def study():
    world = World(3, effect=planted.hill, cliff=3e-3, n_test=800, n_validation=800, n_groups=3)
    spec = study_spec(75, FULL_SPACE, seed=3)
    return world, spec, run_study(world, spec)


def test_verdict_interval_and_p_value_never_disagree(study):
    _, spec, history = study
    for finding in history.findings:
        if math.isnan(finding.effect):
            continue
        low, high = finding.interval
        assert low <= finding.effect <= high
        assert finding.p_raw <= finding.p_adjusted <= 1
        if finding.verdict is Verdict.BETTER:
            assert low > 0
            assert finding.p_adjusted < finding.alpha
        elif finding.verdict is Verdict.WORSE:
            assert high < 0
        elif finding.verdict is Verdict.EQUIVALENT:
            assert -spec.margin < low
            assert high < spec.margin
        elif finding.verdict is Verdict.NOT_INFERIOR:
            assert low > -spec.margin


def test_conclusions_of_a_whole_study_hang_together(study):
    world, spec, history = study
    found = conclude(history, spec, world.facts)
    assert found.findings == history.findings
    assert found.best.key in found.tie_set
    assert found.best.corrected_interval[0] <= found.best.corrected <= found.best.corrected_interval[1]
    assert sum(importance.share for importance in found.importance) == pytest.approx(1) or not found.importance
    assert found.boundary.highest_trained < found.boundary.lowest_failed
    assert set(found.confirmation.accuracies) >= {"best", "baseline"}
    assert found.confirmation.n_examples == 800
    money = found.more_money
    assert max(money.half_width_with_trials, money.half_width_with_examples) < money.half_width
    trained = {f.trial.effective.key for f in history.trials.values() if f.state is TrialState.COMPLETED}
    assert set(found.accuracies) <= trained


def test_conclusions_are_the_same_when_asked_again(study):
    world, spec, history = study
    assert conclude(history, spec, world.facts) == conclude(history, spec, world.facts)


def test_conclusions_exist_at_every_stage_of_a_study(study):
    world, spec, history = study
    for n in range(len(history.waves) + 1):
        waves = history.waves[:n]
        ids = {trial.id for wave in waves for trial in wave.trials}
        rounds = {wave.round for wave in waves if wave.closes_round}
        part = type(history)(
            waves=waves,
            trials={i: fact for i, fact in history.trials.items() if i in ids},
            findings=tuple(f for f in history.findings if f.round in rounds),
        )
        found = conclude(part, spec, world.facts)
        assert (found.best is None) == (n <= 1)


def test_groups_are_judged_too_and_claims_are_held_against_the_truth(study):
    world, spec, history = study
    assert any(finding.family.startswith("group:") for finding in history.findings)
    assert not claims_of(history, world, spec.margin).false
