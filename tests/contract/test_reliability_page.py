"""docs/reliability.md names only tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_test_that_the_page_names_is_there() -> None:
    page = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:tests|benchmarks)/[\w./]+)(?:::(\w+))?`", page))
    assert len(named) > 40
    assert sorted(file for file, _ in named if not (ROOT / file).exists()) == []
    tests = [(file, test) for file, test in named if test]
    assert [(file, test) for file, test in tests if f"def {test}(" not in (ROOT / file).read_text("utf-8")] == []
