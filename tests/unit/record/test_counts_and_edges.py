"""Numbers of trials are counted in one place; what was tried where is said; what came after the confirmation is too."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from stories import BASE, Story

from tunebook.core.findings import DivergenceBracket, SweetSpot
from tunebook.core.study import Purpose, RoundKind, TrialState
from tunebook.record.boundary import boundary_sentence
from tunebook.record.facts import _spent, counts
from tunebook.record.plots import curves
from tunebook.record.plots.style import Paper
from tunebook.record.results import as_dict
from tunebook.statistics.conclusions import _below
from tunebook.words import LANGUAGES, words_for

FALLING = tuple(3.0 - 0.1 * i for i in range(12))


def told(learned_nothing: float = 0.0) -> Story:
    """Baseline and one rate that trains; of a high rate one seed diverges and one learns nothing."""
    story = Story(common=0.3, labels=4)
    story.reference(0.1)
    explore = RoundKind.EXPLORE
    base = story.trials(explore, Purpose.BASELINE, BASE, 0.6, seeds=3, losses=FALLING)
    good = story.trials(explore, Purpose.LEVEL, BASE.with_values(lora_r=32), 0.7, factor="lora_r", losses=FALLING)
    high = BASE.with_values(learning_rate=2e-2)
    story.trials(explore, Purpose.BOUNDARY, high, learned_nothing, seeds=1, losses=FALLING)
    story.trials(explore, Purpose.BOUNDARY, high, 0.0, seeds=1, state=TrialState.DIVERGED, losses=FALLING)
    story.trials(explore, Purpose.BOUNDARY, high, 0.0, seeds=1, state=TrialState.FAILED, reason="no memory")
    story.ask(good, base, "lora_r=32", "lora_r")
    story.close(explore)
    return story


def test_what_trained_is_counted_in_one_place() -> None:
    view, words = told().view(), words_for("en")
    found = counts(view)
    assert found["all"] == len(view.final) == 8
    assert (found["trained"], found["broke"], found["failed"]) == (5, 2, 1)
    record = told().record()
    assert "8 trials (5 trained, 2 did not train, 1 failed)" in record.cost
    figure = curves.everyone(Paper(), view, words)
    assert figure is not None
    assert figure[1] == "5 trials trained; two did not."
    savings = as_dict(view)["savings"]
    assert (savings["trained_trials"], savings["broken_trials"], savings["failed_trials"]) == (5, 2, 1)
    assert "all 5 trained trials" in record.suspects_lead


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_edge_is_said_to_be_tried_at_one_rank(language: str) -> None:
    sentence = boundary_sentence(told().view(), words_for(language))
    rank = {"en": "Tried with rank 16 only", "zh": "只在 rank 16 下试过"}[language]
    assert rank in sentence


def confirmed(later: float) -> Story:
    """A study that was confirmed, and a rank of the user's own that was added afterwards."""
    story = told()
    best = BASE.with_values(lora_r=32)
    splits = ("validation", "test")
    keys = {"best": best.key, "baseline": BASE.key}
    mine = story.trials(RoundKind.CONFIRM, Purpose.CONFIRM, best, 0.7, splits=splits)
    base = story.trials(RoundKind.CONFIRM, Purpose.CONFIRM, BASE, 0.6, splits=splits)
    story.ask(mine, base, "best", split="test")
    story.close(RoundKind.CONFIRM, sealed=keys)
    own = story.trials(RoundKind.OWN, Purpose.OWN, BASE.with_values(lora_r=64), later)
    story.ask(own, (1, 2, 3), "64", "lora_r")
    story.close(RoundKind.OWN)
    return story


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_trial_that_was_added_later_and_leads_is_said_not_to_be_confirmed(language: str) -> None:
    said = {
        "en": r"Trained later and not confirmed: .*rank 64.*\(trials 13-14\)",
        "zh": "后来训练、未经确认：.*rank 64",
    }
    ahead, behind = (" ".join(confirmed(right).answer(language)) for right in (0.85, 0.5))
    assert re.search(said[language], ahead)
    assert not re.search(said[language], behind)
    assert "rank 32" in ahead


def test_a_good_range_of_rates_ends_where_a_seed_did_not_train() -> None:
    edge = DivergenceBracket(
        rates=(), held_at=3.5e-4, failed_at=1.1e-3, highest_trained=3.5e-4, lowest_failed=1.1e-3, trials=(), how=""
    )
    spot = SweetSpot("learning_rate", 2e-4, 6.3e-4, 3e-4, True)
    assert _below(edge, spot) == replace(spot, high=3.5e-4)
    assert _below(edge, replace(spot, best=5e-4)) == replace(spot, best=5e-4, high=5e-4)
    assert _below(None, spot) == spot
    assert _below(edge, replace(spot, factor="lora_r")) == replace(spot, factor="lora_r")


def test_folded_trials_are_counted_beside_those_that_ran() -> None:
    words = words_for("en")
    spent = _spent(told().view())
    text = words.cost_fact(replace(spent, counts={**spent.counts, "folded": 2}))
    assert text.startswith("8 trials (5 trained, 2 did not train, 1 failed), and two more folded into others")
