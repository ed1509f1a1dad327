"""Whole plans as text: what a study of so many trials asks for. `make golden` rewrites them; the diff is reviewed.

The outcomes come from one simulated world, the verdicts from a plain test of their own, so that the plans change with
the planner only.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from tunebook.core.findings import Finding, Verdict
from tunebook.core.space import Folding
from tunebook.core.study import ERROR_SHARES, ContrastKind
from tunebook.planning.planner import StudyPlanner
from tunebook.testing.plan_text import history_text
from tunebook.testing.planner_suite import checked_history, example_facts, example_study
from tunebook.testing.simulated_study import world_oracle
from tunebook.testing.world import World

PLANS = Path(__file__).parent / "plans"
FOLDABLE = example_study(40).baseline.with_values(lr_scheduler_type="constant", num_train_epochs=3)


def plain_judge(history, number, spec, facts):
    """Two standard errors, seeds and examples taken together; a side that broke is `diverged`."""
    wave = next(wave for wave in history.waves if wave.round == number)
    contrasts = [contrast for each in history.waves if each.round == number for contrast in each.contrasts]
    return tuple(_finding(history, contrast, number, wave.kind) for contrast in contrasts)


def _finding(history, contrast, number, kind):
    treatment, control = (_trained(history, ids, contrast.split) for ids in (contrast.treatment, contrast.control))
    effect, loss, verdict = float("nan"), None, Verdict.DIVERGED
    if treatment and control:
        effect, error = _difference([o.scores for o in treatment], [o.scores for o in control])
        change, spread = _difference([o.nll for o in treatment], [o.nll for o in control])
        loss = (change - 2 * spread, change + 2 * spread)
        verdict = Verdict.INCONCLUSIVE
        if abs(effect) > 2.5 * error and contrast.kind is ContrastKind.DIFFERENCE:
            verdict = Verdict.BETTER if effect > 0 else Verdict.WORSE
    return Finding.without_numbers(
        contrast, (number, kind), ERROR_SHARES[kind], effect=effect, verdict=verdict, loss_interval=loss
    )


def _trained(history, ids, split):
    return [history.trials[i].outcomes[split] for i in ids if history.trials[i].state.did_train]


def _difference(treatment, control):
    difference = np.mean(treatment, axis=0) - np.mean(control, axis=0)
    seeds = 0.01 * np.sqrt(1 / len(treatment) + 1 / len(control))
    return float(difference.mean()), float(np.hypot(difference.std() / np.sqrt(difference.size), seeds))


def compare_with_golden(name, text):
    path = PLANS / f"{name}.txt"
    if os.environ.get("TUNEBOOK_GOLDEN") == "rewrite":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), f"{path.name} changed; run `make golden` and review the diff"


@pytest.mark.parametrize("trials", [12, 15, 20, 24, 40, 75, 150])
def test_plan_of_the_example_study(trials):
    spec, facts = example_study(trials), example_facts()
    history = checked_history(
        StudyPlanner, spec, facts, Folding.everything(), world_oracle(World(), facts), plain_judge
    )
    compare_with_golden(f"example_{trials:03d}_trials", history_text(history, spec.baseline))


def test_plan_with_everything_that_folds():
    from tunebook.core.factor import Factor
    from tunebook.core.space import SearchSpace

    space = SearchSpace(
        (
            Factor("learning_rate", (1e-4, 2e-4, 5e-4)),
            Factor("per_device_train_batch_size", (1, 2, 4)),
            Factor("gradient_accumulation_steps", (2, 4, 8)),
            Factor("max_length", (256, 512, 1024)),
            Factor("gradient_checkpointing", (False, True)),
            Factor("num_train_epochs", (1, 3, 5)),
        )
    )
    spec, facts = example_study(60, baseline=FOLDABLE, space=space), example_facts()
    history = checked_history(
        StudyPlanner, spec, facts, Folding.everything(), world_oracle(World(), facts), plain_judge
    )
    compare_with_golden("folding_060_trials", history_text(history, spec.baseline))


def test_plan_of_a_table_by_hand():
    rows = tuple(
        FOLDABLE.with_values(lr_scheduler_type="linear", **changes)
        for changes in (
            {},
            {"learning_rate": 1e-4},
            {"learning_rate": 5e-4},
            {"lora_r": 32, "lora_alpha": 128},
            {"per_device_train_batch_size": 1, "gradient_accumulation_steps": 8},
            {"learning_rate": 3e-4, "lora_r": 32, "lora_alpha": 128, "num_train_epochs": 4},
        )
    )
    spec, facts = example_study(30), example_facts()

    def planner(spec, facts, folding):
        return StudyPlanner(spec, facts, folding, rows)

    history = checked_history(planner, spec, facts, Folding.everything(), world_oracle(World(), facts), plain_judge)
    compare_with_golden("table_030_trials", history_text(history, spec.baseline))
