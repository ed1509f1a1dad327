"""The table of factors and the insights: what was tested, what is described, and what came of the user's own trials."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.record.stories import BASE, Story
from tunebook.core.facts import Curve, EvaluationRecord, StepRecord, StudyFacts
from tunebook.core.findings import DescribedFactor, DescribedLevel
from tunebook.core.space import Folding
from tunebook.core.study import Purpose, RoundKind
from tunebook.planning.planner import StudyPlanner
from tunebook.record import View, build
from tunebook.record.factors import strategy, sweet_spot
from tunebook.record.plots.curves import trend
from tunebook.statistics.conclusions import conclude
from tunebook.testing.planner_suite import example_facts, example_study
from tunebook.testing.simulated_study import simulated_history, world_oracle
from tunebook.testing.world import World
from tunebook.words import words_for


@pytest.fixture(scope="module")
def extended():
    """A rate shown better by round explore, then a higher one and another rank with it by trials of the user's own."""
    s = Story()
    s.reference(0.2)
    explore, own = RoundKind.EXPLORE, RoundKind.OWN
    base = s.trials(explore, Purpose.BASELINE, BASE, 0.5, seeds=5)
    for rate, right in ((5e-5, 0.3), (4e-4, 0.7)):
        level = BASE.with_values(learning_rate=rate)
        s.ask(s.trials(explore, Purpose.LEVEL, level, right), base, f"learning_rate={rate:g}", "learning_rate")
    s.close(explore)
    higher = BASE.with_values(learning_rate=8e-4)
    both = higher.with_values(lora_r=32, lora_alpha=64)
    s.ask(s.trials(own, Purpose.OWN, higher, 0.75, seeds=2), base, "learning_rate=0.0008", "learning_rate")
    s.ask(s.trials(own, Purpose.OWN, both, 0.72, seeds=2), base, "both")
    s.close(own)
    return s


@pytest.mark.parametrize(
    ("language", "yours", "caveat", "rule"),
    [
        ("en", "our own rank 32", "Outside the study's error rate", "learning rate 4e-4 is shown better"),
        ("zh", "自行添加的 rank 32", "不计入研究的误报率", "学习率 4e-4"),
    ],
)
def test_an_insight_from_trials_of_ones_own_says_so(extended, language, yours, caveat, rule):
    record = extended.record(language)
    [insight] = [text for text in record.insights if yours in text]
    assert caveat in insight
    assert any(rule in text for text in record.insights)
    assert not any("8e-4" in text for text in record.insights if text is not insight and rule in text)
    effects = record.factors.rows[0][2].text
    assert effects.index("4e-4") < effects.index("8e-4")
    assert words_for(language).added_by_you("8e-4").strip() in effects
    assert words_for(language).added_by_you("4e-4").strip() not in effects


def test_the_strategy_puts_nothing_aside_that_ones_own_trials_showed():
    s = Story()
    s.reference(0.2)
    base = s.trials(RoundKind.EXPLORE, Purpose.BASELINE, BASE, 0.5, seeds=5)
    rate = BASE.with_values(learning_rate=4e-4)
    s.ask(s.trials(RoundKind.EXPLORE, Purpose.LEVEL, rate, 0.7), base, "learning_rate=0.0004", "learning_rate")
    s.close(RoundKind.EXPLORE)
    own = BASE.with_values(lora_r=32, lora_alpha=64)
    s.ask(s.trials(RoundKind.OWN, Purpose.OWN, own, 0.72, seeds=2), base, "lora_r=32", "lora_r")
    s.close(RoundKind.OWN)
    view = s.view()
    told = [("learning_rate", 4e-4, (0.1, 0.3)), ("lora_r", 32, (-0.1, 0.1)), ("lora_dropout", 0.1, (-0.1, 0.1))]
    view.__dict__["described"] = tuple(
        DescribedFactor(
            factor=name,
            own=getattr(BASE, name),
            levels=(DescribedLevel(level=level, change=0.0, interval=interval, difference=None, trials=()),),
        )
        for name, level, interval in told
    )
    assert "leave dropout for later" in strategy(view, words_for("en"))


def test_a_sweet_spot_goes_without_rates_that_the_trials_contradict():
    """The model of the loss leaves the low rates open; a trial at 1e-4 had 30 points less than one that differs in the
    rate alone. At another rank nothing is told of it."""
    s = Story()
    s.reference(0.2)
    for rate, right in ((1e-4, 0.4), (5e-4, 0.7), (1e-3, 0.68)):
        s.trials(RoundKind.PILOT, Purpose.PILOT, BASE.with_values(learning_rate=rate), right, seeds=1)
    s.trials(RoundKind.PILOT, Purpose.PILOT, BASE.with_values(learning_rate=3e-4, lora_r=32, lora_alpha=64), 0.45)
    s.close(RoundKind.PILOT)
    view = s.view()
    levels = [
        DescribedLevel(level=rate, change=0.1, interval=(-0.2, 0.5), difference=None, trials=())
        for rate in (8e-5, 2.5e-4, 1e-3)
    ]
    own = DescribedFactor(factor="learning_rate", own=5e-4, levels=tuple(levels))
    view.__dict__["described"] = (own,)  # in place of the cached one
    spot = sweet_spot(view, "learning_rate")
    assert (spot.low, spot.high) == (2.5e-4, 1e-3)


@pytest.mark.parametrize(
    ("language", "heading", "open_"),
    [("en", "What each factor does", "not shown"), ("zh", "各参数的作用", "未证实")],
)
def test_a_balanced_design_tells_its_open_effects_and_claims_no_order(balanced, language, heading, open_):
    record = build(balanced, language)
    assert record.factors_heading == heading
    words = words_for(language)
    row = next(row for row in record.factors.rows if row[0].text == words.factor("lora_dropout"))
    assert open_ in row[2].text
    assert any(words.factor_phrase("lora_dropout") in text for text in record.unknown)


@pytest.fixture(scope="module")
def balanced():
    facts = example_facts()
    spec = replace(example_study(30), design="balanced")
    planner = StudyPlanner(spec, facts, Folding.everything())
    history = simulated_history(planner, spec, facts, world_oracle(World(seed=3, dropout_loss=0.0), facts))
    return View(spec=spec, facts=StudyFacts(data=facts), history=history, conclusions=conclude(history, spec, facts))


def test_a_falling_training_loss_says_nothing_of_overfitting_by_itself(extended):
    fact = next(f for f in extended.history.trials.values() if f.trial.id == 1)
    steps = tuple(StepRecord(i + 1, (i + 1) / 12, 2.0 - i / 8, 1e-4, 1.0) for i in range(12))

    def told(*losses, language="en"):
        seen = tuple(EvaluationRecord(4 * i, i / 3, "validation", loss) for i, loss in enumerate(losses, start=1))
        return trend(words_for(language), [replace(fact, curve=Curve(steps, seen))])

    assert "did not clearly rise" in told(1.0, 0.9, 0.8)
    assert "Whether it overfits is not known" in told(0.8)
    assert "没有记录验证损失" in told(0.8, language="zh")
    assert "overfits: the validation loss rose" in told(0.8, 0.9, 1.2)
