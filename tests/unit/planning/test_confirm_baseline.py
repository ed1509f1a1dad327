"""Confirm where the baseline itself leads: it is measured against the runner-up, and the record says so."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tunebook.core.facts import StudyFacts
from tunebook.core.findings import Verdict
from tunebook.core.space import Folding
from tunebook.core.study import ContrastKind, RoundKind
from tunebook.planning.planner import StudyPlanner
from tunebook.record import View, build
from tunebook.statistics.conclusions import conclude
from tunebook.testing.planner_suite import checked_history, example_facts, example_study
from tunebook.testing.simulated_study import world_oracle
from tunebook.testing.world import World
from tunebook.words.marks import plain_text

SPEC = example_study(60)
SPEC = replace(SPEC, baseline=SPEC.baseline.with_values(lora_dropout=0.05))
WORLD = World(best_rate=2.36e-4, width=0.7, rank_gain=-0.05, epoch_gain=-0.05, overfit=0.05, dropout_loss=0.2)
"""The baseline's own values are the best ones."""


def studied(oracle_of=lambda oracle: oracle, n_test=600, spec=SPEC):
    facts = example_facts(400, n_test)
    oracle = oracle_of(world_oracle(WORLD, facts))
    return spec, facts, checked_history(StudyPlanner, spec, facts, Folding.everything(), oracle)


@pytest.fixture(scope="module")
def led():
    return studied()


def view_of(spec, facts, history):
    return View(spec=spec, facts=StudyFacts(data=facts), history=history, conclusions=conclude(history, spec, facts))


def test_a_baseline_that_leads_is_confirmed_against_the_runner_up(led):
    spec, facts, history = led
    assert history.sealed["best"] == history.sealed["baseline"]
    (finding,) = [f for f in history.findings if f.label == "runner_up"]
    assert (finding.treatment_key, finding.split) == (history.sealed["runner_up"], "test")
    assert len(finding.treatment_trials) == len(finding.control_trials) >= 3
    found = conclude(history, spec, facts)
    assert (found.confirmation.outcome, found.best.key) == ("baseline", history.sealed["best"])
    assert found.confirmation.gain == finding.effect
    assert "runner_up" in found.confirmation.accuracies


def test_the_record_says_that_the_baseline_leads_and_what_the_test_split_says(led):
    record = build(view_of(*led), "en")
    first = plain_text(record.answer[0])
    assert first.startswith("Keep the baseline, ")
    assert "Next by the same rule came " in first
    assert "On 600 test examples never used before it is right on " in first
    confirm = next(r for r in record.rounds if r.kind == "confirm")
    assert any("The baseline itself leads" in text for text in confirm.remarks)
    chinese = build(view_of(*led), "zh")
    assert "按同一规则次优的是" in chinese.answer[0]
    assert any("领先的就是基线本身" in text for text in chinese.rounds[-1].remarks)


def better_on_test(oracle):
    """Everything but the baseline is right on every test example."""

    def answer(trial, history):
        fact = oracle(trial, history)
        if "test" not in fact.outcomes or trial.configuration == SPEC.baseline:
            return fact
        outcome = fact.outcomes["test"]
        scores = outcome.scores.copy()
        scores[: int(0.95 * len(scores))] = 1.0
        return replace(fact, outcomes={**fact.outcomes, "test": replace(outcome, scores=scores)})

    return answer


def test_a_runner_up_that_is_better_on_the_test_split_is_recommended():
    spec, facts, history = studied(better_on_test)
    found = conclude(history, spec, facts)
    (finding,) = [f for f in history.findings if f.label == "runner_up"]
    assert finding.verdict is Verdict.BETTER
    assert (found.confirmation.outcome, found.best.key) == ("runner_up", history.sealed["runner_up"])
    assert found.best.chosen_by == "confirmed"
    first = plain_text(build(view_of(spec, facts, history), "en").answer[0])
    assert first.startswith("Use ")
    assert "On 600 test examples never used before" in first


def test_without_another_configuration_the_test_split_is_set_beside_the_untrained_model(led):
    spec, facts, history = led
    findings = tuple(f for f in history.findings if f.label != "runner_up" or f.round_kind is not RoundKind.CONFIRM)
    alone = replace(history, findings=findings)
    first = plain_text(build(view_of(spec, facts, alone), "en").answer[0])
    assert "On the test split it has " in first
    assert "the untrained model " in first
    assert "no other configuration was there to compare it with" in first
    chinese = plain_text(build(view_of(spec, facts, alone), "zh").answer[0])
    assert "未训练的模型为" in chinese


def test_no_comparison_of_a_configuration_with_itself_is_asked(led):
    asked = [c for wave in led[2].waves if wave.kind is RoundKind.CONFIRM for c in wave.contrasts]
    assert all(c.treatment != c.control for c in asked)
    assert {c.kind for c in asked} <= {ContrastKind.DIFFERENCE, ContrastKind.NON_INFERIORITY}
