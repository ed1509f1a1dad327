"""Sentences say what their finding says, and no more, in both languages."""

import math
from dataclasses import replace

import pytest

from tunebook.core.findings import DivergenceBracket, Finding, RateTried, Verdict
from tunebook.core.score import ScoreKind, ScoreScale
from tunebook.core.study import ContrastKind, RoundKind
from tunebook.record import View, build
from tunebook.record.markdown import _kinds
from tunebook.record.markdown import render as render_markdown
from tunebook.record.model import Cell, Table
from tunebook.words import LANGUAGES, words_for
from tunebook.words.marks import plain_text
from tunebook.words.numbers import points
from tunebook.words.values import Ending, Price

CLAIMS = {"en": ("better", "worse than the", "equal to", "not worse"), "zh": ("优于", "劣于", "已证实")}


def finding(verdict=Verdict.INCONCLUSIVE, **changes):
    values = {
        "label": "lora_r=32", "factor": "lora_r", "kind": ContrastKind.DIFFERENCE, "split": "validation", "round": 1,
        "round_kind": RoundKind.EXPLORE, "treatment_key": "a" * 12, "control_key": "b" * 12,
        "treatment_trials": (6, 7), "control_trials": (1, 2, 3, 4, 5), "effect": 0.031, "interval": (-0.003, 0.065),
        "plain_interval": (0.008, 0.054), "p_raw": 0.01, "p_adjusted": 0.09, "alpha": 0.02, "standard_error": 0.012,
        "degrees_of_freedom": 31.0, "verdict": verdict,
    }  # fmt: skip
    return Finding(**{**values, **changes})


@pytest.mark.parametrize("language", LANGUAGES)
def test_inconclusive_finding_makes_no_claim(language):
    words = words_for(language)
    said = words.found(finding(), "r=32", words.label("the_baseline"), 0.03) + words.verdict(
        finding(), words.label("the_baseline"), 0.03
    )
    assert not any(claim in said for claim in CLAIMS[language])
    assert "no difference" not in said


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_comparison_without_a_result_has_no_number(language):
    words = words_for(language)
    nothing = finding(effect=math.nan, interval=(-1.0, 1.0), standard_error=math.nan)
    said = words.open_contrast(nothing, "r=32", "")
    assert "nan" not in said
    assert "100" not in said
    assert words.label("no_result") in said
    assert "+3.1" in words.open_contrast(finding(), "r=32", "")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("verdict", list(Verdict))
def test_every_finding_states_effect_and_interval(language, verdict):
    said = words_for(language).found(finding(verdict), "r=32", "B", 0.03)
    if verdict is not Verdict.DIVERGED:
        assert "+3.1" in said
        assert "-0.3" in said
        assert "+6.5" in said


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_would_settle_a_question_is_said(language, view):
    words = words_for(language)
    settled = words.unknown_contrast("r=32", finding(examples_needed=1944, seeds_needed=5), "B")
    assert "1,900" in settled
    assert ("five" if language == "en" else "5 个随机种子") in settled
    never = words.unknown_contrast("r=32", finding(), "B")
    assert ("twenty" in never) or ("二十倍" in never)
    rows = zip(build(view, language).comparisons.rows, view.findings(), strict=True)
    for row, judged in rows:
        needed = (judged.examples_needed, judged.seeds_needed)
        is_open = judged.verdict is Verdict.INCONCLUSIVE
        assert [cell.text for cell in row[5:]] == [words.needs(n) if is_open else "–" for n in needed]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_cost_that_is_printed_alike_is_no_difference(language):
    words = words_for(language)
    for price, told in (
        (Price(1.004, 4.6e6, 4.6e6), ()),
        (Price(0.5, 4.6e6, 4.6e6), ("0.5",)),
        (Price(1.0, 2.4e6, 4.8e6), ("2.3 MiB", "4.6 MiB")),
    ):
        said = words.cheaper("A", 0.03, price)
        assert ("MiB" in said, "×" in said or " 倍" in said) == ("2.3 MiB" in told, "0.5" in told)
        assert all(number in said for number in told)


@pytest.mark.parametrize(("language", "mark"), [("en", "rovisional"), ("zh", "暂定")])
@pytest.mark.parametrize("verdict", [Verdict.BETTER, Verdict.WORSE, Verdict.EQUIVALENT, Verdict.INCONCLUSIVE])
def test_provisional_finding_is_marked(language, mark, verdict):
    words = words_for(language)
    assert mark in words.found(finding(verdict, provisional=True), "r=32", "B", 0.03)
    assert mark in words.verdict(finding(verdict, provisional=True), "B", 0.03)
    assert mark not in words.found(finding(verdict), "r=32", "B", 0.03)


def test_non_inferiority_that_failed_says_how_much_worse_it_may_be():
    open_ = finding(kind=ContrastKind.NON_INFERIORITY, interval=(-0.041, 0.02))
    assert "up to 4.1 points worse" in words_for("en").verdict(open_, "the best", 0.03)


def test_disagreement_between_accuracy_and_loss_is_said():
    odd = finding(Verdict.BETTER, witnesses_disagree=True, loss_effect=0.12)
    assert "loss says the opposite" in words_for("en").verdict(odd, "the baseline", 0.03)


def bracket_of(*rates, low=None, high=None):
    """A bracket from (rate, trained, tried, endings...); its ends are excluded up to `low` and `high`."""
    rates = tuple(RateTried(rate, trained, tried, tuple(ends)) for rate, trained, tried, *ends in rates)
    held = max(r.rate for r in rates if r.trained == r.tried)
    failed = min((r.rate for r in rates if 2 * r.trained < r.tried), default=None)
    return DivergenceBracket(
        rates=rates, held_at=held, failed_at=failed, highest_trained=low or held, lowest_failed=high or failed,
        trials=(1, 2), how="diverged",
    )  # fmt: skip


HELD, LOST = (8.7e-3, 2, 2), (1.5e-2, 0, 2, "collapsed")


@pytest.mark.parametrize(("bracket", "english", "chinese"), [
    (
        bracket_of((5e-3, 1, 1), HELD, LOST, low=5e-3),
        "Training held at a learning rate of 8.7e-3 with 2 of 2 seeds; it collapsed at 1.5e-2 with 2 of 2 seeds. "
        "Two seeds do not exclude an edge as low as 5e-3. Evidence: trials 1-2.",
        "学习率 8.7e-3 时 2 个随机种子全部训练正常，1.5e-2 时 2 个随机种子全部崩溃。"
        "2 个随机种子还不能排除界线低至 5e-3。依据：实验 1-2。",
    ),
    (
        bracket_of(HELD, (1.1e-2, 1, 2, "diverged"), (1.5e-2, 0, 2, "learned_nothing", "diverged")),
        "Training held at a learning rate of 8.7e-3 with 2 of 2 seeds; it learned nothing or diverged at 1.5e-2 with "
        "2 of 2 seeds. In between it held at 1.1e-2 with 1 of 2 seeds. Evidence: trials 1-2.",
        "学习率 8.7e-3 时 2 个随机种子全部训练正常，1.5e-2 时 2 个随机种子全部没有学到东西或发散。"
        "两者之间，1.1e-2 时 2 个随机种子中有 1 个训练正常。依据：实验 1-2。",
    ),
    (
        bracket_of((2e-3, 1, 1)),
        "Training held at a learning rate of 2e-3 with its one seed, the highest rate tried. "
        "Where it breaks is not known. Evidence: trials 1-2.",
        "学习率 2e-3 时唯一的随机种子训练正常，这是试过的最高值。从哪里开始失败尚不清楚。依据：实验 1-2。",
    ),
    (
        bracket_of(HELD, (1.5e-2, 1, 2, "diverged")),
        "Training held at a learning rate of 8.7e-3 with 2 of 2 seeds. Above that it held at 1.5e-2 with 1 of 2 seeds. "
        "Where it breaks is not known. Evidence: trials 1-2.",
        "学习率 8.7e-3 时 2 个随机种子全部训练正常；更高处，1.5e-2 时 2 个随机种子中有 1 个训练正常。"
        "从哪里开始失败尚不清楚。依据：实验 1-2。",
    ),
])  # fmt: skip
def test_the_bracket_is_told_as_its_table_of_rates_says(bracket, english, chinese):
    assert words_for("en").bracket(bracket) == english
    assert words_for("zh").bracket(bracket) == chinese


def test_diverged_trial_is_told_with_its_step(view):
    broken = next(f for f in view.trials if f.diverged_step)
    said = words_for("en").ending(
        Ending({broken.trial.id: broken.state}, ("loss_rose",), (41, 188), (1.9, 11.3), broken.trial.id)
    )
    assert "step 41 of 188" in said
    assert "1.90 at the start, 11.3 at the end" in said


def test_languages_have_the_same_words():
    english, chinese = words_for("en"), words_for("zh")
    assert set(english.labels) == set(chinese.labels)
    assert set(english.factor_names) == set(chinese.factor_names)
    assert all(english.labels.values())


def test_records_of_both_languages_have_the_same_shape(view):
    english, chinese = build(view, "en"), build(view, "zh")
    assert [len(r.rows) for r in english.rounds] == [len(r.rows) for r in chinese.rounds]
    assert [r.trials for s in english.rounds for r in s.rows] == [r.trials for s in chinese.rounds for r in s.rows]
    for name in ("unknown", "insights", "notes", "suspects", "facts", "sure", "method", "answer", "interactions"):
        assert len(getattr(english, name)) == len(getattr(chinese, name)), name


def test_chinese_record_uses_the_words_of_hand_written_ones(view):
    record = build(view, "zh")
    assert {"实验号", "参数修改策略", "结果", "结果分析", "最优配置", "关键洞察", "参数重要性"} <= set(
        record.labels.values()
    )
    assert record.rounds[0].found_heading == "第一轮发现"


def test_better_on_validation_but_not_on_test_is_told(view, monkeypatch):
    conclusions = view.conclusions
    weak = {"verdict": Verdict.INCONCLUSIVE, "effect": 0.01, "interval": (-0.03, 0.05)}
    findings = tuple(replace(f, **weak) if f.split == "test" else f for f in conclusions.findings)
    told = replace(conclusions.confirmation, outcome="not_shown")
    best = replace(conclusions.best, chosen_by="leading")
    conclusions = replace(conclusions, findings=findings, confirmation=told, best=best)
    opening = plain_text(build(replace(view, conclusions=conclusions), "en").answer[0])
    assert opening.startswith(
        "Not confirmed: Round 3: combine showed a gain on the validation split; the test split does not show it. "
        "Rank 32, alpha 128, learning rate 6e-4, dropout 0.1, 4 epochs, effective batch 8 led on validation (of those "
        "within one standard error of the highest accuracy, the one of lowest validation loss), but it is "
        "not shown to be better than the baseline"
    )
    assert "is not distinguishable from zero" in opening
    monkeypatch.setattr("tunebook.record.opening._has_result", lambda *_: False)
    for language, said in (("en", "; no trial of the baseline has a result"), ("zh", "；基线没有得到结果的实验")):
        assert said in plain_text(build(replace(view, conclusions=conclusions), language).answer[0])


def test_few_degrees_of_freedom_widen_the_intervals_and_are_told(view):
    facts = view.by_key[view.baseline_key][:2]
    alone = replace(view, history=replace(view.history, trials={fact.trial.id: fact for fact in facts}))
    assert alone.evidence.noise.df == 1
    (_, (low, high)), (_, (sure_low, sure_high)) = alone.accuracy(facts), view.accuracy(facts)
    assert high - low > sure_high - sure_low
    few = replace(view.conclusions.noise, degrees_of_freedom=1.0, seed_deviation=0.0)
    shaky = replace(view, conclusions=replace(view.conclusions, noise=few))
    assert any(
        "with fewer than 4, intervals also use an assumed 2.0 points" in text for _, text in build(shaky, "en").sure
    )


def test_unfinished_study_says_that_it_is_in_progress(handmade):
    record = build(View(**handmade.unfinished()._asdict()), "en")
    assert "In progress" in plain_text(record.status)
    assert record.best is None


def test_study_without_a_trial_has_a_record(study):
    spec, facts, history, conclusions, notes = study
    empty = replace(history, waves=(), trials={}, findings=())
    nothing = replace(conclusions, findings=(), best=None, importance=(), tie_set=(), cheapest=None, boundary=None,
                      confirmation=None, interactions=(), sweet_spots=(), more_money=None)  # fmt: skip
    record = build(View(spec=spec, facts=facts, history=empty, conclusions=nothing, notes=notes), "en")
    assert "nothing to recommend" in record.status
    assert not record.rounds


def test_diverged_row_has_no_effect_and_stands_out(record, view):
    row = next(r for s in record.rounds for r in s.rows if r.tone == "failed" and "diverged" in r.analysis)
    assert row.against == ""
    assert all(view.history.trials[i].diverged_step is not None for i in row.trials)


def test_folded_row_names_what_stands_for_it(record):
    folded = [r for r in record.rounds[0].rows if r.tone == "folded"]
    assert [r.result for r in folded] == ["= trials 1-5", "= trials 1-5"]
    assert "No example is longer than 96 tokens" in folded[1].analysis


def test_bracket_trials_get_no_verdict(record):
    row = next(r for r in record.rounds[0].rows if "Chosen by validation loss" in r.analysis)
    assert row.against == ""
    assert "6e-4" in row.analysis


def test_failed_trial_is_told_with_its_reason(record):
    assert any("out of memory: needed 9.1 GiB" in note for note in record.notes)


def test_effects_shown_are_those_of_the_findings(record, view):
    shown = [plain_text(row.against) for section in record.rounds for row in section.rows if row.against]
    expected = [f for f in view.findings() if not math.isnan(f.effect) and f.control_key == view.baseline_key]
    assert len(shown) == len(expected)
    for text, judged in zip(shown, expected, strict=True):
        assert text.startswith(points(judged.effect))


def test_as_many_suspects_are_listed_as_the_text_says(view):
    record = build(view, "en")
    few = replace(
        record, short_suspects_lead=words_for("en", view.scale).suspects(43, 6, 2), suspects=record.suspects * 3
    )
    text = render_markdown(few).partition(record.labels["suspects"])[2].partition("##")[0]
    assert "The first 2 are shown." in text
    assert text.count("→") == 2
    assert "The first" not in record.short_suspects_lead or "The first 2 " in record.short_suspects_lead


def test_suspects_of_a_score_are_not_called_wrong():
    scale = ScoreScale(kind=ScoreKind.MEAN, noun="ROUGE-L")
    assert words_for("en", scale).suspects(0, 6, 0) == "No example was given the worst ROUGE-L in all 6 trained trials."
    assert "3 validation examples were given the worst ROUGE-L in all 6" in words_for("en", scale).suspects(3, 6, 3)
    assert words_for("zh", scale).suspects(0, 6, 0) == "全部 6 个训练正常的实验都得到最差 ROUGE-L 的样本：无。"
    assert "在全部 6 个训练正常的实验里得到最差 ROUGE-L" in words_for("zh", scale).suspects(3, 6, 3)


def test_there_are_no_suspects_of_a_score_without_a_worst(view):
    lengths = ScoreScale(kind=ScoreKind.MEAN, high=None, higher_is_better=False, unit="characters", noun="length")
    record = build(replace(view, facts=replace(view.facts, scale=lengths)), "en")
    assert (record.suspects, record.suspects_lead, record.short_suspects_lead) == ((), "", "")


def test_suspects_are_wrong_in_every_trained_trial(record, view):
    trained = [f for f in view.trials if f.state.did_train and "validation" in f.outcomes]
    assert record.suspects
    for suspect in record.suspects:
        assert all(f.outcomes["validation"].scores[suspect.index] == 0 for f in trained)


def test_small_words_fit_their_numbers():
    english, chinese = words_for("en"), words_for("zh")
    assert "1 degree of freedom)" in english.noise_fact(0.01, 1.0, False)
    assert "2 degrees of freedom)" in english.noise_fact(0.01, 2.0, False)
    assert english.says_effects(1, 0, 0, True) == "The one difference from the baseline is better."
    assert "约需 23 至 39 分钟；" in chinese.plan_time((23 * 60, 39 * 60), (60, 60), None, None, False)
    assert "约需 59 分钟 至 1 小时 5 分；" in chinese.plan_time((59 * 60, 65 * 60), (60, 60), None, None, False)


def test_kinds_in_markdown_say_their_verdict_alone():
    label = words_for("en").labels
    columns = ("Group", "Examples", "best", label["verdict"])
    table = Table(columns, ((Cell("human"), Cell("27"), Cell("69.0 %"), Cell(label["no_verdict"])),))
    assert "**human** (27): best 69.0 %, no verdict" in _kinds("By kind.", table, label)
    assert "**human**（27）：" in _kinds("", table, words_for("zh").labels)
