"""How commands print: results to standard output, progress and messages to standard error, JSON on request."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Iterable, Mapping
from typing import IO, TYPE_CHECKING, Any, TextIO, cast

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions
from rich.segment import Segment
from rich.table import Table

from tunebook.escaping import terminal_text
from tunebook.json_values import to_json

if TYPE_CHECKING:
    from tunebook.words import Words

__all__ = ["SCHEMA_VERSION", "messages", "path_lines", "print_json", "printable", "results", "table_of"]

SCHEMA_VERSION = 1
"""Version of every `--json` output; raised when a key changes its meaning or is removed."""


def results() -> Console:
    """Console for results: standard output, plain if it is not a terminal."""
    return _CleanConsole(
        file=_open_ended(sys.stdout), highlight=False, markup=False, emoji=False, soft_wrap=not sys.stdout.isatty()
    )


def messages() -> Console:
    """Console for progress and messages: standard error. A message stays on one line if it is not a terminal."""
    return _CleanConsole(
        file=_open_ended(sys.stderr), highlight=False, markup=False, emoji=False, soft_wrap=not sys.stderr.isatty()
    )


def printable(text: str) -> str:
    """The text with every control character replaced by one visible sign, so that untrusted text cannot control the
    terminal."""
    return terminal_text(text)


class _CleanConsole(Console):
    """A console that prints all text without control sequences and without markup, in lines, tables and live views.
    Everything shown passes through `render`; rich adds its own sequences after it."""

    def render(self, renderable: Any, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(printable(segment.text), segment.style)


def _open_ended(stream: TextIO) -> IO[str]:
    return cast(IO[str], _Terminal(stream))


class _Terminal:
    """A standard stream that becomes silent once its terminal is closed, so that the running work can still end in
    order."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except UnicodeEncodeError:  # a terminal with a small character set, or a file name that is not valid text
            encoding = self._stream.encoding or "ascii"
            return self._stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        except OSError as error:
            self._silence(error)
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            self._silence(error)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _silence(self, error: OSError) -> None:
        """Point the descriptor at the null device, also for what the interpreter flushes at exit."""
        if error.errno != errno.EIO:
            raise error
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)


def table_of(columns: Iterable[tuple[str, str]]) -> Table:
    """An empty table with columns of a heading and a side ("left", "right"); in a narrow terminal nothing of a cell is
    left out."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading, side in columns:
        table.add_column(heading, justify=side, overflow="fold")  # type: ignore[arg-type]
    return table


def print_json(value: Any, **instead: Any) -> None:
    """Print one JSON document with its `schema_version` to standard output; `instead` replaces keys of the value."""
    document = {"schema_version": SCHEMA_VERSION} | to_json(value) | to_json(instead)
    text = json.dumps(document, ensure_ascii=False, indent=2)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:  # a terminal with a small character set, or a file name that is not valid text
        text = json.dumps(document, indent=2)
    _open_ended(sys.stdout).write(text + "\n")


def path_lines(paths: Mapping[str, object], words: Words) -> str:
    """What was written where, one line each."""
    names = {key: words.path_name(key) + words.label("colon") for key in paths}
    width = max(14, *(cell_len(name) for name in names.values())) if names else 0
    return "\n".join(f"{name}{' ' * (width - cell_len(name))} {paths[key]}" for key, name in names.items())
