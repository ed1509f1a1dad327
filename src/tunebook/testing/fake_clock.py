"""A clock that tests set: it stands still, goes on, and jumps, as clocks of real machines do."""

from __future__ import annotations

__all__ = ["FakeClock"]


class FakeClock:
    """Seconds that only move when told to. Called like `time.time` or `time.monotonic`.

    Args:
        seconds: where it starts.
    """

    def __init__(self, seconds: float = 1_700_000_000.0) -> None:
        self._seconds = seconds

    def __call__(self) -> float:
        return self._seconds

    def advance(self, seconds: float) -> None:
        """Go on, or back when negative."""
        self._seconds += seconds
