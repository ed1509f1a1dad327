"""A small runner without training: every decision from the ledger's facts, so that it can be killed anywhere.

Kills itself at the n-th database event when asked; the hook hangs on SQLAlchemy's own events, not in the product.
"""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from sqlalchemy import Engine, event

from tunebook.core.facts import History
from tunebook.core.study import TrialState
from tunebook.ledger import SqlLedger, open_ledger
from tunebook.ledger.codec import encode
from tunebook.testing.sample_study import finding_of, result_of, sample_facts, sample_spec, sample_wave

N_WAVES = 3


def drive(ledger: SqlLedger, name: str = "sample", after_each: Callable[[], None] = lambda: None) -> None:
    """Begin a study or go on with it, to its end."""
    if ledger.spec() is None:
        ledger.create_study(sample_spec(name), sample_facts())
        after_each()
    ledger.release_running("runner_ended")
    for number in range(1, N_WAVES + 1):
        wave = sample_wave(number)
        ledger.add_wave(wave)
        after_each()
        for trial in wave.trials:
            if ledger.history().trials[trial.id].state is TrialState.PLANNED:
                token = ledger.start_trial(trial.id, "driver")
                after_each()
                ledger.finish_trial(result_of(trial), token)
                after_each()
    ledger.seal({"best": "0123456789ab", "baseline": "ba9876543210"})
    after_each()
    ledger.close_round(1, [finding_of(1), finding_of(1, "other")])
    after_each()


def fingerprint(history: History) -> str:
    """Equal for equal histories: everything that the planner and the statistics may see."""
    digest = hashlib.sha256(encode((history.waves, history.sealed, history.findings, history.closed_rounds)).encode())
    for number, fact in history.trials.items():
        digest.update(encode([number, fact.state, fact.curve, fact.cost, fact.diverged_step, fact.reason]).encode())
        for split, outcomes in fact.outcomes.items():
            digest.update(split.encode() + np.nan_to_num(outcomes.scores).tobytes())
            digest.update(np.nan_to_num(outcomes.nll, nan=-1.0).tobytes() + encode(outcomes.answers).encode())
    return digest.hexdigest()


@contextmanager
def database_events(on_event: Callable[[], None]) -> Iterator[None]:
    """Call `on_event` before and after every statement, and before every commit."""
    names = ("before_cursor_execute", "after_cursor_execute", "commit")

    def hook(*arguments: object) -> None:
        on_event()

    for name in names:
        event.listen(Engine, name, hook)
    try:
        yield
    finally:
        for name in names:
            event.remove(Engine, name, hook)


def in_child(work: Callable[[], None]) -> int:
    """Run `work` in a forked child; gives its exit status: 0, 1 for an exception, or minus the signal that ended it."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:
            import traceback

            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def killed_at(address: object, n: int, **options: object) -> int:
    """Drive a study in a child that kills itself at its n-th database event."""

    def work() -> None:
        left = [n]

        def count() -> None:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        with database_events(count), open_ledger(address, write=True, **options) as ledger:
            drive(ledger, options.get("study", "sample"))

    return in_child(work)


def count_events(address: object, **options: object) -> int:
    """Database events of an unbroken run."""
    n = [0]

    def count() -> None:
        n[0] += 1

    with database_events(count), open_ledger(address, write=True, **options) as ledger:
        drive(ledger, options.get("study", "sample"))
    return n[0]
