"""Tries again what failed: `run --retry-failed`, once its cause is mended."""

from __future__ import annotations

from tunebook.core.ports import Ledger
from tunebook.core.study import TrialState
from tunebook.run.observer import Observer

__all__ = ["retry_failed"]


def retry_failed(ledger: Ledger, observer: Observer) -> None:
    """Put failed trials back to planned, and keep in a note what their round had found without them.

    The note is written first: a run that is killed between the two is told to try again by whoever repeats it.
    """
    history = ledger.history()
    failed = [number for number, fact in history.trials.items() if fact.state is TrialState.FAILED]
    if not failed:
        observer.phase("no trial has failed: there is nothing to try again")
        return
    last = max(wave.round for wave in history.waves)
    before = {f.label: f.verdict.value for f in history.findings if f.round == last and f.family == "main"}
    ledger.note("retried", {"trials": failed, "round": last, "findings_before": before})
    ledger.retry_failed()
    observer.phase(f"trying again: trial{'s' if len(failed) > 1 else ''} {', '.join(map(str, failed))}")
