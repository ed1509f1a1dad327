"""Inputs as people hand them over go as they should; `python -m benchmarks.inputs` prints them."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.inputs import KINDS, Kind, replay

pytestmark = pytest.mark.usefixtures("few_pictures")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_it_goes_as_it_should(kind: Kind, tmp_path: Path) -> None:
    told, right = replay(kind, tmp_path)
    assert right, told
