"""Handles signals: the first asks for an end after the running step, the second ends the process immediately."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["StopRequest", "ignores_interrupts", "stop_on_signals"]

WATCHED = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class StopRequest:
    """Whether and how a stop was requested. `exit_code` is 130 after SIGINT, 143 otherwise."""

    def __init__(self) -> None:
        self.count = 0
        self.exit_code = 0

    def __bool__(self) -> bool:
        return self.count > 0

    def ask(self, exit_code: int) -> None:
        """Ask for an end; the first reason gives the exit code."""
        self.count += 1
        self.exit_code = self.exit_code or exit_code


def ignores_interrupts() -> bool:
    """Whether Ctrl-C does nothing, because the parent process had SIGINT ignored."""
    return signal.getsignal(signal.SIGINT) is signal.SIG_IGN


@contextmanager
def stop_on_signals(on_stop: Callable[[StopRequest], None]) -> Iterator[StopRequest]:
    """A context in which signals call `on_stop` instead of ending the process. Main thread only.

    Signals that the process ignored from the start stay ignored: SIGHUP under nohup, SIGINT in a shell's background
    job.
    """
    request = StopRequest()

    def handle(number: int, frame: FrameType | None) -> None:
        request.ask(130 if number == signal.SIGINT else 143)
        on_stop(request)

    handled = [number for number in WATCHED if signal.getsignal(number) is not signal.SIG_IGN]
    previous = {number: signal.signal(number, handle) for number in handled}
    try:
        yield request
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
