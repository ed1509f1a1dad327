"""A worker process whose trials' scorings are divided however short they are; `benchmarks.soak` starts it.

Examples are scored in small groups, so that few examples have parts too. Where `WHOLE` is set in the environment, no
scoring is divided, in the same groups.
"""

from __future__ import annotations

import math
import os

from tunebook.engines.packed.scheduling import cohort, memory
from tunebook.engines.packed.scoring.score import ScoringLimits
from tunebook.executors import worker

__all__ = ["WHOLE", "main"]

WHOLE = "TUNEBOOK_SOAK_WHOLE"


def main() -> None:
    """Entry point of the process."""
    memory.CPU_LIMITS = ScoringLimits(rows=16)  # type: ignore[misc]
    cohort._WORTH_SAVING_SECONDS = math.inf if WHOLE in os.environ else 0.0
    worker.main()
