"""Which studies are planned without torch in the runner's process, and what their workers need not find."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tunebook.core.factor import Factor
from tunebook.core.space import SearchSpace
from tunebook.run import without_torch
from tunebook.run.prepare import unused_packages
from tunebook.testing.planner_suite import example_study

SPEC = replace(example_study(24), engine="packed", metrics=("exact_match",), trackers=(), model="model")
SPEC = replace(SPEC, baseline=SPEC.baseline.with_values(target_modules="all-linear"))


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text('{"model_type": "llama"}', encoding="utf-8")
    monkeypatch.setattr(without_torch, "has_driver", lambda: False)
    return tmp_path


def test_an_ordinary_study_on_the_processor_needs_none(base: Path) -> None:
    assert not without_torch.needs_torch(SPEC, base)


@pytest.mark.parametrize(
    "changes",
    [
        {"engine": "simulated"},
        {"executor": "inline"},
        {"trials": "mine.csv"},
        {"baseline": SPEC.baseline.with_values(target_modules=("q_proj",))},
        {"space": SearchSpace((Factor("target_modules", ("all-linear", ("q_proj",))),))},
        {"metrics": ("exact_match", "mine.py:judge")},
        {"metrics": ("lm_eval:arc_easy",)},
        {"planner": "of_another_package"},
        {"model": "elsewhere"},
        {"model": "org/name"},
    ],
    ids=str,
)
def test_what_may_import_torch_keeps_it(base: Path, changes: dict[str, object]) -> None:
    assert without_torch.needs_torch(replace(SPEC, **changes), base)


@pytest.mark.parametrize("config", ['{"model_type": "mamba"}', '{"model_type": "llama", "auto_map": {}}', "[]", "{"])
def test_a_model_that_may_need_torch_keeps_it(base: Path, config: str) -> None:
    (base / "model" / "config.json").write_text(config, encoding="utf-8")
    assert without_torch.needs_torch(SPEC, base)


def test_a_machine_with_a_gpu_keeps_it(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(without_torch, "has_driver", lambda: True)
    assert without_torch.needs_torch(SPEC, base)


def test_where_torch_is_imported_already_it_stays(base: Path) -> None:
    import torch

    without_torch.leave_out_torch(SPEC, base)
    assert sys.modules["torch"] is torch


def test_workers_find_bitsandbytes_where_something_may_use_it() -> None:
    assert unused_packages(SPEC, "none", ("cpu",)) == ("bitsandbytes",)
    assert unused_packages(SPEC, "nf4", ("cpu",)) == ()
    assert unused_packages(SPEC, "none", ("cuda:0",)) == ()
    assert unused_packages(replace(SPEC, metrics=("mine.py:judge",)), "none", ("cpu",)) == ()
