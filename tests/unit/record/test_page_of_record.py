"""The record's order and length: what is read first, what folds away, each finding once."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest

from tunebook.record import View, build
from tunebook.record.html import render as render_page
from tunebook.record.markdown import render
from tunebook.record.model import Figure
from tunebook.record.plots.gallery import PAINTERS
from tunebook.words import LANGUAGES, words_for

RECORDS = Path(__file__).parents[2] / "golden" / "records"
MOST_LINES = 150


@pytest.fixture(scope="module")
def nineteen() -> View:
    """A finished study of nineteen trials, with all figures."""
    spec = importlib.util.spec_from_file_location("nineteen_trials", RECORDS / "simulated_study.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return View(**module.make(trials=19)._asdict())


def with_figures(view: View, language: str):
    words = words_for(language)
    figures = tuple(Figure(name, words.label(label), "One sentence.") for name, label, _ in PAINTERS)
    return replace(build(view, language), figures=figures)


@pytest.mark.parametrize("language", LANGUAGES)
def test_nineteen_trials_take_at_most_150_lines(nineteen, language):
    assert len(nineteen.trials) == 19
    assert len(render(with_figures(nineteen, language)).splitlines()) <= MOST_LINES


def test_what_is_read_first_stands_first(nineteen):
    text = render(with_figures(nineteen, "en"))
    order = [
        "**Goal**",
        "**Answer**",
        "**Why this configuration**",
        "## Best configuration",
        "## What each factor does",
        "## Key insights",
        "## Cost and balance",
        "## What is not known",
        "**TensorBoard**",
        "## Round 1",
        "## Round 5",
        "## How sure is this?",
        "## Every trial",
    ]
    places = [text.index(mark) for mark in order]
    assert places == sorted(places)
    assert "`tensorboard --logdir tensorboard`" in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_people_who_tune_by_hand_write_is_there(nineteen, language):
    record = build(nineteen, language)
    label = record.labels
    assert record.rounds[0].rows
    assert record.rounds[0].found
    factors = {row[0].text: row for row in record.factors.rows}
    words = words_for(language)
    assert set(factors) == {words.factor(f) for f in ("learning_rate", "lora_r", "lora_dropout")}, "no room for epochs"
    assert factors[words.factor("lora_r")][4].text == words.advice("use", "64")
    assert record.importance.startswith(("In order of importance", "参数重要性"))
    told = " ".join(record.insights)
    assert ("rule of thumb" if language == "en" else "与通常经验不同") in told
    assert ("Strategy" if language == "en" else "调参策略") in told
    assert {label["size"], label["bytes_alone"], label["seconds_alone"]} <= set(record.costs.columns)


def test_a_page_folds_away_what_is_looked_up(nineteen):
    page = render_page(build(nineteen, "en"), [], {"trials": {}})
    first, _, rest = page.partition('<details class="fold"')
    for heading in ("Best configuration", "What each factor does", "Key insights", "What is not known", "Cost and"):
        assert f"<h2>{heading}" in first
    for name in ("round-1", "round-5", "groups", "classes", "sure", "suspects", "method", "trials"):
        assert f'id="{name}"' in rest
    assert '<button type="button" id="copy"' in first
    assert page.count("<details") == page.count("</details>")


def of_groups(view: View):
    """The comparison that the tables by kind are of."""
    best = view.conclusions.best.key
    return [f for f in view.conclusions.findings if f.family.startswith("group:") and f.treatment_key == best][-1]


def test_answers_are_counted_against_the_gold_ones(nineteen):
    record = build(nineteen, "en")
    counted = {row[0].text: [cell.sort for cell in row[1:]] for row in record.classes.rows}
    golds = [example.gold for example in nineteen.examples("validation")]
    for gold, amounts in counted.items():
        assert sum(amounts) == pytest.approx(golds.count(gold))
    titles = record.classes.columns[1:]
    right = sum(amounts[titles.index(gold)] for gold, amounts in counted.items())
    trials = [nineteen.history.trials[i] for i in of_groups(nineteen).treatment_trials]
    assert right / len(golds) == pytest.approx(sum(f.outcomes["validation"].accuracy for f in trials) / len(trials))


def test_small_groups_have_no_column_of_verdicts_and_say_what_was_gained_and_lost(nineteen):
    groups = build(nineteen, "en").groups
    assert "Verdict" not in groups.columns
    gained, lost = (groups.columns.index(title) for title in ("Gained", "Lost"))
    told = nineteen.won_and_lost(of_groups(nineteen))
    assert sum(row[gained].sort for row in groups.rows) == pytest.approx(told[0], abs=1)
    assert sum(row[lost].sort for row in groups.rows) == pytest.approx(told[1], abs=1)
