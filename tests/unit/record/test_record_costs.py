"""Costs are told so that another program on the machine does not change them, or said to be what they are."""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from unittest.mock import patch

import pytest

from tunebook.core.cost import predict_trials
from tunebook.core.ports import Calibration
from tunebook.core.study import PROCESSOR_TIME
from tunebook.record import View, build
from tunebook.record.cost import one_by_one, relative_work, trial_cost
from tunebook.record.results import as_dict
from tunebook.words import LANGUAGES, words_for

MEASURED = Calibration(
    train_tokens_per_second=1000.0,
    score_examples_per_second=50.0,
    one_by_one_tokens_per_second=250.0,
    base_bytes=500 * 2**20,
    trial_bytes=10 * 2**20,
    device="cpu",
)


@pytest.fixture
def measured(view: View) -> View:
    """The study with speeds measured at its start, and tokens that its trials computed."""
    trials = {
        number: replace(
            fact, cost=replace(fact.cost, raw_tokens=1000, computed_tokens=100 * fact.trial.effective.lora_r)
        )
        for number, fact in view.history.trials.items()
    }
    notes = (*(note for note in view.notes if note[0] != "calibration"), ("calibration", asdict(MEASURED)))
    return replace(view, history=replace(view.history, trials=trials), notes=notes)


def at_speed(view: View, times: float) -> View:
    """The same study, that took so many times as long as predicted."""
    return replace(view, history=replace(view.history, spent_seconds=times * predicted(view)))


def predicted(view: View) -> float:
    return predict_trials((fact.trial for fact in view.final), view.facts.data, MEASURED).seconds


def test_one_after_another_is_one_number_a_range_or_nothing_as_the_load_changed(measured: View) -> None:
    steady, slower, quicker = (one_by_one(at_speed(measured, times)) for times in (1.2, 3.0, 0.4))
    assert steady is not None
    assert slower is not None
    assert quicker is not None
    # at the speed of the start, as the time of one trial alone is told, to that of the study
    alone, peft = predicted(measured), steady.peft[0]
    assert steady.here == pytest.approx((alone, alone))
    assert steady.peft == (peft, peft)
    assert slower.here == pytest.approx((alone, 3 * alone))
    assert slower.peft == pytest.approx((peft, 3 * peft))
    assert quicker.peft == pytest.approx((0.4 * peft, peft))
    assert one_by_one(at_speed(measured, 8.0)) is None
    assert one_by_one(at_speed(measured, 0.1)) is None


def test_a_trials_cost_is_counted_and_predicted_alone(measured: View) -> None:
    keys = {fact.trial.effective.lora_r: fact.trial.effective.key for fact in measured.trials if fact.outcomes}
    base = measured.evidence.by_key[measured.baseline_key][0].trial.effective.lora_r
    low, high = trial_cost(measured, keys[min(keys)]), trial_cost(measured, keys[max(keys)])
    assert low.bytes_alone == (500 + 10 * min(keys) / 8) * 2**20
    assert low.bytes_alone < high.bytes_alone
    assert low.seconds_alone > 0
    assert relative_work(measured, keys[max(keys)]) == pytest.approx(max(keys) / base)
    slower = at_speed(measured, 4.0)
    assert trial_cost(slower, keys[min(keys)]) == low
    # what is scored on the test split too, or is a checkpoint of another trial, costs no more and no less by that
    key = keys[max(keys)]
    first, *others = measured.by_key[key]
    for trial in (replace(first.trial, splits=("validation", "test")), replace(first.trial, checkpoint_of=1)):
        again = {**measured.by_key, key: [replace(first, trial=trial), *others]}
        with patch.object(View, "by_key", again):
            assert trial_cost(measured, key).seconds_alone == high.seconds_alone


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_record_tells_tokens_steps_processor_time_and_a_price(measured: View, language: str) -> None:
    spec = replace(measured.spec, price_per_hour=2.5)
    notes = (*measured.notes, (PROCESSOR_TIME, {"seconds": 7200.0}), (PROCESSOR_TIME, {"seconds": 3600.0}))
    view = replace(measured, spec=spec, notes=notes, history=replace(measured.history, spent_seconds=7200.0))
    cost = build(view, language).cost
    assert "5.00" in cost
    assert {"en": "3 h of processor time", "zh": "处理器时间 3 小时"}[language] in cost.replace(" 00", "")
    assert {"en": "whatever else the machine did", "zh": "其他任务"}[language] in cost
    assert f"{sum(f.cost.computed_tokens for f in view.final):,}"[:3] in cost.replace(".", "")
    table = build(view, language).costs
    assert table is not None
    labels = words_for(language).labels
    assert {labels[name] for name in ("steps", "tokens", "seconds_alone", "bytes_alone")} <= set(table.columns)
    assert as_dict(view)["savings"]["price"] == 5.0
    assert {"en": "with this engine", "zh": "用本引擎"}[language] in build(at_speed(view, 1.0), language).cost


def test_wall_times_of_trials_add_up_to_that_of_their_rounds(view: View) -> None:
    record = build(view, "en")
    column = record.trial_columns.index("Wall time (its share)")
    shown = [row.cells[column].sort for row in record.trials]
    assert sum(seconds for seconds in shown if seconds < math.inf) == pytest.approx(
        sum(view.round_cost(number)[1] for number, _ in view.rounds)
    )


def test_without_a_measurement_wall_time_is_named_as_that(measured: View) -> None:
    view = replace(measured, notes=tuple(note for note in measured.notes if note[0] != "calibration"))
    table = build(view, "en").costs
    assert table is not None
    assert "Wall time (its share)" in table.columns
    assert "Time alone (predicted)" not in table.columns
    assert one_by_one(view) is None
