"""What a study supports: each part of the conclusions on a history made by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest

from tunebook.core.configuration import Configuration
from tunebook.core.facts import Cost, DataFacts, History, Outcomes, TrialFact
from tunebook.core.findings import Verdict
from tunebook.core.study import (
    Budget,
    Contrast,
    ContrastKind,
    Purpose,
    RoundKind,
    TrialState,
    Wave,
)
from tunebook.statistics.conclusions import conclude
from tunebook.statistics.judge_round import judge_round
from tunebook.testing.sample_study import bare_spec, bare_trial

BASE = Configuration(learning_rate=2e-4, lora_r=16, lora_alpha=32)
SPEC = bare_spec(baseline=BASE, budget=Budget(60), margin=0.05)
N = 1500
FACTS = DataFacts(n_train=500, n_validation=N, n_test=N, mean_tokens=100.0)


class Story:
    """A study told round by round; accuracies are as said, up to little noise."""

    def __init__(self):
        self.rng = np.random.default_rng(0)
        self.chance = {split: self.rng.random(N) for split in ("validation", "test")}
        self.history = History()
        self.new, self.contrasts = [], []

    def trials(self, kind, purpose, configuration, rate, seeds=2, factor=None, splits=("validation",), state=None):
        ids = []
        for _ in range(seeds):
            number = len(self.history.trials) + len(self.new) + 1
            trial = bare_trial(
                number, configuration, round=self.round, kind=kind, purpose=purpose, splits=splits, factor=factor
            )
            scores = {s: (self.chance[s] < rate + self.rng.normal(0, 0.004)).astype(float) for s in splits}
            outcomes = {s: Outcomes(v, 1.2 - v + self.rng.normal(0, 0.05, N)) for s, v in scores.items()}
            done = TrialState.COMPLETED if state is None else state
            cost = Cost(train_seconds=10.0 + configuration.lora_r)
            self.new.append(TrialFact(trial=trial, state=done, outcomes=outcomes if state is None else {}, cost=cost))
            ids.append(number)
        return tuple(ids)

    @property
    def round(self):
        return len(self.history.waves)

    def ask(self, treatment, control, label, factor=None, kind=ContrastKind.DIFFERENCE, split="validation"):
        self.contrasts.append(
            Contrast(kind=kind, treatment=treatment, control=control, label=label, factor=factor, split=split)
        )

    def close(self, kind, combined=None, sealed=None):
        wave = Wave(
            round=self.round,
            kind=kind,
            number=1,
            trials=tuple(f.trial for f in self.new),
            contrasts=tuple(self.contrasts),
            combined=combined or {},
        )
        trials = {**self.history.trials, **{f.trial.id: f for f in self.new}}
        waves = (*self.history.waves, wave)
        history = History(
            waves=waves,
            trials=trials,
            spent_seconds=0.0,
            sealed=sealed or self.history.sealed,
            findings=self.history.findings,
        )
        found = judge_round(history, wave.round, SPEC, FACTS)
        self.history = History(
            waves=waves, trials=trials, spent_seconds=0.0, sealed=history.sealed, findings=(*history.findings, *found)
        )
        self.new, self.contrasts = [], []


@pytest.fixture(scope="module")
def story():
    s = Story()
    s.close(RoundKind.REFERENCE)
    explore = RoundKind.EXPLORE
    base = s.trials(explore, Purpose.BASELINE, BASE, 0.60, 5)
    for rate, accuracy in ((5e-5, 0.36), (1e-4, 0.51), (4e-4, 0.63), (8e-4, 0.60)):
        ids = s.trials(explore, Purpose.LEVEL, BASE.with_values(learning_rate=rate), accuracy, factor="learning_rate")
        s.ask(ids, base, f"learning_rate={rate:g}", "learning_rate")
    for dropout in (0.05, 0.1):
        ids = s.trials(explore, Purpose.LEVEL, BASE.with_values(lora_dropout=dropout), 0.60, factor="lora_dropout")
        s.ask(ids, base, f"lora_dropout={dropout:g}", "lora_dropout")
    small = s.trials(explore, Purpose.LEVEL, BASE.with_values(lora_r=4, lora_alpha=8), 0.60, factor="lora_r")
    s.ask(small, base, "lora_r=4", "lora_r")
    big = s.trials(explore, Purpose.LEVEL, BASE.with_values(lora_r=64, lora_alpha=128), 0.63, factor="lora_r")
    s.ask(big, base, "lora_r=64", "lora_r")
    s.close(explore)
    together = BASE.with_values(lora_r=64, lora_alpha=128, learning_rate=4e-4)
    both = s.trials(RoundKind.COMBINE, Purpose.COMBINE, together, 0.66)
    s.ask(both, base, "combined")
    s.close(RoundKind.COMBINE, combined={"learning_rate": 4e-4, "lora_r": 64})
    for rate, state in ((1.6e-3, None), (3.2e-3, TrialState.DIVERGED)):
        s.trials(
            RoundKind.BOUNDARY,
            Purpose.BOUNDARY,
            together.with_values(learning_rate=rate),
            0.6,
            4,
            "learning_rate",
            state=state,
        )
    s.close(RoundKind.BOUNDARY)
    splits, confirm = ("validation", "test"), RoundKind.CONFIRM
    cheap = BASE.with_values(learning_rate=4e-4)
    best = s.trials(confirm, Purpose.CONFIRM, together, 0.66, 3, splits=splits)
    control = s.trials(confirm, Purpose.CONFIRM, BASE, 0.60, 3, splits=splits)
    cheapest = s.trials(confirm, Purpose.CONFIRM, cheap, 0.645, 3, splits=splits)
    s.ask(best, control, "best", split="test")
    s.ask(cheapest, best, "cheapest", kind=ContrastKind.NON_INFERIORITY, split="test")
    s.close(confirm, sealed={"best": together.key, "baseline": BASE.key, "cheapest": cheap.key})
    return s.history, together, cheap


@pytest.fixture(scope="module")
def found(story):
    return conclude(story[0], SPEC, FACTS)


def test_the_sealed_best_is_the_best_and_the_test_split_confirms_it(story, found):
    _, together, _ = story
    assert found.best.key == together.key
    assert found.best.chosen_by == "confirmed"
    assert found.confirmation.accuracies["best"] == pytest.approx(0.66, abs=0.03)
    assert found.confirmation.gain_interval[0] > 0


def test_the_cheaper_configuration_is_as_good_because_a_contrast_showed_it(story, found):
    _, _, cheap = story
    assert found.cheapest.key == cheap.key
    assert found.cheapest.may_be_worse_by < SPEC.margin
    assert found.cheapest.cost_ratio == pytest.approx(26 / 74)


def test_without_a_contrast_for_it_the_cheaper_one_is_only_a_candidate(story):
    history, _, _ = story
    before = History(
        waves=history.waves[:-1],
        trials={i: f for i, f in history.trials.items() if f.trial.round < 4},
        spent_seconds=0.0,
        sealed={},
        findings=tuple(f for f in history.findings if f.round < 4),
    )
    cheapest = conclude(before, SPEC, FACTS).cheapest
    assert cheapest.key is None
    assert cheapest.candidate is not None
    assert cheapest.may_be_worse_by > 0


def test_the_learning_rate_comes_first_and_dropout_is_not_ranked(found):
    by_name = {importance.factor: importance for importance in found.importance}
    assert found.importance[0].factor == "learning_rate"
    assert by_name["learning_rate"].ranked
    assert not by_name["lora_dropout"].ranked
    assert by_name["lora_dropout"].nothing_above < 0.05
    assert by_name["learning_rate"].levels[0] == 2e-4


def test_a_factor_without_a_verdict_is_not_ranked(story):
    history, _, _ = story
    open_ones = tuple(replace(f, verdict=Verdict.INCONCLUSIVE) for f in history.findings)
    found = conclude(replace(history, findings=open_ones), SPEC, FACTS)
    assert found.importance
    assert not any(importance.ranked for importance in found.importance)


def test_a_factor_with_a_verdict_is_ranked_however_much_another_level_of_it_scatters():
    """Seeds of one level of the rate are 30 points apart: it alone is judged by its own noise, of one degree of
    freedom. What is shown of the other rates stays shown."""
    s = Story()
    s.close(RoundKind.REFERENCE)
    base = s.trials(RoundKind.EXPLORE, Purpose.BASELINE, BASE, 0.60, 5)
    rate = "learning_rate"
    for value, accuracies in ((5e-5, (0.36, 0.36)), (1e-3, (0.75, 0.45))):
        configuration = BASE.with_values(learning_rate=value)
        ids = [s.trials(RoundKind.EXPLORE, Purpose.LEVEL, configuration, each, 1, rate)[0] for each in accuracies]
        s.ask(tuple(ids), base, f"learning_rate={value:g}", rate)
    for dropout in (0.05, 0.1, 0.2):
        ids = s.trials(RoundKind.EXPLORE, Purpose.LEVEL, BASE.with_values(lora_dropout=dropout), 0.6)
        s.ask(ids, base, f"lora_dropout={dropout:g}", "lora_dropout")
    s.close(RoundKind.EXPLORE)
    assert next(f.verdict for f in s.history.findings if f.factor == rate) is Verdict.WORSE
    by_name = {each.factor: each for each in conclude(s.history, SPEC, FACTS).importance}
    assert by_name[rate].ranked
    assert not by_name["lora_dropout"].ranked


def test_the_interaction_of_combined_factors_is_known_and_the_others_are_not(found):
    known = [interaction for interaction in found.interactions if interaction.known]
    assert [interaction.factors for interaction in known] == [("learning_rate", "lora_r")]
    assert known[0].interval[0] < 0.0 < known[0].interval[1]
    assert known[0].effect == pytest.approx(0.0, abs=0.02)
    assert all(interaction.effect is None for interaction in found.interactions if not interaction.known)


def test_the_sweet_spot_lies_around_the_best_rate(found):
    spot = next(spot for spot in found.sweet_spots if spot.factor == "learning_rate")
    assert spot.fitted
    assert 1e-4 < spot.low < 4e-4 < spot.high <= 8e-4


def test_the_bracket_is_that_of_the_settings_that_were_pushed(found):
    bracket = found.boundary
    assert (bracket.highest_trained, bracket.lowest_failed, bracket.how) == (1.6e-3, 3.2e-3, "diverged")


def test_clearly_worse_configurations_are_not_in_the_tie_set(story, found):
    _, together, _ = story
    assert found.tie_set[0] == together.key
    assert BASE.with_values(learning_rate=5e-5).key not in found.tie_set


def test_the_noise_says_what_each_round_could_see(found):
    assert set(found.noise.smallest_detectable_effect) == {"explore", "combine", "confirm"}
    assert 0 < found.noise.smallest_margin < 0.1
    assert not found.noise.from_prior


def test_more_money_narrows_the_interval(found):
    money = found.more_money
    assert 0 < money.half_width_with_trials < money.half_width
    assert 0 < money.half_width_with_examples < money.half_width
    assert not math.isnan(money.half_width)


def test_an_empty_study_supports_nothing():
    found = conclude(History(), SPEC, FACTS)
    assert found.best is None
    assert found.noise.from_prior
    assert found.findings == found.tie_set == found.importance == ()
