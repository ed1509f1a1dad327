"""What the program `tunebook` begins with: light, so that Ctrl-C ends it in order even while the rest is imported."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

__all__ = ["main"]


def main() -> None:
    """Import the command line and run it; leaves the process with its exit code."""
    _open_what_is_closed()
    previous = signal.getsignal(signal.SIGINT)
    if previous is signal.default_int_handler:  # else somebody, such as a shell's background job, has it ignored
        signal.signal(signal.SIGINT, _end_at_once)
    from tunebook.cli.main import main as command_line

    signal.signal(signal.SIGINT, previous)
    command_line()


def _open_what_is_closed() -> None:
    """A standard stream that was closed, as some job schedulers do, leads nowhere: no file may get its number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))


def _end_at_once(number: int, frame: FrameType | None) -> None:
    """Nothing has begun: no file is open, nothing is to be kept, and a library's half import has no say."""
    os._exit(128 + number)
