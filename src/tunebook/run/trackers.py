"""The study's trackers as one observer: each follows the run, and none can end it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tunebook.core.events import Event
from tunebook.core.ports import Tracker
from tunebook.core.study import StudySpec
from tunebook.plugins import TRACKERS
from tunebook.run.observers import Silent

__all__ = ["Trackers"]


class Trackers(Silent):
    """Tells all trackers of a study; the first error of each is a warning, and it is then told nothing more."""

    def __init__(self, spec: StudySpec, folder: Path, warn: Callable[[str], None]) -> None:
        self._warn = warn
        self._working: dict[str, Tracker] = {}
        for name in spec.trackers:
            self._guarded(name, lambda: self._begin(name, spec, folder))  # noqa: B023 - called at once

    def event(self, event: Event) -> None:
        """Hands the event to each."""
        for name, tracker in tuple(self._working.items()):
            self._guarded(name, lambda: tracker.event(event))  # noqa: B023 - called at once

    def close(self) -> None:
        """Ends each; the study may go on in another run."""
        for name, tracker in tuple(self._working.items()):
            self._guarded(name, tracker.close)

    def _begin(self, name: str, spec: StudySpec, folder: Path) -> None:
        self._working[name] = TRACKERS.load(name)(str(folder / name), spec, self._warn)

    def _guarded(self, name: str, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception as error:  # somebody else's code; whatever it is, the study goes on
            self._working.pop(name, None)
            self._warn(f"tracker {name} failed with {type(error).__name__}: {error}. The study goes on without it.")
