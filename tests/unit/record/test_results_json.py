import json
import math
from dataclasses import replace

import jsonschema
import numpy as np
import pytest

from tunebook.core.facts import Outcomes
from tunebook.record import View
from tunebook.record.csv import render as render_csv
from tunebook.record.results import as_dict, render, schema
from tunebook.record.results_schema import results_schema


@pytest.fixture(scope="module")
def validator():
    jsonschema.Draft202012Validator.check_schema(schema())
    return jsonschema.Draft202012Validator(schema())


def test_published_schema_is_the_one_of_the_types():
    assert schema() == results_schema(), (
        "write what `python -m tunebook.record.results_schema` prints into record/assets/results.schema.json"
    )


def test_schema_refuses_a_number_that_is_never_null(view, validator):
    values = as_dict(view)
    values["trials"][0]["cost"]["train_seconds"] = None
    assert list(validator.iter_errors(values))


def test_finished_study_fits_the_published_schema(view, validator):
    assert not list(validator.iter_errors(json.loads(render(view))))


def test_unfinished_study_fits_the_published_schema(handmade, validator):
    values = json.loads(render(View(**handmade.unfinished()._asdict())))
    assert not list(validator.iter_errors(values))
    assert values["best"] is None
    assert "planned" in {trial["state"] for trial in values["trials"]}


def test_unknown_key_does_not_fit(view, validator):
    assert list(validator.iter_errors({**as_dict(view), "extra": 1}))


def test_numbers_are_unrounded(view):
    values = as_dict(view)
    for trial in values["trials"]:
        fact = view.history.trials[trial["id"]]
        if "validation" in fact.outcomes:
            assert trial["accuracy"] == fact.outcomes["validation"].accuracy
    assert [f["effect"] for f in values["findings"] if f["effect_defined"]] == [
        f.effect for f in view.conclusions.findings if not math.isnan(f.effect)
    ]


def test_nan_is_null_with_a_field_that_says_so(view):
    diverged = [f for f in as_dict(view)["findings"] if f["verdict"] == "diverged"]
    assert diverged
    assert all(f["effect"] is None and f["effect_defined"] is False for f in diverged)


def test_loss_that_is_not_finite_is_null_and_flagged(view):
    fact = view.history.trials[1]
    n = len(fact.outcomes["validation"].scores)
    broken = replace(fact, outcomes={"validation": Outcomes(np.zeros(n), np.full(n, np.nan))})
    history = replace(view.history, trials={**view.history.trials, 1: broken})
    text = render(replace(view, history=history))
    trial = next(t for t in json.loads(text)["trials"] if t["id"] == 1)
    assert trial["loss"] is None
    assert trial["loss_finite"] is False
    assert "nan" in render_csv(replace(view, history=history)).splitlines()[2]


def test_groups_add_up_to_the_accuracy(view):
    names = np.array(view.facts.data.groups)
    for trial in as_dict(view)["trials"]:
        if trial["groups"]:
            weighted = sum(share * (names == group).mean() for group, share in trial["groups"].items())
            assert weighted == pytest.approx(trial["accuracy"])


def test_csv_has_a_line_for_every_trial_and_unrounded_numbers(view):
    lines = render_csv(view).splitlines()
    header = lines[0].split(",")
    assert len(lines) == len(view.history.trials) + 1
    row = dict(zip(header, lines[2].split(","), strict=True))
    assert float(row["accuracy"]) == view.history.trials[1].outcomes["validation"].accuracy
    assert float(row["learning_rate"]) == 2e-4
