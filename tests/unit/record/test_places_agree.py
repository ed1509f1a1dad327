"""Two places of a record do not say different things, and nothing is said that its trials cannot carry."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.record.stories import BASE, Story
from tunebook.core.findings import DescribedFactor, DescribedLevel, LowSeed, Neighbour
from tunebook.core.score import ScoreKind, ScoreScale
from tunebook.core.study import Floor, Purpose, RoundKind, TrialState
from tunebook.record import build
from tunebook.record.factors import sweet_spot
from tunebook.words import LANGUAGES, words_for

PILOT, EXPLORE, CONFIRM = RoundKind.PILOT, RoundKind.EXPLORE, RoundKind.CONFIRM


def piloted(floor: Floor | None, right: float, common: float = 0.65, design: str = "model") -> Story:
    """A study after its pilots."""
    s = Story(common=common)
    s.spec = replace(s.spec, design=design)
    s.reference(0.2)
    for rate in (1e-4, 5e-4):
        s.trials(
            PILOT,
            Purpose.FIRST_RATE if design == "model" else Purpose.PILOT,
            BASE.with_values(learning_rate=rate),
            right,
            seeds=1,
        )
    s.close(PILOT, floor=floor)
    return s


def test_where_the_pilots_learned_nothing_the_answer_says_so_and_recommends_nothing():
    floor = Floor(accuracy=0.3, bar=0.65, rates=(1e-4, 5e-4), epochs=2)
    record = piloted(floor, 0.3).record()
    assert "have learned the task" in record.answer[0]
    assert record.best is None
    assert words_for("en").pilot_remark(5e-4, "model") not in record.rounds[0].remarks
    assert "have learned the task" not in " ".join(piloted(None, 0.9, common=0.3).record().answer)
    chosen_only = piloted(floor, 0.3, design="balanced").record()
    assert chosen_only.answer == (words_for("en").floor(floor, stops=True, bar_is="commonest"),)


@pytest.mark.parametrize("language", LANGUAGES)
def test_too_few_trials_to_describe_the_factors_are_named(language):
    words = words_for(language)
    s = piloted(None, 0.9, common=0.3)
    confirm(s, BASE.with_values(learning_rate=5e-4), 0.9, seeds=1)
    record = s.record(language)
    assert record.importance == words.too_few_to_describe()
    assert words.factors_not_tested() in record.unknown


def confirm(s: Story, best, right: float, seeds: int = 2) -> None:
    """The confirm round: the best against the baseline, on the test split."""
    both = ("validation", "test")
    mine = s.trials(CONFIRM, Purpose.CONFIRM, best, dict.fromkeys(both, right), splits=both, seeds=seeds)
    base = s.trials(CONFIRM, Purpose.CONFIRM, BASE, dict.fromkeys(both, 0.5), splits=both, seeds=seeds)
    s.ask(mine, base, "best", split="test")
    s.close(CONFIRM, sealed={"best": best.key, "baseline": BASE.key})


def test_a_cheaper_baseline_is_at_most_as_much_worse_as_the_comparison_with_it_says():
    s = Story(common=0.3)
    s.reference(0.2)
    best = BASE.with_values(lora_r=32, lora_alpha=64)
    s.trials(EXPLORE, Purpose.LEVEL, best, 0.51)
    s.close(EXPLORE)
    confirm(s, best, 0.51)
    found = s.conclusions()
    assert found.best.key == best.key
    assert found.cheapest.candidate == BASE.key
    assert found.cheapest.may_be_worse_by == found.findings[-1].interval[1]


def test_a_level_judged_by_its_own_noise_does_not_widen_the_good_range():
    """One seed of the lowest rate came out at 10 %, the other at 45 %: it is tied with everything, and no good
    choice."""
    s = Story(common=0.05)
    s.reference(0.02)
    base = s.trials(EXPLORE, Purpose.BASELINE, BASE, 0.6, seeds=5)
    for rate, right in ((4e-4, 0.7), (1e-3, 0.72)):
        level = BASE.with_values(learning_rate=rate)
        s.ask(s.trials(EXPLORE, Purpose.LEVEL, level, right), base, f"learning_rate={rate:g}", "learning_rate")
    low = BASE.with_values(learning_rate=5e-5)
    uneven = (
        *s.trials(EXPLORE, Purpose.LEVEL, low, 0.1, seeds=1),
        *s.trials(EXPLORE, Purpose.LEVEL, low, 0.45, seeds=1),
    )
    s.ask(uneven, base, "learning_rate=5e-05", "learning_rate")
    s.close(EXPLORE)
    found = s.conclusions()
    assert "unequal_noise" in found.findings[-1].warnings
    [spot] = [spot for spot in found.sweet_spots if spot.factor == "learning_rate"]
    assert spot.low > 5e-5


@pytest.mark.parametrize(
    ("language", "edge", "once", "not_yet"),
    [
        ("en", "2e-3 is the highest tried alone", "Some trials of the baseline failed", "not been compared with the"),
        ("zh", "2e-3 是单独试过的最高值", "基线有部分实验失败", "尚未与基线比较"),
    ],
)
def test_what_holds_for_a_table_is_told_once(language, edge, once, not_yet):
    """A failed seed of the baseline limits every row; the best rates end where no other was tried alone; and what leads
    was not compared with the baseline."""
    s = Story()
    base = s.trials(EXPLORE, Purpose.BASELINE, BASE, 0.5, seeds=4)
    base += s.trials(EXPLORE, Purpose.BASELINE, BASE, 0.5, seeds=1, state=TrialState.FAILED)
    for rate, right in ((5e-5, 0.3), (1e-3, 0.8), (2e-3, 0.8)):
        level = BASE.with_values(learning_rate=rate)
        s.ask(s.trials(EXPLORE, Purpose.LEVEL, level, right), base, f"learning_rate={rate:g}", "learning_rate")
    s.close(EXPLORE)
    leading = BASE.with_values(learning_rate=6e-3, lora_r=64)
    s.trials(RoundKind.REFINE, Purpose.REFINE, leading, 0.95)
    s.close(RoundKind.REFINE)
    record = s.record(language)
    assert edge in record.factors.rows[0][3].text
    [explore, refine] = record.rounds
    assert [once in remark for remark in explore.remarks].count(True) == 1
    assert not any(once in row.analysis for row in explore.rows)
    assert not_yet in record.answer[0]
    assert refine.rows[-1].analysis.startswith(words_for(language).only_its_loss(0.5)[:8])


def test_groups_of_one_configuration_alone_have_no_columns_of_a_comparison():
    """As in a study that stopped before its baseline was trained."""
    s = Story()
    s.trials(PILOT, Purpose.PILOT, BASE.with_values(learning_rate=8e-4), 0.5, seeds=1)
    s.close(PILOT)
    record = s.record("en")
    assert len(record.by_class.columns) == 3
    assert "against" not in record.by_class_lead + record.groups_lead


def test_a_level_whose_every_trial_failed_was_not_tried():
    s = Story()
    s.trials(EXPLORE, Purpose.BASELINE, BASE, 0.6)
    s.trials(EXPLORE, Purpose.LEVEL, BASE.with_values(lora_r=64), 0.6, state=TrialState.FAILED)
    s.trials(EXPLORE, Purpose.LEVEL, BASE.with_values(lora_r=32), 0.6, state=TrialState.DIVERGED)
    s.close(EXPLORE)
    assert s.view().levels_tried("lora_r") == [BASE.lora_r, 32]


@pytest.fixture
def described():
    """A confirmed study where a model proposes, with a view whose description the test sets."""
    s = piloted(None, 0.8, common=0.3)
    best = BASE.with_values(learning_rate=5e-4, lora_r=32)
    s.trials(RoundKind.REFINE, Purpose.REFINE, best, 0.9)
    s.close(RoundKind.REFINE)
    confirm(s, best, 0.9)
    return s.view()


def test_the_good_rates_are_a_range_where_the_model_was_asked_between_the_steps(described):
    level = DescribedLevel(level=2.5e-4, change=0.3, interval=(0.1, 0.5), difference=-0.1, trials=())
    own = DescribedFactor(factor="learning_rate", own=5e-4, levels=(level,), span=(4.2e-4, 7.1e-4))
    described.__dict__["described"] = (own,)  # in place of the cached one
    spot = sweet_spot(described, "learning_rate")
    assert (spot.low, spot.high) == (4.2e-4, 7.1e-4)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("direct", "is_told"), [(0.04, True), (-0.04, False)])
def test_a_described_level_says_when_the_accuracies_point_the_other_way(described, language, direct, is_told):
    """The model: the loss falls without the change, by about 3 points. `direct`: what the change gains, measured."""
    level = DescribedLevel(level=BASE.lora_r, change=-0.1, interval=(-0.2, 0.1), difference=0.03, trials=())
    described.__dict__["described"] = (DescribedFactor(factor="lora_r", own=32, levels=(level,)),)
    key = BASE.with_values(learning_rate=5e-4).key
    near = Neighbour(factor="lora_r", level=32, key=key, effect=direct, interval=(-0.1, 0.2))
    view = replace(described, conclusions=replace(described.conclusions, neighbours=(near,)))
    view.__dict__["described"] = described.described
    told = words_for(language).accuracies_point_elsewhere(str(BASE.lora_r), -direct)
    assert any(told in row[2].text for row in build(view, language).factors.rows) is is_told


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_seed_of_the_recommendation_that_came_out_low_is_named_at_the_top(described, language):
    mine = described.conclusions.best.trials[0]
    low = LowSeed(trial=mine, accuracy=0.6, others=0.9, n_others=3)
    said = words_for(language).one_low_seed(low)
    view = replace(described, conclusions=replace(described.conclusions, low_seeds=(low,)))
    assert said in build(view, language).answer[0]
    other = next(f.trial.id for f in described.trials if f.trial.effective.key == described.baseline_key)
    view = replace(described, conclusions=replace(described.conclusions, low_seeds=(replace(low, trial=other),)))
    assert said not in " ".join(build(view, language).answer)


@pytest.mark.parametrize(("language", "named"), [("en", "test examples"), ("zh", "测试样本")])
def test_more_spending_names_the_split_and_that_it_is_opened_once(described, language, named):
    more = described.conclusions.more_money
    assert more.split == "test"
    assert named in words_for(language).more_money(more)
    assert named not in words_for(language).more_money(replace(more, split="validation"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_one_number_of_all_rows_is_not_told_by_group(described, language):
    """Examples have no macro-F1 of their own: 161.5 of 100 for a group is no number."""
    texts = tuple(replace(e, group="xy"[e.index % 2]) for e in described.examples("test"))
    view = replace(described, facts=replace(described.facts, examples={"validation": texts, "test": texts}))
    assert build(view, language).groups is not None
    one_number = replace(view, facts=replace(view.facts, scale=ScoreScale(kind=ScoreKind.STATISTIC)))
    record = build(one_number, language)
    assert (record.groups_lead, record.groups) == ("", None)


@pytest.mark.parametrize(("language", "said"), [("en", "Provisional"), ("zh", "暂定")])
def test_a_provisional_gain_is_called_so_at_the_top(described, language, said):
    """Not only in the round, far below."""
    last = described.conclusions.findings[-1]
    for provisional in (True, False):
        found = (*described.conclusions.findings[:-1], replace(last, provisional=provisional))
        view = replace(described, conclusions=replace(described.conclusions, findings=found))
        assert (said in build(view, language).answer[0]) is provisional
