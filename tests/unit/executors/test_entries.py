"""Executors as the study file names them."""

from __future__ import annotations

import importlib.util

import pytest

from tunebook.core.ports import EngineOptions, ExecutorSetup, Scoring, Workload
from tunebook.errors import MissingExtraError, StudyFileError
from tunebook.executors import entries
from tunebook.executors.references import Transform
from tunebook.plugins import EXECUTORS


def setup(argument: str = "", devices=("cpu",)) -> ExecutorSetup:
    return ExecutorSetup(
        engine="scripted_engine:ScriptedEngine",
        in_process=False,
        options=EngineOptions(model="m", device=devices[0], threads=4),
        devices=devices,
        workload=Workload((), {}, Scoring()),
        transform=Transform("builtins:id"),
        logs="",
        argument=argument,
    )


@pytest.fixture
def with_ray(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())


def test_ray_needs_its_package(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"tunebook\[ray\]"):
        EXECUTORS.load("ray:8")(setup("8"))


@pytest.mark.parametrize(
    ("name", "argument"), [("ray", "0"), ("ray", "-1"), ("ray", "many"), ("local", "2"), ("inline", "2")]
)
def test_what_stands_behind_a_name_is_read_or_refused(with_ray, name, argument):
    with pytest.raises(StudyFileError, match=f"executor: found {name}:{argument}"):
        EXECUTORS.load(f"{name}:{argument}")(setup(argument))


@pytest.mark.parametrize(
    ("devices", "gpu", "cpus"), [(("cpu",), False, 4), (("cpu:0", "cpu:1"), False, 2), (("cuda:0",), True, 1)]
)
def test_a_worker_of_a_cluster_asks_for_what_its_device_needs(with_ray, monkeypatch, devices, gpu, cpus):
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    wanted = entries.ray(setup("8", devices))._wanted
    assert (wanted.address, wanted.gpu, wanted.cpus, wanted.insecure) == ("10.0.0.1:6379", gpu, cpus, False)
