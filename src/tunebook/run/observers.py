"""Who watches a study beside the terminal: nobody, several at once."""

from __future__ import annotations

from collections.abc import Sequence

from tunebook.core.events import Event
from tunebook.core.ports import Observer

__all__ = ["Observers", "Silent"]


class Silent:
    """An observer that ignores everything."""

    def event(self, event: Event) -> None:
        """Ignored."""

    def phase(self, text: str) -> None:
        """Ignored."""

    def warning(self, text: str) -> None:
        """Ignored."""


class Observers(Silent):
    """Tells several observers, in their order."""

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
