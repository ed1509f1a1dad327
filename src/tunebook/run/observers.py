"""Who watches a study beside the terminal: nobody, the curves of TensorBoard, several at once."""

from __future__ import annotations

from collections.abc import Sequence

from tunebook.core.events import Evaluation, Event, Recorded, Step, WaveStarted
from tunebook.core.facts import History
from tunebook.core.ports import Observer
from tunebook.record.tensorboard import TensorBoardWriter

__all__ = ["BoardObserver", "Observers", "Silent"]


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


class BoardObserver(Silent):
    """Feeds TensorBoard while trials run."""

    def __init__(self, board: TensorBoardWriter) -> None:
        self._board = board
        self._history = History()

    def event(self, event: Event) -> None:
        match event:
            case WaveStarted():
                self._history = event.history
            case Step(trial_id, record) if trial_id in self._history.trials:
                self._board.step(self._history.trials[trial_id].trial, record)
            case Evaluation(trial_id, record) if trial_id in self._history.trials:
                self._board.evaluation(self._history.trials[trial_id].trial, record)
            case Recorded(fact):
                self._board.finished(fact)
