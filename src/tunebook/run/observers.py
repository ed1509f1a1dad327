"""Observers other than the terminal: one that ignores everything, and a group of several."""

from __future__ import annotations

from collections.abc import Sequence

from tunebook.core.events import Event
from tunebook.core.ports import Observer

__all__ = ["Observers", "Silent"]


class Silent:
    """An observer that ignores everything."""

    def event(self, event: Event) -> None:
        """Ignore the event."""

    def phase(self, text: str) -> None:
        """Ignore the phase."""

    def warning(self, text: str) -> None:
        """Ignore the warning."""


class Observers(Silent):
    """Calls several observers, in order."""

    def __init__(self, all_of: Sequence[Observer]) -> None:
        self._all = tuple(all_of)

    def event(self, event: Event) -> None:
        for each in self._all:
            each.event(event)

    def phase(self, text: str) -> None:
        for each in self._all:
            each.phase(text)

    def warning(self, text: str) -> None:
        for each in self._all:
            each.warning(text)
