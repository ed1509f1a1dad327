"""Confirm: a runner-up is sealed with the best and takes its place when a seed of the best breaks."""

from __future__ import annotations

import pytest

from tunebook.core.facts import History, TrialFact
from tunebook.core.space import Folding
from tunebook.core.study import RoundKind, TrialState
from tunebook.planning.planner import StudyPlanner
from tunebook.statistics.conclusions import conclude
from tunebook.testing.planner_suite import checked_history, example_facts, example_study
from tunebook.testing.simulated_study import world_oracle
from tunebook.testing.world import World


def breaking(oracle, key: str, seeds: int):
    """The oracle, but so many seeds of a configuration diverge in confirm."""

    def answer(trial, history):
        fact = oracle(trial, history)
        if trial.kind is RoundKind.CONFIRM and trial.effective.key == key and trial.seed % 1000 <= 900 + seeds:
            return TrialFact(trial=trial, state=TrialState.DIVERGED, reason="loss_rose")
        return fact

    return answer


def confirmed_with(n_broken: int) -> tuple[History, History]:
    spec, facts, oracle = example_study(75), example_facts(), world_oracle(World(seed=2), example_facts())
    plain = checked_history(StudyPlanner, spec, facts, Folding.everything(), oracle)
    broken = breaking(oracle, plain.sealed["best"], n_broken)
    return plain, checked_history(StudyPlanner, spec, facts, Folding.everything(), broken)


def test_a_runner_up_is_sealed_and_not_trained_while_the_best_holds():
    plain, _ = confirmed_with(0)
    assert plain.sealed["runner_up"] not in (plain.sealed["best"], plain.sealed["baseline"])
    assert not any(c.label == "runner_up" for w in plain.waves for c in w.contrasts)


@pytest.mark.parametrize("n_broken", [1, 5])
def test_the_runner_up_is_confirmed_when_a_seed_of_the_best_breaks(n_broken):
    plain, history = confirmed_with(n_broken)
    wave = [w for w in history.waves if w.kind is RoundKind.CONFIRM][-1]
    assert history.sealed == plain.sealed
    assert {t.effective.key for t in wave.trials} == {history.sealed["runner_up"]}
    assert all("test" in t.splits for t in wave.trials)
    assert wave.notes[0][0] == "runner_up"
    (finding,) = [f for f in history.findings if f.label == "runner_up"]
    assert finding.alpha == 0.01
    found = conclude(history, example_study(75), example_facts())
    assert found.best.key == history.sealed["runner_up"]
    assert found.confirmation.gain == finding.effect
