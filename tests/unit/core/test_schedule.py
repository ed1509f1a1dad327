"""The schedule equals transformers' own at every step."""

from __future__ import annotations

import pytest
import torch
from transformers import get_scheduler

from tunebook.core.configuration import FACTOR_KINDS, Configuration
from tunebook.core.order import warmup_count
from tunebook.core.schedule import rate_factor, schedule_arguments


@pytest.mark.parametrize("kind", FACTOR_KINDS["lr_scheduler_type"].choices)
@pytest.mark.parametrize(("warmup", "steps"), [(0, 1), (0, 7), (3, 40), (0.25, 40), (38, 40), (50, 40)])
def test_rates_are_those_of_transformers(kind, warmup, steps):
    configuration = Configuration(lr_scheduler_type=kind, warmup_steps=warmup)
    adamw = torch.optim.AdamW([torch.zeros(1)], lr=1.0)
    arguments = schedule_arguments(configuration, steps)
    theirs = get_scheduler(kind, adamw, warmup_count(warmup, steps), steps, arguments or None)
    for step in range(steps):
        assert rate_factor(configuration, step, steps) == pytest.approx(adamw.param_groups[0]["lr"], abs=1e-12)
        adamw.step()
        theirs.step()
