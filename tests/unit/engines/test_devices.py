"""Devices as a study file names them, on machines with and without GPUs."""

from __future__ import annotations

import pytest

from tunebook.engines import devices
from tunebook.engines.devices import device_names
from tunebook.errors import ModelError


@pytest.fixture
def gpus(monkeypatch, request):
    monkeypatch.setattr(devices, "_n_gpus", lambda: request.param)


@pytest.mark.parametrize(
    ("gpus", "wanted", "names"),
    [
        (0, "auto", ("cpu",)),
        (2, "auto", ("cuda:0", "cuda:1")),
        (2, "cuda", ("cuda:0", "cuda:1")),
        (2, "cpu", ("cpu",)),
        (0, "cpu:1", ("cpu",)),
        (0, "cpu:3", ("cpu:0", "cpu:1", "cpu:2")),
        (0, ("cpu", "cpu:2"), ("cpu:0", "cpu:1", "cpu:2")),
        (4, "cuda:3", ("cuda:3",)),
        (4, ("cuda:3", "cuda:1"), ("cuda:3", "cuda:1")),
    ],
    indirect=["gpus"],
)
def test_names_become_one_for_each_worker(gpus, wanted, names):
    assert device_names(wanted) == names


@pytest.mark.parametrize(
    ("gpus", "wanted", "words"),
    [
        (0, "tpu", "must be auto, cpu, cpu:N"),
        (0, "cpu:0", "must be auto, cpu, cpu:N"),
        (0, "cuda", "no usable CUDA device. Use auto or cpu"),
        (0, "cuda:0", "no usable CUDA device"),
        (2, "cuda:2", "has 2 usable CUDA devices"),
        (2, ("cuda", "cuda:1"), "cuda, cuda:1; a GPU has one worker"),
        (2, ("cuda:0", "cpu"), "a study has one kind"),
    ],
    indirect=["gpus"],
)
def test_what_cannot_be_is_refused(gpus, wanted, words):
    with pytest.raises(ModelError, match=words):
        device_names(wanted)


@pytest.mark.parametrize("gpus", [0], indirect=True)
def test_an_external_program_may_see_gpus_that_torch_does_not(gpus):
    assert device_names(("cuda:0", "cuda:1"), foreign=True) == ("cuda:0", "cuda:1")
    assert devices.cuda_name("cuda:1") == "cuda:1"


@pytest.mark.parametrize("gpus", [0], indirect=True)
@pytest.mark.parametrize(("wanted", "names"), [("cuda", ("cuda:0",)), ("cpu", ("cpu",)), ("cpu:2", ("cpu:0", "cpu:1"))])
def test_devices_of_other_machines_are_not_looked_for_here(gpus, wanted, names):
    assert device_names(wanted, elsewhere=True) == names


@pytest.mark.parametrize("gpus", [2], indirect=True)
@pytest.mark.parametrize("wanted", ["auto", "cuda:1"])
def test_of_devices_of_other_machines_the_kind_is_named(gpus, wanted):
    with pytest.raises(ModelError, match="the executor computes on other machines"):
        device_names(wanted, elsewhere=True)
