"""Over random histories planner, findings, record, `plan`, `status` and `report` say the same of one study.

Random are the space, the budget (raised or not), a table of one's own or none, what comes of every trial (broken seeds,
failures), and where the study is interrupted: between two waves, or in the middle of one.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.property.test_planner_property import foldings, random_oracle, studies
from tunebook.core.facts import DataFacts, ExampleText, History, StudyFacts, TrialFact
from tunebook.core.findings import Verdict
from tunebook.core.outlook import Outlook
from tunebook.core.space import Folding
from tunebook.core.study import Budget, RoundKind, TrialState
from tunebook.ledger.codec import decode, encode
from tunebook.planning.foresight import _sensitivity
from tunebook.planning.planner import foreseen
from tunebook.planning.problem import Problem
from tunebook.planning.rounds import rounds_of
from tunebook.planning.state import PlanningState
from tunebook.record import View, build
from tunebook.record.markdown import render
from tunebook.record.results import as_dict
from tunebook.run.commands import plan as plan_module
from tunebook.run.commands.status import study_status
from tunebook.run.reading import as_begun, planner_of, read_ledger
from tunebook.testing.planner_suite import example_study
from tunebook.testing.simulated_study import simulated_history
from tunebook.words import words_for
from tunebook.words.marks import plain_text
from tunebook.words.numbers import number as plain_number
from tunebook.words.numbers import p_value, rate, value

EXAMPLES = {"validation": 20, "test": 30}


@st.composite
def begun_studies(draw):
    """(spec, facts) of a study, with or without a table of the user's own."""
    spec = draw(studies())
    spec = replace(spec, budget=Budget(draw(st.integers(4, 30)), spec.budget.hours), trials=None)
    rows = ()
    if draw(st.booleans()):
        rates, ranks = st.sampled_from([5e-5, 2e-4, 8e-4]), st.sampled_from([4, 8, 32])
        pairs = draw(st.lists(st.tuples(rates, ranks), min_size=1, max_size=5))
        rows = tuple(spec.baseline.with_values(learning_rate=rate, lora_r=rank) for rate, rank in pairs)
        spec = replace(spec, trials="mine.csv")
    data = DataFacts(
        n_train=200,
        n_validation=EXAMPLES["validation"],
        n_test=draw(st.sampled_from([0, EXAMPLES["test"]])),
        longest_tokens=100,
        mean_tokens=60.0,
    )
    texts = {
        split: tuple(ExampleText(i, f"question {i}", "gold") for i in range(n))
        for split, n in EXAMPLES.items()
        if split == "validation" or data.n_test
    }
    return spec, StudyFacts(data=data, examples=texts, model={"name": "none"}, table=rows, folding=draw(foldings))


def whole_history(spec, facts, world, more, devices=1):
    """Every history that the study goes through, from one trial-free to the end, its budget then raised by `more`."""
    seen = []
    history = History()
    for budget in dict.fromkeys([spec.budget, replace(spec.budget, trials=spec.budget.trials + more)]):
        raised = replace(spec, budget=budget)
        planner = planner_of(raised, facts, history, None)

        def keep(before, wave, raised=raised):
            seen.append((raised, before))

        oracle = random_oracle(world)
        history = simulated_history(planner, raised, facts.data, oracle, history=history, on_wave=keep, devices=devices)
        seen.append((raised, history))
    return seen


def interrupted(history, n_open):
    """The history in the middle of its last wave: so many of its trials have no result yet."""
    if not history.waves or not n_open:
        return history
    last = history.waves[-1]
    open_ids = [trial.id for trial in last.trials][-n_open:]
    trials = {i: TrialFact(trial=f.trial) if i in open_ids else f for i, f in history.trials.items()}
    closed = tuple(number for number in history.closed_rounds if number != last.round)
    findings = tuple(finding for finding in history.findings if finding.round != last.round)
    return replace(history, trials=trials, closed_rounds=closed, findings=findings)


class Kept:
    """A ledger that holds one history; the study's facts go through the codec."""

    def __init__(self, spec, facts, history):
        self._spec, self._facts, self._history = spec, facts, history

    def spec(self):
        return self._spec

    def facts(self):
        return decode(StudyFacts, encode(self._facts))

    def history(self):
        return self._history

    def notes(self):
        return []


def planned(spec, facts, found):
    """What `plan` shows for a study that has been begun."""
    prepared = SimpleNamespace(
        spec=spec,
        facts=facts,
        warnings=(),
        options=SimpleNamespace(device="cpu"),
        engine=SimpleNamespace(calibrates=False, needs_model=False),
        make_executor=lambda logs: SimpleNamespace(close=lambda: None),
        calibrate=lambda executor: None,
        metric=None,
        data=SimpleNamespace(shown=None, examples={}),
    )
    with (
        patch.object(plan_module, "prepare", lambda *_: prepared),
        patch.object(plan_module, "has_ledger", lambda _: True),
        patch.object(plan_module, "read_study", lambda _: found),
    ):
        return plan_module.plan_study(spec, None)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(begun_studies(), st.integers(0, 1000), st.integers(0, 12), st.data())
def test_everything_that_reads_a_history_says_the_same(study, world, more, pick):
    spec, facts = study
    spec, history = pick.draw(st.sampled_from(whole_history(spec, facts, world, more)))
    check_readers(spec, facts, interrupted(history, pick.draw(st.integers(0, 3))))


@pytest.mark.parametrize("n_open", [0, 1, 3])
def test_rounds_side_by_side_are_read_the_same_by_all(n_open):
    spec = example_study(60)
    data = DataFacts(n_train=200, n_validation=20, n_test=30, longest_tokens=100, mean_tokens=60.0)
    texts = {split: tuple(ExampleText(i, f"question {i}", "gold") for i in range(n)) for split, n in EXAMPLES.items()}
    facts = StudyFacts(data=data, examples=texts, model={"name": "none"}, folding=Folding.everything())
    histories = [history for _, history in whole_history(spec, facts, world=3, more=0, devices=2)]
    beside = [history for history in histories if any(wave.beside for wave in history.waves)]
    assert len(beside) > 2
    for history in beside:
        check_readers(spec, facts, interrupted(history, n_open))


def check_readers(spec, facts, history):
    """Planner, findings, record, `plan`, `status` and `report` of one history."""
    found = read_ledger(Kept(spec, facts, history))
    view = View(
        spec=spec, facts=found.facts, history=history, conclusions=found.conclusions, notes=(), outlook=found.outlook
    )
    state = PlanningState(Problem(spec=spec, facts=facts.data, folding=facts.folding, table=facts.table), history)
    check_leader(spec, found, view, state)
    check_noise(found, view, state)
    check_foreseen(spec, facts, found, history)
    check_sentences(view)
    check_numbers(view)


NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d[\d,]*\.\d+|\d(?=e))(?:e-\d+)?(?![\w×.])")
"""Numbers that were measured or computed: with a decimal point, or a rate. Counts and shares in whole per cent are not
looked at, nor multiples."""


def check_numbers(view):
    """Every number that the record states is one of `results.json`, in some unit."""
    record, words = build(view, "en"), words_for("en")
    held = {text for number in set(numbers_in(as_dict(view))) for text in as_told(number)}
    boundary, best = view.conclusions.boundary, view.conclusions.best
    if boundary is not None and boundary.failed_at is not None and best is not None:
        held.add(f"{boundary.failed_at / view.configurations[best.key].learning_rate:.1f}")  # how near the edge is
    held |= {"1.5"}  # times its start: the bound of `core.divergence`
    told = [record.aim, *record.answer, record.importance, *record.insights, *record.unknown, *record.interactions]
    told += [cell.text for table in (record.factors, record.comparisons) if table for row in table.rows for cell in row]
    told += [text for section in record.rounds for text in (*section.found, *section.not_shown, *section.remarks)]
    told += [
        text
        for section in record.rounds
        for row in section.rows
        for text in (row.changed, row.result, row.against, row.analysis)
    ]
    for text in map(plain_text, told):
        for number in NUMBER.findall(text):
            assert number.lstrip("+-").replace(",", "") in held, (number, text)
    check_once(view, record, words)


def check_once(view, record, words):
    """Each finding stands in full, with its interval, in one place of the rounds."""
    texts = [text for section in record.rounds for text in (*section.found, *section.not_shown)]
    texts += [text for section in record.rounds for row in section.rows for text in (row.against, row.analysis)]
    text = plain_text("\n".join(texts))
    expected = Counter(words.effect(f) for f in view.findings() if not math.isnan(f.effect))
    for effect, times in expected.items():
        assert (
            len(re.findall(rf"(?<![\d.]){re.escape(effect)}", text))
            + len(re.findall(rf"(?<![\d.]){re.escape(effect.replace(' (', f' {words.unit} ('))}", text))
            == times
        ), effect


def numbers_in(value):
    """Every number within plain JSON values."""
    if isinstance(value, dict):
        for each in value.values():
            yield from numbers_in(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from numbers_in(each)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield float(value)


def as_told(number):
    """A number in the forms in which a record prints it, without its sign."""
    size = abs(number)
    points = size * 100
    yield from (f"{size:g}", f"{size:.1f}", f"{size:.3g}", f"{size:.2g}", f"{size:.1g}")
    yield from (f"{points:.1f}", f"{points:.1g}", f"{points:.4g}", plain_number(size), plain_number(size, 2))
    yield from (plain_number(points), plain_number(points, 2), plain_number(2 * points, 2), rate(size))
    yield from (p_value(size), f"{size / 2**20:.1f}", f"{size / 2**30:.2f}")


def check_sentences(view):
    """No two sentences of a record contradict: who leads, held or broke, asked or unasked, within the range."""
    record, found = build(view, "en"), view.conclusions
    opening, text = plain_text(" ".join(record.answer)), render(record)
    assert "-100.0 to +100.0" not in text
    assert (record.best is None) == (found.best is None or not view.has_comparison)
    assert ("No configuration is shown to have learned" in opening) == (found.nothing_learned is not None)
    if found.nothing_learned is not None:
        assert found.best is None
        assert not record.suspects
        assert "Use " not in opening
    elif not view.has_comparison:
        assert "Use " not in opening
    elif found.best is not None:
        is_baseline = found.best.key == view.baseline_key
        assert ("Keep the baseline" in opening) == is_baseline
        better = [f for f in view.findings() if f.verdict is Verdict.BETTER and f.control_key == view.baseline_key]
        assert not better or "nothing that was tried is shown to be better" not in opening
        trained = [
            f for f in view.by_key[found.best.key] if f.state is TrialState.COMPLETED and "validation" in f.outcomes
        ]
        claiming = [f for f in trained if not f.trial.purpose.only_chooses] or trained
        assert ("It rests on one seed" in opening) == (len(claiming) == 1)
        outside = []
        for factor in view.spec.space.factors:
            level = getattr(view.configurations[found.best.key], factor.name)
            ends = [x for x in (factor.low, factor.high, *factor.levels) if isinstance(x, int | float)]
            own = level == getattr(view.spec.baseline, factor.name)
            outside.append(
                bool(ends) and not own and isinstance(level, int | float) and not min(ends) <= level <= max(ends)
            )
        assert ("lies outside what the study file gives" in opening) == any(outside)
    if found.best is not None and record.factors is not None:
        check_advice(view, record)
    outcome = found.confirmation.outcome if found.confirmation is not None else None
    if view.has_comparison:
        assert opening.startswith("The confirmation failed") == (outcome in ("broke", "worse"))
    assert "Not yet confirmed" not in opening or outcome != "held"
    known = {i.factors for i in found.interactions if i.known}
    assert not known & {i.factors for i in found.interactions if not i.known}
    assert len(record.interactions) == len(known)
    if found.boundary is not None:
        check_boundary(view, found.boundary, text)


def check_advice(view, record):
    """The table of factors advises what the answer recommends, and the levels that it names were tried."""
    words, best = words_for("en"), view.configurations[view.conclusions.best.key]
    names = {words.factor(factor.name): factor.name for factor in view.spec.space.factors}
    for row in record.factors.rows:
        factor = names[row[0].text]
        level = words.label("none") if getattr(best, factor) is None else value(factor, getattr(best, factor))
        assert level in re.split(r"[ ;]", row[4].text), row
        assert level in row[1].text.split(", "), row
    if view.conclusions.boundary is not None and view.conclusions.boundary.failed_at is not None:
        fails = rate(view.conclusions.boundary.failed_at)
        assert all(f"stay below {fails}" in text for text in record.insights if "Strategy" in text)


def check_boundary(view, boundary, text):
    """The sentence, the table of rates and the trials' own states."""
    at = {}
    for trial in boundary.trials:
        fact = view.history.trials[trial]
        at.setdefault(fact.trial.effective.learning_rate, []).append(view.evidence.how_it_ended(fact) is None)
    for each in boundary.rates:
        assert each.trained == sum(at[each.rate]) <= each.tried == len(at[each.rate]) or each.tried < len(at[each.rate])
    held = boundary.at(boundary.held_at)
    assert held.trained == held.tried
    assert all(r.trained == r.tried for r in boundary.rates if r.rate <= boundary.held_at)
    assert boundary.highest_trained <= boundary.held_at
    if boundary.failed_at is not None:
        failed = boundary.at(boundary.failed_at)
        assert 2 * failed.trained < failed.tried
        assert boundary.held_at < boundary.failed_at <= boundary.lowest_failed
    asked = any(kind is RoundKind.BOUNDARY for _, kind in view.rounds)
    if asked or view.conclusions.nothing_learned is None:  # where nothing learned, only a round that asks tells it
        assert f"held at a learning rate of {rate(boundary.held_at)} with" in text


def check_leader(spec, found, view, state):
    """Planner, findings, `status`, results.json, "The way that was taken" and the record's opening."""
    leading, best = state.leading, found.conclusions.best
    status = study_status(spec, found.history, found.conclusions, found.outlook)
    text, way = render(build(view, "en")), build(view, "en").way
    assert "nan" not in text.lower().replace("finance", "")
    if leading is None:
        assert best is None
        assert status.best is None
        assert not view.rounds or view.leader_after(view.rounds[-1][0]) is None
        return
    nothing = found.conclusions.nothing_learned
    if nothing is not None:
        assert nothing.key == leading.key == as_dict(view)["nothing_learned"]["key"]
        assert best is None
        assert status.best is None
        return
    assert best.key == leading.key == status.best.key == as_dict(view)["best"]["key"]
    assert best.raw == pytest.approx(leading.accuracy)
    rounds = [number for number, kind in view.rounds]
    assert view.leader_after(rounds[-1]) == (best.key, pytest.approx(best.raw))
    told = [row for row, (_, kind) in zip(way.rows, view.rounds, strict=True) if kind is not RoundKind.CONFIRM]
    if view.rounds[-1][1] is not RoundKind.CONFIRM:
        assert told[-1][3].text.endswith(words_for("en").percent(best.raw))


def check_noise(found, view, state):
    """Findings, record and planner's foresight; every accuracy has one interval wherever it is printed."""
    told, noise = found.conclusions.noise, state.evidence.noise
    assert (told.seed_deviation, told.degrees_of_freedom, told.from_prior) == (
        noise.deviation,
        noise.df,
        noise.from_prior,
    )
    opening = rounds_of(state.problem)[0].most(state.problem, 0)
    seen = _sensitivity(state, opening, (opening,))
    if not noise.from_prior:
        df = noise.df if noise.provisional else noise.effective_df  # a prior fills up in the forecast itself
        assert (seen.seed_deviation, seen.df) == (noise.assumed_deviation, df)
    for key, (accuracy, low, high) in found.conclusions.accuracies.items():
        facts = view.replicates(key) or view.by_key[key]
        assert view.accuracy(facts) == (accuracy, (low, high))
        assert not math.isnan(accuracy)


def without_effects(outlook):
    """What `plan` foresees, as `status` and `report` do, which show no effects and no cuts."""
    rounds = tuple(replace(each, smallest_detectable_effect=None) for each in outlook.rounds)
    return Outlook(rounds=rounds, waiting=outlook.waiting, trials_left=outlook.trials_left)


def check_foreseen(spec, facts, found, history):
    """`run`, `plan`, `status` and `report`."""
    running = planner_of(spec, as_begun(found.facts, facts), history, found.calibration)
    outlook = running.outlook(history, effects=False)
    assert found.outlook == outlook
    assert without_effects(planned(spec, facts, found).outlook) == outlook
    waiting = sum(f.trial.has_training and not f.state.is_final for f in history.trials.values())
    assert sum(each.n_trials for each in outlook.waiting) == waiting
    assert {each.kind for each in outlook.all_rounds} >= {each.kind for each in outlook.rounds}
    status = study_status(spec, history, found.conclusions, found.outlook)
    coming = [(each.kind, each.trials["planned"]) for each in status.rounds if each.state == "to come"]
    assert coming == [(str(each.kind), each.n_trials) for each in outlook.rounds]
    waves = foreseen(running, history)
    is_open = any(not fact.state.is_final for fact in history.trials.values())
    if waves and not is_open and history.waves and history.waves[-1].round in history.closed_rounds:
        assert outlook.rounds[0].kind is waves[-1].kind
    if facts.table:
        assert all(each.kind is not RoundKind.EXPLORE for each in outlook.rounds)
    if not any(fact.state is TrialState.FAILED for fact in history.trials.values()):
        spent = sum(fact.trial.costs_budget for fact in history.trials.values())
        assert spent + outlook.most_trials - waiting <= spec.budget.trials
        assert all(spent + each.n_trials <= spec.budget.trials for each in outlook.rounds)
