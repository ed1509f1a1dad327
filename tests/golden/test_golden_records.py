"""One whole record in each language: the specification of what people read. `make golden` rewrites; review the diff."""

from __future__ import annotations

import importlib.util
import os
from functools import lru_cache
from pathlib import Path

import pytest

from tunebook.record import View, build
from tunebook.record.markdown import render

RECORDS = Path(__file__).parent / "records"


@lru_cache(maxsize=1)
def study():
    """The simulated study, made once."""
    spec = importlib.util.spec_from_file_location("golden_simulated_study", RECORDS / "simulated_study.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.make()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_record_reads_as_reviewed(language):
    text = render(build(View(**study()._asdict()), language))
    golden = RECORDS / f"record.{language}.md"
    if os.environ.get("TUNEBOOK_GOLDEN") == "rewrite":
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


def test_the_way_that_was_taken_names_the_leader_that_was_sealed():
    view = View(**study()._asdict())
    last = max(number for number, kind in view.rounds if kind.value != "confirm")
    assert view.leader_after(last)[0] == view.history.sealed["best"]
