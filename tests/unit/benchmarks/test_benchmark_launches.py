"""The launch budget of a training step on a GPU, counted without one."""

from __future__ import annotations

import os

import pytest

os.environ.setdefault("TRITON_INTERPRET", "1")
pytest.importorskip("triton")

from benchmarks.launches import counted


def test_a_step_of_many_adapters_launches_as_much_as_one_of_one(monkeypatch):
    monkeypatch.setattr("tunebook.engines.packed.model.kernels.library", lambda: None)
    one, many = counted(1), counted(32)
    for found in (one, many):
        assert found["kernels_per_layer"] <= 70
        assert found["kernels_beside"] <= 100
        assert found["reads"] <= 1
        assert found["copies"] <= 5
    assert many["kernels_per_layer"] == pytest.approx(one["kernels_per_layer"], rel=0.05)
    assert many["copies"] == one["copies"]
