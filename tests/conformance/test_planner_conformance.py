"""The planners that are there, each under the same suite."""

from __future__ import annotations

import pytest

from tunebook.core.configuration import Configuration
from tunebook.planning.planner import StudyPlanner
from tunebook.testing.planner_suite import PlannerSuite


class TestStudyPlanner(PlannerSuite):
    @pytest.fixture
    def make_planner(self):
        return StudyPlanner


class TestStudyPlannerWithTable(PlannerSuite):
    @pytest.fixture
    def make_planner(self):
        baseline = Configuration(
            learning_rate=2e-4,
            per_device_train_batch_size=2,
            gradient_accumulation_steps=4,
            lora_r=8,
            lora_alpha=32,
            lora_dropout=0.1,
            num_train_epochs=3,
            max_length=512,
        )
        rows = (
            baseline,
            baseline.with_values(learning_rate=1e-4),
            baseline.with_values(per_device_train_batch_size=1, gradient_accumulation_steps=8),
            baseline.with_values(learning_rate=5e-4),
            baseline.with_values(lora_r=32, lora_alpha=128),
            baseline.with_values(learning_rate=3e-4, lora_r=32, lora_alpha=128, num_train_epochs=4),
            baseline.with_values(learning_rate=1e-4),
        )
        return lambda spec, facts, folding: StudyPlanner(spec, facts, folding, rows)
