"""What the runner tells whoever watches it: a terminal, a test, nobody."""

from __future__ import annotations

from typing import Protocol

from tunebook.core.facts import History, TrialFact
from tunebook.core.findings import Finding
from tunebook.core.ports import Event
from tunebook.core.study import RoundKind, Wave

__all__ = ["Observer", "Silent"]


class Observer(Protocol):
    """Calls come from the runner's thread, in order."""

    def phase(self, text: str) -> None:
        """Something that takes a while begins: loading, calibrating, writing the record."""
        ...

    def wave_started(self, wave: Wave, history: History) -> None:
        """Trials are about to be trained; after a restart some of them may be finished already, as `history` says."""
        ...

    def event(self, event: Event) -> None:
        """Progress of a trial: a sink call, see `core.ports`."""
        ...

    def trial_finished(self, fact: TrialFact) -> None:
        """A trial's result is in the ledger, whatever it was."""
        ...

    def round_closed(self, kind: RoundKind, findings: tuple[Finding, ...], paragraph: str) -> None:
        """A round is judged; `paragraph` says in the study's language what came of it, empty for the reference."""
        ...

    def warning(self, text: str) -> None:
        """Something may mislead; the study goes on."""
        ...


class Silent:
    """An observer that ignores everything."""

    def phase(self, text: str) -> None:
        """Ignored."""

    def wave_started(self, wave: Wave, history: History) -> None:
        """Ignored."""

    def event(self, event: Event) -> None:
        """Ignored."""

    def trial_finished(self, fact: TrialFact) -> None:
        """Ignored."""

    def round_closed(self, kind: RoundKind, findings: tuple[Finding, ...], paragraph: str) -> None:
        """Ignored."""

    def warning(self, text: str) -> None:
        """Ignored."""
