"""The study made by hand, whole and unfinished, and the record's folder written from it once."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from tunebook.record import View, build, write_all

RECORDS = Path(__file__).parents[2] / "golden" / "records"


def _load(name: str):
    spec = importlib.util.spec_from_file_location(name, RECORDS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def handmade():
    return _load("handmade_study")


@pytest.fixture(scope="session")
def study(handmade):
    """(spec, facts, history, conclusions, notes) of a finished study."""
    return handmade.make(n_validation=200, n_test=200, steps=12)


@pytest.fixture(scope="session")
def view(study):
    return View(**study._asdict())


@pytest.fixture(scope="session")
def record(view):
    return build(view, "en")


@pytest.fixture(scope="session")
def written(study, tmp_path_factory):
    """Folder of the written record, in English."""
    folder = tmp_path_factory.mktemp("record")
    write_all(folder, View(**study._asdict()))
    return folder
