"""The study's trackers as one observer. A tracker follows the run and cannot end it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tunebook.core.events import Event
from tunebook.core.notice import Notice
from tunebook.core.ports import Tracker
from tunebook.core.study import StudySpec
from tunebook.plugins import TRACKERS
from tunebook.run.observers import Silent
from tunebook.run.study_words import study_words

__all__ = ["Trackers"]


class Trackers(Silent):
    """Calls all trackers of a study. The first error of a tracker becomes a warning, and that tracker is not called
    again."""

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
