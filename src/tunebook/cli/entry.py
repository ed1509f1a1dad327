"""The start of the program `tunebook`. It imports little, so that Ctrl-C ends it cleanly even during slow imports."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

__all__ = ["main"]


def main() -> None:
    """Import the command line and run it. Leaves the process with its exit code."""
    _open_what_is_closed()
    previous = signal.getsignal(signal.SIGINT)
    if previous is signal.default_int_handler:  # otherwise SIGINT is ignored, as in a shell's background job
        signal.signal(signal.SIGINT, _end_at_once)
    from tunebook.cli.main import main as command_line

    signal.signal(signal.SIGINT, previous)
    command_line()


def _open_what_is_closed() -> None:
    """Open the null device for standard streams that were closed (as some job schedulers do), so that no file gets
    their numbers."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))


def _end_at_once(number: int, frame: FrameType | None) -> None:
    """End immediately: nothing has started, no file is open, and a half-imported library must not delay the end."""
    os._exit(128 + number)
