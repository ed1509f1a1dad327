"""Every factor of the table can be varied: the planner asks about its levels and never leaves its bounds."""

from __future__ import annotations

from dataclasses import replace

import pytest
from factor_levels import levels_beside_the_default

from tunebook.core.factor import FACTOR_KINDS, Factor, Scale
from tunebook.core.space import Folding, SearchSpace
from tunebook.planning.planner import StudyPlanner
from tunebook.testing.planner_suite import example_facts, example_study
from tunebook.testing.simulated_study import simulated_history, world_oracle
from tunebook.testing.world import World

RATE = Factor("learning_rate", low=5e-5, high=2e-3)
RANGES = [
    Factor("lora_plus_lr_ratio", low=1, high=32),
    Factor("max_grad_norm", low=0.1, high=2),
    Factor("adam_beta2", low=0.9, high=0.999),
]
LEVELS = [
    Factor(name, (getattr(example_study().baseline, name), *levels_beside_the_default(kind)))
    for name, kind in FACTOR_KINDS.items()
    if name not in ("learning_rate", "gradient_checkpointing") and kind.scale in (Scale.CHOICE, Scale.FLAG)
]


@pytest.mark.parametrize("factors", [RANGES, LEVELS[:3], LEVELS[3:]], ids=["ranges", "words", "later"])
def test_a_study_of_these_factors_asks_about_every_one_within_its_bounds(factors):
    spec, facts = replace(example_study(90), space=SearchSpace((RATE, *factors))), example_facts()
    planner = StudyPlanner(spec, facts, Folding.everything())
    history = simulated_history(planner, spec, facts, world_oracle(World(seed=3), facts))
    asked = [fact.trial.configuration for fact in history.trials.values() if fact.trial.configuration.num_train_epochs]
    for factor in factors:
        levels = {getattr(configuration, factor.name) for configuration in asked}
        assert len(levels) >= 2, factor.name
        assert [level for level in levels if level is not None and FACTOR_KINDS[factor.name].problem(level)] == []
