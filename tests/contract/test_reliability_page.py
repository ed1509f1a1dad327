"""docs/reliability.md names only tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_test_that_the_page_names_is_there() -> None:
    named = set(re.findall(r"`((?:tests|benchmarks)/[\w./]+)`", (ROOT / "docs" / "reliability.md").read_text()))
    assert len(named) > 15
    assert sorted(name for name in named if not (ROOT / name).exists()) == []
