"""A clock that tests control: it stands still, advances, and jumps, as clocks of real machines do."""

from __future__ import annotations

__all__ = ["FakeClock"]


class FakeClock:
    """Seconds that change only on request. Called like `time.time` or `time.monotonic`.

    Args:
        seconds: starting time.
    """

    def __init__(self, seconds: float = 1_700_000_000.0) -> None:
        self._seconds = seconds

    def __call__(self) -> float:
        return self._seconds

    def advance(self, seconds: float) -> None:
        """Move the clock forward, or back if negative."""
        self._seconds += seconds
