"""When each trial trained, on which worker and in which slot: notes for the record's time line.

Seconds count from the study's first run, by the monotonic clock; what passed between two runs is left out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from tunebook.core.ports import Ledger

__all__ = ["SPAN", "TimeLine"]

SPAN = "trial_span"


class TimeLine:
    """Watches the trials of one run.

    Args:
        ledger: where spans are noted.
        notes: the ledger's notes so far; the new spans continue after the last of them.
    """

    def __init__(
        self, ledger: Ledger, notes: Sequence[tuple[str, dict[str, Any]]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ledger, self._clock = ledger, clock
        before = max((values["end"] for code, values in notes if code == SPAN), default=0.0)
        self._zero = clock() - before
        self._running: dict[int, tuple[str, int, float]] = {}

    def started(self, trial_id: int, worker: str) -> None:
        """A trial takes the lowest free slot of its worker."""
        taken = {slot for name, slot, _ in self._running.values() if name == worker}
        slot = next(number for number in range(len(taken) + 1) if number not in taken)
        self._running[trial_id] = (worker, slot, self._clock() - self._zero)

    def ended(self, trial_id: int) -> None:
        """A trial leaves its slot with a result."""
        if trial_id in self._running:
            worker, slot, start = self._running.pop(trial_id)
            span = {
                "trial": trial_id,
                "worker": worker,
                "slot": slot,
                "start": start,
                "end": self._clock() - self._zero,
            }
            self._ledger.note(SPAN, span)

    def dropped(self, trial_id: int) -> None:
        """A trial leaves its slot without a result."""
        self._running.pop(trial_id, None)
