"""Who leads: the opening, "The way that was taken" and the figure's text name the same configuration."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tunebook.core.facts import ExampleText, StudyFacts, TrialFact
from tunebook.core.space import Folding
from tunebook.core.study import Purpose, SeedCounts, TrialState
from tunebook.planning.planner import StudyPlanner
from tunebook.record import View, build
from tunebook.record.plots.overview import rounds
from tunebook.record.plots.style import Paper
from tunebook.statistics.conclusions import conclude
from tunebook.testing.planner_suite import example_facts, example_study
from tunebook.testing.simulated_study import simulated_history, world_oracle
from tunebook.testing.world import World
from tunebook.words import words_for

DATA = example_facts(60, 0)
SEEDS = SeedCounts(3, 5)


def study_in_which(breaks, trials=24) -> View:
    """A study whose trials end as the world says, save those that `breaks` says have diverged."""
    spec = example_study(trials, seeds=SEEDS)
    works = world_oracle(World(), DATA)

    def answer(trial, history):
        if trial.purpose is not Purpose.REFERENCE and breaks(trial):
            return TrialFact(trial=trial, state=TrialState.DIVERGED, reason="loss_rose", diverged_step=2)
        return works(trial, history)

    planner = StudyPlanner(spec, DATA, Folding.everything())
    history = simulated_history(planner, spec, DATA, answer)
    texts = tuple(ExampleText(i, f"question {i}", "gold") for i in range(DATA.n_validation))
    facts = StudyFacts(data=DATA, examples={"validation": texts}, model={"name": "none"})
    return View(
        spec=spec,
        facts=facts,
        history=history,
        conclusions=conclude(history, spec, DATA),
        notes=(),
        outlook=planner.outlook(history),
    )


@pytest.fixture(scope="module")
def every_configuration_lost_a_seed() -> View:
    """As at a baseline rate near the edge: a replicate of every configuration breaks, the majority trains."""
    return study_in_which(lambda trial: trial.seed % 100 == 1 and trial.purpose is not Purpose.BRACKET, trials=90)


def test_with_a_seed_lost_everywhere_way_and_opening_name_the_same_leader(every_configuration_lost_a_seed):
    view = every_configuration_lost_a_seed
    best = view.conclusions.best
    assert best is not None
    assert all(any(not f.state.did_train for f in view.replicates(key)) for key in view.by_key if view.replicates(key))
    last = max(number for number, kind in view.rounds if kind.value != "confirm")
    assert view.leader_after(last) == (best.key, pytest.approx(best.raw))


def test_with_a_seed_lost_everywhere_the_way_has_no_dash_where_something_trained(every_configuration_lost_a_seed):
    way = build(every_configuration_lost_a_seed, "en").way
    assert all("%" in row[3].text for row in way.rows if "onfirm" not in row[0].text)


def test_with_a_seed_lost_everywhere_the_figure_says_a_number(every_configuration_lost_a_seed):
    _, text = rounds(Paper(), every_configuration_lost_a_seed, words_for("en"))
    assert "nan" not in text
    assert text == "The leader rose most in Round 3: combine: +0.8 points."


def test_where_nothing_trained_the_figure_names_no_leader():
    view = study_in_which(lambda trial: True, trials=12)
    assert view.conclusions.best is None
    drawn = rounds(Paper(), view, words_for("en"))
    assert drawn is None or "nan" not in drawn[1]


@pytest.mark.parametrize("after_round", [1, 2, 3])
def test_the_leader_of_a_round_is_the_best_of_a_study_that_ends_there(every_configuration_lost_a_seed, after_round):
    view = every_configuration_lost_a_seed
    history = replace(
        view.history,
        waves=tuple(wave for wave in view.history.waves if wave.round <= after_round),
        trials={i: fact for i, fact in view.history.trials.items() if fact.trial.round <= after_round},
        findings=tuple(f for f in view.history.findings if f.round <= after_round),
        sealed={},
    )
    assert view.leader_after(after_round)[0] == conclude(history, view.spec, DATA).best.key
