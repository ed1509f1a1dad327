"""Trains one trial outside the study's rounds; nothing of it reaches the ledger."""

from __future__ import annotations

from tunebook.core.ports import Event, TrialJob
from tunebook.errors import Interrupted, TrialFailed
from tunebook.run.answers import JudgedTrial
from tunebook.run.observer import Observer
from tunebook.run.preparation import Prepared
from tunebook.run.signals import stop_on_signals

__all__ = ["train_single"]


def train_single(prepared: Prepared, job: TrialJob, observer: Observer) -> JudgedTrial:
    """Train and score one job on the splits that it names.

    Raises: TrialFailed: it could not be trained, with the reason. Interrupted: after a signal.
    """
    judged: list[JudgedTrial] = []
    failures: list[str] = []

    def on_event(event: Event) -> None:
        name, arguments = event
        if name == "finished":
            judged.append(arguments[0])
        elif name == "failed":
            failures.append(str(arguments[1]))
        observer.event(event)

    executor = prepared.make_executor(job.splits)
    try:
        with stop_on_signals(lambda request: executor.stop(now=request.count > 1)) as stop:
            executor.run([job], on_event)
    finally:
        executor.close()
    if stop:
        raise Interrupted(stop.exit_code)
    if not judged:
        raise TrialFailed(f"trial {job.id} could not be trained: {failures[-1] if failures else 'no result came'}")
    return judged[0]
