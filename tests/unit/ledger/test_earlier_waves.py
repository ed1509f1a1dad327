"""Studies begun under schema 0001, whose waves keep their decisions as notes, go on as if begun today."""

from __future__ import annotations

from dataclasses import asdict, replace
from itertools import pairwise

import pytest

from tunebook.core.facts import ExampleText, History, StudyFacts
from tunebook.core.space import Folding
from tunebook.core.study import Budget, Wave
from tunebook.ledger import open_ledger
from tunebook.ledger.earlier import with_typed_decisions
from tunebook.planning.planner import StudyPlanner
from tunebook.testing.planner_suite import example_facts, example_study
from tunebook.testing.simulated_study import simulated_history, world_oracle
from tunebook.testing.world import World

DATA = example_facts(30, 40)
TYPED = {"bracket": None, "chosen_rates": (), "combined": {}, "sealed": {}, "budget": None}


def as_once_written(wave: Wave) -> Wave:
    """The wave as version 0.1.0 wrote it."""
    notes = list(wave.notes)
    if wave.bracket:
        plan = wave.bracket
        told = {"rates": list(plan.rates), "factors": list(plan.seeds), "baseline_seeds": plan.baseline_seeds}
        notes.append(("bracket", {**told, "seeds": plan.seeds}))
    for chosen in wave.chosen_rates:
        notes.append(("chosen_rate", {**asdict(chosen), "losses": [list(pair) for pair in chosen.losses]}))
    notes += [(code, getattr(wave, code)) for code in ("combined", "sealed") if getattr(wave, code)]
    if wave.budget:
        notes.append(("budget", asdict(wave.budget)))
    return replace(wave, notes=tuple(notes), **TYPED)


@pytest.fixture(scope="module")
def study():
    """A study with brackets, a combination and a confirm round, and every history that it went through."""
    spec, seen = example_study(90), []
    planner = StudyPlanner(spec, DATA, Folding.everything())

    def keep(before, wave):
        seen.append(before)

    history = simulated_history(planner, spec, DATA, world_oracle(World(), DATA), on_wave=keep)
    return spec, planner, [*seen, history]


def test_decisions_come_back_from_notes(study):
    _, _, histories = study
    waves = histories[-1].waves
    assert all(any(getattr(wave, name) for wave in waves) for name in TYPED)
    again = [with_typed_decisions(as_once_written(wave)) for wave in waves]
    assert again == list(waves)


def test_a_study_begun_under_the_first_schema_plans_what_it_would_have_planned(study, tmp_path):
    spec, planner, histories = study
    facts = StudyFacts(data=DATA, examples={"validation": tuple(ExampleText(i, str(i), "gold") for i in range(30))})
    with open_ledger(tmp_path, write=True) as ledger:
        ledger.create_study(spec, facts)
        for before, after in pairwise(histories):
            wave = after.waves[-1]
            assert planner.next_wave(as_read(before, ledger)) == wave
            ledger.add_wave(as_once_written(wave))
        assert ledger.history().waves == histories[-1].waves
    more = StudyPlanner(replace(spec, budget=Budget(120)), DATA, Folding.everything())
    assert more.next_wave(histories[-1]) is not None


def as_read(history: History, ledger) -> History:
    """The history with its waves as the ledger gives them."""
    return replace(history, waves=ledger.history().waves)
