"""Observers other than the terminal: one that ignores everything, a group of several, and the study's trackers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from tunebook.core.events import Event
from tunebook.core.notice import Notice
from tunebook.core.ports import Observer, Tracker
from tunebook.core.study import StudySpec
from tunebook.plugins import TRACKERS
from tunebook.run.study_words import study_words

__all__ = ["Observers", "Silent", "Trackers"]


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


class Trackers(Silent):
    """Calls all trackers of a study. They follow the run and cannot end it: the first error of a tracker becomes a
    warning, and that tracker is not called again."""

    def __init__(self, spec: StudySpec, folder: Path, warn: Callable[[str], None]) -> None:
        self._warn, self._words = warn, study_words(spec)
        self._working: dict[str, Tracker] = {}
        for name in spec.trackers:
            self._guarded(name, lambda: self._begin(name, spec, folder))  # noqa: B023 - called immediately

    def event(self, event: Event) -> None:
        """Pass the event to each tracker."""
        for name, tracker in tuple(self._working.items()):
            self._guarded(name, lambda: tracker.event(event))  # noqa: B023 - called immediately

    def close(self) -> None:
        """Close each tracker; the study may continue in another run."""
        for name, tracker in tuple(self._working.items()):
            self._guarded(name, tracker.close)

    def _begin(self, name: str, spec: StudySpec, folder: Path) -> None:
        self._working[name] = TRACKERS.load(name)(str(folder / name), spec, self._warn)

    def _guarded(self, name: str, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception as error:  # third-party code may raise anything; the study goes on
            self._working.pop(name, None)
            values = {"tracker": name, "reason": f"{type(error).__name__}: {error}"}
            self._warn(self._words.notice(Notice("tracker_failed", values)))
