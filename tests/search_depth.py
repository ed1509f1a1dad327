"""How many examples a property test tries: few in every run, as many as wanted in a long search."""

from __future__ import annotations

import os

__all__ = ["examples"]


def examples(usual: int) -> int:
    """`TUNEBOOK_FUZZ_EXAMPLES` where it is set, else the usual number."""
    return int(os.environ.get("TUNEBOOK_FUZZ_EXAMPLES") or usual)
