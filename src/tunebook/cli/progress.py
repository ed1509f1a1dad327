"""The terminal's view of a running study: a bar for the study and one for each running trial, or plain lines.

Prints one line per finished trial if standard error is not a terminal (a pipe, a log file).
"""

from __future__ import annotations

import math
import time
from types import TracebackType

from rich import progress
from rich.text import Text

from tunebook.cli.output import messages
from tunebook.core.events import (
    Cancelled,
    Event,
    Failed,
    Noted,
    Progress,
    Recorded,
    Requeued,
    RoundClosed,
    WaveStarted,
    WorkerDied,
)
from tunebook.core.facts import History, TrialFact
from tunebook.core.study import TrialState, Wave
from tunebook.words import Words, words_for

__all__ = ["TerminalObserver"]

MOST_BARS = 6
"""Largest number of trials shown at a time; the rest are counted."""


class TerminalObserver:
    """Shows a run in a terminal or a log; implements `core.ports.Observer`. Use as a context manager.

    Args:
        wanted_trials: trials that the study may take from its budget, for the study's bar. The reference and
            checkpoints of other trials cost no budget and are not counted.
        quiet: whether to print only warnings and round paragraphs.
        words: the study's language; None: English.
    """

    def __init__(self, wanted_trials: int, quiet: bool = False, words: Words | None = None) -> None:
        self._words = words or words_for("en")
        self._console = messages()
        self._quiet = quiet
        self._live = self._console.is_terminal and not quiet
        self._budget = wanted_trials
        self._total = max(wanted_trials, 1)
        self._done = 0
        self._bars: dict[int, progress.TaskID] = {}
        self._began = time.monotonic()
        self._progress = progress.Progress(
            progress.SpinnerColumn(),
            progress.TextColumn("{task.description}"),
            progress.BarColumn(bar_width=None),
            progress.TextColumn("{task.percentage:>3.0f}" + self._words.percent_sign),
            progress.TimeElapsedColumn(),
            progress.TextColumn(self._words.bar_left()),
            progress.TimeRemainingColumn(),
            console=self._console,
            transient=True,
            disable=not self._live,
        )
        self._study = self._progress.add_task(self._words.bar_study(), total=self._total)

    def __enter__(self) -> TerminalObserver:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    # -- what the runner tells

    def phase(self, text: str) -> None:
        """Print a line saying that something takes a while."""
        self._say(Text(text, style="dim"))

    def event(self, event: Event) -> None:
        """Move the bars; print a line for each round and each result. The round's paragraph is printed also when
        quiet."""
        match event:
            case WaveStarted(wave, history):
                self._wave_started(wave, history)
            case Progress(trial_id, done, phase):
                self._bar(trial_id, done, self._words.bar_trial(trial_id, phase))
            case Failed() | Requeued() | Cancelled():
                self._drop(event.trial)
            case Noted(code="no_device_free"):
                self.phase(self._words.phase_no_device())
            case WorkerDied(worker, reason, retired):
                self.warning(self._words.worker_died(worker, reason, retired))
            case Recorded(fact):
                self._recorded(fact)
            case RoundClosed(paragraph=paragraph) if paragraph:
                self._console.print(Text(paragraph + "\n"))

    def warning(self, text: str) -> None:
        """Print a line in yellow, also when quiet."""
        self._console.print(Text(self._words.warning_line(text), style="yellow"))

    # -- lines

    def _wave_started(self, wave: Wave, history: History) -> None:
        """Print a line for the round, and set the study's bar to what the ledger says: trials that are trained, and so
        many as the rest of the budget allows."""

        trained = [trial for trial in wave.trials if trial.checkpoint_of is None]
        already = sum(fact.state.is_final and fact.trial.has_training for fact in history.trials.values())
        coming = sum(not fact.state.is_final and fact.trial.has_training for fact in history.trials.values())
        left = self._budget - sum(fact.budget_units for fact in history.trials.values())
        self._done = already
        self._total = max(1, already + coming + max(0, math.floor(left + 1e-9)))  # a short pilot takes a part of one
        self._progress.update(self._study, completed=already, total=self._total)
        line = self._words.wave_line(wave.round, wave.kind, wave.number, len(trained))
        self._say(Text(line, style="bold"))

    def _recorded(self, fact: TrialFact) -> None:
        self._drop(fact.trial.id)
        self._done += fact.trial.has_training
        self._progress.update(self._study, completed=self._done)
        self._say(Text(f"  {self._position()} {_line(fact, self._words)}"))

    # -- bars

    def _bar(self, trial_id: int, done: float, text: str) -> None:
        if not self._live:
            return
        if trial_id not in self._bars:
            if len(self._bars) >= MOST_BARS:
                return
            self._bars[trial_id] = self._progress.add_task(text, total=1.0)
        self._progress.update(self._bars[trial_id], completed=done, description=text)

    def _drop(self, trial_id: int) -> None:
        bar = self._bars.pop(trial_id, None)
        if bar is not None:
            self._progress.remove_task(bar)

    def _position(self) -> str:
        minutes, seconds = divmod(int(time.monotonic() - self._began), 60)
        return f"[{self._done}/{self._total} {minutes}:{seconds:02d}]"

    def _say(self, text: Text) -> None:
        if not self._quiet:
            self._console.print(text)


def _line(fact: TrialFact, words: Words) -> str:
    """One finished trial in a line."""
    trial, split = fact.trial, fact.trial.splits[-1]
    accuracy = fact.outcomes[split].accuracy if split in fact.outcomes else None
    reason = (fact.reason or "") if fact.state is TrialState.FAILED else ""
    completed = fact.state is TrialState.COMPLETED
    ending = "" if completed else words.trial_ending(fact.state, fact.diverged_step, reason)
    return words.trial_line(trial.id, trial.purpose, trial.factor, accuracy, split == "test", ending)
