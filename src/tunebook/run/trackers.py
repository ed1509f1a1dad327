"""The study's trackers: each follows the trials of a run, and none can end it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tunebook.core.facts import History, TrialFact
from tunebook.core.findings import Finding
from tunebook.core.ports import Event, Tracker
from tunebook.core.study import RoundKind, StudySpec, Wave
from tunebook.plugins import TRACKERS
from tunebook.run.observer import Observer

__all__ = ["Tracked", "Trackers"]


class Trackers:
    """All trackers of a study as one; the first error of each is a warning, and it is then told nothing more."""

    def __init__(self, spec: StudySpec, folder: Path, warn: Callable[[str], None]) -> None:
        self._warn = warn
        self._working: dict[str, Tracker] = {}
        for name in spec.trackers:
            self._guarded(name, lambda name=name: self._begin(name, spec, folder))  # type: ignore[misc]

    def _begin(self, name: str, spec: StudySpec, folder: Path) -> None:
        self._working[name] = TRACKERS.load(name)(str(folder / name), spec, self._warn)

    def tell(self, method: str, *arguments: Any) -> None:
        """Call a method of `core.ports.Tracker` on each."""
        for name, tracker in tuple(self._working.items()):
            self._guarded(name, lambda tracker=tracker: getattr(tracker, method)(*arguments))  # type: ignore[misc]

    def _guarded(self, name: str, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception as error:  # somebody else's code; whatever it is, the study goes on
            self._working.pop(name, None)
            self._warn(f"tracker {name} failed with {type(error).__name__}: {error}. The study goes on without it.")


class Tracked:
    """An observer that also tells the trackers of steps and evaluations."""

    def __init__(self, inner: Observer, trackers: Trackers) -> None:
        self._inner, self._trackers = inner, trackers
        self._history = History()

    def event(self, event: Event) -> None:
        name, arguments = event
        fact = self._history.trials.get(arguments[0]) if name in ("step", "evaluation") else None
        if fact is not None:
            self._trackers.tell(name, fact.trial, arguments[1])
        self._inner.event(event)

    def wave_started(self, wave: Wave, history: History) -> None:
        self._history = history
        self._inner.wave_started(wave, history)

    def phase(self, text: str) -> None:
        self._inner.phase(text)

    def trial_finished(self, fact: TrialFact) -> None:
        self._trackers.tell("finished", fact)
        self._inner.trial_finished(fact)

    def round_closed(self, kind: RoundKind, findings: tuple[Finding, ...], paragraph: str) -> None:
        self._inner.round_closed(kind, findings, paragraph)

    def warning(self, text: str) -> None:
        self._inner.warning(text)
